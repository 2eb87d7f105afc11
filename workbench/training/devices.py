"""What a run computes on: device, precision, threads."""

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.errors import InputError
from workbench.config import TrainingSettings
from workbench.cores import available_cores
from workbench.processes import Place, place

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in malloc.h


@dataclass(frozen=True)
class Machine:
    """What a run's results are reproducible on: a change of any of these may change the last bits."""

    device: torch.device
    autocast: bool  # bfloat16 inside the networks
    threads: int
    threads_from: str = ""  # why so many, in words; "" where that is still to be measured
    products: str = "default"  # whose float32 matrix products on a CPU: torch's default, or oneDNN's

    @property
    def precision(self) -> str:
        return "bfloat16" if self.autocast else "float32"


def choose(settings: TrainingSettings, spare_cores: int = 0, before: Mapping[str, Any] | None = None) -> Machine:
    """Turn `device`, `precision` and `threads` into what is there. Raises `InputError` where it is not.

    `spare_cores` are left to others where the threads are ours to choose: a screen needs one to stay quick.
    `before` is what an earlier sitting ran on. Its threads are kept where there are as many cores and processes,
    and whose matrix products it used where they are there: others add floats in another order. Of several
    processes each takes a GPU of its own, or its share of the cores.
    """
    where = place()
    device = _device_of(where, settings.device) if where.count > 1 else _device(settings.device)
    autocast = settings.precision == "bfloat16" or (
        settings.precision == "auto" and device.type == "cuda" and torch.cuda.is_bf16_supported()
    )
    cores, earlier = available_cores(), before or {}
    kept = earlier.get("threads") if earlier.get("processes", 1) == where.count else None
    products = best_products(device)
    if earlier and earlier.get("products") != "oneDNN":
        products = "default"  # also where the sitting before knew of no others
    if settings.threads:
        return Machine(device, autocast, settings.threads, "asked for", products)
    if isinstance(kept, int) and 1 <= kept <= cores:
        return Machine(device, autocast, kept, "as before", products)
    most = max(cores // where.here - spare_cores, 1)
    if where.count > 1:
        return Machine(device, autocast, most, "a share of the cores", products)
    return Machine(device, autocast, most, "" if device.type == "cpu" and most > 1 else "all there are", products)


def best_products(device: torch.device) -> str:
    """Whose float32 matrix products are the fastest on a device."""
    return "oneDNN" if device.type == "cpu" and onednn_pays() else "default"


@cache
def onednn_pays() -> bool:
    """Whether matrix products are best left to oneDNN: twice as fast here, and as exact.

    MKL, torch's default, uses AVX-512 on Intel's processors alone; oneDNN wherever it is. torch hands float32
    products to oneDNN only where they may be rounded to bfloat16; with AMX it does round, and is not used.
    """
    there = torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available()
    if not there or not torch.backends.cpu.get_cpu_capability().startswith("AVX512") or not _made_by_amd():
        return False
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(64, 512, generator=generator), torch.randn(512, 64, generator=generator)
    with products_of("oneDNN"):
        error = (a @ b - a.double() @ b.double()).abs().max()
    return bool(error < 1e-3)  # float32 is off by 1e-4 at most, bfloat16 by 0.2


def _made_by_amd() -> bool:
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="utf-8")[:2000]
    except OSError:
        return False


@contextmanager
def products_of(products: str) -> Iterator[None]:
    """Have torch leave float32 matrix products on a CPU to oneDNN, or to its default."""
    setting = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = setting.fp32_precision
    # bfloat16 is permitted, which is not what is done: see `onednn_pays`.
    setting.fp32_precision = "bf16" if products == "oneDNN" else "none"
    try:
        yield
    finally:
        setting.fp32_precision = before


@cache
def keep_freed_memory() -> bool:
    """Have the C library keep what a step frees for the next one; whether it can, as glibc does.

    Else it hands large pieces back each time, and the system clears thousands of pages anew in each step.
    """
    with suppress(AttributeError, OSError, TypeError):
        libc = ctypes.CDLL(None)
        return bool(libc.mallopt(_TRIM_THRESHOLD, 2**30) and libc.mallopt(_MMAP_THRESHOLD, 2**30))
    return False


def layout(model: nn.Module, machine: Machine) -> torch.memory_format:
    """How a model's images and weights lie in memory: with their channels last where convolutions are faster so.

    Batch norm takes them as they lie. torch's group norm does not on a GPU, and is slower with them on a CPU; so
    are bfloat16 convolutions there, while a GPU's tensor cores ask for it (`benchmarks/layout.py`).
    """
    wanted = {"cpu": not machine.autocast, "cuda": machine.autocast}.get(machine.device.type, False)
    pays = wanted and any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    return torch.channels_last if pays else torch.contiguous_format


@contextmanager
def computing_on(machine: Machine) -> Iterator[None]:
    """torch's threads and matrix products as `machine` has them, and afterwards as they were."""
    keep_freed_memory()
    before = torch.get_num_threads()
    torch.set_num_threads(machine.threads)
    try:
        with products_of(machine.products):
            yield
    finally:
        torch.set_num_threads(before)


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
