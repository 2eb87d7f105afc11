"""What a trained model is measured to be worth: at the end of training, and by `genbench evaluate`."""

import errno
import json
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from models.errors import InputError
from tests.command import genbench
from tests.command import train as train_command
from tests.failing_disk import Disk
from tests.harness import begin, train
from workbench.appraisal import subject
from workbench.appraisal.appraise import PARTS
from workbench.appraisal.at_end import AtEnd
from workbench.appraisal.measures import MEASURES
from workbench.assess import Wanted, assess_run
from workbench.runs import evaluations, files
from workbench.runs.evaluations import Evaluation
from workbench.runs.folder import RunFolder
from workbench.training.events import Finished, LeftOutError


def measured(folder: RunFolder) -> Evaluation:
    found = evaluations.load(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module", autouse=True)
def in_small() -> Iterator[None]:
    """All measures on fewer images, so that one evaluation takes a second or two."""
    few = subject.Sizes(180, 500, 10, (1, 100), 600, 50, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "SIZES", {"fast": few, "full": replace(few, bounded=2, bounds=(1, 100, 5000))})
        yield


@pytest.fixture(scope="module")
def vae(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A VAE on all digits of 8x8, so that there are images enough for every measure; measured at its end."""
    prepared = begin(tmp_path_factory.mktemp("runs"), "vae", "vae", limit="none", steps="150", evaluate="fast")
    train(prepared)
    return prepared.folder


def test_a_run_is_measured_at_its_end(vae: RunFolder) -> None:
    found = measured(vae)
    assert found.effort == "fast"
    assert found.step == 150
    assert found.weights == "averaged weights"
    assert not found.notes
    bare = {one.key.partition("@")[0] for one in found.measured if one.group != "held-out"}
    assert bare == MEASURES.keys() - {"iw5000"}
    assert {one.group for one in found.measured} == set(evaluations.GROUPS)


def test_every_number_has_its_meaning_interval_and_protocol(vae: RunFolder) -> None:
    for one in measured(vae).measured:
        assert one.value is not None, one
        assert one.unit
        assert one.definition.endswith(".")
        assert one.source
        assert {"split", "real split"} & one.protocol.keys(), one.key
        assert "interval" in one.protocol, one.key
        if one.low is not None and one.high is not None:
            assert one.low <= one.value <= one.high
    distance = measured(vae)["fd"]
    assert distance.title == "FD-digits"
    assert len(distance.protocol["features hash"]) == 16
    assert distance.protocol["real split"] == "training"  # 180 held-out digits are too few


def test_held_out_numbers_are_those_of_training_and_both_weights_are_kept(vae: RunFolder) -> None:
    found, state = measured(vae), vae.state()
    for name in ("loss", "kl", "recon_nats", "recon_mse"):
        assert found.value(name) == pytest.approx(state.metrics[name], rel=1e-6)
        last = found[f"{name}@last"]
        assert last.condition == "last weights"
        assert last.value != found.value(name)


def test_measuring_counts_as_no_time_of_training(vae: RunFolder) -> None:
    found, state = measured(vae), vae.state()
    assert found.seconds > 0
    lines = [json.loads(line) for line in vae.metrics_file.read_text().splitlines()]
    assert state.seconds < lines[-1]["seconds"] + 2 + found.seconds
    assert sum(one.seconds for one in found.measured) <= found.seconds + 0.5


def test_the_same_run_measures_the_same_again(vae: RunFolder) -> None:
    before = measured(vae)
    after = assess_run(vae, Wanted("fast", device="cpu"))
    assert [(one.key, one.value) for one in after.measured] == [(one.key, one.value) for one in before.measured]


def test_a_full_evaluation_has_every_sampler_and_both_binarisations(vae: RunFolder) -> None:
    keys = {one.key for one in assess_run(vae, Wanted("full", device="cpu")).measured}
    assert {"fd", "fd@gaussian", "fd@mixture"} <= keys
    assert {"elbo@grey", "elbo@static", "elbo@dynamic", "iw5000@dynamic"} <= keys


def test_what_there_is_no_time_for_is_left_out_and_said(vae: RunFolder) -> None:
    found = assess_run(vae, Wanted("fast", device="cpu", budget=1e-9))
    assert found.notes == (
        "Held-out numbers and what follows were left out: the time budget of 1e-09 s was used up.",
        "What was measured before stays.",
    )


def test_cancelling_keeps_what_is_measured(vae: RunFolder) -> None:
    asked: list[str] = []

    def progress(what: str, done: int, total: int) -> None:
        asked.append(what)

    found = assess_run(
        vae, Wanted("fast", device="cpu"), progress=progress, cancelled=lambda: "latent structure" in asked
    )
    groups = {one.group for one in found.measured}
    assert groups == {"held-out", "reconstruction", "likelihood"}
    assert found.notes == (
        "Latent structure and what follows were left out: measuring was cancelled.",
        "What was measured before stays.",
    )
    assert not measured(vae).notes, "a whole evaluation is not replaced by a part of one"
    vae.evaluation_file.unlink()
    asked.clear()
    found = assess_run(
        vae, Wanted("fast", device="cpu"), progress=progress, cancelled=lambda: "latent structure" in asked
    )
    assert measured(vae) == found
    assess_run(vae, Wanted("fast", device="cpu"))  # as it was
    assert not measured(vae).notes


def test_a_full_evaluation_that_is_cut_short_takes_nothing_away(vae: RunFolder) -> None:
    fast = assess_run(vae, Wanted("fast", device="cpu"))
    asked: list[str] = []
    wanted = Wanted("full", device="cpu")
    cut = assess_run(
        vae, wanted, progress=lambda what, *_: asked.append(what), cancelled=lambda: "latent structure" in asked
    )
    assert measured(vae) == cut
    assert {one.group for one in cut.measured} == set(evaluations.GROUPS)
    assert {"elbo@static", "elbo@dynamic"} <= {one.key for one in cut.measured}, "that is of the one cut short"
    assert cut["fd"] == fast["fd"], "and this of the one before"
    rest = [one for one in fast.measured if one.group in {"latent", "generation"} or one.key.startswith("iw")]
    assert cut.notes == (
        "Latent structure and what follows were left out: measuring was cancelled.",
        f"{len(rest)} numbers are those of the evaluation before.",
    )
    again = assess_run(vae, Wanted("fast", device="cpu", budget=1e-9))
    assert again.notes[-1] == "What was measured before stays.", "which was to measure more"
    assert measured(vae) == cut
    assess_run(vae, Wanted("fast", device="cpu"))  # as it was


def test_a_run_is_measured_by_one_process_at_a_time_and_not_deleted_meanwhile(vae: RunFolder) -> None:
    said = f"{vae.name} is being measured by process {os.getpid()} on"
    with vae.measuring():
        with pytest.raises(InputError, match=said):
            assess_run(RunFolder(vae.path), Wanted("fast", device="cpu"))
        with pytest.raises(InputError, match=said):
            RunFolder(vae.path).remove()
    assert vae.path.is_dir()


def test_what_would_fail_after_minutes_is_refused_at_once(vae: RunFolder) -> None:
    begun: list[str] = []
    wanted = Wanted("fast", device="cpu", inception=Path("nowhere.pth"))
    with pytest.raises(InputError, match=r"no Inception weights file nowhere\.pth"):
        assess_run(vae, wanted, progress=lambda what, *_: begun.append(what))
    assert begun == []


def test_how_far_measuring_is_only_grows_and_names_what_the_model_has(vae: RunFolder, tmp_path: Path) -> None:
    told: dict[str, list[float]] = {}

    def progress(what: str, done: int, total: int) -> None:
        told.setdefault(what, []).append(done / total if total else 0.0)

    assess_run(vae, Wanted("full", device="cpu"), progress=progress)
    assert [what for what in told if "images" not in what] == [what for what, _, _ in PARTS]
    assert all(shares == sorted(shares) and shares[-1] == 1 for shares in told.values())
    prepared = begin(tmp_path, "gan", "gan", limit="none", steps="4", evaluate="none")
    train(prepared)
    told.clear()
    assess_run(prepared.folder, Wanted("fast", device="cpu"), progress=progress)
    assert [what for what in told if "images" not in what] == ["held-out numbers", "generation"]
    assess_run(vae, Wanted("fast", device="cpu"))  # as it was


def test_a_disk_that_is_full_is_a_sentence_and_what_was_there_stays(
    vae: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = measured(vae)
    monkeypatch.setattr(files, "os", Disk(lambda _: True, errno.EDQUOT))
    done = genbench(capsys, "evaluate", str(vae.path), "--fast", "--quiet", "--device", "cpu")
    assert (done.code, done.out) == (2, "")
    assert "evaluation.json could not be written: the disk quota is used up. Make room, then" in done.err
    assert measured(vae) == before


def test_whoever_cuts_the_measuring_at_the_end_short_is_told_what_is_left(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", "ae", limit="none", steps="4", evaluate="none")
    train(run)
    asked: list[bool] = []

    def hurried() -> bool:
        asked.append(True)
        return len(asked) > 1  # as soon as measuring has begun

    config = run.config.with_changes({"evaluate": "fast"})
    sink = AtEnd(run.folder, config, run.images, lambda: run.images, run.state, hurried)
    said = "were left out: measuring was cancelled. Measure the rest: genbench evaluate ae."
    with pytest.raises(LeftOutError, match=re.escape(said)):
        sink(Finished("done", 4))


def test_a_gan_is_measured_by_its_samples_alone(tmp_path: Path) -> None:
    prepared = begin(tmp_path, "gan", "gan", limit="none", steps="20", evaluate="fast")
    train(prepared)
    assert {one.group for one in measured(prepared.folder).measured} == {"held-out", "generation"}


def test_too_few_images_are_refused_not_measured(tmp_path: Path) -> None:
    prepared = begin(tmp_path, "ae", "ae", steps="5", evaluate="fast")  # 96 training and 180 held-out images
    train(prepared)
    distance = measured(prepared.folder)["fd"]
    assert distance.value is None
    assert "too few" in distance.note


def test_a_stopped_run_is_not_measured_and_none_means_none(tmp_path: Path) -> None:
    prepared = begin(tmp_path, "vae", "quiet", steps="5", evaluate="none")
    train(prepared)
    assert evaluations.load(prepared.folder) is None


def test_the_command_prints_one_table_and_scripts_may_expect_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = train_command(
        capsys, "--steps", "5", "--evaluate", "fast", "--name", "run", "--json", "--expect", "ssim>=2"
    )
    assert done.code == 1
    assert "Expected ssim >= 2; it is" in done.err
    assert json.loads(done.out)["evaluation"]["ssim"] < 1
    shown = genbench(capsys, "evaluate", "run", "--fast", "--device", "cpu")
    assert shown.code == 0
    assert "SSIM" in shown.out
    assert "averaged weights" in shown.out


def test_a_run_without_a_checkpoint_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    prepared = begin(tmp_path, name="empty")
    prepared.folder.unlock()
    found = genbench(capsys, "evaluate", "empty", "--runs-dir", tmp_path)
    assert found.code == 2
    assert found.err.startswith("genbench: empty has no checkpoint: it was not trained as far as the first one")
