"""One set of images, whatever it came from, and the border between bytes and [0, 1].

Shapes: N images, C channels (1 grey, 3 colour), H = W.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import ImageShape
from workbench.data.catalogue import Binarise
from workbench.data.mapped import Mapped

Progress = Callable[[str, int, int], None]  # (what is being done, how much is done, of how much; 0 unknown)

Images = Tensor | Mapped  # (N, C, H, W) uint8, in memory or on the disk


@dataclass(frozen=True)
class Split:
    """Images and what they show. `labels` index the set's `classes`; None where nothing is known."""

    images: Images  # (N, C, H, W) uint8
    labels: Tensor | None  # (N,) int64

    def __len__(self) -> int:
        return len(self.images)

    @property
    def pixels(self) -> Tensor:
        """The images as one tensor; read, all of them, where they lie on the disk."""
        return self.images if isinstance(self.images, Tensor) else self.images.to(torch.device("cpu"))

    def take(self, indices: Tensor) -> "Split":
        """The images at `indices` (int64, 1-D), in that order."""
        images = self.images.take(indices) if isinstance(self.images, Mapped) else self.images[indices]
        return Split(images, None if self.labels is None else self.labels[indices])


class Found(NamedTuple):
    """What a source holds, before it is brought to one shape and split."""

    train: Split
    test: Split | None  # None: the source has no split of its own
    classes: tuple[str, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageSet:
    """A set ready for training: all images have one shape, and `test` is never trained on."""

    name: str  # what `load` takes: "mnist", "folder:/data/flowers"
    title: str  # what a heading calls it: "mnist", "flowers"
    train: Split
    test: Split
    classes: tuple[str, ...]  # class names by label; empty where nothing is labelled
    fingerprint: str  # 16 hex digits, a function of every pixel and label
    notices: tuple[str, ...] = ()  # what a person should know, in sentences
    binarise: Binarise | None = None  # "dynamic": `train` holds greys, from which `seen` draws

    def seen(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Training images as one step sees them: uint8 (B, C, H, W) -> float32 in [0, 1]."""
        return drawn(images, generator) if self.binarise == "dynamic" else to_unit(images)

    @property
    def shape(self) -> ImageShape:
        """Channels and size of every image."""
        return ImageShape(self.train.images.shape[1], self.train.images.shape[2])


def to_unit(images: Tensor) -> Tensor:
    """uint8 of any shape -> float32 in [0, 1] of that shape, on the same device."""
    return images.to(torch.float32) / 255


def thresholded(images: Tensor) -> Tensor:
    """uint8 of any shape -> 0 where below one half, else 255: the static binarisation."""
    return (images > 127).to(torch.uint8) * 255


def drawn(images: Tensor, generator: torch.Generator) -> Tensor:
    """uint8 of any shape -> float32, each pixel 1 with its grey value as the probability: the dynamic binarisation.

    Salakhutdinov and Murray, "On the quantitative analysis of deep belief networks", ICML 2008.
    """
    return torch.bernoulli(to_unit(images), generator=generator)


def binarised(split: Split, seed: int | None) -> Split:
    """Images of 0 and 255 alone: by the threshold, or drawn once from `seed`.

    Those on the disk become so as they are read; each is drawn from (seed, its place), whichever are read.
    """
    images = split.images
    if isinstance(images, Tensor):
        once = None if seed is None else torch.Generator().manual_seed(seed)
        return Split(thresholded(images) if once is None else to_bytes(drawn(images, once)), split.labels)
    if seed is None:
        return Split(images.seen_as("static", lambda pixels, _: thresholded(pixels)), split.labels)

    def draw(pixels: Tensor, rows: NDArray[np.int64]) -> Tensor:
        seeds = (int(np.random.SeedSequence((seed, row)).generate_state(1)[0]) for row in rows.tolist())
        dice = (torch.Generator().manual_seed(own) for own in seeds)
        return torch.stack([to_bytes(drawn(*pair)) for pair in zip(pixels, dice, strict=True)])

    return Split(images.seen_as(f"dynamic {seed}", draw), split.labels)


def to_bytes(images: Tensor) -> Tensor:
    """Floats of any shape -> uint8: clamped to [0, 1], rounded to the nearest of 256 levels; NaN is black."""
    return images.float().nan_to_num(nan=0.0).clamp(0, 1).mul(255).round().to(torch.uint8)


def shuffled(count: int, seed: int) -> Tensor:
    """The numbers 0 to count - 1 in an order that is a function of (count, seed) alone: (count,) int64.

    NumPy promises the raw stream of PCG64 for all versions; the permutations built on it, and torch's, it does
    not promise. So a held-out image stays held out on every machine and after every upgrade.
    """
    return torch.from_numpy(np.argsort(np.random.PCG64(seed).random_raw(count), kind="stable"))


def hold_out(images: Split, seed: int, share: float = 0.1) -> tuple[Split, Split]:
    """Split into (train, test): `share` of the images, at least one, chosen by `seed`. Order is kept.

    Needs two images or more.
    """
    count = len(images)
    assert count >= 2
    held = max(1, round(count * share))
    order = shuffled(count, seed)
    return images.take(order[held:].sort().values), images.take(order[:held].sort().values)


def fingerprint(*splits: Split) -> str:
    """16 hex digits that change with any pixel, any label, the shape and the split.

    About 1 s per 1 GB in memory; of images on the disk the prints are taken, which were made with them.
    """
    digest = hashlib.sha256()
    for split in splits:
        digest.update(f"{tuple(split.images.shape)} {split.labels is not None};".encode())
        if isinstance(split.images, Mapped):
            digest.update(split.images.digest())
        else:
            digest.update(split.images.contiguous().numpy().reshape(-1).data)
        if split.labels is not None:
            digest.update(split.labels.contiguous().numpy().reshape(-1).data)
    return digest.hexdigest()[:16]
