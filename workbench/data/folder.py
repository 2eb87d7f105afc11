"""`folder:PATH`: any tree of pictures becomes a set of square images.

The subfolders directly below PATH are the classes; if they are `train` and `test`, they are the splits, and the
classes are below them. Every picture is decoded once: the pixels are kept in the cache until a file changes. A small
set is then read into memory, a larger one stays on the disk.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.errors import InputError
from workbench.data import cache
from workbench.data.catalogue import SUFFIXES, DatasetInfo, printable, real
from workbench.data.decode import decode
from workbench.data.decoded import Wanted, decoded
from workbench.data.decoding import Task
from workbench.data.imageset import Found, Images, Progress, Split
from workbench.data.mapped import Mapped
from workbench.data.store import BROKEN, CLOSED, COLOUR, GREY

IN_MEMORY = 64 << 20  # bytes of a set above which it stays on the disk

_RECIPE = "3"  # to be changed with every change of what decoding gives
_NAMED = 3  # broken pictures named in a notice
_SPLITS = ("train", "test")
_printable = lru_cache(printable)  # of as many files as a folder has


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
    files = sorted(_scan(root))
    if not files:
        raise InputError(
            f"{printable(str(root))} holds no images. Give a folder with files ending in {', '.join(SUFFIXES)}, "
            "in it or in its subfolders."
        )
    names = [file.name for file in files]
    wanted = Wanted(
        Task(root.absolute(), names), size, channels, f"folder {real(root)} {size} {channels}",
        (_RECIPE, *(f"{name} {file.bytes} {file.modified}" for name, file in zip(names, files, strict=True))),
    )  # fmt: skip
    store, unkept = decoded(cache.home(data, root), wanted, decode, progress)
    rows = store.rows(COLOUR, GREY)
    images: Images = Mapped(store, rows)
    if images.bytes <= IN_MEMORY:
        images = images[torch.from_numpy(np.arange(len(rows)))]
    own_split = {file.parts[0] if len(file.parts) > 1 else "" for file in files} == set(_SPLITS)
    found = _arrange(images, [files[row] for row in rows.tolist()], own_split, info)
    broken = [names[row] for row in store.rows(BROKEN, CLOSED).tolist()]
    notices = [_notice(broken, len(files))] if broken else []
    return found._replace(notices=(*notices, unkept) if unkept else tuple(notices))


def _scan(root: Path) -> Iterator[_File]:
    """Every picture below `root`, by suffix. Hidden files and folders are passed over."""
    seen = {real(root)}

    def enter(place: str, above: tuple[str, ...]) -> Iterator[_File]:
        try:
            with os.scandir(place) as found:
                entries = [entry for entry in found if not entry.name.startswith(".")]
        except OSError as error:
            raise _refused(error) from None
        inside = []
        for entry in entries:
            if _is_folder(entry):
                inside.append(entry)
            elif entry.name.lower().endswith(SUFFIXES):
                yield _File((*above, entry.name), *_facts(entry))
        # A link may lead back up: each real folder is entered once.
        inside = [
            (entry.name, entry.path) for entry in sorted(inside, key=lambda entry: entry.name)
            if _is_new(real(Path(entry.path)), seen)
        ]  # fmt: skip
        for name, path in inside:
            yield from enter(path, (*above, name))

    return enter(str(root), ())


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_new(place: Path, seen: set[Path]) -> bool:
    new = place not in seen
    seen.add(place)
    return new


def _refused(error: OSError) -> InputError:
    name = printable(str(error.filename))
    return InputError(f"{name} cannot be opened ({error.strerror}). Make it readable, or move it away.")


def _facts(entry: "os.DirEntry[str]") -> tuple[int, int]:
    try:
        facts = entry.stat()
    except OSError:  # a link to nowhere: decoding will count it as broken
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _notice(broken: Sequence[str], count: int) -> str:
    named = ", ".join(printable(name) for name in broken[:_NAMED])
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    verb = "was" if len(broken) == 1 else "were"
    return f"{len(broken)} of {count} images could not be read and {verb} left out: {named}{more}."


def _arrange(images: Images, files: Sequence[_File], own_split: bool, info: DatasetInfo) -> Found:
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
    whole = Split(images, None)
    train, test = (
        replace(whole.take(torch.tensor(side)), labels=_labels(kinds, classes, info.title))
        for side, kinds in zip(sides, groups, strict=True)
    )
    return Found(train, test, classes)


def _kind(file: _File, depth: int) -> str | None:
    """The class that a file's folder names; None where it lies in none."""
    return _printable(file.parts[depth]) if len(file.parts) > depth + 1 else None


def _class_names(groups: Sequence[Sequence[str | None]], title: str) -> tuple[str, ...]:
    """All classes, sorted. Pictures lying beside class folders form a class named after the whole folder."""
    return tuple(sorted({kind or title for kinds in groups if any(kinds) for kind in kinds}))


def _labels(kinds: Sequence[str | None], classes: Sequence[str], title: str) -> Tensor | None:
    """(N,) int64, or None where no picture lies in a class folder."""
    if not any(kinds):
        return None
    index = {name: label for label, name in enumerate(classes)}
    return torch.tensor([index[kind or title] for kind in kinds])
