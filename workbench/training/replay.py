"""A step recorded once and replayed: to a GPU one launch, where Python gives it a hundred.

What is replayed has the addresses and the numbers of the recording, and Python does not run. So all that changes
from step to step lies in tensors that are filled before, and the noise's generator is seeded before. A model may do
what a recording does not hold: read the step's number, wait for the device, keep a new tensor in place of an old
one. That is looked for, and a replay is held against the step itself before any counts. Where something is found
steps go on as they are written, and `trouble` says why.
"""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode

from models.base import Batch
from workbench.training.state import TrainingState

REHEARSALS = 3  # steps as they are written, in which optimizers make their moments and libraries their plans
ALIKE = 0.05  # how far a replay's weights may be from the step's own, in lengths of that step
WAITS = {"_local_scalar_dense", "nonzero", "is_nonzero", "equal", "item"}  # operations whose result Python reads


class Work(Protocol):
    """A step, the noise being seeded: everything but the average of the weights."""

    def __call__(self, images: Tensor, labels: Tensor | None, step: int, watch: "Watch | None" = None) -> Tensor:
        """uint8 images (B, C, H, W), labels (B,) and number of the step -> its metrics, a row."""


class Graph(Protocol):
    """What records and replays."""

    def rehearse(self, act: Callable[[], Tensor]) -> Tensor:
        """Act, where it will be recorded."""

    def record(self, act: Callable[[], Tensor]) -> Tensor:
        """Record what `act` has the device do. The tensor that it gives is filled anew by each replay."""

    def replay(self) -> None:
        """Do that again."""


class CudaGraph:
    """torch's. Noise is drawn from `dice` in each replay as it is seeded by then."""

    def __init__(self, device: torch.device, dice: torch.Generator, optimizers: Iterable[Optimizer]) -> None:
        self._graph, self._device = torch.cuda.CUDAGraph(), device
        with warnings.catch_warnings(), suppress(AttributeError):
            warnings.simplefilter("ignore")  # newer torch needs no telling, says so, and will drop the method
            self._graph.register_generator_state(dice)
        self._stream = torch.cuda.Stream(device)
        self._groups = [g for optimizer in optimizers for g in optimizer.param_groups if "capturable" in g]

    def rehearse(self, act: Callable[[], Tensor]) -> Tensor:
        """On the stream of the recording, so that libraries are ready there."""
        usual = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(usual)
        try:
            with torch.cuda.stream(self._stream):
                return act()
        finally:
            usual.wait_stream(self._stream)

    def record(self, act: Callable[[], Tensor]) -> Tensor:
        """Another thread may copy images meanwhile: only this one's mistakes count."""
        for group in self._groups:  # fused optimizers are so anyway, but refuse without the word
            group["capturable"] = True
        try:
            with (
                torch.cuda.stream(torch.cuda.current_stream(self._device)),  # comes back also where the next fails
                torch.cuda.graph(self._graph, stream=self._stream, capture_error_mode="thread_local"),
            ):
                return act()
        finally:
            for group in self._groups:
                group["capturable"] = False

    def replay(self) -> None:
        """One launch."""
        self._graph.replay()


class Replay:
    """Steps of one sitting: some as they are written, and from then on replays of one, where that can be."""

    def __init__(
        self, work: Work, seed: Callable[[int, bool], None], state: TrainingState, bad: Tensor, graph: Graph
    ) -> None:
        """`seed(step, anew)` readies the noise of a step, from a new generator where `anew`.

        `bad` is the guard's flag, which steps may raise.
        """
        self._work, self._seed, self._state, self._bad = work, seed, state, bad
        self._graph: Graph | None = graph
        self._rehearsed = 0
        self._images: Tensor | None = None  # what the recording reads: uint8 (B, C, H, W)
        self._labels: Tensor | None = None  # (B,)
        self._row = bad  # what it gives
        self.trouble = ""  # why steps are not replayed, in words

    def take(self, images: Tensor, labels: Tensor | None, step: int) -> Tensor:
        """One step, the noise being seeded for it; its metrics."""
        graph = self._graph
        if graph is None:
            return self._work(images, labels, step)
        if self._images is not None:
            self._fill(images, labels)
            graph.replay()
            return self._row.clone()
        self._rehearsed += 1
        if self._rehearsed > REHEARSALS:
            return self._record(graph, images, labels, step)
        act = self._work if self._rehearsed < REHEARSALS else self._watched
        return graph.rehearse(lambda: act(images, labels, step))

    def _watched(self, images: Tensor, labels: Tensor | None, step: int) -> Tensor:
        """A step that is looked at for what cannot be replayed."""
        places, watch = self._places(), Watch()
        with watch:
            row = self._work(images, labels, step, watch)
        idle = [name for name, optimizer in self._state.optimizers.items() if not optimizer.state]
        if watch.waits:
            self._give_up(f"the model waits for the device ({', '.join(sorted(watch.waits))})")
        elif watch.numbered:
            self._give_up("the model reads the step's number")
        elif places != self._places():
            self._give_up("the model puts new tensors in place of its old ones")
        elif idle:
            self._give_up(f"the optimizer {idle[0]} takes no part in the first {REHEARSALS} steps")
        return row

    def _record(self, graph: Graph, images: Tensor, labels: Tensor | None, step: int) -> Tensor:
        """Take this step as it is written; then record it, and see whether a replay does the same."""
        tensors, weights = self._tensors(), list(self._state.model.parameters())
        after: list[Tensor] = []
        try:
            before, start = _copied(tensors), _joined(weights)
        except torch.OutOfMemoryError:
            self._give_up("there is no memory for a recording")
            return self._work(images, labels, step)
        row = self._work(images, labels, step)
        try:
            after, ours = _copied(tensors), _joined(weights)
            own, own_labels = torch.zeros_like(images), None if labels is None else torch.zeros_like(labels)
            _put(before, tensors)
            self._row = graph.record(lambda: self._work(own, own_labels, step))
            self._images, self._labels = own, own_labels
            _put(before, tensors)
            self._seed(step, False)
            self._fill(images, labels)
            graph.replay()
            if not (_joined(weights) - ours).norm() <= ALIKE * (ours - start).norm():  # waits for the device, once
                self._give_up("a replay gives other weights than the step itself")
        except Exception as error:  # noqa: BLE001 (whatever it is, steps work as they are written)
            self._give_up(_first_line(error))
            self._seed(step, True)  # the old generator may believe that it is still recorded
        if after:
            _put(after, tensors)
        return row

    def _fill(self, images: Tensor, labels: Tensor | None) -> None:
        assert self._images is not None
        self._images.copy_(images)
        if labels is not None and self._labels is not None:
            self._labels.copy_(labels)

    def _give_up(self, why: str) -> None:
        self.trouble = why
        self._graph, self._images, self._labels, self._row = None, None, None, self._bad

    def _tensors(self) -> list[Tensor]:
        """All that a step may change in place."""
        model = self._state.model
        moments = [
            value
            for optimizer in self._state.optimizers.values() for values in optimizer.state.values()
            for value in values.values() if isinstance(value, Tensor)
        ]  # fmt: skip
        return [*model.parameters(), *model.buffers(), *moments, self._bad]

    def _places(self) -> list[int]:
        """Where all that the model keeps lies, also what it has not registered."""
        modules = list(self._state.model.modules())
        loose = [value for module in modules for value in vars(module).values() if isinstance(value, Tensor)]
        kept = [*self._state.model.parameters(), *self._state.model.buffers(), *loose]
        return [tensor.data_ptr() for tensor in kept]


class Watch(TorchDispatchMode):
    """Notes operations that wait for the device, and whether a model asks for the step's number."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.waits: set[str] = set()
        self.numbered = False

    def noticing(self, batch: Batch) -> Batch:
        """The same batch; that its step is asked for is noted."""
        return _Noticed(batch.images, batch.labels, batch.step, batch.generator, batch.part, self)

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        self.waits |= {function.overloadpacket.__name__} & WAITS
        return function(*arguments, **(named or {}))


@dataclass(frozen=True)
class _Noticed(Batch):
    watch: Watch | None = None

    def __getattribute__(self, name: str) -> Any:
        if name == "step":
            object.__getattribute__(self, "watch").numbered = True
        return object.__getattribute__(self, name)


def _first_line(error: BaseException) -> str:
    """What went wrong first, in a line."""
    while error.__context__ is not None:
        error = error.__context__
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


def _copied(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in tensors]


@torch.no_grad()
def _put(values: Sequence[Tensor], tensors: Sequence[Tensor]) -> None:
    """Let tensors be what they were, where they are."""
    for value, tensor in zip(values, tensors, strict=True):
        tensor.copy_(value)


@torch.no_grad()
def _joined(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.flatten() for tensor in tensors])
