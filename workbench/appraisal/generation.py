"""How good a model's samples are, each repeat with other noise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench import sampling
from workbench.appraisal.subject import BATCH, Subject, missing, number
from workbench.data.imageset import to_bytes
from workbench.evaluation import features
from workbench.evaluation import generation as samples_against
from workbench.evaluation.features import Features
from workbench.evaluation.intervals import of_repeats
from workbench.runs.evaluations import Measured

NAMES = ("fd", "kid", "precision", "recall", "density", "coverage", "nearest_train", "diversity")


@dataclass(frozen=True, eq=False)
class Reference:
    """Real images that samples are held against."""

    split: str
    images: Tensor  # (N, C, H, W) uint8
    found: NDArray[np.float32]  # (N, D): their features


def generation(subject: Subject) -> Iterator[Measured]:
    """Every measure of samples, for each sampler."""
    with torch.inference_mode(False), torch.enable_grad():  # a classifier may have to be trained first
        described = features.for_set(subject.whole, subject.device, subject.inception, subject.clock.check)
    title = f"FD-{described.name}"
    least = samples_against.least(described.dimensions)
    reference = _reference(subject, described, least)
    for at, kind in enumerate(subject.samplers):
        condition = "" if kind == "own" else kind
        if reference is None:
            why = f"{len(subject.images.train):,} images are too few: {least:,} are needed"
            for name in NAMES:
                yield missing(name, why, condition, title if name == "fd" else "")
            continue
        sampler = sampling.make(kind, subject.model, subject.images)
        yield from Samples(subject, described, reference, sampler, at).measured(condition, title)


def _reference(subject: Subject, described: Features, least: int) -> Reference | None:
    """Held-out images where there are enough of them, else training images, else nothing."""
    for split, images in (("held-out", subject.images.test.images), ("training", subject.images.train.images)):
        if len(images) >= least:
            some = images[: subject.sizes.drawn].to(torch.device("cpu"))
            if split == "training" and subject.images.binarise == "dynamic":
                some = to_bytes(subject.images.seen(some, torch.Generator().manual_seed(0)))
            return Reference(split, some, described(some, subject.clock.check))
    return None


@dataclass(frozen=True, eq=False)
class Samples:
    """Repeated sets of samples of one sampler."""

    subject: Subject
    features: Features
    reference: Reference
    sampler: sampling.Sampler
    at: int  # which of the subject's samplers

    def measured(self, condition: str, title: str) -> Iterator[Measured]:
        """The mean over repeats of every measure, with Student's t."""
        rows: dict[str, list[float]] = {}
        repeats = self.subject.sizes.repeats
        for index in range(repeats):
            self.subject.clock(self.at * repeats + index, len(self.subject.samplers) * repeats)
            for name, value in self._once(index).items():
                rows.setdefault(name, []).append(value)
        protocol = self._protocol(repeats)
        for name in NAMES:
            facts = {**protocol, **self._facts(name)}
            yield number(name, of_repeats(rows[name]), facts, condition, title=title if name == "fd" else "")

    def _once(self, index: int) -> Mapping[str, float]:
        """Every measure of one set of samples."""
        clock, real = self.subject.clock.check, self.reference.found
        images = self._draw(index)
        found = self.features(images, clock)
        near = samples_against.nearest_distances(
            images[: self.subject.sizes.nearest], self.subject.images.train.images, clock
        )
        return {
            "fd": samples_against.frechet_distance(real, found),
            "kid": samples_against.kernel_distance(real, found, index, clock),
            **samples_against.precision_recall_density_coverage(real, found, between=clock),
            "nearest_train": float(np.median(near)) / max(self._usual_distance, 1e-12),
            "diversity": samples_against.diversity(found, clock) / max(self._usual_diversity, 1e-12),
        }

    def _draw(self, index: int) -> Tensor:
        """One set of samples, uint8; of a binarised set each pixel is drawn by its value."""
        noise = self.subject.generator(1 + index)
        parts = []
        for start in range(0, self.subject.sizes.drawn, BATCH):
            self.subject.clock.check()
            images = self.sampler.draw(min(BATCH, self.subject.sizes.drawn - start), noise)
            if self.subject.images.binarise:
                images = torch.bernoulli(images.clamp(0, 1), generator=noise)
            parts.append(to_bytes(images).cpu())
        return torch.cat(parts)

    @cached_property
    def _usual_distance(self) -> float:
        """Of held-out images to their nearest training image: the median, in RMS over pixels."""
        images = self.subject.held_out(self.subject.sizes.nearest)
        train = self.subject.images.train.images
        return float(np.median(samples_against.nearest_distances(images, train, self.subject.clock.check)))

    @cached_property
    def _usual_diversity(self) -> float:
        return samples_against.diversity(self.reference.found, self.subject.clock.check)

    def _protocol(self, repeats: int) -> dict[str, Any]:
        return {
            "real": len(self.reference.images), "real split": self.reference.split,
            "samples": self.subject.sizes.drawn,
            "set": self.subject.held_out_set, "binarised": self.subject.images.binarise or "no",
            "features": self.features.description, "features hash": self.features.hash,
            "interval": f"Student's t over {repeats} sets of samples",
        }  # fmt: skip

    def _facts(self, name: str) -> dict[str, Any]:
        if name == "kid":
            count, size = samples_against.kernel_subsets(len(self.reference.images), self.subject.sizes.drawn)
            return {"kernel": "(x·y / D + 1)³", "subsets": count, "subset size": size}
        if name in {"precision", "recall", "density", "coverage"}:
            return {"neighbours": samples_against.NEIGHBOURS}
        if name == "nearest_train":
            count = self.subject.sizes.nearest
            return {"space": "pixels, RMS", "training images": len(self.subject.images.train), "looked for": count}
        return {}
