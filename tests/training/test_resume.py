"""Resuming is as if nothing had happened, and looking changes nothing: bit for bit, for every model."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

import models
from models.base import Batch, Minimise
from models.errors import InputError
from tests.harness import begin, train
from workbench import session
from workbench.cores import available_cores
from workbench.runs import checkpoint
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.runs.state import State
from workbench.training.control import Control
from workbench.training.events import Evaluated, Event, Notice, Progress, Snapshot


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
    assert 18 in evaluations(run.folder)
    assert [r.step for r in History.read(log).records if r.split == "train"][-1] == 18


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
    with pytest.raises(InputError, match=r"has done 3 steps \(0\.5 epochs\) already\. Give --epochs or --steps"):
        session.resume(run.folder, {})


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
    assert "does not match its checksum" in resumed.notices[0]
    assert "The run goes on from step 6." in resumed.notices[0]
    # Set aside, so that it does not count as one of the newest two.
    assert [path.name for path in run.folder.checkpoints.glob("*.broken")] == ["step-000000009.broken"]
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


def test_a_run_without_a_checkpoint_begins_again(tmp_path: Path) -> None:
    whole = begin(tmp_path, "vae", "whole", steps="9")
    train(whole)
    killed = begin(tmp_path, "vae", "killed", steps="9")
    killed.folder.unlock()

    again = session.resume(killed.folder, {})
    assert again.notices[0] == "There was no checkpoint yet, so the run begins again."
    train(again)
    assert_same(tensors(whole.folder), tensors(killed.folder))


def test_a_run_killed_in_its_last_pictures_makes_them_when_resumed(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="9")
    train(run)
    with pytest.raises(InputError, match="has done 9 steps"):
        session.resume(run.folder, {})
    before = run.folder.stored_state()
    run.folder.write_state(State("running"))  # written every two seconds only, so it may be far behind

    told = train(session.resume(run.folder, {}))
    assert [event.final for event in told if isinstance(event, Snapshot)] == [True]
    after = run.folder.state()
    assert (after.status, after.epoch, after.metrics) == ("done", before.epoch, before.metrics)
    steps = [record.step for record in History.read(run.folder.metrics_file).records if record.split == "test"]
    assert steps == [9]  # evaluated again, and not written twice


def stopping_after(prepared: session.Session, step: int) -> Control:
    """A control that stops the run after this very step, as a signal does."""
    control, model = Control(), prepared.state.model
    honest = model.training_step

    def training_step(batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        terms = honest(batch, minimise)
        if batch.step + 1 == step:
            control.stop(hurried=True)
        return terms

    model.training_step = training_step  # type: ignore[method-assign]
    return control


@pytest.mark.parametrize("name", models.names())
def test_chains_of_five_resumes_at_random_steps(name: str, tmp_path: Path) -> None:
    settings = {"steps": "40", "every": "2", "dataset": "digits", "save_every": "0.01"}
    whole = begin(tmp_path, name, "whole", **settings)
    train(whole)
    for chain in range(3):
        chosen = random.Random(f"{name} {chain}").sample(range(1, 40), 5)
        pieces = begin(tmp_path, name, f"pieces-{chain}", **settings)
        for step in sorted(chosen):
            train(pieces, control=stopping_after(pieces, step))
            assert pieces.folder.state().step == step
            pieces = session.resume(pieces.folder, {})
        train(pieces)
        assert_same(tensors(whole.folder), tensors(pieces.folder))
        ours, theirs = (evaluations(run.folder) for run in (whole, pieces))
        assert ours == theirs


def evaluations(folder: RunFolder) -> dict[int, dict[str, float]]:
    """The numbers of held-out images by step. No split may have a step twice: the lines as they are, no reader."""
    lines = [json.loads(line) for line in folder.metrics_file.read_text().splitlines()]
    for split in ("train", "test"):
        steps = [line["step"] for line in lines if line["split"] == split]
        assert steps == sorted(set(steps))
    return {line["step"]: line["metrics"] for line in lines if line["split"] == "test"}


def test_another_setting_makes_another_run_that_names_its_parent(tmp_path: Path) -> None:
    parent = begin(tmp_path, "vae", "parent", steps="9")
    train(parent)
    before = {path: path.read_bytes() for path in parent.folder.path.rglob("*") if path.is_file()}

    child = session.branch(parent.folder, {"learning_rate": "0.0001", "steps": "15"}, tmp_path, "child")
    assert child.state.optimizers["model"].param_groups[0]["lr"] == 1e-4
    told = train(child)
    assert child.folder.parent() == {"run": "parent", "step": 9}
    assert child.config.model.learning_rate == 1e-4
    assert child.folder.state().step == 15
    assert "Goes on from step 9 of parent with other settings." in [e.text for e in told if isinstance(e, Notice)]
    assert {path: path.read_bytes() for path in before} == before

    child.folder.write_state(replace(child.folder.stored_state(), status="stopped"))
    again = session.resume(child.folder, {"steps": 18})
    assert again.folder.parent() == {"run": "parent", "step": 9}
    again.folder.unlock()


def test_another_batch_size_begins_at_the_same_epoch(tmp_path: Path) -> None:
    parent = begin(tmp_path, "ae", "parent", steps="9")  # one and a half epochs of six steps
    train(parent)
    child = session.branch(parent.folder, {"batch_size": "8", "epochs": "3"}, tmp_path, "child")
    assert child.state.step == 18  # of 36: the epochs have twelve steps now
    train(child)
    assert child.folder.state().epoch == 3


def test_another_sitting_computes_with_as_many_threads(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="3")
    train(run)
    environment = run.folder.environment_file
    environment.write_text(environment.read_text().replace('"threads": 1', f'"threads": {available_cores() + 1}'))
    resumed = session.resume(run.folder, {"steps": 5})
    assert resumed.notices == [
        f"This sitting has threads 1 (before: {available_cores() + 1}): the last bits of its numbers may differ."
    ]
    resumed.folder.unlock()


def test_a_child_killed_at_once_goes_on_from_its_parents_weights(tmp_path: Path) -> None:
    parent = begin(tmp_path, "vae", "parent", steps="9")
    train(parent)
    child = session.branch(parent.folder, {"learning_rate": "0.0001", "steps": "15"}, tmp_path, "child")
    child.folder.unlock()  # as a kill before its first step does
    again = session.resume(child.folder, {})
    assert again.state.step == 9
    assert_same(tensors(parent.folder), tensors(child.folder))
    again.folder.unlock()


def test_a_child_evaluates_at_steps_that_its_parent_evaluated_too(tmp_path: Path) -> None:
    parent = begin(tmp_path, "ae", "parent", steps="6")
    train(parent)
    child = session.branch(parent.folder, {"batch_size": "32", "epochs": "2"}, tmp_path, "child")
    train(child)
    assert 6 in evaluations(child.folder)  # three of its steps an epoch


def test_other_images_are_only_taken_where_they_were_asked_for(tmp_path: Path) -> None:
    parent = begin(tmp_path, "vae", "parent", steps="3")
    train(parent)
    config = parent.folder.config_file
    config.write_text(config.read_text().replace(parent.images.fingerprint, "0" * len(parent.images.fingerprint)))
    with pytest.raises(InputError, match="was trained on other images"):
        session.branch(parent.folder, {"learning_rate": "0.01"}, tmp_path, "child")
    child = session.branch(parent.folder, {"limit": "64", "epochs": "9"}, tmp_path, "child")
    child.folder.unlock()


def test_images_that_the_networks_cannot_take_are_named(tmp_path: Path) -> None:
    parent = begin(tmp_path, "vae", "parent", steps="3")
    train(parent)
    said = r"take images of 8x8 with 1 channel\(s\); these have 16x16 and 3\. Give --image-size and --channels"
    with pytest.raises(InputError, match=said):
        session.branch(parent.folder, {"image_size": "16", "channels": "3", "epochs": "9"}, tmp_path, "child")
    assert not (tmp_path / "child").exists()


def test_a_run_whose_checkpoints_were_deleted_keeps_its_numbers(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="9")
    train(run)
    numbers = run.folder.metrics_file.read_bytes()
    for path in run.folder.checkpoints.iterdir():
        path.unlink()
    with pytest.raises(InputError, match="has no checkpoint"):
        session.resume(run.folder, {"steps": 12})
    assert run.folder.metrics_file.read_bytes() == numbers


def test_how_good_it_was_is_known_after_resuming_at_that_very_step(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", epochs="2", every="1")
    train(run)
    rank = checkpoint.best_rank(run.folder)
    assert rank is not None
    run.folder.write_state(State("running"))  # killed in its last pictures
    train(session.resume(run.folder, {}))
    assert checkpoint.best_rank(run.folder) == rank


def test_averaging_can_begin_with_a_run_that_did_without(tmp_path: Path) -> None:
    parent = begin(tmp_path, "ae", "parent", steps="9", averaging="0")
    train(parent)
    child = session.branch(parent.folder, {"averaging": "0.9", "steps": "12"}, tmp_path, "child")
    train(child)
    assert child.folder.state().status == "done"
