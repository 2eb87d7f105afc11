"""Resuming is as if nothing had happened, and looking changes nothing: bit for bit, for every model."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

import models
from models.errors import InputError
from tests.harness import begin, train
from workbench import session
from workbench.runs import checkpoint
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.training.control import Control
from workbench.training.events import Evaluated, Event, Progress


def tensors(folder: RunFolder) -> dict[str, Tensor]:
    return dict(checkpoint.latest(folder)[0].tensors)


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    different = [name for name in one if not torch.equal(one[name], other[name])]
    assert different == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", models.names())
def test_a_chain_of_resumes_equals_no_interruption(name: str, precision: str, tmp_path: Path) -> None:
    whole = begin(tmp_path, name, "whole", steps="40", precision=precision, dataset="digits")
    train(whole)

    # Stops inside epochs, which are 6 steps long, and once on the border of one.
    pieces = begin(tmp_path, name, "pieces", steps="7", precision=precision, dataset="digits")
    train(pieces)
    for steps in (8, 18, 29, 40):
        train(session.resume(pieces.folder, {"steps": steps}))

    assert_same(tensors(whole.folder), tensors(pieces.folder))
    ours, theirs = (History.read(s.folder.metrics_file).last("test") for s in (whole, pieces))
    assert ours == theirs


@pytest.mark.parametrize("name", models.names())
def test_drawing_and_evaluating_never_change_weights(name: str, tmp_path: Path) -> None:
    looked, unseen = (
        begin(tmp_path, name, f"every-{every}", steps="20", every=every, dataset="digits")
        for every in ("1", "1000")
    )
    told = train(looked)
    train(unseen)
    assert sum(isinstance(event, Evaluated) for event in told) == 4  # three epochs and the end
    assert_same(tensors(looked.folder), tensors(unseen.folder))


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    first, again, other = (begin(tmp_path, "vae", name, steps="10", seed=s) for name, s in
                           (("first", "3"), ("again", "3"), ("other", "4")))  # fmt: skip
    for run in (first, again, other):
        train(run)
    assert_same(tensors(first.folder), tensors(again.folder))
    assert not torch.equal(
        tensors(first.folder)["model/decoder.0.weight"], tensors(other.folder)["model/decoder.0.weight"]
    )


def test_a_resumed_log_holds_no_step_twice(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="12", every="1")
    train(run)
    # A kill after the checkpoint leaves records that the resumed run will write again.
    log = run.folder.metrics_file
    log.write_text(
        log.read_text() + log.read_text().splitlines()[-1].replace('"step": 12', '"step": 13') + '\n{"st'
    )
    train(session.resume(run.folder, {"steps": 18}))
    for split in ("train", "test"):
        steps = [r.step for r in History.read(log).records if r.split == split]
        assert steps == sorted(set(steps))
        assert steps[-1] == 18


def test_a_stopped_run_is_saved_and_goes_on(tmp_path: Path) -> None:
    control = Control()

    def stop_soon(event: Event) -> None:
        if isinstance(event, Evaluated):
            control.stop()

    run = begin(tmp_path, "vae", epochs="5", every="1")
    train(run, [stop_soon], control)
    assert run.folder.state().status == "stopped"
    assert checkpoint.latest(run.folder)[0].step == run.folder.state().step == 6

    told = train(session.resume(run.folder, {}))
    assert run.folder.state().status == "done"
    assert [e.record.step for e in told if isinstance(e, Progress)][-1] == 30


def test_a_finished_run_asks_for_more_steps(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="3")
    train(run)
    with pytest.raises(InputError, match=r"has done all its 3 steps\. Give --epochs or --steps above that"):
        session.resume(run.folder, {})
    with pytest.raises(InputError, match="has no checkpoint yet"):
        session.resume(begin_unstarted(tmp_path), {})


def begin_unstarted(runs: Path) -> RunFolder:
    prepared = begin(runs, "vae", "unstarted", steps="3")
    prepared.folder.unlock()
    return prepared.folder


def test_a_damaged_checkpoint_is_passed_over_with_a_sentence(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="6")
    train(run)
    train(session.resume(run.folder, {"steps": 9}))
    newest = max(run.folder.checkpoints.iterdir())
    data = bytearray(newest.read_bytes())
    data[-5] ^= 1
    newest.write_bytes(data)

    resumed = session.resume(run.folder, {"steps": 9})
    assert resumed.state.step == 6
    assert "do not match their checksum" in resumed.notices[0]
    resumed.folder.unlock()


def test_a_run_whose_images_changed_is_refused(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="3")
    train(run)
    text = run.folder.config_file.read_text()
    run.folder.config_file.write_text(text.replace(run.folder.images()["fingerprint"], "0" * 16))
    with pytest.raises(InputError, match="was trained on other images than digits holds now"):
        session.resume(run.folder, {"steps": 5})


def test_two_processes_cannot_write_one_run(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="3")
    with pytest.raises(InputError, match=r"is being written by process \d+ on"):
        session.resume(RunFolder.open(run.folder.path), {"steps": 5})
    run.folder.unlock()
