"""The command line at its work: training, resuming, listing, sampling, completing."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

import models
from tests.command import TINY, check_golden, genbench, process, train
from tests.harness import SMALL
from workbench import __version__
from workbench.runs import checkpoint
from workbench.runs.folder import RunFolder

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("model", models.names())
def test_training_leaves_a_run_and_says_how_it_ended(model: str, capsys: Capture) -> None:
    done = train(capsys, "--model", model, "--steps", "7")
    assert done.code == 0
    assert done.err == ""
    (run,) = Path("runs").iterdir()
    assert run.name.endswith(f"-{model}-digits")
    first, *_, last = done.out.splitlines()
    assert first == str(run)
    assert last.startswith("Done after 7 steps in ")
    for metric in models.load(model).metrics:
        assert f"\n{metric} " in done.out
    assert RunFolder.open(run).state().status == "done"


def test_json_is_one_object_on_stdout_and_nothing_else(capsys: Capture) -> None:
    done = train(capsys, "--steps", "12", "--json", "--name", "mine")
    assert done.code == 0
    assert done.out.count("\n") == 1
    result = json.loads(done.out)
    assert list(result) == [
        "run", "state", "model", "dataset", "steps", "epochs", "images_per_second", "seconds", "metrics",
        "evaluation",
    ]  # fmt: skip
    assert [result[name] for name in ("run", "state", "model", "dataset", "steps", "epochs")] == [
        str(Path("runs/mine")), "done", "vae", "digits", 12, 2.0,
    ]  # fmt: skip
    assert result["images_per_second"] > 0
    assert 0 < result["seconds"] < 60
    names = list(models.load("vae").metrics)
    assert set(result["metrics"]) == {*names, *(f"train_{name}" for name in names)}
    terms = result["metrics"]
    assert terms["loss"] == pytest.approx(terms["recon_nats"] + terms["kl"], rel=1e-5)
    assert "12 steps" in done.err


def test_quiet_says_nothing(capsys: Capture) -> None:
    assert train(capsys, "--steps", "3", "--quiet") == (0, "", "")


def test_quiet_json_is_the_object_alone(capsys: Capture) -> None:
    done = train(capsys, "--steps", "3", "--quiet", "--json")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["steps"] == 3


def test_a_pipe_gets_plain_lines(tmp_path: Path) -> None:
    done = process("--no-ui", *TINY, "--steps", "3", cwd=tmp_path, TERM="xterm-256color")
    assert (done.code, done.err) == (0, "")
    assert [char for char in done.out if ord(char) < 32 and char != "\n"] == []
    assert "step 3/3" in done.out
    assert (next(Path("runs").iterdir()) / "summary.png").is_file()


def test_a_pipe_without_our_letters_gets_question_marks(tmp_path: Path) -> None:
    done = process("models", "vae", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (done.code, done.err) == (0, "")
    assert "? ? KL( q(z|x) ? p(z) )" in done.out


def test_the_environment_says_what_was_typed(tmp_path: Path, capsys: Capture) -> None:
    train(capsys, "--steps", "3", "--name", "mine", "--runs-dir", "elsewhere")
    facts = json.loads((tmp_path / "elsewhere" / "mine" / "environment.json").read_text())
    assert facts["versions"]["genbench"] == __version__
    assert (facts["device"], facts["precision"], facts["threads"]) == ("cpu", "float32", 1)


def test_dry_run_prints_every_setting_and_leaves_nothing(tmp_path: Path) -> None:
    code = "import sys; from workbench.cli import run; run(sys.argv[1:]); print('torch' in sys.modules)"
    line = [sys.executable, "-c", code, "--no-ui", "--dry-run", *TINY, "--beta", "4", "--clip", "1"]
    out = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    settings, imported = out.rsplit("\n", 2)[:2]
    assert imported == "False"
    resolved = json.loads(settings)
    assert resolved["model"] == {
        "name": "vae", "network": "conv", "width": 4, "learning_rate": 1e-3, "latent": 4, "beta": 4.0,
    }  # fmt: skip
    assert resolved["data"]["limit"] == 96
    assert (resolved["training"]["clip"], resolved["training"]["batch_size"]) == (1.0, 16)
    assert list(tmp_path.iterdir()) == []


def test_resume_goes_on_by_name_part_and_path(tmp_path: Path, capsys: Capture) -> None:
    train(capsys, "--epochs", "1", "--name", "digits-1")
    for steps, run in ((12, "digits-1"), (13, "gits"), (14, tmp_path / "runs" / "digits-1")):
        length = ("--epochs", "2") if steps == 12 else ("--steps", str(steps))
        done = genbench(capsys, "--no-ui", "--resume", run, *length, "--threads", "1", "--json", "--quiet")
        assert (done.code, done.err) == (0, "")
        assert json.loads(done.out)["steps"] == steps
    assert checkpoint.latest(RunFolder(tmp_path / "runs" / "digits-1"))[0].step == 14
    steps_then = json.loads((tmp_path / "runs" / "digits-1" / "config.json").read_text())["training"]["steps"]
    assert steps_then == 14


def test_resume_may_be_tried_dry(capsys: Capture) -> None:
    train(capsys, "--model", "ae", "--epochs", "1", "--name", "mine")
    before = Path("runs/mine/config.json").read_bytes()
    done = genbench(capsys, "--resume", "mine", "--epochs", "9", "--dry-run")
    settings = json.loads(done.out)
    assert (settings["model"]["name"], settings["training"]["epochs"]) == ("ae", 9)
    assert Path("runs/mine/config.json").read_bytes() == before


def test_sample_draws_a_grid_that_its_seed_decides(capsys: Capture) -> None:
    train(capsys, "--steps", "3", "--name", "mine")
    for name, seed in (("a.png", "1"), ("b.png", "1"), ("deep/c.png", "2")):
        done = genbench(capsys, "sample", "mine", "-n", "9", "-o", name, "--seed", seed, "--device", "cpu")
        assert done == (0, f"{name}\n", "")
    with Image.open("a.png") as picture:
        picture.load()
        assert min(picture.size) >= 3 * 8
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes() != Path("deep/c.png").read_bytes()
    done = genbench(capsys, "sample", "mine", "-n", "4")
    assert done.out == f"{Path('runs/mine/samples/drawn-4-seed-0.png')}\n"
    assert Path(done.out.strip()).is_file()


def test_a_run_outlives_the_folder_of_its_images(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(200 + len(str(tmp_path))))  # no path goes on in the next row
    pictures = tmp_path / "flowers"
    pictures.mkdir()
    for shade in range(20):
        Image.new("L", (8, 8), shade * 12).save(pictures / f"{shade}.png")
    assert train(capsys, "--dataset", f"folder:{pictures}", "--steps", "3", "--name", "mine").code == 0
    pictures.rename(tmp_path / "moved")
    assert genbench(capsys, "sample", "mine", "-n", "4", "-o", "x.png", "--device", "cpu").code == 0
    shown = genbench(capsys, "show", "mine")
    assert shown.code == 0
    assert f"folder:{pictures}" in shown.out
    assert "flowers" in genbench(capsys, "runs").out
    refused = genbench(capsys, "--no-ui", "--resume", "mine", "--steps", "5")
    assert refused.code == 2
    assert f"There is no folder {pictures}." in refused.err


def test_a_setting_that_a_run_has_already_makes_no_other_run_of_it(capsys: Capture) -> None:
    assert train(capsys, "--steps", "3", "--name", "mine", "--batch-size", "16").code == 0
    done = genbench(
        capsys, "--no-ui", "--resume", "mine", "--steps", "5", "--batch-size", "16", "--dataset", "digits"
    )
    assert done.code == 0
    assert [path.name for path in Path("runs").iterdir()] == ["mine"]
    assert RunFolder(Path("runs/mine")).state().step == 5
    assert genbench(capsys, "--no-ui", "--resume", "mine", "--steps", "40", "--batch-size", "8").code == 0
    assert len(list(Path("runs").iterdir())) == 2


def test_a_measure_that_is_never_taken_is_not_expected(capsys: Capture) -> None:
    refused = train(capsys, "--steps", "3", "--evaluate", "none", "--expect", "ssim>=0.5")
    assert refused.code == 2
    assert "there is no metric 'ssim'" in refused.err
    assert not Path("runs").exists()


def test_runs_lists_the_newest_first(capsys: Capture) -> None:
    assert genbench(capsys, "runs") == (0, "There are no runs in runs yet. `genbench --no-ui` makes one.\n", "")
    train(capsys, "--steps", "3", "--name", "a", "--model", "ae")
    train(capsys, "--steps", "6", "--name", "b")
    Path("runs/broken").mkdir()
    Path("runs/broken/config.json").write_text('{"format": 99}')
    Path("runs/README").write_text("not a run")
    done = genbench(capsys, "runs")
    header, second, first, note = done.out.splitlines()
    assert header.split() == ["run", "state", "model", "dataset", "progress", "key", "number", "age"]
    assert second.split()[:7] == ["b", "done", "vae", "digits", "6/6", "loss", second.split()[6]]
    assert first.split()[:6] == ["a", "done", "ae", "digits", "3/3", "recon_mse"]
    assert note.startswith("Note: runs/broken/config.json has format 99; this genbench reads format 1.")
    assert genbench(capsys, "--runs-dir", "runs", "runs") == done
    assert "no runs in other yet" in genbench(capsys, "--runs-dir", "other", "runs").out


def test_runs_can_be_filtered(capsys: Capture) -> None:
    for name, model in (("a", "ae"), ("b", "vae")):
        train(capsys, "--steps", "3", "--name", name, "--model", model)
    RunFolder(Path("runs/b")).set_tags(["paper", "good"])

    def names(*words: str) -> list[str]:
        return [row.split()[0] for row in genbench(capsys, "runs", *words).out.splitlines()[1:]]

    assert names("model:ae") == names("!paper") == ["a"]
    assert names("lr<1", "state:done", "tag:pap") == names("beta>=1") == ["b"]
    assert names("loss<1e9") == ["b"]
    assert genbench(capsys, "runs", "tag:other").out == "None of the 2 runs in runs matches 'tag:other'.\n"
    refused = genbench(capsys, "runs", "los<1e9")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("genbench: There is no setting or metric 'los'. Did you mean 'loss'? Filters:")
    assert "tags: paper, good" in genbench(capsys, "show", "b").out
    assert "FILTER shows only those that meet all of it." in genbench(capsys, "runs", "--help").out


def test_runs_on_a_narrow_terminal_keep_their_names_whole(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    train(capsys, "--steps", "3", "--model", "gan", "--latent", "4")
    monkeypatch.setenv("COLUMNS", "80")
    header, row = genbench(capsys, "runs").out.splitlines()
    assert header.split() == ["run", "state", "model", "dataset", "key", "number", "age"]
    assert row.split()[0] == next(Path("runs").iterdir()).name


def test_show_tells_numbers_and_changed_settings(capsys: Capture) -> None:
    train(capsys, "--steps", "6", "--name", "mine", "--beta", "2.5")
    lines = genbench(capsys, "show", "mine").out.splitlines()
    assert lines[:2] == [str(Path("runs/mine")), "done"]
    assert lines[2].startswith("step 6 of 6, epoch 1, ")
    rows = {words[0]: words[1:] for line in lines[3:] if (words := line.split())}
    assert rows["beta"] == ["2.5", "1"]
    assert rows["seed"] == ["0"]
    assert rows["steps"] == ["6", "none"]
    assert float(rows["recon_mse"][0]) > 0


def test_version(capsys: Capture) -> None:
    assert genbench(capsys, "--version") == (0, f"genbench {__version__}\n", "")


def test_bash_completion_calls_back(capsys: Capture) -> None:
    script = genbench(capsys, "completion", "bash").out
    assert "_GENBENCH_COMPLETE=bash_complete" in script
    assert "complete " in script


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("genbench --model ", models.names()),
        ("genbench --model ga", ["gan"]),
        ("genbench --dataset f", ["fashion-mnist", "folder:"]),
        ("genbench --network ", ["conv", "mlp"]),
        ("genbench --model gan --smo", ["--smoothing"]),
        ("genbench --device ", ["auto", "cpu", "cuda", "mps"]),
        ("genbench sam", ["sample"]),
        ("genbench --resume min", ["mine"]),
        ("genbench show m", ["mine"]),
        ("genbench compare m", ["mine"]),
        ("genbench compare other m", ["mine"]),
        ("genbench compare mine --format c", ["csv"]),
    ],
)
def test_a_shell_is_told_how_a_word_may_go_on(
    line: str, found: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "config.json").write_text("{}")
    words = line.split(" ")
    monkeypatch.setenv("_GENBENCH_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    with pytest.raises(SystemExit):
        genbench(capsys)
    assert [answer.split(",")[1] for answer in capsys.readouterr().out.split()] == found


@pytest.mark.parametrize("model", models.names())
def test_golden_help(model: str, capsys: Capture) -> None:
    done = genbench(capsys, "--model", model, "--help")
    assert (done.code, done.err) == (0, "")
    check_golden(f"help-{model}", done.out)


@pytest.mark.parametrize("arguments", ["models", "models gan", "datasets", "sample --help", "compare --help"])
def test_golden_lists(arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("GENBENCH_DATA_DIR", "/nowhere")
    done = genbench(capsys, *arguments.split())
    assert (done.code, done.err) == (0, "")
    check_golden(arguments.replace(" --", " ").replace(" ", "-"), done.out)


def test_lists_in_a_pipe_keep_a_row_on_a_line(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.delenv("COLUMNS")
    lines = genbench(capsys, "models").out.splitlines()
    assert any(line.startswith("gan ") and line.rstrip().endswith("against each other.") for line in lines)


def test_every_setting_has_its_flag_in_help(capsys: Capture) -> None:
    text = genbench(capsys, "--help").out
    for name in SMALL:
        assert f"--{name.replace('_', '-')} " in text


def test_the_command_is_readable_bytes_of_a_png(capsys: Capture) -> None:
    train(capsys, "--steps", "3", "--name", "mine", "--model", "gan", "--latent", "4")
    genbench(capsys, "sample", "mine", "-n", "1", "-o", "one.png", "--device", "cpu")
    with Image.open(io.BytesIO(Path("one.png").read_bytes())) as picture:
        assert picture.format == "PNG"
