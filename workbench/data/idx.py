"""The MNIST family: four IDX files, plain or gzipped.

An IDX file is two zero bytes, a type (8 is uint8), the number of dimensions, each dimension as a big-endian
32-bit number, then the values in row order.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import torch
from torch import Tensor

from models.errors import InputError
from workbench.data.catalogue import IDX_FILES, DatasetInfo, either
from workbench.data.imageset import Found, Split

_LARGEST = 2**30  # bytes of values; the largest file of the family has 47 million
_PIECE = 2**22

_CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    "kmnist": ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
}  # fmt: skip

# The family shares its file names; the first test labels tell its members apart.
_FIRST_TEST_LABELS = {
    "mnist": [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
    "fashion-mnist": [9, 2, 1, 1, 6, 1, 4, 6, 5, 7],
}


def read_family(info: DatasetInfo, place: Path) -> Found:
    """The set `info` from its four files in the folder `place`.

    Raises `InputError` naming the file that is cut short, garbled, or belongs to another set of the family.
    """
    classes = _CLASSES[info.name]
    train_images, train_labels, test_images, test_labels = (_path(place, stem) for stem in IDX_FILES)
    train = _split(train_images, train_labels, len(classes))
    test = _split(test_images, test_labels, len(classes))
    assert test.labels is not None
    if train.images.shape[1:] != test.images.shape[1:]:
        raise InputError(f"{train_images} and {test_images} hold images of different sizes. Replace them.")
    first = test.labels[:10].tolist()
    for other, labels in _FIRST_TEST_LABELS.items():
        if other != info.name and first == labels:
            raise InputError(
                f"The files in {place} are those of {other}, not of {info.name}. "
                f"Use --dataset {other}, or another --data-dir."
            )
    return Found(train, test, classes)


def _path(place: Path, stem: str) -> Path:
    path = either(place, stem)
    if path is None:
        raise InputError(f"{place} has no {stem} or {stem}.gz any more. Try again.")
    return path


def _split(images_path: Path, labels_path: Path, classes: int) -> Split:
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1).long()
    if len(images) != len(labels):
        raise InputError(
            f"{images_path} has {len(images)} images but {labels_path} has {len(labels)} labels. Replace them."
        )
    if images.shape[1] != images.shape[2]:
        raise InputError(f"{images_path} holds no square images. Replace it.")
    if int(labels.max()) >= classes:
        raise InputError(f"{labels_path} has a label above {classes - 1}. Replace it.")
    return Split(images[:, None], labels)  # (N, H, W) -> (N, 1, H, W)


def read_idx(path: Path, dimensions: int) -> Tensor:
    """The uint8 tensor in an IDX file, plain or gzipped, which must have that many dimensions.

    Raises `InputError` naming the file if it is anything else.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path) if zipped else path.open("rb") as file:
            return _parse(file, dimensions)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(
            f"{path} cannot be read as an IDX file ({error}). Replace it, or remove it to have it fetched again."
        ) from None


def _parse(file: "IO[bytes] | gzip.GzipFile", dimensions: int) -> Tensor:
    head = file.read(4 + 4 * dimensions)
    if head[:4] != bytes([0, 0, 8, dimensions]):
        raise ValueError(f"it does not begin like one of {dimensions} dimension{'s' * (dimensions > 1)}")
    if len(head) < 4 + 4 * dimensions:
        raise ValueError("it is cut short")
    shape = [int(size) for size in np.frombuffer(head, ">u4", offset=4)]
    expected = math.prod(shape)
    if expected == 0:
        raise ValueError("it holds no values")
    if expected > _LARGEST:
        raise ValueError(f"it claims to hold {expected:,} bytes")
    # In pieces: a head that claims more than there is must not cost the memory it claims.
    values = bytearray()
    while piece := file.read(min(_PIECE, expected + 1 - len(values))):
        values += piece
    if len(values) != expected:
        raise ValueError("it is cut short" if len(values) < expected else "it is longer than it says")
    return torch.frombuffer(values, dtype=torch.uint8).view(shape)
