"""What a run computes on: device, precision, threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from models.errors import InputError
from workbench.config import TrainingSettings
from workbench.cores import available_cores
from workbench.processes import Place, place


@dataclass(frozen=True)
class Machine:
    """What a run's results are reproducible on: a change of any of these may change the last bits."""

    device: torch.device
    autocast: bool  # bfloat16 inside the networks
    threads: int

    @property
    def precision(self) -> str:
        return "bfloat16" if self.autocast else "float32"


def choose(settings: TrainingSettings, spare_cores: int = 0, threads_before: Any = None) -> Machine:
    """Turn `device`, `precision` and `threads` into what is there. Raises `InputError` where it is not.

    `spare_cores` are left to others where the threads are ours to choose: a screen needs one to stay quick.
    `threads_before` are those of an earlier sitting, kept where there are as many cores: another number of threads
    adds floats in another order. Of several processes each takes a GPU of its own, or its share of the cores.
    """
    where = place()
    device = _device_of(where, settings.device) if where.count > 1 else _device(settings.device)
    autocast = settings.precision == "bfloat16" or (
        settings.precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    )
    cores = available_cores()
    kept = threads_before if isinstance(threads_before, int) and 1 <= threads_before <= cores else None
    return Machine(device, autocast, settings.threads or kept or max(cores // where.here - spare_cores, 1))


@contextmanager
def deterministic(wanted: bool) -> Iterator[None]:
    """Only operations that give the same bits each time, where that is `wanted`; torch refuses the others."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(wanted or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)


def _device(wanted: str) -> torch.device:
    here = present()
    if wanted == "auto":
        return torch.device(here[-1])
    name = "cuda:0" if wanted == "cuda" else wanted
    if name not in here:
        raise InputError(f"There is no device {wanted!r} here. This machine and this torch have {', '.join(here)}.")
    return torch.device(name)


def _device_of(where: Place, wanted: str) -> torch.device:
    """The device of one of several processes."""
    gpus = torch.cuda.device_count()
    if wanted == "cpu" or (wanted == "auto" and not gpus):
        return torch.device("cpu")
    if wanted not in {"auto", "cuda"}:
        raise InputError(f"Several processes train on cuda, a GPU each, or on cpu; got --device {wanted}.")
    if where.here > gpus:
        raise InputError(
            f"{where.here} processes here want a GPU each; there are {gpus}. "
            "Give torchrun a smaller --nproc-per-node, or genbench --device cpu."
        )
    return torch.device(f"cuda:{where.local}")


def present() -> list[str]:
    """The devices torch can use, the preferred one last."""
    found = ["cpu"]
    if torch.backends.mps.is_available():
        found.append("mps")
    found += [f"cuda:{i}" for i in reversed(range(torch.cuda.device_count()))]
    return found
