"""What is wrong with the files of a run, those too that nobody reads as it grows."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from models.errors import InputError
from workbench.runs import pictures, reading
from workbench.runs.folder import RunFolder
from workbench.runs.reader import RunReader

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
_MOST_HEADER = 100_000_000  # bytes: as safetensors itself


def found(folder: RunFolder) -> dict[Path, str]:
    """A sentence for each damaged file: tags, checkpoints, snapshots and PNGs. Nothing is loaded but the snapshots.

    A checkpoint that is whole may still hold other numbers than were saved; who loads it checks them.
    """
    wrong: dict[Path, str] = {}
    for path, look in _looks(folder):
        try:
            look(path)
        except InputError as error:
            wrong[path] = str(error)
        except OSError as error:
            wrong[path] = f"{path} cannot be read ({error.strerror})."
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            wrong[path] = f"{path} is damaged: it is not whole."
    return wrong


def lost(folder: RunFolder) -> list[str]:
    """A sentence for each damaged or missing file of those that a run can go on without."""
    run = RunReader(folder)
    while run.poll(1.0).behind:
        pass
    return [*run.problems, *run.lacking()]


def _looks(folder: RunFolder) -> Iterator[tuple[Path, Callable[[Path], object]]]:
    yield folder.tags_file, lambda _: folder.stored_tags()
    for path in sorted(folder.checkpoints.glob("step-*.safetensors")):
        yield path, _check_tensors
    for path in sorted(folder.snapshots.glob("step-*.npz")):
        yield path, pictures.load
    for path in [*sorted(folder.path.glob("*/*.png")), folder.summary_file]:
        if os.path.lexists(path):
            yield path, _check_png


def _check_png(path: Path) -> None:
    with reading.opened(path) as file:
        if file.read(len(_PNG)) != _PNG or _last(file, len(_PNG_END)) != _PNG_END:
            raise ValueError


def _check_tensors(path: Path) -> None:
    """The header of a safetensors file says where its last tensor ends: there the file ends too."""
    with reading.opened(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _MOST_HEADER:
            raise ValueError
        header = json.loads(file.read(length))
        end = max(facts["data_offsets"][1] for name, facts in header.items() if name != "__metadata__")
        if file.seek(0, os.SEEK_END) != 8 + length + end:
            raise ValueError


def _last(file: BinaryIO, count: int) -> bytes:
    file.seek(max(0, file.seek(0, os.SEEK_END) - count))
    return file.read(count)
