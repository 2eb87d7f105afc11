"""Replayed steps are the steps themselves; where they cannot be, training goes on as it is written and says why.

The GPU's graph is stood in for by one that does what it does: it keeps the operations of a step with their tensors
and numbers, and does them again, at the same addresses and without running Python. `test_gpu.py` has the real one.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from models.base import Batch, Minimise
from tests.harness import begin, train
from workbench.session import Session
from workbench.training import replay
from workbench.training.events import Notice
from workbench.training.meter import DivergedError
from workbench.training.replay import REHEARSALS
from workbench.training.steps import Steps
from workbench.training.team import ALONE


class Recorded(TorchDispatchMode):
    """Operations of a step, to be done again."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: list[tuple[Any, Any, Any, Any]] = []
        self.replays = 0

    def rehearse(self, act: Callable[[], Tensor]) -> Tensor:
        return act()

    def record(self, act: Callable[[], Tensor]) -> Tensor:
        with self:
            return act()

    @torch.no_grad()
    def replay(self) -> None:
        self.replays += 1
        for function, arguments, named, before in self._calls:
            now = function(*arguments, **named)
            for old, new in zip(tree_leaves(before), tree_leaves(now), strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), named: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        self._calls.append((function, arguments, named or {}, result))
        return result


class Deaf(Recorded):
    """A graph whose replays do nothing."""

    def replay(self) -> None:
        self.replays += 1


class Refusing(Recorded):
    """A graph that cannot be recorded."""

    def record(self, act: Callable[[], Tensor]) -> Tensor:
        act()
        try:
            raise RuntimeError("operation not permitted when stream is capturing.\nCompile with ...")
        finally:
            self.end()

    def end(self) -> None:
        raise RuntimeError("operation failed due to a previous error during capture")


def steps_of(run: Session, graph: Recorded | None) -> Steps:
    run.folder.unlock()
    run.state.model.train()
    return Steps(run.state, run.images, run.config.training, run.machine, ALONE, graph=graph)


def trained(run: Session, graph: Recorded | None, count: int = 10) -> tuple[list[Any], dict[str, Tensor], Steps]:
    """The means of each step, and all that a checkpoint would hold."""
    steps, told = steps_of(run, graph), []
    for _ in range(count):
        steps.take()
        told.append(steps.meter.read(run.state.step)[1])
    return told, dict(run.state.to_checkpoint(0.0).tensors), steps


def check_same(tmp_path: Path, graph: Recorded, model: str, **settings: str) -> Steps:
    """Steps with the graph are those without it, bit for bit."""
    plain, tensors, _ = trained(begin(tmp_path / "plain", model, **settings), None)
    replayed, others, steps = trained(begin(tmp_path / "replayed", model, **settings), graph)
    assert replayed == plain
    assert tensors.keys() == others.keys()
    assert [name for name, tensor in tensors.items() if not torch.equal(tensor, others[name])] == []
    return steps


@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("model", ["ae", "vae", "gan"])
def test_replayed_steps_are_the_steps_themselves(model: str, network: str, tmp_path: Path) -> None:
    graph = Recorded()
    steps = check_same(tmp_path, graph, model, network=network)
    assert steps.trouble == ""
    assert graph.replays == 10 - REHEARSALS  # one of them to see whether they are


@pytest.mark.parametrize("settings", [{"binarise": "dynamic"}, {"clip": "0.1"}, {"averaging": "0"}], ids=str)
def test_so_are_those_of_other_settings(settings: dict[str, str], tmp_path: Path) -> None:
    assert check_same(tmp_path, Recorded(), "vae", **settings).trouble == ""


def test_a_run_that_goes_on_is_recorded_anew(tmp_path: Path) -> None:
    whole = begin(tmp_path / "whole", "gan")
    trained(whole, None, 14)
    first, second = (begin(tmp_path / name, "gan") for name in ("first", "second"))
    trained(first, Recorded(), 7)
    second.state.restore(first.state.to_checkpoint(0.0))
    graph = Recorded()
    trained(second, graph, 7)
    assert graph.replays == 7 - REHEARSALS
    ours, theirs = (dict(run.state.to_checkpoint(0.0).tensors) for run in (second, whole))
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, theirs[name])] == []


def test_the_guard_works_in_replays(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae")
    steps = steps_of(run, Recorded())
    for _ in range(6):
        steps.take()
    weights = [p.detach().clone() for p in run.state.model.parameters()]
    with torch.no_grad():
        next(run.state.model.parameters()).view(-1)[0] = torch.nan
    for _ in range(3):
        steps.take()
    with pytest.raises(DivergedError, match="at step 7"):
        steps.meter.read(run.state.step)
    kept = [torch.equal(p, w) for p, w in zip(run.state.model.parameters(), weights, strict=True)]
    assert kept == [False, *[True] * (len(kept) - 1)]


def altered(run: Session, more: Callable[[Any, Batch, Minimise], None]) -> Session:
    """The run's model doing something more in each step."""
    model = run.state.model
    usual = model.training_step

    def step(batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        more(model, batch, minimise)
        return usual(batch, minimise)

    object.__setattr__(model, "training_step", step)
    return run


def reads_the_number(model: Any, batch: Batch, minimise: Minimise) -> None:
    assert batch.step >= 0


def waits(model: Any, batch: Batch, minimise: Minimise) -> None:
    assert batch.images.mean().item() >= 0


def swaps_a_tensor(model: Any, batch: Batch, minimise: Minimise) -> None:
    model.code_mean = model.code_mean + 0


def keeps_a_tensor(model: Any, batch: Batch, minimise: Minimise) -> None:
    model.last = batch.images


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (reads_the_number, "the model reads the step's number"),
        (waits, "the model waits for the device (_local_scalar_dense)"),
        (swaps_a_tensor, "the model puts new tensors in place of its old ones"),
        (keeps_a_tensor, "the model puts new tensors in place of its old ones"),
    ],
)
def test_what_a_recording_cannot_hold_is_found(
    more: Callable[[Any, Batch, Minimise], None], why: str, tmp_path: Path
) -> None:
    plain = trained(begin(tmp_path / "plain", "ae"), None)[1]
    graph = Recorded()
    _, tensors, steps = trained(altered(begin(tmp_path / "altered", "ae"), more), graph)
    assert steps.trouble == why
    assert graph.replays == 0
    weights = [name for name in plain if name.startswith("model/")]
    assert [name for name in weights if not torch.equal(tensors[name], plain[name])] == []


@pytest.mark.parametrize(
    ("graph", "why"),
    [
        (Deaf(), "a replay gives other weights than the step itself"),
        (Refusing(), "operation not permitted when stream is capturing"),
    ],
    ids=["deaf", "refusing"],
)
def test_a_graph_that_does_not_work_harms_nothing(graph: Recorded, why: str, tmp_path: Path) -> None:
    assert check_same(tmp_path, graph, "gan").trouble == why
    assert graph.replays <= 1


@pytest.mark.parametrize(("at", "why"), [(1, "there is no memory for a recording"), (2, "out of memory")])
def test_steps_need_no_more_memory_than_without_a_recording(
    at: int, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied, calls = replay._copied, list[int]()

    def short(tensors: Sequence[Tensor]) -> list[Tensor]:
        calls.append(1)
        if len(calls) == at:
            raise torch.OutOfMemoryError("out of memory")
        return copied(tensors)

    monkeypatch.setattr(replay, "_copied", short)
    assert check_same(tmp_path, Recorded(), "vae").trouble == why


def test_an_optimizer_without_moments_yet_is_waited_for(tmp_path: Path) -> None:
    run = begin(tmp_path, "gan")
    graph = Recorded()
    steps = steps_of(run, graph)
    usual, seen = run.state.model.training_step, []

    def step(batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        seen.append(1)

        def late(loss: Tensor, by: str = "model") -> None:
            if by != "generator" or len(seen) > 4:
                minimise(loss, by)

        return usual(batch, late)

    object.__setattr__(run.state.model, "training_step", step)
    for _ in range(6):
        steps.take()
    assert steps.trouble == "the optimizer generator takes no part in the first 3 steps"
    assert len(seen) == 6


def test_the_reason_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Steps, "trouble", "the model reads the step's number")
    told = [e.text for e in train(begin(tmp_path, "ae", epochs="3", every="1")) if isinstance(e, Notice)]
    assert told == [
        "Each kernel of a step is launched by itself, which may be slower: the model reads the step's number."
    ]
