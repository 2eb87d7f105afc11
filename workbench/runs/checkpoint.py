"""Checkpoints: one safetensors file each, so loading one can execute nothing.

`checkpoints/step-000001800.safetensors` holds named tensors, and in its header strings: the format, the step,
JSON facts (optimizer hyperparameters, how good the model was) and a SHA-256 of all that. There are no links: the
latest is the highest step that verifies, the best the one whose facts tell the best number.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import RunFolder

FORMAT = 2
KEEP = 2  # the newest ones; the best is kept besides
_RUNNABLE = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on as if it had not been interrupted."""

    step: int
    tensors: Mapping[str, Tensor]  # on the CPU
    facts: Mapping[str, Any]  # JSON values; "rank", where it was evaluated at this step: smaller is better


def save(folder: RunFolder, checkpoint: Checkpoint, verify: bool = True) -> Path:
    """Write a checkpoint whole and read it again; then drop all but the newest KEEP and the best. Returns its path.

    Where it is not to be verified nothing is dropped. Raises `OSError` where it cannot be written or does not come back as it was; earlier ones are untouched then.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = {
        "format": str(FORMAT),
        "step": str(checkpoint.step),
        "facts": json.dumps(checkpoint.facts, allow_nan=False),
    }
    header["sha256"] = _digest(header, tensors)
    path = folder.checkpoints / f"step-{checkpoint.step:09d}.safetensors"
    files.write(path, safetensors.torch.save(tensors, header))
    if not verify:
        return path
    if not _is_good(path):
        with suppress(OSError):
            path.unlink()
        raise OSError(f"{path} was written, but what came back is not what was written")
    _drop_old(folder)
    return path


def latest(folder: RunFolder) -> tuple[Checkpoint, list[str]]:
    """The newest checkpoint that verifies, and a sentence for each newer one that did not.

    Raises `InputError` where there is none.
    """
    broken: list[str] = []
    for path in _paths(folder):
        try:
            return load(path), broken
        except InputError as error:
            broken.append(str(error))
    if broken:
        raise InputError(f"No checkpoint of {folder.name} can be read. {broken[0]}")
    raise InputError(
        f"{folder.name} has no checkpoint: it was not trained as far as the first one, or they were deleted. "
        "Train anew with its settings: E in the workbench."
    )


def any_there(folder: RunFolder) -> bool:
    """Whether there is a checkpoint, good or not."""
    return next(_paths(folder), None) is not None


def best(folder: RunFolder) -> Path | None:
    """The checkpoint whose held-out number is the best; None where none has one."""
    ranked = [(rank, path) for path in _paths(folder) if (rank := _rank(path)) is not None]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None


def best_rank(folder: RunFolder) -> float | None:
    """How good the best checkpoint is: smaller is better."""
    path = best(folder)
    return None if path is None else _rank(path)


def set_aside(folder: RunFolder, step: int) -> None:
    """Rename what claims to be newer than `step`, the newest that verifies, so that it counts no more."""
    for path in _paths(folder):
        if path.stem > f"step-{step:09d}":
            path.rename(path.with_suffix(".broken"))


def load(path: Path) -> Checkpoint:
    """Read and verify one checkpoint. Raises `InputError` where it is damaged or of another format."""
    header, tensors = _read(path)
    if header.get("format") != str(FORMAT):
        raise InputError(
            f"{path} has checkpoint format {header.get('format')!r}; this genbench reads {FORMAT}. "
            "Use the version that wrote it."
        )
    if header.get("sha256") != _digest(header, tensors):
        raise InputError(f"{path} is damaged: its content does not match its checksum.")
    try:
        facts = json.loads(header["facts"])
        if not isinstance(facts, dict):
            raise TypeError
        return Checkpoint(int(header["step"]), tensors, facts)
    except (KeyError, ValueError, TypeError, RecursionError):
        raise InputError(f"{path} lacks its step or its facts.") from None


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        if not path.is_file():
            raise InputError(f"{path} is no readable checkpoint (it is no file).")
        with path.open("rb") as start:
            if start.read(4).startswith(_RUNNABLE):
                raise InputError(
                    f"{path} is in torch's own format, which can run code when it is opened; "
                    "a checkpoint of genbench is a safetensors file. It was left alone."
                )
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            return header, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, ValueError, RuntimeError, TypeError, safetensors.SafetensorError) as error:
        raise InputError(f"{path} is no readable checkpoint ({error}).") from None


def _drop_old(folder: RunFolder) -> None:
    """Drop what is older than the newest KEEP that verify, except the best. What does not verify is left to be told."""
    good, kept = 0, best(folder)
    for path in _paths(folder):
        good += _is_good(path)
        if good > KEEP and path != kept:
            with suppress(OSError):
                path.unlink()


def _is_good(path: Path) -> bool:
    with suppress(OSError):
        facts = path.stat()
        return _verifies(path, facts.st_mtime_ns, facts.st_size)
    return False


@lru_cache(maxsize=64)
def _verifies(path: Path, changed: int, size: int) -> bool:
    """Whether a file that was changed last at that time is a good checkpoint: read once, not at every save."""
    try:
        load(path)
    except InputError:
        return False
    return True


def _rank(path: Path) -> float | None:
    """How good the model was, by the header alone."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            rank = json.loads((file.metadata() or {})["facts"]).get("rank")
    except Exception:  # noqa: BLE001 (whatever a damaged file holds, it is not the best)
        return None
    return rank if isinstance(rank, float) else None


def _paths(folder: RunFolder) -> Iterator[Path]:
    """The checkpoints of a run, newest first."""
    yield from sorted(folder.checkpoints.glob("step-*.safetensors"), reverse=True)


def _digest(header: Mapping[str, str], tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in ("format", "step", "facts"):
        digest.update(f"{name}={header.get(name)}\n".encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
