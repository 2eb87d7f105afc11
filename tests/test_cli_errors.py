"""What bad input gets: a sentence, exit code 2, and nothing left behind. The sentences are golden text."""

import re
from pathlib import Path

import pytest

from tests.command import TINY, check_golden, genbench, train
from tests.harness import begin
from workbench.runs.folder import RunFolder

Capture = pytest.CaptureFixture[str]

BAD: dict[str, str] = {
    "unknown-model": "--no-ui --model gn",
    "unknown-model-empty": "--no-ui --model=",
    "unknown-dataset": "--no-ui --dataset mnits",
    "unknown-dataset-empty": "--no-ui --dataset=",
    "unknown-dataset-is-a-folder": "--no-ui --dataset pictures",
    "unknown-setting": "--no-ui --lattent 3",
    "setting-of-another-model": "--no-ui --model ae --beta 2",
    "too-small": "--no-ui --width 3",
    "too-large": "--no-ui --learning-rate 1.5",
    "nan": "--no-ui --learning-rate nan",
    "infinite": "--no-ui --clip inf",
    "not-whole": "--no-ui --epochs 3.7",
    "not-a-number": "--no-ui --seed abc",
    "not-a-choice": "--no-ui --network transformer",
    "empty-value": "--no-ui --seed=",
    "several-problems": "--no-ui --width 3 --epochs 0 --learning-rate nan --device cuda:7 --channels 2",
    "size-not-of-four": "--no-ui --image-size 30",
    "size-too-large": "--no-ui --image-size 256",
    "two-channels": "--no-ui --channels 2",
    "epochs-and-steps": "--no-ui --epochs 3 --steps 5",
    "expect-unknown": "--no-ui --expect recon_msee<=0.02",
    "expect-malformed": "--no-ui --expect recon_mse=0.02 --expect loss<=low --expect loss<=nan",
    "folder-not-there": "--no-ui --dataset folder:nowhere",
    "folder-without-images": "--no-ui --dataset folder:pictures",
    "runs-folder-is-a-file": "--no-ui --runs-dir in-the-way/runs",
    "device-not-there": "--no-ui --device cuda:7",
    "device-unknown": "--no-ui --device gpu",
    "resume-unknown": "--no-ui --resume vea",
    "resume-empty": "--no-ui --resume=",
    "name-impossible": "--no-ui --name a/b",
    "name-empty": "--no-ui --name=",
    "unknown-command": "modles",
    "option-without-a-value": "--no-ui --epochs",
    "no-terminal": "",
    "training-flag-before-a-command": "--quiet --epochs 3 models",
    "show-nothing": "show",
    "models-unknown": "models gam",
    "sample-too-many": "sample vae -n 0",
    "compare-nothing": "compare",
    "compare-form": "compare vae --format latex",
}


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a file in the way, and one without images."""
    (tmp_path / "in-the-way").write_text("")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "notes.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr("workbench.training.devices.present", lambda: ["cpu"])


def refused(capsys: Capture, *arguments: str | Path) -> str:
    """The sentences that a command line is refused with, without what differs from machine to machine."""
    before = {path: path.stat().st_mtime_ns for path in Path().rglob("*")}
    done = genbench(capsys, *arguments)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    assert all(line.startswith("genbench: ") for line in done.err.splitlines())
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*")} == before
    return done.err.replace(str(Path.cwd()), "HERE")


@pytest.mark.parametrize("name", BAD)
def test_golden_refusals(name: str, capsys: Capture) -> None:
    check_golden(f"refused-{name}", refused(capsys, *BAD[name].split()))


def test_golden_names_are_those_of_this_file() -> None:
    written = {path.stem for path in (Path(__file__).parent / "goldens").glob("refused-*.txt")}
    assert written == {f"refused-{name}" for name in [*BAD, *WITH_RUNS, "no-network"]}


def test_golden_set_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    from torchvision import datasets

    monkeypatch.setattr(datasets.KMNIST, "mirrors", ["http://127.0.0.1:9/"])  # port 9 discards, here it refuses
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("GENBENCH_DATA_DIR", str(Path("data").absolute()))
    done = genbench(capsys, "--no-ui", "--dataset", "kmnist", "--quiet")
    assert (done.code, done.out) == (2, "")
    assert not Path("runs").exists()
    assert not Path("data/kmnist").exists()
    check_golden("refused-no-network", done.err.replace(str(Path.cwd()), "HERE"))


WITH_RUNS = {
    "name-taken": "--no-ui --name vae-one",
    "resume-ambiguous": "--no-ui --resume vae",
    "resume-finished": "--no-ui --resume vae-one",
    "resume-not-further": "--no-ui --resume vae-one --epochs 1",
    "resume-with-model": "--no-ui --resume vae-one --model gan",
    "resume-with-name": "--no-ui --resume vae-one --name another",
    "resume-with-another-network": "--no-ui --resume vae-one --latent 3 --batch-size 5",
    "resume-with-bad-length": "--no-ui --resume vae-one --epochs 0",
    "resume-with-both-lengths": "--no-ui --resume vae-one --epochs 3 --steps 9",
    "sample-unwritable": "sample vae-one -o in-the-way/x.png --device cpu",
    "sample-without-checkpoint": "sample begun --device cpu",
    "show-unknown": "show vae-oen",
    "compare-unknown": "compare vae-one vae-tow",
    "compare-twice": "compare vae-one vae-two vae-one",
    "compare-unwritable": "compare vae-one --format csv -o in-the-way/x",
}


@pytest.mark.parametrize("name", WITH_RUNS)
def test_golden_refusals_beside_other_runs(name: str, capsys: Capture) -> None:
    for run in ("vae-one", "vae-two"):
        train(capsys, "--steps", "7", "--name", run)
    begin(Path("runs"), "ae", "begun").folder.unlock()
    # A lock is taken and given back, which touches its file.
    for lock in Path("runs").glob("*/.lock"):
        lock.unlink()
    before = sorted(path.name for path in Path("runs").iterdir())
    done = genbench(capsys, *WITH_RUNS[name].split())
    assert (done.code, done.out) == (2, "")
    assert sorted(path.name for path in Path("runs").iterdir()) == before
    assert RunFolder.open(Path("runs/vae-one")).state().status == "done"
    check_golden(f"refused-{name}", done.err.replace(str(Path.cwd()), "HERE"))


def test_a_run_that_is_being_written_is_left_alone(capsys: Capture) -> None:
    writing = begin(Path("runs"), "ae", "busy")
    text = refused(capsys, "--no-ui", "--resume", "busy")
    assert re.search(r"^genbench: busy is being written by process \d+ on .+\. Watch it instead: ", text)
    writing.folder.unlock()


def test_a_config_that_was_edited_badly_is_named(capsys: Capture) -> None:
    train(capsys, "--steps", "3", "--name", "mine")
    config = Path("runs/mine/config.json")
    text = config.read_text()
    for edited, words in (
        (text.replace('"width": 4', '"width": 1'), "width must be a whole number from 4 to 512; got 1."),
        (text.replace('"epochs"', '"epoch"'), "There is no setting 'epoch'. Did you mean 'epochs'?"),
        (text.replace('"format": 1', '"format": 2'), "has format 2; this genbench reads format 1."),
        (text[:50], "cannot be read"),
        ("[]", "should hold a JSON object; it holds a list"),
        ('{"format": 1}', "lacks its model, data or training settings"),
    ):
        config.write_text(edited)
        done = genbench(capsys, "--no-ui", "--resume", "mine", "--steps", "9")
        assert (done.code, done.out) == (2, "")
        assert str(config) in done.err
        assert words in done.err


def test_a_bug_gives_one_line_and_a_file(capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("workbench.cli.resolve", lambda *_: 1 / 0)
    done = genbench(capsys, "--no-ui", *TINY)
    assert (done.code, done.out) == (1, "")
    assert done.err.count("\n") == 1
    match = re.fullmatch(
        r"genbench: a bug of ours \(ZeroDivisionError: division by zero\)\. Traceback: (.+)\n", done.err
    )
    assert match is not None
    assert "Traceback (most recent call last)" in Path(match[1]).read_text()
