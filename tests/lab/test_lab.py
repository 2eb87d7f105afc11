"""`genbench lab`: three runs, six figures, a table and a report; stopped and resumed; broken runs told."""

import base64
import re
from pathlib import Path

import pytest

from tests.command import Outcome, genbench
from tests.harness import SMALL
from workbench import cli
from workbench.appraisal import subject
from workbench.config import resolve
from workbench.lab import experiments, running
from workbench.lab.experiments import Experiment, LabSettings
from workbench.runs.folder import RunFolder
from workbench.training.control import Control

FIGURES = {"1-ae-loss.png", "2-ae-latent-space.png", "3-vae-loss-and-kl.png", "4-vae-latent-space.png",
           "5-gan-losses.png", "6-gan-images.png"}  # fmt: skip


def tiny(settings: LabSettings) -> tuple[Experiment, ...]:
    """The lab's three runs, on images enough to be measured and with a step or two."""
    real = experiments.experiments(settings)
    small = {name: value for name, value in SMALL.items() if name != "dataset"} | {"limit": "600", "epochs": "1"}
    return tuple(Experiment(one.name, one.model, one.title, {**one.given, **small}) for one in real)


@pytest.fixture(autouse=True)
def in_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    few = subject.Sizes(100, 200, 4, (1, 100), 500, 20, 2)
    monkeypatch.setattr(subject, "SIZES", {"fast": few, "full": few})
    monkeypatch.setattr(running, "experiments", tiny)
    monkeypatch.chdir(tmp_path)


def the_lab() -> Path:
    (found,) = Path("runs").glob("lab-*")
    return found


@pytest.mark.timeout(240)
def test_the_whole_lab(capsys: pytest.CaptureFixture[str]) -> None:
    done = _with_pictures(capsys, "lab", "--quick")
    assert done.code == 0, done.err
    lab = the_lab()
    assert {path.name for path in (lab / "figures").iterdir()} == FIGURES
    for name in ("ae", "vae", "gan"):
        assert RunFolder(lab / name).state().status == "done"
        assert RunFolder(lab / name).evaluation_file.exists()
    report = (lab / "report.md").read_text(encoding="utf-8")
    for expected in ("0.0054", "105.4", "26.3", "Unstructured", "quick lab", "FD-digits", "SSIM", "Figure 6."):
        assert expected in report, expected
    assert set(re.findall(r"\(figures/(.*?)\)", report)) == FIGURES
    page = (lab / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r'src="([^"]*)"', page)
    assert len(sources) == 6
    for source in sources:
        assert base64.b64decode(source.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert "<script" not in page
    assert not re.search(r'href="', page)
    for name in ("comparison.md", "comparison.csv", "comparison.json"):
        assert (lab / name).stat().st_size > 1000

    before = {name: (lab / name / "state.json").read_bytes() for name in ("ae", "vae", "gan")}
    again = genbench(capsys, "lab", "--resume", lab.name)
    assert again.code == 0
    assert {name: (lab / name / "state.json").read_bytes() for name in before} == before  # nothing is done twice


def _with_pictures(capsys: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """The command as it is; `tests.command.genbench` draws no pictures."""
    capsys.readouterr()
    code = cli.run(arguments)
    return Outcome(code, *capsys.readouterr())


def test_a_lab_goes_on_where_it_was_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    lab = running.Lab.begin(Path("runs"), LabSettings("digits", quick=True))
    prepared = lab.prepare(lab.experiments[0])
    assert prepared is not None
    control = Control()
    control.stop()
    assert prepared.run([], control).status == "stopped"
    assert lab.status(lab.experiments[0]) == "stopped"
    done = genbench(capsys, "lab", "--resume", lab.path.name)
    assert done.code == 0, done.err
    assert [lab.status(one) for one in lab.experiments] == ["done"] * 3


def test_settings_that_no_run_could_have_are_refused_before_anything_is_made(
    capsys: pytest.CaptureFixture[str],
) -> None:
    done = genbench(capsys, "lab", "--colour", "folder:nowhere")
    assert done.code == 2
    assert "There is no folder nowhere" in done.err
    assert not Path("runs").exists()


def test_an_unknown_lab_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    done = genbench(capsys, "lab", "--resume", "lab-of-yesterday")
    assert (done.code, done.err) == (
        2,
        "genbench: There is no lab 'lab-of-yesterday' in runs. Leave --resume out to begin one.\n",
    )


def test_the_lab_has_the_labs_settings() -> None:
    for one in experiments.experiments(LabSettings("digits")):
        config = resolve(one.model, one.given)
        model = config.model.model_dump()
        recipe = (model["latent"], model["learning_rate"], config.training.batch_size, config.training.epochs)
        assert recipe == ((100, 2e-4, 64, 50) if one.name == "gan" else (32, 1e-3, 128, 20))
