"""Checkpoints: one safetensors file each, so loading one can execute nothing.

`checkpoints/step-000001800.safetensors` holds named tensors, and in its header strings: the format, the step,
the identity of the architecture, JSON facts (optimizer hyperparameters) and a SHA-256 of all tensors. There is
no link to the latest: the latest is the highest step that verifies.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import FORMAT, RunFolder

KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to go on as if it had not been interrupted."""

    step: int
    tensors: Mapping[str, Tensor]  # on the CPU
    facts: Mapping[str, Any]  # JSON values


def save(folder: RunFolder, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint whole, then drop all but the newest KEEP. Returns its path.

    Raises `OSError` where it cannot be written; earlier checkpoints are untouched then.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
    header = {
        "format": str(FORMAT),
        "step": str(checkpoint.step),
        "facts": json.dumps(checkpoint.facts, allow_nan=False),
        "sha256": _digest(tensors),
    }
    path = folder.checkpoints / f"step-{checkpoint.step:09d}.safetensors"
    files.write(path, safetensors.torch.save(tensors, header))
    for old in list(_paths(folder))[KEEP:]:
        old.unlink(missing_ok=True)
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
    raise InputError(f"{folder.name} has no checkpoint yet.")


def load(path: Path) -> Checkpoint:
    """Read and verify one checkpoint. Raises `InputError` where it is damaged or of another format."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise InputError(f"{path} is no readable checkpoint ({error}).") from None
    if header.get("format") != str(FORMAT):
        raise InputError(f"{path} has checkpoint format {header.get('format')!r}; this genbench reads {FORMAT}.")
    if header.get("sha256") != _digest(tensors):
        raise InputError(f"{path} is damaged: its tensors do not match their checksum.")
    try:
        return Checkpoint(int(header["step"]), tensors, json.loads(header["facts"]))
    except (KeyError, ValueError):
        raise InputError(f"{path} lacks its step or its facts.") from None


def _paths(folder: RunFolder) -> Iterator[Path]:
    """The checkpoints of a run, newest first."""
    yield from sorted(folder.checkpoints.glob("step-*.safetensors"), reverse=True)


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
