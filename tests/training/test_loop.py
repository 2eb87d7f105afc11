"""The loop: what it tells and when, what it obeys, what it does with a bad step, and what a step is."""

import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import models
from models.base import Batch, Diagnoses, Minimise
from tests.harness import begin, train
from workbench.data.imageset import to_unit
from workbench.runs import checkpoint
from workbench.runs.history import History
from workbench.session import Session
from workbench.training import loop, meter, saving
from workbench.training.control import Control
from workbench.training.evaluate import evaluate
from workbench.training.events import (
    Evaluated,
    Event,
    Finished,
    Notice,
    Paused,
    Progress,
    Saved,
    Snapshot,
    Started,
)  # fmt: skip
from workbench.training.order import generator
from workbench.training.recorder import Recorder

Step = Callable[[Any, Batch, Minimise], dict[str, Tensor]]


def change_step(
    model: str, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Tensor], int], None]
) -> None:
    """Let `change` alter what each training step of a model returns; it is given the step's number from 1."""
    cls = models.load(model)
    honest: Step = cls.training_step

    def training_step(self: Any, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        terms = honest(self, batch, minimise)
        change(terms, batch.step + 1)
        return terms

    monkeypatch.setattr(cls, "training_step", training_step)


def of_kind(events: list[Event], kind: type[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_events_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "REPORT_SECONDS", 1e9)  # at the end of each epoch, however busy the machine is
    told = train(begin(tmp_path, "vae", epochs="2", every="1"))
    assert [type(event) for event in told] == [
        Started, Progress, Evaluated, Saved, Snapshot, Progress, Evaluated, Saved, Snapshot, Finished,
    ]  # fmt: skip
    started = told[0]
    assert isinstance(started, Started)
    assert (started.step, started.steps_total, started.steps_per_epoch) == (0, 12, 6)
    assert (started.device, started.precision) == ("cpu", "float32")
    assert [event.final for event in of_kind(told, Snapshot)] == [False, True]
    first, second = of_kind(told, Progress)
    assert [(r.step, r.images, r.epoch, r.split) for r in (first.record, second.record)] == [
        (6, 96, 1.0, "train"), (12, 192, 2.0, "train"),
    ]  # fmt: skip
    assert first.images_per_second > 0
    assert second.seconds_left == 0
    assert told[-1] == Finished("done", 12)


def test_reports_are_means_with_the_spikes_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spike(terms: dict[str, Tensor], step: int) -> None:
        terms["kl"] = torch.tensor(1000.0 if step == 4 else float(step))

    change_step("vae", monkeypatch, spike)
    monkeypatch.setattr(meter, "REPORT_SECONDS", 1e9)
    (report,) = of_kind(train(begin(tmp_path, "vae", steps="6")), Progress)
    record = report.record
    assert record.metrics["kl"] == pytest.approx((1 + 2 + 3 + 1000 + 5 + 6) / 6)
    assert (record.low["kl"], record.high["kl"]) == (1.0, 1000.0)
    for name, mean in record.metrics.items():
        assert record.low[name] <= mean <= record.high[name]
    written = History.read(begin_again(tmp_path)).curve("kl", "train")
    assert written.high.tolist() == [1000.0]


def begin_again(runs: Path) -> Path:
    (path,) = runs.iterdir()
    return path / "metrics.jsonl"


def test_reports_come_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter, "REPORT_SECONDS", 0.0)
    assert len(of_kind(train(begin(tmp_path, "ae", steps="5")), Progress)) == 5


def test_pausing_waits_and_resuming_goes_on(tmp_path: Path) -> None:
    control, paused = Control(), threading.Event()

    def watch(event: Event) -> None:
        if isinstance(event, Progress) and event.record.step == 6:
            control.pause()
        if isinstance(event, Paused) and event.paused:
            assert session.folder.state().status == "paused"
            paused.set()

    session = begin(tmp_path, "ae", epochs="2", every="1")

    def go_on() -> None:
        paused.wait(20)
        control.resume()

    other = threading.Thread(target=go_on)
    other.start()
    told = train(session, [watch], control)
    other.join()
    assert [(event.step, event.paused) for event in of_kind(told, Paused)] == [(6, True), (6, False)]
    assert told[-1] == Finished("done", 12)
    assert session.folder.state().status == "done"


def test_a_paused_run_shows_and_saves_what_it_is_asked_for(tmp_path: Path) -> None:
    control = Control()
    control.pause()
    session = begin(tmp_path, "vae", steps="4")

    def watch(event: Event) -> None:
        if isinstance(event, Paused) and event.paused:
            control.ask("pictures")
            control.ask("checkpoint")
        if isinstance(event, Saved) and control.paused:
            control.stop()

    told = train(session, [watch], control)
    kinds = [type(event) for event in told]
    asked, stopped = kinds.index(Paused), len(kinds) - 1 - kinds[::-1].index(Paused)
    assert {Snapshot, Saved} <= set(kinds[asked:stopped])
    assert isinstance(told[-1], Finished)
    assert (told[-1].status, told[-1].step) == ("stopped", 0)


def test_a_paused_run_can_be_stopped(tmp_path: Path) -> None:
    control = Control()
    control.pause()

    def watch(event: Event) -> None:
        if isinstance(event, Paused) and event.paused:
            control.stop()

    session = begin(tmp_path, "ae", steps="50")
    told = train(session, [watch], control)
    assert told[-1] == Finished("stopped", 0)
    assert checkpoint.latest(session.folder)[0].step == 0


def test_a_picture_and_a_checkpoint_can_be_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def ask(terms: dict[str, Tensor], step: int) -> None:
        if step == 7:
            control.ask("pictures")
        if step == 9:
            control.ask("checkpoint")

    change_step("ae", monkeypatch, ask)
    told = train(begin(tmp_path, "ae", steps="20"), [], control)
    assert [(event.step, event.final) for event in of_kind(told, Snapshot)] == [(8, False), (20, True)]
    assert [event.record.step for event in of_kind(told, Evaluated)] == [8, 20]
    assert [event.step for event in of_kind(told, Saved)] == [6, 8, 10, 20]  # an epoch, the best so far, on request
    assert all(event.path.is_file() for event in of_kind(told, Saved)[-2:])


def test_a_display_that_fails_is_dropped_with_a_notice(tmp_path: Path) -> None:
    calls: list[Event] = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise RuntimeError("no more paint")

    session = begin(tmp_path, "ae", epochs="2")
    told = train(session, [broken])
    assert len(calls) == 1
    assert [event.text for event in of_kind(told, Notice)] == [
        "A display was dropped after an error (no more paint)."
    ]
    assert told[-1] == Finished("done", 12)
    assert "RuntimeError: no more paint" in session.folder.log_file.read_text()


def test_notices_of_the_images_reach_every_sink_that_works(tmp_path: Path) -> None:
    def broken(event: Event) -> None:
        raise RuntimeError("no more paint")

    session = begin(tmp_path, "ae", steps="2")
    session.notices = ["Three pictures were left out."]
    told = train(session, [broken])
    assert {"Three pictures were left out."} < {event.text for event in of_kind(told, Notice)}
    assert told[-1] == Finished("done", 2)
    assert "Three pictures were left out." in session.folder.log_file.read_text()


def test_a_divergence_names_the_metric_and_its_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    control = Control()

    def diverge(terms: dict[str, Tensor], step: int) -> None:
        if step == 3:
            control.ask("checkpoint")
        if step == 8:
            terms["recon_mse"] = torch.tensor(math.inf)

    change_step("ae", monkeypatch, diverge)
    monkeypatch.setattr(meter, "REPORT_SECONDS", 1e9)
    session = begin(tmp_path, "ae", steps="20")
    told = train(session, [], control)
    assert told[-1] == Finished(
        "diverged",
        8,
        "recon_mse became inf at step 8. Try a lower --learning-rate or --clip 1. "
        f"From step 4: {session.folder.resume_command} --learning-rate 0.00025",
    )
    assert checkpoint.latest(session.folder)[0].step == 4
    assert session.folder.state().status == "diverged"
    # The curve goes on to the step that is not finite, and marks it.
    curve = History.read(session.folder.metrics_file).curve("recon_mse", "train")
    assert curve.step.tolist()[-2:] == [7, 8]
    assert np.isfinite(curve.value[:-1]).all()
    assert np.isnan(curve.value[-1])


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = begin(tmp_path, "vae", steps="6")

    def poison(terms: dict[str, Tensor], step: int) -> None:
        if step == 6:
            with torch.no_grad():
                next(session.state.model.parameters()).fill_(math.nan)

    change_step("vae", monkeypatch, poison)
    told = train(session)
    assert isinstance(told[-1], Finished)
    assert told[-1].status == "diverged"
    assert "stopped being finite by step 6" in told[-1].reason
    assert list(session.folder.checkpoints.glob("*")) == []


def test_a_save_that_fails_midway_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failed = checkpoint.save, list[bool]()

    def save(*arguments: Any) -> Path:
        if not failed:
            failed.append(True)
            raise OSError(28, "No space left on device")
        return real(*arguments)

    monkeypatch.setattr(saving, "SHARE", 1e9)
    monkeypatch.setattr(saving, "RETRY_SECONDS", 0)
    monkeypatch.setattr(checkpoint, "save", save)
    told = train(begin(tmp_path, "ae", epochs="3", save_every="0.000001"))
    failed_notice, over = of_kind(told, Notice)
    assert failed_notice.text == (
        "[Errno 28] No space left on device. Training goes on, and saving is tried again and again. "
        "There is no good checkpoint yet. Make the folder writable or free some space."
    )
    assert over.text == "Checkpoints can be written again; this one is good."
    assert [event.step for event in of_kind(told, Saved)] == list(range(2, 19))


def trainer(session: Session) -> loop.Trainer:
    return loop.Trainer(
        session.state, session.images, session.config.training, session.machine, session.folder,
        Recorder(session.folder, History()), [], Control(),
    )  # fmt: skip


def test_minimise_reaches_its_own_parameters_only(tmp_path: Path) -> None:
    session = begin(tmp_path, "gan")
    model: Any = session.state.model
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    images = model.generator(torch.randn(4, 4))
    trainer(session)._minimise(model.discriminator(images).sum(), by="discriminator")
    for name, parameter in model.named_parameters():
        of_discriminator = name.startswith("discriminator.")
        assert (parameter.grad is not None) == of_discriminator, name
        assert torch.equal(parameter, before[name]) != of_discriminator, name


@pytest.mark.parametrize("clip", [None, "0.001"])
def test_clip_bounds_the_norm_of_a_gradient(clip: str | None, tmp_path: Path) -> None:
    session = begin(tmp_path, "ae", **({"clip": clip} if clip else {}))
    model: Any = session.state.model
    batch = to_unit(session.images.train.pixels[:16])
    loss = 1000 * (model.encoder(batch) ** 2).sum() + sum(p.sum() for p in model.parameters())
    trainer(session)._minimise(loss)
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))
    assert norm > 1 if clip is None else norm == pytest.approx(0.001, rel=1e-3)


def test_a_batch_larger_than_the_set_is_the_set(tmp_path: Path) -> None:
    told = train(begin(tmp_path, "ae", limit="10", batch_size="64", epochs="3", every="1"))
    assert told[0].steps_per_epoch == 1  # type: ignore[union-attr]
    assert [r.record.images for r in of_kind(told, Progress)] == [10, 20, 30]


def test_averaging_can_be_off(tmp_path: Path) -> None:
    on, off = (
        begin(tmp_path, "ae", name, steps="6", averaging=value) for name, value in (("on", "0.9"), ("off", "0"))
    )
    for session in (on, off):
        train(session)
    assert off.state.shown is off.state.model
    assert on.state.shown is not on.state.model
    saved = [{name.split("/")[0] for name in checkpoint.latest(s.folder)[0].tensors} for s in (on, off)]
    assert saved == [{"model", "average", "optimizer"}, {"model", "optimizer"}]
    weights = zip(on.state.model.parameters(), off.state.model.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in weights)  # looking through an average changes no training


def test_the_average_is_the_recursion_it_says(tmp_path: Path) -> None:
    state = begin(tmp_path, "ae", averaging="0.9").state
    weight, average = (next(model.parameters()) for model in (state.model, state.shown))
    expected = weight.detach().clone()
    for step in range(1, 40):
        state.step = step
        with torch.no_grad():
            weight.add_(step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight.detach()
        state.average_weights()
    torch.testing.assert_close(average.detach(), expected)


@pytest.mark.parametrize("model", ["ae", "vae"])
def test_evaluation_is_the_mean_over_images(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.training.evaluate.BATCH", 50)  # 180 images: 50 + 50 + 50 + 30
    session = begin(tmp_path, model)
    test = session.images.test
    shown: Any = session.state.model.eval()
    with torch.inference_mode():
        found = evaluate(shown, test, 7, torch.device("cpu"), lambda: None)
        noise = generator(torch.device("cpu"), 7, "evaluation")
        terms = [
            (len(part), shown.held_out(Batch(to_unit(part), None, 0, noise))) for part in test.images.split(50)
        ]
    for name, value in found.items():
        assert value == pytest.approx(sum(n * float(t[name]) for n, t in terms) / 180, rel=1e-6)
    if model == "ae":
        with torch.inference_mode():
            rebuilt = shown.reconstruct(to_unit(test.pixels))
        assert found["recon_mse"] == pytest.approx(
            float((rebuilt - to_unit(test.pixels)).square().mean()), rel=1e-5
        )


def test_a_trouble_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "DIAGNOSED_STEPS", 6)
    seen: list[dict[str, float]] = []

    def diagnose(self: Diagnoses, metrics: dict[str, float]) -> dict[str, str]:
        seen.append(metrics)
        return {"dull": "The images are dull."}

    monkeypatch.setattr(models.load("vae"), "diagnose", diagnose)
    told = train(begin(tmp_path, "vae", epochs="3", every="1"))
    assert [event.text for event in of_kind(told, Notice)] == ["The images are dull."]
    assert len(seen) == 3
    assert seen[0] == pytest.approx(of_kind(told, Progress)[0].record.metrics)
