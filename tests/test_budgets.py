"""What a step, a start and a screen may cost, in counts that are the same on every machine: no seconds."""

import gc
import resource
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.harness import begin, trainer
from workbench.training import devices
from workbench.training.loop import Trainer

# Kernels of a step: operations that compute or copy; views, and what only looks like an operation, cost nothing
# on a device. The plain step of an AE with torch's default Adam has about 149, with the fused one 43; ours also
# keeps an average of the weights, a running Gaussian of the codes, the guard against NaN and the numbers.
FREE = {
    "view", "_unsafe_view", "t", "transpose", "permute", "detach", "alias", "slice", "unsqueeze", "expand", "split",
    "reshape", "_record_function_enter_new", "_record_function_exit",
}  # fmt: skip
KERNELS = {
    ("ae", "mlp"): 55, ("vae", "mlp"): 86, ("gan", "mlp"): 118, ("ae", "conv"): 88, ("vae", "conv"): 118,
    ("gan", "conv"): 133,
}  # fmt: skip
ALLOWANCE = 3
WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero", "item", "equal")
START_MODULES, SCREEN_MODULES = 270, 620  # 243 and 559 with Python 3.11


class Counted(TorchDispatchMode):
    """Counts the operations that reach a device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        self.operations[function.overloadpacket.__name__] += 1
        return function(*arguments, **(named or {}))

    @property
    def kernels(self) -> int:
        return sum(count for name, count in self.operations.items() if name not in FREE)


@pytest.fixture(params=KERNELS, ids="-".join)
def stepping(request: pytest.FixtureRequest, tmp_path: Path) -> Trainer:
    model, network = request.param
    found = trainer(begin(tmp_path, model, network=network, image_size="28", limit="64"))
    for _ in range(2):  # optimizers make their moments in the first
        found.step()
    return found


def test_a_step_has_few_kernels_and_waits_for_nothing(stepping: Trainer, request: pytest.FixtureRequest) -> None:
    most = KERNELS[request.node.callspec.params["stepping"]]
    with Counted() as counted:
        stepping.step()
    assert counted.kernels <= most + ALLOWANCE, counted.operations
    assert counted.kernels >= most - ALLOWANCE, "fewer than listed: list what it is now"
    with Counted() as counted:
        for _ in range(5):
            stepping.step()
    assert [name for name in counted.operations if name in WAITS] == []


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_steps_and_reports_leave_nothing_behind(model: str, tmp_path: Path) -> None:
    found = trainer(begin(tmp_path, model, network="mlp"))
    for _ in range(20):
        found.step()
    found.report()
    gc.collect()
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(4):
            for _ in range(20):
                found.step()
            found.report()
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        tensors = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
        for _ in range(20):
            found.step()
        found.report()
        gc.collect()
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 20_000, sizes
    assert sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()) <= tensors


@pytest.mark.skipif(not devices.keep_freed_memory(), reason="this C library does as it likes")
def test_a_step_of_convolutions_uses_the_memory_of_the_one_before(tmp_path: Path) -> None:
    found = trainer(begin(tmp_path, "vae", image_size="28", width="32", batch_size="64"))
    with devices.computing_on(found.machine):
        for _ in range(8):
            found.step()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            found.step()
        pages = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 10
    assert pages < 200  # hundreds to thousands where memory is handed back


@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("from workbench.cli import run; run(['--help'])", START_MODULES),
        ("import workbench.ui.start, workbench.ui.new.view", SCREEN_MODULES),
    ],
)
def test_a_start_imports_little(code: str, most: int, tmp_path: Path) -> None:
    line = [sys.executable, "-c", f"import sys; {code}; print(len(sys.modules), file=sys.stderr)"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert int(done.stderr.split()[-1]) <= most
