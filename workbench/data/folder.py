"""`folder:PATH`: any tree of pictures becomes a set of square images.

The subfolders directly below PATH are the classes; if they are `train` and `test`, they are the splits, and the
classes are below them. Every picture is decoded once: the pixels are kept in the cache until a file changes.
"""

import json
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import InputError
from workbench.data import cache
from workbench.data.catalogue import SUFFIXES, DatasetInfo, printable, real
from workbench.data.decode import decode
from workbench.data.imageset import Found, Progress, Split

_RECIPE = "2"  # to be changed with every change of what decoding gives
_BATCH = 256  # pictures between two words of progress
_NAMED = 3  # broken pictures named in a notice
_SPLITS = ("train", "test")


class _File(NamedTuple):
    parts: tuple[str, ...]  # path below the folder
    bytes: int
    modified: int  # nanoseconds

    @property
    def name(self) -> str:
        return "/".join(self.parts)


def read_folder(info: DatasetInfo, size: int, channels: int | None, data: Path, progress: Progress) -> Found:
    """The pictures below `info.folder`, their short side resized to `size`, the middle kept.

    channels None is 1 if every pixel is grey, else 3. Pictures that cannot be read are left out and named in the
    notices. Raises `InputError` if there are none, or more than half of them cannot be read.
    """
    root = info.folder
    files = _scan(root)
    if not files:
        raise InputError(
            f"{printable(str(root))} holds no images. Give a folder with files ending in {', '.join(SUFFIXES)}, "
            "in it or in its subfolders."
        )
    pixels = cache.cached(
        cache.home(data, root),
        f"folder {real(root)} {size} {channels} {_RECIPE}",
        (f"{file.name} {file.bytes} {file.modified}" for file in files),
        lambda: _decode_all(root, files, size, channels, progress),
    )
    images: Tensor = pixels.tensors["images"]
    broken: list[str] = json.loads(pixels.notes["broken"])
    left_out = set(broken)
    good = [file for file in files if file.name not in left_out]
    own_split = {file.parts[0] if len(file.parts) > 1 else "" for file in files} == set(_SPLITS)
    found = _arrange(images, good, own_split, info)
    return found._replace(notices=(_notice(broken, len(files)),) if broken else ())


def _scan(root: Path) -> list[_File]:
    """Every picture below `root`, by suffix, sorted by path. Hidden files and folders are passed over."""
    seen = {real(root)}
    found: list[tuple[str, ...]] = []
    for here, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        # A link may lead back up: each real folder is entered once.
        inside = [(name, real(Path(here, name))) for name in sorted(folders) if not name.startswith(".")]
        folders.clear()
        for name, place in inside:
            if place not in seen:
                seen.add(place)
                folders.append(name)
        above = Path(here).relative_to(root).parts
        pictures = (name for name in names if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [(*above, name) for name in pictures]
    return [_File(parts, *_facts(root.joinpath(*parts))) for parts in sorted(found)]


def _refuse(error: OSError) -> None:
    name = printable(str(error.filename))
    raise InputError(f"{name} cannot be opened ({error.strerror}). Make it readable, or move it away.")


def _facts(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:  # a link to nowhere: decoding will count it as broken
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _decode_all(
    root: Path, files: Sequence[_File], size: int, channels: int | None, progress: Progress
) -> cache.Pixels:
    """Decode every file: the pictures that could be read, in order, and the names of those that could not."""
    images = np.empty((len(files), channels or 3, size, size), np.uint8)
    broken: dict[str, Exception] = {}
    good = 0

    def attempt(file: _File) -> NDArray[np.uint8] | Exception:
        try:
            return decode(root.joinpath(*file.parts), size, channels or 3)
        except Exception as error:  # noqa: BLE001  decoders raise anything on garbled bytes
            return error

    with warnings.catch_warnings(), ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters it raises
        for start in range(0, len(files), _BATCH):
            progress("decoding images", start, len(files))
            batch = files[start : start + _BATCH]
            for file, result in zip(batch, pool.map(attempt, batch), strict=True):
                if isinstance(result, Exception):
                    broken[file.name] = result
                else:
                    images[good] = result
                    good += 1
    progress("decoding images", len(files), len(files))
    if 2 * len(broken) > len(files):
        name, error = next(iter(broken.items()))
        raise InputError(
            f"{len(broken)} of the {len(files)} images in {printable(str(root))} cannot be read, "
            f"the first is {printable(name)} ({printable(str(error))}). Replace or remove the broken ones."
        )
    images = images[:good]
    if channels is None and _all_grey(images):
        images = np.ascontiguousarray(images[:, :1])
    # A file that could not be opened, rather than decoded, or that memory was too short for, may open next time.
    passing = (getattr(error, "errno", None) or isinstance(error, MemoryError) for error in broken.values())
    keep = not any(passing)
    return cache.Pixels({"images": torch.from_numpy(images)}, {"broken": json.dumps(list(broken))}, keep)


def _all_grey(images: NDArray[np.uint8]) -> bool:
    return all(np.array_equal(image[0], image[1]) and np.array_equal(image[1], image[2]) for image in images)


def _notice(broken: Sequence[str], count: int) -> str:
    named = ", ".join(printable(name) for name in broken[:_NAMED])
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    verb = "was" if len(broken) == 1 else "were"
    return f"{len(broken)} of {count} images could not be read and {verb} left out: {named}{more}."


def _arrange(images: Tensor, files: Sequence[_File], own_split: bool, info: DatasetInfo) -> Found:
    """Read splits and classes off the paths of the images, (N, C, S, S), one file each."""
    if not own_split:
        kinds = [_kind(file, 0) for file in files]
        classes = _class_names([kinds], info.title)
        return Found(Split(images, _labels(kinds, classes, info.title)), None, classes)
    sides = [[i for i, file in enumerate(files) if file.parts[0] == side] for side in _SPLITS]
    if not all(sides):
        side = printable(str(info.folder / _SPLITS[not sides[1]]))
        raise InputError(f"None of the images in {side} can be read. Replace them.")
    groups = [[_kind(files[i], 1) for i in side] for side in sides]
    classes = _class_names(groups, info.title)
    train, test = (
        Split(images[torch.tensor(side)], _labels(kinds, classes, info.title))
        for side, kinds in zip(sides, groups, strict=True)
    )
    return Found(train, test, classes)


def _kind(file: _File, depth: int) -> str | None:
    """The class that a file's folder names; None where it lies in none."""
    return printable(file.parts[depth]) if len(file.parts) > depth + 1 else None


def _class_names(groups: Sequence[Sequence[str | None]], title: str) -> tuple[str, ...]:
    """All classes, sorted. Pictures lying beside class folders form a class named after the whole folder."""
    return tuple(sorted({kind or title for kinds in groups if any(kinds) for kind in kinds}))


def _labels(kinds: Sequence[str | None], classes: Sequence[str], title: str) -> Tensor | None:
    """(N,) int64, or None where no picture lies in a class folder."""
    if not any(kinds):
        return None
    index = {name: label for label, name in enumerate(classes)}
    return torch.tensor([index[kind or title] for kind in kinds])
