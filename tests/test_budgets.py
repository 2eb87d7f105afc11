"""What a step, a start and a screen may cost, in counts that are the same on every machine: no seconds."""

import gc
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

from models.base import Batch
from tests.harness import begin
from workbench.session import Session
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser
from workbench.training.order import Order

# Kernels of a step: operations that compute or copy; views, and what only looks like an operation, cost nothing
# on a device. The plain step of an AE with torch's default Adam has about 149, with the fused one 43; ours also
# keeps an average of the weights, a running Gaussian of the codes, the guard against NaN and the numbers.
FREE = {
    "view", "_unsafe_view", "t", "transpose", "permute", "detach", "alias", "slice", "unsqueeze", "expand", "split",
    "reshape", "_record_function_enter_new", "_record_function_exit",
}  # fmt: skip
KERNELS = {
    ("ae", "mlp"): 55, ("vae", "mlp"): 80, ("gan", "mlp"): 136, ("ae", "conv"): 60, ("vae", "conv"): 85,
    ("gan", "conv"): 129,
}  # fmt: skip
ALLOWANCE = 3
WAITS = ("_local_scalar_dense", "nonzero", "is_nonzero", "item", "equal")
START_MODULES, SCREEN_MODULES = 270, 620  # 243 and 559 with Python 3.11


class Counted(TorchDispatchMode):
    """Counts the operations that reach a device."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: Counter[str] = Counter()

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        self.operations[function.overloadpacket.__name__] += 1
        return function(*arguments, **(named or {}))

    @property
    def kernels(self) -> int:
        return sum(count for name, count in self.operations.items() if name not in FREE)


class Stepping:
    """The parts of the loop between two reports."""

    def __init__(self, run: Session) -> None:
        self.run, settings = run, run.config.training
        self.minimise, self.meter = Minimiser(run.state, run.machine.device, settings.clip), Meter()
        self.order = Order(len(run.images.train), settings.batch_size, 0, run.machine.device)
        self.noise = torch.Generator(run.machine.device)

    def step(self) -> None:
        state, indices = self.run.state, self.order.indices(self.run.state.step)
        self.noise.manual_seed(state.step)
        images = self.run.images.seen(self.run.images.train.images[indices], self.noise)
        batch = Batch(images, None, state.step, self.noise)
        terms = state.model.training_step(batch, self.minimise)
        state.step += 1
        state.average_weights()
        self.meter.add(terms, self.minimise.flags)


@pytest.fixture(params=KERNELS, ids="-".join)
def stepping(request: pytest.FixtureRequest, tmp_path: Path) -> Stepping:
    model, network = request.param
    run = begin(tmp_path, model, network=network, image_size="28", limit="64")
    run.folder.unlock()
    found = Stepping(run)
    for _ in range(2):  # optimizers make their moments in the first
        found.step()
    return found


def test_a_step_has_few_kernels_and_waits_for_nothing(stepping: Stepping, request: pytest.FixtureRequest) -> None:
    most = KERNELS[request.node.callspec.params["stepping"]]
    with Counted() as counted:
        stepping.step()
    assert counted.kernels <= most + ALLOWANCE, counted.operations
    assert counted.kernels >= most - ALLOWANCE, "fewer than listed: list what it is now"
    with Counted() as counted:
        for _ in range(5):
            stepping.step()
    assert [name for name in counted.operations if name in WAITS] == []


def test_steps_between_two_reports_leave_nothing_behind(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", network="mlp")
    run.folder.unlock()
    found = Stepping(run)
    for _ in range(20):
        found.step()
    found.meter.read(20)
    gc.collect()
    tracemalloc.start()
    try:
        sizes = []
        for _ in range(4):
            for _ in range(50):
                found.step()
            found.meter.read(found.run.state.step)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
        tensors = sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())
        for _ in range(50):
            found.step()
        found.meter.read(found.run.state.step)
        gc.collect()
    finally:
        tracemalloc.stop()
    assert sizes[-1] - sizes[0] < 20_000, sizes
    assert sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects()) <= tensors


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
