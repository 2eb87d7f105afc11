"""What a training process costs the machine: memory, cores, the GPU. Any figure may be missing."""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

READ_SECONDS = 2.0  # between two readings


@dataclass(frozen=True)
class Figures:
    """One reading. None is a figure that this machine does not give."""

    memory: int | None = None  # bytes that the process holds in RAM
    cores: float | None = None  # cores that it keeps busy
    gpu: float | None = None  # share of the time that the GPU was busy, 0 to 1
    gpu_used: int | None = None  # bytes of its memory, whoever uses them
    gpu_total: int | None = None


class Machine:
    """The figures of one process and the device it computes on, read now and then in a thread of their own.

    A driver that is asleep, or a process table on a slow system, would hold up whoever asks.
    """

    def __init__(self, pid: int, host: str, device: str) -> None:
        """`device` as torch names it: cpu, cuda:1."""
        self.watched = pid, host, device
        self._gpu = _gpu(device) if host == socket.gethostname() else None
        self._process: psutil.Process | None = None
        if host == socket.gethostname():
            with suppress(psutil.Error, ValueError):
                self._process = psutil.Process(pid)
        self._latest = Figures()
        self._read_at = 0.0
        self._reading: threading.Thread | None = None

    def figures(self) -> Figures:
        """The newest reading; begins another one where that is old. Costs nothing worth naming."""
        idle = self._reading is None or not self._reading.is_alive()
        if idle and time.monotonic() - self._read_at >= READ_SECONDS and (self._process or self._gpu):
            self._read_at = time.monotonic()
            self._reading = threading.Thread(target=self._read, name="machine figures", daemon=True)
            self._reading.start()
        return self._latest

    def _read(self) -> None:
        self._latest = self.read()

    def read(self) -> Figures:
        """Read now."""
        memory = cores = None
        if self._process is not None:
            with suppress(psutil.Error), self._process.oneshot():
                memory = int(self._process.memory_info().rss)
                percent = self._process.cpu_percent()  # since the last reading; of the first it is no figure
                cores = percent / 100 if self._latest.memory is not None else None
        return Figures(memory, cores, *(self._gpu() if self._gpu else (None, None, None)))


def _gpu(device: str) -> Callable[[], tuple[float | None, int | None, int | None]] | None:
    """A function that reads the GPU that torch calls `device`; None where there is none to read."""
    kind, _, number = device.partition(":")
    if kind != "cuda":
        return None
    try:
        import pynvml
    except ImportError:  # nvidia-ml-py is not installed
        return None

    def read() -> tuple[float | None, int | None, int | None]:
        busy = used = total = None
        with suppress(pynvml.NVMLError, IndexError, ValueError):
            pynvml.nvmlInit()  # counted by NVML: again and again is cheap
            try:
                handle = _handle(pynvml, int(number or 0))
                with suppress(pynvml.NVMLError):  # a slice of a GPU has memory but no utilisation
                    busy = pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100
                memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
                used, total = int(memory.used), int(memory.total)
            finally:
                pynvml.nvmlShutdown()
        return busy, used, total

    return read


def _handle(nvml: Any, number: int) -> Any:
    """NVML counts all GPUs, torch only those that CUDA_VISIBLE_DEVICES names."""
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = visible[number] if visible else str(number)
    return nvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdecimal() else nvml.nvmlDeviceGetHandleByUUID(name)
