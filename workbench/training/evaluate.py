"""A model's own metrics on held-out images."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.base import Batch
from workbench.data.imageset import Split, to_unit
from workbench.training.order import generator
from workbench.training.state import Model

MOST, BATCH = 10_000, 500


def evaluate(model: Model, split: Split, seed: int, device: torch.device) -> dict[str, float]:
    """The mean over the first MOST images of `split` of every metric the model declares.

    The noise is the same at every call of a run, so values along a run differ by the weights alone.
    """
    noise = generator(device, seed, "evaluation")
    count = min(len(split.images), MOST)
    sums: Mapping[str, Tensor] = {}
    for start in range(0, count, BATCH):
        part = slice(start, min(start + BATCH, count))
        labels = None if split.labels is None else split.labels[part].to(device)
        images = to_unit(split.images[part].to(device))
        terms = model.held_out(Batch(images, labels, 0, noise))
        sums = {name: sums.get(name, 0.0) + term.double() * len(images) for name, term in terms.items()}
    return {name: float(total) / count for name, total in sums.items()}
