"""What a device could do at most, by a matrix product, a copy and empty kernels; and what a step needs of it.

Rates are measured beside the steps, in the same seconds, so that a busy neighbour slows both.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.harness import trainer
from workbench import session
from workbench.config import resolve
from workbench.training import devices
from workbench.training.devices import Machine
from workbench.training.loop import Trainer

VIEWS = {
    "view", "_unsafe_view", "t", "transpose", "permute", "detach", "alias", "slice", "unsqueeze", "expand", "split",
    "reshape", "empty", "_record_function_enter_new", "_record_function_exit",
}  # fmt: skip

CONVOLUTIONS = ("conv", "fprop", "dgrad", "wgrad", "implicit_gemm")  # in names of operations and of cuDNN's kernels


@dataclass
class Needs(TorchDispatchMode):
    """What the operations run under it need: (FLOPs, bytes read and written) each; views need nothing."""

    operations: list[tuple[str, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        packet = function.overloadpacket
        if packet.__name__ not in VIEWS:
            counter = flop_registry.get(packet)
            flops = counter(*arguments, **(named or {}), out_val=result) if counter else 0
            self.operations.append((packet.__name__, float(flops), _bytes((arguments, named or {}, result))))
        return result

    @property
    def flops(self) -> float:
        return sum(flops for _, flops, _ in self.operations)


def _bytes(values: Any) -> float:
    tensors = {leaf.data_ptr(): leaf for leaf in tree_leaves(values) if isinstance(leaf, Tensor)}
    return float(sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()))


@dataclass(frozen=True)
class Rates:
    """What the device does in a second."""

    flops: float
    convolved: float  # FLOPs in convolutions, which a GPU may round to TF32 where it does not round products
    bytes: float
    launches: float = 0.0  # kernels that do nothing, replayed as one CUDA graph; 0 where there is no such thing


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(device: torch.device, act: Callable[[], object], times: int) -> float:
    """The shortest of some timings of `act`."""
    found = []
    for _ in range(times):
        wait(device)
        begin = time.perf_counter()
        act()
        wait(device)
        found.append(time.perf_counter() - begin)
    return min(found)


class Meters:
    """Measures a device's rates, again and again, with tensors made once."""

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        large = device.type == "cuda"
        n = 8192 if large else 1024
        self._device = device
        self._a, self._b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
        sizes = (2**28,) if large else (2**18, 2**24)  # on a CPU also one that its caches hold: the faster counts
        self._copied = [(torch.ones(size, device=device), torch.empty(size, device=device)) for size in sizes]
        self._graph: Any
        self._graph, self._kernels = _empty_graph(device) if large else (None, 0)

    def read(self) -> Rates:
        """The rates of this moment."""
        n = len(self._a)
        product = seconds(self._device, lambda: self._a @ self._b, 3)
        convolved = self._rounded_as_convolutions() if self._graph else product
        moved = max(
            2 * target.numel() * 4 / seconds(self._device, lambda s=source, t=target: t.copy_(s), 3)  # type: ignore[misc]
            for source, target in self._copied
        )
        launches = self._kernels / seconds(self._device, self._graph.replay, 3) if self._graph else 0.0
        return Rates(2 * n**3 / product, 2 * n**3 / convolved, moved, launches)

    def _rounded_as_convolutions(self) -> float:
        """Seconds of a product of floats that a GPU rounds as it does those of convolutions."""
        products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn.conv  # type: ignore[attr-defined]
        before, products.fp32_precision = products.fp32_precision, convolutions.fp32_precision
        try:
            return seconds(self._device, lambda: self._a @ self._b, 3)
        finally:
            products.fp32_precision = before


def _empty_graph(device: torch.device, kernels: int = 200) -> tuple[Any, int]:
    """A CUDA graph of as good as empty kernels."""
    one = torch.zeros(1, device=device)
    one.add_(1)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph):
        for _ in range(kernels):
            one.add_(1)
    return graph, kernels


def floor(needs: Needs, rates: Rates) -> tuple[float, float]:
    """The least seconds for what is needed: operation by operation the longer of arithmetic and traffic.

    Returns (seconds, of which where arithmetic is the longer).
    """
    both = [(_arithmetic(name, flops, rates), moved / rates.bytes) for name, flops, moved in needs.operations]
    return sum(max(pair) for pair in both), sum(pair[0] for pair in both if pair[0] >= pair[1])


def _arithmetic(name: str, flops: float, rates: Rates) -> float:
    return flops / (rates.convolved if "convolution" in name else rates.flops)


@dataclass(frozen=True)
class Fractions:
    """How near a training step is to its limits: medians over the rounds."""

    seconds: float  # a step
    flops: float  # of a step
    kernels: int  # operations that compute or copy
    mfu: float
    roofline: float
    arithmetic: float  # share of the roofline's time
    launch: float  # 0 where there is no such limit
    convolutions: float  # share of the time of all operations, backward included
    busy: float  # share of the wall time that the device computes
    machine: Machine

    @property
    def binds(self) -> str:
        """The limit that is nearest."""
        return "launch" if self.launch > self.roofline else "arithmetic" if self.arithmetic > 0.5 else "traffic"


def fractions(model: str, given: Mapping[str, str], rounds: int, steps: int) -> Fractions:
    """Train a model with these settings, `rounds` times `steps` steps, and measure the rates between them."""
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        training = trainer(session.begin(resolve(model, given), Path(folder), None))
        machine, found = training.machine, []
        with devices.computing_on(machine):
            training.state.model.train()
            for _ in range(2):
                training.step()
            with Needs() as needs:
                training.step()
            meters = Meters(machine.device, torch.bfloat16 if machine.autocast else torch.float32)
            for _ in range(rounds):
                rates = meters.read()
                taken = seconds(machine.device, partial(steps_of, training, steps), 1) / steps
                least, arithmetic = floor(needs, rates)
                launch = len(needs.operations) / rates.launches / taken if rates.launches else 0.0
                computed = sum(_arithmetic(name, flops, rates) for name, flops, _ in needs.operations)
                found.append((taken, computed / taken, least / taken, arithmetic / least, launch))
            convolutions, computing = _profiled(training, steps)
    taken, mfu, roofline, arithmetic, launch = (median(column) for column in zip(*found, strict=True))
    return Fractions(
        taken, needs.flops, len(needs.operations), mfu, roofline, arithmetic, launch, convolutions,
        computing / taken, machine,
    )  # fmt: skip


def steps_of(training: Trainer, count: int) -> None:
    """Take some steps."""
    for _ in range(count):
        training.step()


def _profiled(training: Trainer, steps: int) -> tuple[float, float]:
    """Of some steps: convolutions in the time of all operations, and the seconds of these a step."""
    gpu = training.machine.device.type == "cuda"
    kind = ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU
    with profile(activities=[kind]) as profiler:
        seconds(training.machine.device, partial(steps_of, training, steps), 1)
    times = {e.key: e.self_device_time_total if gpu else e.self_cpu_time_total for e in profiler.key_averages()}
    total = max(sum(times.values()), 1e-9)
    convolved = sum(taken for name, taken in times.items() if any(part in name.lower() for part in CONVOLUTIONS))
    return convolved / total, total / 1e6 / steps
