"""Pixels that were expensive to get, kept as safetensors: numbers only, nothing that can execute code.

The cache saves time and nothing else: one that cannot be read or written, or in which a single bit is not what
was written, is ignored without a word.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from workbench.data import catalogue

_CHECKSUM = "sha256"


class Pixels(NamedTuple):
    """What is kept: tensors and short texts by name."""

    tensors: Mapping[str, Tensor]
    notes: Mapping[str, str]
    keep: bool = True  # False: do not cache, the next try may give more


def home(data: Path, source: Path) -> Path:
    """The folder for caches of what comes from `source`, given the data folder `data`.

    Usually inside `data`. A data folder that holds the source itself, or that we may not write to, belongs to
    somebody: then the user's own cache folder.
    """
    with contextlib.suppress(OSError):
        if catalogue.may_write(data) and not catalogue.real(source).is_relative_to(catalogue.real(data)):
            return data / "decoded"
    return catalogue.user_cache() / "data" / "decoded"


def cached(folder: Path, source: str, state: Iterable[str], build: Callable[[], Pixels]) -> Pixels:
    """`build()`, or what it gave the last time it was asked for this `source` in this `state`.

    `source` says what is decoded and how, `state` when it has to be done again; of one source only the latest
    state is kept. Raises what `build` raises.
    """
    name, key = _digest([source]), _digest(state)
    path = folder / f"{name[:16]}-{key[:24]}.safetensors"
    found = _read(path)
    if found is None:
        found = build()
        if found.keep and _write(path, found):
            for old in folder.glob(f"{name[:16]}-*.safetensors"):
                if old != path:
                    with contextlib.suppress(OSError):
                        old.unlink()
    return found


def _digest(words: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()


def _checksum(pixels: Pixels) -> str:
    digest = hashlib.sha256(repr(sorted(pixels.notes.items())).encode())
    for name, tensor in sorted(pixels.tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().numpy().reshape(-1).data)
    return digest.hexdigest()


def _read(path: Path) -> Pixels | None:
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            checksum = notes.pop(_CHECKSUM, "")
            found = Pixels({name: file.get_tensor(name) for name in list(file.keys())}, notes)
    except (OSError, SafetensorError):
        return None
    return found if checksum == _checksum(found) else None


def _write(path: Path, pixels: Pixels) -> bool:
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(dict(pixels.tensors), part, {**pixels.notes, _CHECKSUM: _checksum(pixels)})
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except (OSError, SafetensorError):
        return False
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return True
