"""The sets that need no download: scikit-learn's digits and the abstract paintings.

Shapes: N images, S side in pixels.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.data import abstract, abstract_painting, cache
from workbench.data.imageset import Found, Progress, Split, to_bytes

PAINTINGS = 4000


def read_digits(size: int) -> Found:
    """scikit-learn's 1,797 digits, drawn at `size` pixels: black ground, white strokes, one channel."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    grey = torch.from_numpy(bunch.images).double()[:, None] / 16  # (N, 1, 8, 8) in [0, 1]
    images = torch.cat([to_bytes(_drawn(part, size)) for part in grey.split(16)])  # (N, 1, S, S)
    return Found(Split(images, torch.from_numpy(bunch.target).long()), None, tuple("0123456789"))


def _drawn(grey: Tensor, size: int) -> Tensor:
    """Redraw digits of 8x8 as strokes with a smooth edge, (N, 1, 8, 8) -> (N, 1, S, S), all in [0, 1].

    A pixel of the 8x8 is the share of ink in a block of the scan. Taking the ink's level line on an enlarged
    image brings the stroke's edge back, where enlarging alone shows blurred squares. Double precision makes
    the bytes the same on every machine.
    """
    # Sharpen: a stroke thinner than a block has lost height, a hole in a loop has lost depth.
    blur = torch.tensor([1.0, 2.0, 1.0], dtype=grey.dtype) / 4
    around = F.conv2d(F.pad(grey, [1] * 4), (blur[:, None] * blur)[None, None])
    sharp = 2 * grey - around  # (N, 1, 8, 8)

    # Enlarge, finer than asked for. The margin is nearly that of MNIST: 22 of 28 pixels hold the digit.
    finer = 4 if size <= 32 else 2
    fine = finer * size
    side = round(fine * 22 / 28 * 10 / 8)  # the 8 pixels and one of ground on each side
    eye = torch.eye(10, dtype=grey.dtype)[None, None]
    cubic = F.interpolate(eye, size=(side, 10), mode="bicubic", align_corners=False)[0, 0]  # (side, 10)
    large = cubic @ F.pad(sharp, [1] * 4) @ cubic.T  # two small products are ten times faster than interpolating
    before = (fine - side) // 2
    large = F.pad(large, [before, fine - side - before] * 2)  # (N, 1, fine, fine)

    # Full contrast around the level line, then average to the pixels asked for.
    ink = ((large - 0.4) / 0.5).clamp(0, 1)
    return F.avg_pool2d(ink * ink * (3 - 2 * ink), finer)


def read_abstract(size: int, seed: int, data: Path, progress: Progress) -> Found:
    """4,000 paintings composed from `seed` at `size` pixels, in colour; the kind of composition is the label.

    Composing takes seconds, so the pictures are kept in the cache under the data folder `data`.
    """
    sources = [Path(module.__file__ or "") for module in (abstract, abstract_painting)]

    def build() -> cache.Pixels:
        progress("composing paintings", 0, PAINTINGS)
        images, labels = abstract.compose(PAINTINGS, size, seed)
        progress("composing paintings", PAINTINGS, PAINTINGS)
        return cache.Pixels({"images": torch.from_numpy(images), "labels": torch.from_numpy(labels)}, {})

    # The state is the painter's own code: a changed brush paints everything anew.
    code = [path.read_text(encoding="utf-8") for path in sources]
    place = cache.home(data, sources[0])
    found = cache.cached(place, f"abstract {PAINTINGS} {size} {seed}", code, build)
    return Found(Split(found.tensors["images"], found.tensors["labels"]), None, abstract.CLASSES)
