"""CIFAR-10: six pickled batches, in a folder or in the archive they are published in.

A pickle can execute code, so no batch is opened before its checksum is the one torchvision knows.
"""

import hashlib
import pickle
import tarfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from models.errors import InputError
from workbench.data import cache, catalogue
from workbench.data.catalogue import CIFAR_ARCHIVE, CIFAR_FILES, CIFAR_FOLDER, DatasetInfo
from workbench.data.fetch import torchvision_class
from workbench.data.imageset import Found, Progress, Split

_LARGEST = 2**26  # bytes of one batch; the published ones have 31 million

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def read_cifar10(info: DatasetInfo, place: Path, data: Path, progress: Progress) -> Found:
    """CIFAR-10 from the folder `place`: its batches, or else the archive, which is unpacked in memory only.

    Raises `InputError` naming the file that is damaged or not what its name says.
    """
    folder, archive = place / CIFAR_FOLDER, place / CIFAR_ARCHIVE
    if all((folder / name).is_file() for name in CIFAR_FILES):
        tensors = _decode(
            info, folder, lambda: ((n, (folder / n).read_bytes()) for n in CIFAR_FILES), progress
        ).tensors
    else:
        # Unpacking takes seconds, and a folder of somebody's is not ours to unpack into.
        facts, known_as = archive.stat(), f"cifar10 {catalogue.real(archive)}"
        tensors = cache.cached(
            cache.home(data, archive), known_as, [f"{facts.st_size} {facts.st_mtime_ns}"],
            lambda: _decode(info, archive, lambda: _members(archive), progress),
        ).tensors  # fmt: skip
    images, labels = tensors["images"], tensors["labels"]
    test = len(images) // len(CIFAR_FILES)  # the last of the six batches, all of one length
    return Found(Split(images[:-test], labels[:-test]), Split(images[-test:], labels[-test:]), CLASSES)


def unpack(folder: Path) -> None:
    """Replace the archive in `folder` by its six batches. Raises OSError, also for a damaged archive."""
    archive = folder / CIFAR_ARCHIVE
    batches = folder / CIFAR_FOLDER
    batches.mkdir(exist_ok=True)
    for name, content in _members(archive):
        part = batches / f".{name}.part"
        try:
            part.write_bytes(content)
            part.replace(batches / name)
        finally:
            part.unlink(missing_ok=True)
    archive.unlink()


def _members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The batches in the archive, by name, in the archive's order."""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                folder, _, name = member.name.rpartition("/")
                file = tar.extractfile(member) if folder == CIFAR_FOLDER and name in CIFAR_FILES else None
                if file is not None:
                    if member.size > _LARGEST:  # a small archive may unpack to any size
                        raise tarfile.ReadError(f"{name} claims to hold {member.size:,} bytes")
                    yield name, file.read()
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError) as error:
        raise OSError(f"{archive} is damaged ({error})") from None


def _decode(
    info: DatasetInfo, source: Path, batches: Callable[[], Iterator[tuple[str, bytes]]], progress: Progress
) -> cache.Pixels:
    """All images, (N, 3, 32, 32) uint8, the test batch last, and their labels, (N,) int64."""
    cls = torchvision_class(info)
    checksums = dict([*cls.train_list, *cls.test_list])
    decoded = {}
    try:
        for name, content in batches():
            if hashlib.md5(content, usedforsecurity=False).hexdigest() != checksums[name]:
                raise OSError(f"the checksum of {name} is not that of CIFAR-10")
            decoded[name] = _unpickle(content)
            progress("reading cifar10", len(decoded), len(CIFAR_FILES))
        if missing := [name for name in CIFAR_FILES if name not in decoded]:
            raise OSError(f"{missing[0]} is not in it")
    except OSError as error:
        raise InputError(
            f"{source} cannot be used: {error}. Replace it, or remove it to have CIFAR-10 fetched again."
        ) from None
    images = np.concatenate([decoded[name]["data"] for name in CIFAR_FILES]).reshape(-1, 3, 32, 32)
    labels = np.concatenate([np.asarray(decoded[name]["labels"], np.int64) for name in CIFAR_FILES])
    return cache.Pixels({"images": torch.from_numpy(images), "labels": torch.from_numpy(labels)}, {})


def _unpickle(content: bytes) -> "dict[str, np.ndarray]":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the batches were pickled by a NumPy of 2009, today's remarks on it
        return dict(pickle.loads(content, encoding="latin1"))
