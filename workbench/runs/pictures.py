"""The pictures of one moment of a run as arrays: what a screen shows while one scrubs through training.

`snapshots/step-000000468.npz` holds arrays of plain numbers and one JSON string of facts; loading one executes
nothing. The PNGs of the same moment are for people, this file is for programs.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from models.errors import InputError
from workbench.runs import files, reading
from workbench.runs.folder import RunFolder

MOST = 1 << 28  # bytes, packed or not
Images = NDArray[np.uint8]  # (N, C, H, W)
_MOST_IMAGES = 10_000  # as of classes, and of pixels at one side
_KINDS = {"samples": ("u", 4), "originals": ("u", 4), "rebuilt": ("u", 4), "points": ("f", 2), "labels": ("i", 1)}


@dataclass(frozen=True)
class Facts:
    """What a caption says of the pictures."""

    step: int
    epoch: float
    final: bool  # the last of a sitting
    seed: int
    weights: str  # "averaged weights" or "last weights"
    codes_from: str  # what samples are drawn from, in a sentence; "" where the model does not say
    axes: tuple[str, ...] = ()  # of the points
    projection: str = ""  # how codes became points, in a sentence
    classes: tuple[str, ...] = ()  # names of the labels


@dataclass(frozen=True, eq=False)
class Pictures:
    """What the model showed at one moment. A part that it cannot show is None."""

    facts: Facts
    samples: Images
    originals: Images | None = None  # held-out images, and what the model makes of them
    rebuilt: Images | None = None
    points: NDArray[np.float32] | None = None  # (N, 2): codes of held-out images in the plane
    labels: NDArray[np.int64] | None = None  # (N,)


def save(folder: RunFolder, pictures: Pictures) -> Path:
    """Write the arrays of one moment whole. Returns their path; raises `OSError` where they cannot be written."""
    arrays = {name: value for name in _KINDS if (value := getattr(pictures, name)) is not None}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, facts=np.array(json.dumps(asdict(pictures.facts), ensure_ascii=False)), **arrays)
    path = folder.snapshot(pictures.facts.step)
    files.write(path, buffer.getvalue())
    return path


def load(path: Path) -> Pictures:
    """Read the arrays of one moment. Raises `InputError` where the file is missing or damaged."""
    found = _arrays(path)
    try:
        facts = _facts().validate_python(reading.plain(json.loads(str(found.pop("facts", "")))))
    except (ValueError, RecursionError):
        raise InputError(f"{path} is damaged: its facts are not those of a snapshot.") from None
    if not _fit(found):
        raise InputError(f"{path} is damaged: its arrays are not those of a snapshot.")
    return Pictures(facts, **found)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    data = reading.contents(path, MOST)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST:
                raise ValueError("it would unpack to more than any snapshot")
        with np.load(io.BytesIO(data)) as stored:
            return {name: stored[name] for name in (*_KINDS, "facts") if name in stored}
    except Exception as error:  # noqa: BLE001 (for a damaged archive there is no end to the kinds raised)
        raise InputError(f"{path} is damaged ({error}).") from None


def _fit(found: Mapping[str, NDArray[Any]]) -> bool:
    """Whether these arrays are what `save` writes, so that whoever draws them need not ask."""
    if "samples" not in found or any((a.dtype.kind, a.ndim) != _KINDS[name] for name, a in found.items()):
        return False
    samples, originals, rebuilt, points, labels = (found.get(name) for name in _KINDS)
    images = [array for array in (samples, originals, rebuilt) if array is not None]
    shapes = [None if array is None else array.shape for array in (originals, rebuilt)]
    return (
        all(a.dtype == np.uint8 and a.size and max(a.shape) <= _MOST_IMAGES for a in images)
        and len({array.shape[1:] for array in images}) == 1 and images[0].shape[1] in {1, 3}
        and shapes[0] == shapes[1]
        and (points is None or (points.size > 0 and points.shape[1] == 2))
        and (labels is None or (points is not None and len(labels) == len(points)
                                and labels.min() >= 0 and labels.max() < _MOST_IMAGES))
    )  # fmt: skip


@cache
def _facts() -> TypeAdapter[Facts]:
    return TypeAdapter(Facts)


def steps(folder: RunFolder) -> list[int]:
    """The moments that a run has pictures of, rising."""
    stems = (path.stem.removeprefix("step-") for path in folder.snapshots.glob("step-*.npz"))
    return sorted(int(stem) for stem in stems if stem.isdecimal())


def truncate(folder: RunFolder, step: int) -> None:
    """Drop the moments after `step`: a run resumed from a checkpoint makes them again."""
    for later in steps(folder):
        if later > step:
            folder.snapshot(later).unlink(missing_ok=True)
