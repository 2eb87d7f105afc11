"""`genbench compare`: a table in the width of the terminal, other forms of it, and a folder of them."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests import harness
from tests.command import check_golden, genbench
from tests.measured import PROTOCOL, evaluation, number, run
from workbench.runs import evaluations

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def three() -> None:
    """Runs that differ in what they are, how they were measured, and whether they were."""
    last = number("fd@last", 4.1, 0.2, condition="last weights")
    other = number("fd@last", 2.1, 0.2, condition="last weights", protocol={**PROTOCOL, "images": 90})
    first = [number("mse", 0.002583, 0.000021), number("ssim", 0.9312, 0.004), number("active", 32.0), last]
    second = [number("mse", 0.003102, 0.00003), number("ssim", 0.9295, 0.004), number("active", 9.0), other]
    runs = Path("runs")
    run(runs, "narrow", evaluation(*first, sampler="a Gaussian mixture of the codes"))
    run(runs, "wide", evaluation(*second), "vae")
    run(runs, "new", model="gan")


@pytest.mark.parametrize("columns", ["80", "120"])
def test_golden_table(columns: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    three()
    monkeypatch.setenv("COLUMNS", columns)
    done = genbench(capsys, "compare", "narrow", "wide", "new")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= int(columns)
    check_golden(f"compare-{columns}", done.out)


def test_a_pipe_has_each_row_on_a_line(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    three()
    monkeypatch.delenv("COLUMNS")
    lines = [line.rstrip() for line in genbench(capsys, "compare", "narrow", "wide", "new").out.splitlines()]
    (row,) = [line for line in lines if line.startswith("FD-digits (last weights) ↓")]
    assert row.split()[4:] == ["4.100", "±", "0.20", "≠", "2.100", "±", "0.20", "≠", "–"]


def test_a_name_of_a_file_moves_no_cursor(capsys: Capture) -> None:
    run(Path("runs"), "mine", evaluation(number("mse", 1.0, title="M\x1b[2J"), sampler="\x1b[0m[red]x"))
    out = genbench(capsys, "compare", "mine").out
    assert "\x1b" not in out
    assert "[red]x" in out


def test_other_forms_are_printed_alone(capsys: Capture) -> None:
    three()
    text = genbench(capsys, "compare", "narrow", "wide", "--format", "markdown").out
    assert text.startswith("|  | narrow | wide |")
    rows = list(csv.DictReader(io.StringIO(genbench(capsys, "compare", "narrow", "wide", "--format", "csv").out)))
    assert next(row for row in rows if row["key"] == "mse")["best"] == "narrow"
    whole = json.loads(genbench(capsys, "compare", "narrow", "wide", "--format", "json").out)
    assert whole["rows"][0]["cells"][1]["protocol"] == PROTOCOL
    assert not list(Path("runs").glob("compare-*"))


def test_saved_beside_the_runs(capsys: Capture) -> None:
    for name, model in (("one", "ae"), ("two", "gan")):
        harness.train(harness.begin(Path("runs"), model, name, steps="6"))
    evaluations.save(run(Path("other"), "three"), evaluation(number("mse", 1.0)))
    done = genbench(capsys, "compare", "one", "two", "other/three", "--save", "--device", "cpu")
    (folder,) = Path("runs").glob("compare-*")
    assert done.out.endswith(f"Written to {folder}.\n")
    assert {path.suffix for path in folder.iterdir()} == {".md", ".csv", ".json", ".png"}
    assert {path.stem for path in folder.iterdir()} == {"comparison"}
    text = (folder / "comparison.md").read_text()
    assert "[one](<../one>)" in text
    assert "![The runs side by side](comparison.png)" in text
    with Image.open(folder / "comparison.png") as picture:
        assert picture.width >= 1000
    assert "compare-" not in genbench(capsys, "runs").out  # it is no run
    told = genbench(capsys, "compare", "three", "--runs-dir", "other", "--format", "json", "-o", "a/b")
    assert told.err == f"Written to {Path('a/b')}.\n"
    assert json.loads(told.out)["notes"] == []
