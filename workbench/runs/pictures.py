"""The pictures of one moment of a run as arrays: what a screen shows while one scrubs through training.

`snapshots/step-000000468.npz` holds arrays of plain numbers and one JSON string of facts; loading one executes
nothing. The PNGs of the same moment are for people, this file is for programs.
"""

import io
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import RunFolder

Images = NDArray[np.uint8]  # (N, C, H, W)
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
        facts = _facts().validate_json(str(found.pop("facts", "")))
    except ValidationError:
        raise InputError(f"{path} is damaged: its facts are not those of a snapshot.") from None
    if "samples" not in found or any((a.dtype.kind, a.ndim) != _KINDS[name] for name, a in found.items()):
        raise InputError(f"{path} is damaged: its arrays are not those of a snapshot.")
    return Pictures(facts, **found)


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    try:
        with np.load(io.BytesIO(data)) as stored:
            return {name: stored[name] for name in (*_KINDS, "facts") if name in stored}
    except Exception as error:  # noqa: BLE001 (for a damaged archive there is no end to the kinds raised)
        raise InputError(f"{path} is damaged ({error}).") from None


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
