"""`folder:PATH`: any tree of pictures becomes a set of square images.

The subfolders directly below PATH are the classes; if they are `train` and `test`, they are the splits, and the
classes are below them. Every picture is decoded once: the pixels are kept in the cache until a file changes. A
small set is then read into memory, a larger one stays on the disk.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

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

_RECIPE = "2"  # to be changed with every change of what decoding gives
_IN = "\0"  # between the parts of a path: no name has it, and it comes before every other letter
_NAMED = 3  # broken pictures named in a notice
_SPLITS = ("train", "test")
_printable = lru_cache(printable)  # of as many files as a folder has


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
    names = [path.replace(_IN, "/") for path in files]
    state = (_RECIPE, *(f"{name} {facts}" for name, facts in zip(names, files.values(), strict=True)))
    wanted = Wanted(
        Task(root.absolute(), names), size, channels, f"folder {real(root)} {size} {channels}", state
    )  # fmt: skip
    store, unkept = decoded(cache.home(data, root), wanted, decode, progress)
    rows = store.rows(COLOUR, GREY)
    mapped = Mapped(store, rows)
    images: Images = mapped if mapped.nbytes > IN_MEMORY else mapped.to(torch.device("cpu"))
    broken = [names[row] for row in store.rows(BROKEN, CLOSED).tolist()]
    own_split = {path.partition(_IN)[0] if _IN in path else "" for path in files} == set(_SPLITS)
    paths = list(files)
    found = _arrange(images, [paths[row] for row in rows.tolist()], own_split, info)
    notices = [_notice(broken, len(files))] if broken else []
    return found._replace(notices=(*notices, unkept) if unkept else tuple(notices))


def _scan(root: Path) -> dict[str, str]:
    """Every picture below `root`, by suffix, sorted by path: its path, parted by `_IN`, and its bytes and time.

    Hidden files and folders are passed over.
    """
    seen, found = {real(root)}, dict[str, str]()
    waiting = [(str(root), "")]
    while waiting:
        place, above = waiting.pop()
        try:
            with os.scandir(place) as entries:
                folders = _pictures(entries, above, found)
        except OSError as error:
            name = printable(str(error.filename))
            raise InputError(
                f"{name} cannot be opened ({error.strerror}). Make it readable, or move it away."
            ) from None
        # A link may lead back up: each real folder is entered once, under the first of its names.
        inside = []
        for name in sorted(folders):
            path = f"{place}/{name}"
            if (folder := real(Path(path))) not in seen:
                seen.add(folder)
                inside.append((path, f"{above}{name}{_IN}"))
        waiting += reversed(inside)
    return {path: found[path] for path in sorted(found)}


def _pictures(entries: "Iterable[os.DirEntry[str]]", above: str, found: dict[str, str]) -> list[str]:
    """Add the pictures of one folder to those found; return the names of the folders in it."""
    folders = []
    for entry in entries:
        name = entry.name
        if name.startswith("."):
            continue
        if _is_folder(entry):
            folders.append(name)
        elif name.lower().endswith(SUFFIXES):
            found[above + name] = _facts(entry)
    return folders


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link in a circle
        return False


def _facts(entry: "os.DirEntry[str]") -> str:
    try:
        facts = entry.stat()
    except OSError:  # a link to nowhere: decoding will count it as broken
        return "-1 -1"
    return f"{facts.st_size} {facts.st_mtime_ns}"


def _notice(broken: Sequence[str], count: int) -> str:
    named = ", ".join(printable(name) for name in broken[:_NAMED])
    more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
    verb = "was" if len(broken) == 1 else "were"
    return f"{len(broken)} of {count} images could not be read and {verb} left out: {named}{more}."


def _arrange(images: Images, files: Sequence[str], own_split: bool, info: DatasetInfo) -> Found:
    """Read splits and classes off the paths of the images, (N, C, S, S), one file each."""
    if not own_split:
        kinds = [_kind(file, 0) for file in files]
        classes = _class_names([kinds], info.title)
        return Found(Split(images, _labels(kinds, classes, info.title)), None, classes)
    sides = [[i for i, file in enumerate(files) if file.startswith(side + _IN)] for side in _SPLITS]
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


def _kind(file: str, depth: int) -> str | None:
    """The class that a file's folder names; None where it lies in none."""
    parts = file.split(_IN, depth + 1)
    return _printable(parts[depth]) if len(parts) > depth + 1 else None


def _class_names(groups: Sequence[Sequence[str | None]], title: str) -> tuple[str, ...]:
    """All classes, sorted. Pictures lying beside class folders form a class named after the whole folder."""
    return tuple(sorted({kind or title for kinds in groups if any(kinds) for kind in kinds}))


def _labels(kinds: Sequence[str | None], classes: Sequence[str], title: str) -> Tensor | None:
    """(N,) int64, or None where no picture lies in a class folder."""
    if not any(kinds):
        return None
    index = {name: label for label, name in enumerate(classes)}
    return torch.tensor([index[kind or title] for kind in kinds])
