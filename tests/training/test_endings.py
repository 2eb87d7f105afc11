"""How a run ends, and what it leaves for whoever comes back to it."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from models.errors import InputError
from models.gan import GAN
from tests.harness import begin, train
from workbench import session
from workbench.runs import checkpoint
from workbench.training import loop, saving
from workbench.training.control import Control
from workbench.training.events import Evaluated, Event, Notice, Progress, Saved, Snapshot


def test_a_stopped_run_is_saved_first_and_then_shows_all_it_can(tmp_path: Path) -> None:
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, Progress):
            control.stop()

    run = begin(tmp_path, "vae", epochs="9", every="1")
    told = train(run, [stop], control)
    kept = max(i for i, event in enumerate(told) if isinstance(event, Saved))
    shown, final = [(i, event) for i, event in enumerate(told) if isinstance(event, Snapshot)][-1]
    assert kept < shown
    assert final.final
    assert final.interpolation is not None
    # The epoch's evaluation is not written twice for one step.
    steps = [event.record.step for event in told if isinstance(event, Evaluated)]
    assert steps == sorted(set(steps))


def saved(told: Sequence[Event]) -> list[int]:
    return [event.step for event in told if isinstance(event, Saved)]


def test_the_first_epoch_leaves_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "SHARE", 0)  # however much it costs
    assert saved(train(begin(tmp_path, "gan", epochs="3", every="2", dataset="digits"))) == [6, 18]


def test_each_epoch_leaves_a_checkpoint_where_that_costs_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "SHARE", 1e9)
    run = begin(tmp_path, "gan", epochs="4", every="2", dataset="digits", save_every="0.01")
    monkeypatch.setattr(saving.Saver, "_waited", 0.002)  # not yet by the clock
    assert saved(train(run)) == [6, 12, 18, 24]


def test_the_best_is_kept_beside_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    losses = iter([5.0, 1.0, 3.0, 2.0, 4.0])
    monkeypatch.setattr(loop, "evaluate", lambda *_: {"recon_mse": next(losses)})
    monkeypatch.setattr(saving, "SHARE", 1e9)
    run = begin(tmp_path, "ae", epochs="5", every="1", save_every="0.0001")
    monkeypatch.setattr(saving.Saver, "_waited", 0.00005)
    assert saved(train(run)) == [6, 12, 18, 24, 30]
    kept = sorted(checkpoint.load(path).step for path in run.folder.checkpoints.iterdir())
    assert kept == [12, 24, 30]
    best = checkpoint.best(run.folder)
    assert best is not None
    assert checkpoint.load(best).step == 12


def test_a_model_that_is_better_than_ever_is_saved_whatever_it_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = iter([5.0, 6.0, 4.0, 4.5, 4.2])
    monkeypatch.setattr(loop, "evaluate", lambda *_: {"recon_mse": next(losses)})
    monkeypatch.setattr(saving, "SHARE", 0)
    assert saved(train(begin(tmp_path, "ae", epochs="5", every="1"))) == [6, 18, 30]


def test_checkpoints_go_by_the_clock_also_within_an_epoch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "SHARE", 1e9)
    run = begin(tmp_path, "ae", steps="5", save_every="0.000001")
    told = train(run)
    assert [event.step for event in told if isinstance(event, Saved)] == [1, 2, 3, 4, 5]
    assert checkpoint.latest(run.folder)[0].step == 5


def test_a_short_run_that_went_wrong_still_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GAN, "diagnose", lambda self, metrics: {"trouble": "The samples are all the same."})
    run = begin(tmp_path, "gan", steps="25", dataset="digits")
    told = train(run)
    assert [event.text for event in told if isinstance(event, Notice)] == ["The samples are all the same."]
    assert run.folder.state().notes == ("step 25: The samples are all the same.",)


def test_a_trouble_that_comes_back_is_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([{"trouble": "It."}, {"trouble": "It."}, {}, {"trouble": "It."}])
    monkeypatch.setattr(GAN, "diagnose", lambda self, metrics: next(found, {}))
    monkeypatch.setattr(loop, "DIAGNOSED_STEPS", 6)
    run = begin(tmp_path, "gan", epochs="4", every="1", dataset="digits")
    told = train(run)
    assert [event.step for event in told if isinstance(event, Notice)] == [6, 24]


def test_a_run_goes_on_where_its_images_have_moved(tmp_path: Path, shared_data: Path) -> None:
    for where in ("old", "new"):
        (tmp_path / where).mkdir()
    for file in (shared_data / "mnist").glob("t10k*"):  # a small MNIST: the test files stand for both splits
        shutil.copy(file, tmp_path / "old" / file.name)
        shutil.copy(file, tmp_path / "old" / file.name.replace("t10k", "train"))
    run = begin(tmp_path / "runs", "ae", steps="2", dataset="mnist", data_dir=str(tmp_path / "old"))
    train(run)
    for file in (tmp_path / "old").iterdir():
        file.rename(tmp_path / "new" / file.name)

    train(session.resume(run.folder, {"steps": 4, "data_dir": tmp_path / "new"}))
    assert run.folder.state().step == 4
    assert run.folder.config().data.data_dir == tmp_path / "new"


@pytest.mark.parametrize(("field", "value"), [("step", '"x"'), ("metrics", "null"), ("status", '"dancing"')])
def test_a_state_of_wrong_types_is_refused_by_name(tmp_path: Path, field: str, value: str) -> None:
    run = begin(tmp_path, "ae", steps="2")
    train(run)
    lines = run.folder.state_file.read_text().splitlines()
    (old,) = [line for line in lines if line.startswith(f'  "{field}":')]
    end = lines.index("  },") if field == "metrics" else lines.index(old)
    lines[lines.index(old) : end + 1] = [f'  "{field}": {value},']
    run.folder.state_file.write_text("\n".join(lines))
    with pytest.raises(InputError, match=rf"state\.json does not say where the run stands \({field}\)"):
        run.folder.state()
