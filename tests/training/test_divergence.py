"""What is not finite never reaches the weights, is found without waiting for the device, and is named."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

import models
from models.base import Batch, Minimise
from tests.harness import begin, train
from workbench.runs import checkpoint
from workbench.session import Session
from workbench.training import meter
from workbench.training.events import Finished
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser

Spoil = Callable[[Tensor, Tensor], Tensor]  # a loss and a weight -> another loss


def spoiling(session: Session, step: int, by: str, spoil: Spoil) -> None:
    """Give the model a `minimise` whose loss by one optimizer is spoilt at one step."""
    model, optimizers = session.state.model, session.state.optimizers
    honest = model.training_step

    def training_step(batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        def spoilt(loss: Tensor, which: str = "model") -> None:
            if (batch.step + 1, which) == (step, by):
                loss = spoil(loss, optimizers[by].param_groups[0]["params"][0])
            minimise(loss, which)

        return honest(batch, lambda loss, by="model": spoilt(loss, by))

    model.training_step = training_step  # type: ignore[method-assign]


def bad_loss(loss: Tensor, weight: Tensor) -> Tensor:
    return loss * math.inf


def bad_gradient(loss: Tensor, weight: Tensor) -> Tensor:
    return loss + (weight * 0).square().sum().sqrt()  # 0, with a gradient that is not a number


def parameters(network: Any) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


CASES = [
    ("ae", "model", "The gradient stopped being finite at step 9."),
    ("vae", "model", "The gradient stopped being finite at step 9."),
    ("gan", "generator", "The gradient of the generator stopped being finite at step 9."),
    ("gan", "discriminator", "The gradient of the discriminator stopped being finite at step 9."),
]


@pytest.mark.parametrize("spoil", [bad_loss, bad_gradient])
@pytest.mark.parametrize(("model", "by", "words"), CASES)
def test_the_weights_stay_as_they_were(
    model: str, by: str, words: str, spoil: Spoil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meter, "REPORT_SECONDS", 1e9)  # found out long after
    run = begin(tmp_path, model, "run", steps="30", dataset="digits", save_every="1000")
    spoiling(run, 9, by, spoil)
    end = train(run)[-1]
    assert isinstance(end, Finished)
    assert end.status == "diverged"
    kept = checkpoint.latest(run.folder)[0].step
    assert end.reason == (
        f"{words} The weights were left as they were before it. Try a lower --learning-rate or --clip 1. "
        f"From step {kept}: {run.folder.resume_command} --learning-rate {run.config.model.learning_rate / 4:g}"
    )

    before = begin(tmp_path, model, "before", steps="8", dataset="digits")
    train(before)
    ours, theirs = parameters(run.state.model), parameters(before.state.model)
    if (model, by) == ("gan", "generator"):  # the discriminator had made its step by then
        ours, theirs = (parameters(one.state.model.generator) for one in (run, before))
    assert all(map(torch.equal, ours, theirs))


def test_the_run_goes_on_from_there_with_what_was_advised(tmp_path: Path) -> None:
    from workbench import session

    run = begin(tmp_path, "vae", "run", steps="12", save_every="1000")
    spoiling(run, 9, "model", bad_loss)
    train(run)
    child = session.branch(run.folder, {"learning_rate": "0.00025"}, tmp_path, "calmer")
    train(child)
    assert child.folder.state().status == "done"
    assert child.folder.parent() == {"run": "run", "step": 6}


@pytest.mark.parametrize("fused", [True, False])
def test_optimizers_with_and_without_the_protocol(fused: bool, tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="3")
    state = run.state
    state.optimizers = {"model": torch.optim.Adam(state.model.parameters(), lr=0.1, fused=fused)}
    minimise = Minimiser(state, torch.device("cpu"), None)
    weight = next(state.model.parameters())
    minimise(weight.square().sum())
    moved, moments = weight.detach().clone(), state.optimizers["model"].state_dict()["state"][0]["step"].clone()
    minimise(weight.square().sum() * math.nan)
    minimise(weight.square().sum())  # what is good comes too late
    assert torch.equal(weight, moved)
    assert state.optimizers["model"].state_dict()["state"][0]["step"] == moments
    assert minimise.flags["model"] == 1


class Waits(TorchDispatchMode):
    """Counts the operations that wait for the device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.found: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if any(word in str(func) for word in ("_local_scalar_dense", "nonzero", "is_nonzero", "masked_select")):
            self.found.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", models.names())
def test_no_step_waits_for_the_device(name: str, tmp_path: Path) -> None:
    run = begin(tmp_path, name, dataset="digits")
    minimise, numbers = Minimiser(run.state, torch.device("cpu"), None), Meter()
    images = torch.rand(16, *run.images.shape[:1], run.images.shape.size, run.images.shape.size)
    with Waits() as waits:
        for step in range(3):
            batch = Batch(images, None, step, torch.Generator())
            numbers.add(numbers.row(run.state.model.training_step(batch, minimise), minimise.flags))
            run.state.average_weights()
        assert waits.found == []
        numbers.read(3)
        minimise.flags["model" if name != "gan" else "generator"].item()
    assert waits.found != []  # the counter counts
