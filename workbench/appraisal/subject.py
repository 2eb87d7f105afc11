"""What is measured, on which images, and how much of it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.appraisal.clock import Clock
from workbench.appraisal.measures import CONDITIONS, MEASURES
from workbench.config import Sampler as SamplerKind
from workbench.data.imageset import Images, ImageSet, fingerprint
from workbench.evaluation.intervals import Estimate
from workbench.runs.evaluations import Effort, Measured
from workbench.training.state import Model

SEED = 0  # of all noise in measuring: the same for all runs, so that they are measured alike
BATCH = 500


@dataclass(frozen=True)
class Sizes:
    """How much is measured."""

    held_out: int  # images of reconstruction, ELBO and latent structure
    codes: int  # training images that probes learn from
    bounded: int  # images of the importance-weighted bound
    bounds: Sequence[int]  # its k
    drawn: int  # samples, and real images at most, of one repeat
    nearest: int  # samples of one repeat that are looked for among the training images
    repeats: int  # sets of samples


SIZES: Mapping[Effort, Sizes] = {
    "fast": Sizes(2_000, 5_000, 200, (1, 100), 2_000, 500, 3),
    "full": Sizes(10_000, 20_000, 100, (1, 100, 5000), 10_000, 2_000, 3),
}


@dataclass(frozen=True, eq=False)
class Subject:
    """A trained model, the images to measure it on, and the means to do so."""

    model: Model  # as it is shown: with averaged weights, where they are averaged
    last: Model | None  # the same with its last weights; None where these are shown
    images: ImageSet  # the run's own
    whole: ImageSet  # the same without a limit on training images: what features are learned from
    samplers: Sequence[SamplerKind]
    effort: Effort
    run_seed: int  # of the noise that held-out numbers are computed with during training
    clock: Clock
    inception: Path | None = None  # weights of Inception, where the user has them
    bounded: int | None = None  # another number of images for the importance-weighted bound

    @property
    def sizes(self) -> Sizes:
        """How much is measured."""
        sizes = SIZES[self.effort]
        return sizes if self.bounded is None else replace(sizes, bounded=self.bounded)

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return next(self.model.parameters()).device

    @cached_property
    def held_out_set(self) -> str:
        """Which held-out images these are, as 16 hex digits."""
        return fingerprint(self.images.test)

    def generator(self, index: int = 0) -> torch.Generator:
        """A stream of noise of its own for one measurement."""
        return torch.Generator(self.device).manual_seed(SEED + index)

    def held_out(self, most: int) -> Tensor:
        """The first held-out images: uint8 (N, C, H, W), in memory."""
        return self.images.test.images[:most].to(torch.device("cpu"))

    def batches(self, images: Images, at: int = 0, passes: int = 1) -> Iterator[Tensor]:
        """uint8 images a batch at a time on the device, in one of several passes."""
        between = self.clock.pass_of(at, passes)
        for done, part in enumerate(images.split(BATCH)):
            between(done * BATCH, len(images))
            yield part.to(self.device)

    def on_held_out(self, count: int) -> dict[str, Any]:
        """The part of a protocol that says which images."""
        return {"split": "held-out", "images": count, "set": self.held_out_set}


def number(
    name: str, estimate: Estimate | float, protocol: Mapping[str, Any], condition: str = "",
    vector: Sequence[float] = (), title: str = "",
) -> Measured:  # fmt: skip
    """A measured value with all that its measure says of it."""
    measure = MEASURES[name]
    found = estimate if isinstance(estimate, Estimate) else Estimate(float(estimate))
    low, high = (None if math.isnan(end) else end for end in (found.low, found.high))
    return Measured(
        f"{name}@{condition}" if condition else name, measure.group, title or measure.title, measure.unit,
        measure.better, measure.definition, measure.source, CONDITIONS.get(condition, ""), found.value, low, high,
        protocol, vector=tuple(vector),
    )  # fmt: skip


def missing(name: str, why: str, condition: str = "", title: str = "") -> Measured:
    """A measure without a value, and why."""
    return replace(number(name, float("nan"), {}, condition, title=title), value=None, note=why)
