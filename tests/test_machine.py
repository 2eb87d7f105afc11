"""What a process costs: figures where the machine gives them, and silence where it does not."""

import os
import socket
import sys
import time
from types import ModuleType, SimpleNamespace

import pytest

from workbench.machine import Figures, Machine

HERE = socket.gethostname()


def test_memory_and_cores_of_a_process() -> None:
    machine = Machine(os.getpid(), HERE, "cpu")
    first, second = machine.read(), machine.read()
    assert first.memory is not None
    assert first.memory > 10_000_000
    assert (first.gpu, first.gpu_used, first.gpu_total) == (None, None, None)
    assert second.cores is None, "nothing has been kept yet"


@pytest.mark.parametrize("pid", [2**22 + 1, -1, 0])
def test_a_process_that_is_not_there_costs_nothing(pid: int) -> None:
    assert Machine(pid, HERE, "cpu").read().cores is None


def test_a_process_on_another_machine_costs_nothing_here() -> None:
    assert Machine(os.getpid(), f"not-{HERE}", "cuda").read() == Figures()


def test_figures_come_by_themselves_and_never_hold_up_who_asks() -> None:
    machine = Machine(os.getpid(), HERE, "cpu")
    until = time.monotonic() + 5
    while machine.figures() == Figures() and time.monotonic() < until:
        time.sleep(0.01)
    assert machine.figures().memory


def nvml(broken: set[str]) -> ModuleType:
    """NVIDIA's library as far as it is used, with functions that fail."""
    module = ModuleType("pynvml")

    class NVMLError(Exception):
        pass

    def function(name: str, value: object) -> object:
        def call(*_: object) -> object:
            if name in broken:
                raise NVMLError(name)
            return value

        return call

    module.NVMLError = NVMLError  # type: ignore[attr-defined]
    for name, value in {
        "nvmlInit": None, "nvmlShutdown": None, "nvmlDeviceGetHandleByIndex": 1, "nvmlDeviceGetHandleByUUID": 2,
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=63),
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(used=5_000, total=9_000),
    }.items():  # fmt: skip
        setattr(module, name, function(name, value))
    return module


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        (set(), (0.63, 5_000, 9_000)),
        ({"nvmlDeviceGetUtilizationRates"}, (None, 5_000, 9_000)),
        ({"nvmlDeviceGetMemoryInfo"}, (0.63, None, None)),
        ({"nvmlDeviceGetHandleByIndex"}, (None, None, None)),
        ({"nvmlInit"}, (None, None, None)),
    ],
)
def test_each_figure_of_a_gpu_may_be_missing(
    broken: set[str], expected: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", nvml(broken))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    figures = Machine(os.getpid(), HERE, "cuda:1").read()
    assert (figures.gpu, figures.gpu_used, figures.gpu_total) == expected


def test_without_nvidias_library_there_are_no_figures_of_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Machine(os.getpid(), HERE, "cuda").read().gpu is None


@pytest.mark.parametrize(
    ("visible", "device", "asked"), [("3,5", "cuda:1", 5), ("", "cuda:1", 1), ("2", "cuda", 2)]
)
def test_gpus_are_counted_as_torch_counts_them(
    visible: str, device: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = nvml(set())
    indices: list[int] = []
    library.nvmlDeviceGetHandleByIndex = indices.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pynvml", library)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    Machine(os.getpid(), HERE, device).read()
    assert indices == [asked]
