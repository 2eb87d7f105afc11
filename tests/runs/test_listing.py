"""The runs of a folder as rows: quick to list again, and a damaged run is a row with a sentence."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.metric import Metric
from tests.harness import small_config
from workbench.runs import files, listing, reading
from workbench.runs.folder import RunFolder
from workbench.runs.state import State, Status
from workbench.runs.listing import Listing, RunRow, ordered

FACTS = {"fingerprint": "0" * 16, "channels": 1, "size": 8, "train": 96, "test": 10, "classes": []}
METRICS = {"loss": Metric("nats", "All of it.", "lower"), "kl": Metric("nats", "A part of it.")}


def made(runs: Path, name: str, status: Status = "done", model: str = "vae", **settings: str) -> RunFolder:
    folder = RunFolder.create(runs, small_config(model, **settings), name)
    folder.write_config(small_config(model, **settings), FACTS, METRICS)
    folder.write_state(State(status, 30, 5.0, 2.5, 99.0, 120, {"loss": 94.5, "train_loss": 90.0}, "Why."))
    return folder


def test_a_row_says_what_a_list_shows(tmp_path: Path) -> None:
    folder = made(tmp_path, "20260131-161903-vae-digits", "stopped", beta="2")
    folder.set_tags(["paper", "β-2", "paper"])
    (row,) = Listing(tmp_path).rows()
    assert (row.name, row.status, row.model, row.dataset) == (folder.name, "stopped", "vae", "digits")
    assert (row.step, row.steps_total, row.progress, row.epoch, row.seconds) == (30, 120, 0.25, 5.0, 2.5)
    assert (row.key, row.key_value, row.better) == ("loss", 94.5, "lower")
    assert (row.settings["beta"], row.settings["learning_rate"], row.settings["steps"]) == (2.0, 0.001, None)
    assert (row.tags, row.reason, row.problem) == (("paper", "β-2"), "Why.", "")
    assert time.localtime(row.started)[:6] == (2026, 1, 31, 16, 19, 3)
    assert abs(row.heartbeat - time.time()) < 60


def test_an_older_run_is_known_by_its_first_held_out_number(tmp_path: Path) -> None:
    folder = made(tmp_path, "old")
    written = reading.read_json(folder.config_file)
    del written["metrics"]
    files.write_json(folder.config_file, written)
    (row,) = Listing(tmp_path).rows()
    assert (row.key, row.key_value, row.better) == ("loss", 94.5, None)
    assert row.started == folder.config_file.stat().st_mtime
    folder.write_state(State("running"))
    (row,) = Listing(tmp_path).rows()
    assert (row.key, row.key_value, row.progress) == ("", None, 0.0)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("config.json", "{", "cannot be read"), ("config.json", '{"format": 9}', "has format 9"),
     ("config.json", '{"format": 1}', "lacks its model"), ("config.json", '{"format": 1, "model": 3}', "lacks its"),
     ("state.json", "", "cannot be read"), ("state.json", None, "is missing")],
)  # fmt: skip
def test_a_damaged_run_is_a_row_with_a_sentence(name: str, content: str | None, words: str, tmp_path: Path) -> None:
    made(tmp_path, "good")
    folder = made(tmp_path, "bad")
    folder.set_tags(["keep"])
    (folder.path / name).unlink()
    if content is not None:
        (folder.path / name).write_text(content)
    good, bad = Listing(tmp_path).rows()
    assert (good.name, good.problem) == ("good", "")
    assert (bad.name, bad.status, bad.tags) == ("bad", "broken", ("keep",))
    assert words in bad.problem
    assert bad.model == ("vae" if name == "state.json" else "")


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [made(tmp_path, name) for name in ("a", "b", "c")]
    (tmp_path / "README.md").write_text("no run")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".deleted-1").mkdir()
    (tmp_path / ".deleted-1" / "config.json").write_text("{}")
    runs = Listing(tmp_path)
    first = runs.rows()
    assert [row.name for row in first] == ["c", "b", "a"]
    read: list[str] = []
    real = RunFolder.stored_config

    def reading(folder: RunFolder) -> dict[str, Any]:
        read.append(folder.name)
        return real(folder)

    monkeypatch.setattr(RunFolder, "stored_config", reading)
    assert all(new is old for new, old in zip(runs.rows(), first, strict=True))
    changes: list[Callable[[], object]] = [
        lambda: folders[0].write_state(State("done", 31)),
        lambda: folders[1].set_tags(["x"]),
        lambda: folders[2].write_config(small_config(epochs="7"), FACTS, METRICS),
        lambda: made(tmp_path, "d"),
        folders[1].remove,
    ]
    for change in changes:
        change()
        runs.rows()
    assert read == ["a", "b", "c", "d"]
    assert [row.name for row in runs.rows()] == ["d", "c", "a"]
    assert Listing(tmp_path / "nowhere").rows() == []


def test_a_process_that_is_gone_is_noticed_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, "mine", "running")
    asked: list[State] = []
    answers = {"alive": True}

    def alive(state: State) -> bool:
        asked.append(state)
        return answers["alive"]

    monkeypatch.setattr("workbench.runs.state._alive", alive)
    monkeypatch.setattr(listing, "LIVENESS_SECONDS", 0.05)
    runs = Listing(tmp_path)
    for _ in range(20):
        assert runs.rows()[0].status == "running"
    assert len(asked) <= 2
    answers["alive"] = False
    time.sleep(0.06)
    assert [runs.rows()[0].status for _ in range(2)] == ["interrupted"] * 2


def test_rows_are_ordered_by_any_column_metric_or_setting(tmp_path: Path) -> None:
    def row(name: str, **values: object) -> RunRow:
        return RunRow(RunFolder(tmp_path / name), **values)  # type: ignore[arg-type]

    rows = [
        row(
            "b", status="done", metrics={"loss": 2.0}, key="loss", settings={"width": 8, "clip": None}, tags=("x",)
        ),
        row("A", status="failed", metrics={"loss": 10.0}, key="loss", settings={"width": 16, "clip": 1.0}),
        row("c", status="broken", problem="It is damaged."),
    ]

    def names(by: str, descending: bool = False) -> str:
        return "".join(row.name for row in ordered(rows, by, descending))

    assert (names("name"), names("name", True)) == ("Abc", "cbA")
    assert (names("key_value"), names("key_value", True)) == ("bAc", "Abc")  # what has none comes last
    assert (names("loss"), names("width", True), names("clip"), names("tags")) == ("bAc", "Abc", "Abc", "bAc")
    assert names("nothing") == "bAc"
    for column in listing.COLUMNS:
        assert len(names(column)) == 3


def test_listing_many_runs_again_is_quick(tmp_path: Path) -> None:
    first = made(tmp_path, "run-0")
    files_of = {path.name: path.read_bytes() for path in first.path.iterdir() if path.is_file()}
    for number in range(1, 100):
        (tmp_path / f"run-{number}").mkdir()
        for name, data in files_of.items():
            (tmp_path / f"run-{number}" / name).write_bytes(data)
    runs = Listing(tmp_path)
    assert len(runs.rows()) == 100
    began = time.perf_counter()
    assert len(runs.rows()) == 100
    assert time.perf_counter() - began < 0.02
    assert json.loads(first.config_file.read_text())["metrics"]["loss"]["better"] == "lower"


def test_of_many_runs_the_newest_are_there_first(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        made(tmp_path, name)
    runs = Listing(tmp_path)
    assert (runs.rows(budget=0), runs.whole) == ([], False)
    assert ([row.name for row in runs.rows()], runs.whole) == (["c", "b", "a"], True)
    made(tmp_path, "d")
    assert ([row.name for row in runs.rows(budget=0)], runs.whole) == (["c", "b", "a"], False)  # what is known stays
