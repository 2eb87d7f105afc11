"""A model's own metrics on held-out images."""

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from models.base import Batch
from workbench.data.imageset import Split, to_unit
from workbench.training.order import generator
from workbench.training.state import Model

MOST, BATCH = 10_000, 500


def evaluate(
    model: Model, split: Split, seed: int, device: torch.device, between: Callable[[], None]
) -> dict[str, float]:
    """The mean over the first MOST images of `split` of every metric the model declares.

    The noise is the same at every call of a run, so values along a run differ by the weights alone.
    `between` is called before each batch; it raises where there is no time for another one.
    """
    count = 0
    sums: Mapping[str, Tensor] = {}
    for size, terms in by_batch(model, split, seed, device, between):
        count += size
        sums = {name: sums.get(name, 0.0) + term.double() * size for name, term in terms.items()}
    return {name: float(total) / count for name, total in sums.items()}


def by_batch(
    model: Model, split: Split, seed: int, device: torch.device, between: Callable[[], None]
) -> Iterator[tuple[int, Mapping[str, Tensor]]]:
    """The same metrics batch by batch: how many images, and their means."""
    noise = generator(device, seed, "evaluation")
    count = min(len(split.images), MOST)
    for start in range(0, count, BATCH):
        between()
        part = slice(start, min(start + BATCH, count))
        labels = None if split.labels is None else split.labels[part].to(device)
        images = to_unit(split.images[part].to(device))
        yield len(images), model.held_out(Batch(images, labels, 0, noise))


def rank(model: Model, means: Mapping[str, float]) -> float | None:
    """How good a model is by the number it is known by: smaller is better; None where that number tells nothing."""
    name, metric = next(iter(model.metrics.items()))
    value = means[name]
    if metric.better is None or not math.isfinite(value):
        return None
    return value if metric.better == "lower" else -value
