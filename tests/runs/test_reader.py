"""A run folder as it grows: every change is seen once, nothing is read twice, and nothing raises."""

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import InputError
from models.metric import Metric
from tests.harness import begin, small_config, train
from tests.runs.test_run_pictures import some
from workbench import session
from workbench.runs import evaluations, files, history, pictures, reader
from workbench.runs.evaluations import Evaluation
from workbench.runs.folder import RunFolder
from workbench.runs.state import State
from workbench.runs.history import Record
from workbench.runs.reader import Changed, RunReader
from workbench.training.events import Event

METRICS = {"loss": Metric("nats", "All of it.", "lower"), "kl": Metric("nats", "A part of it.")}
FACTS = {"fingerprint": "0" * 16, "channels": 1, "size": 8, "train": 96, "test": 10, "classes": []}


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path / "runs", small_config(), "mine")
    made.write_config(small_config(), FACTS, METRICS)
    made.write_state(State("running", steps_total=120))
    return made


def tell(folder: RunFolder, *steps: int, split: history.Split = "train", loss: float = 1.0) -> None:
    values = {"loss": loss, "kl": math.nan}
    for step in steps:
        record = Record(step, step * 16, step / 6, step / 10, split, values, {"loss": 0.5}, {"loss": 9.0})
        files.append_line(folder.metrics_file, record.to_json())


def known_steps(run: RunReader, metric: str = "loss", split: history.Split = "train") -> list[float]:
    trace = run.traces[metric, split]
    return [trace[i].step for i in range(len(trace))]


def test_an_evaluation_is_seen_when_it_comes_changes_breaks_or_goes(folder: RunFolder) -> None:
    run = RunReader(folder)
    assert not run.poll().evaluation, "there is none"
    for step in (60, 120):
        evaluations.save(folder, Evaluation(step, "averaged weights", "the prior", "fast", 0, 1.0, ()))
        assert run.poll() == Changed(evaluation=True)
        assert run.poll() == Changed()
        assert run.evaluation is not None
        assert run.evaluation.step == step
    folder.evaluation_file.write_text('{"format": 1, "step": "x"}')
    assert run.poll() == Changed(evaluation=True)
    assert run.evaluation is None
    assert [problem.replace(f"{folder.path}/", "") for problem in run.problems] == [run.evaluation_problem]
    assert run.problem.startswith(f"{folder.evaluation_file} is damaged")
    folder.evaluation_file.unlink()
    assert run.poll() == Changed(evaluation=True)
    assert (run.evaluation, run.problem) == (None, "")


def test_each_kind_of_news_is_told_once(folder: RunFolder) -> None:
    run = RunReader(folder)
    assert run.poll() == Changed(state=True, config=True)
    assert (run.config, dict(run.metrics), run.steps_per_epoch) == (small_config(), METRICS, 6)
    assert run.poll() == Changed()
    news: list[tuple[Callable[[], object], Changed]] = [
        (lambda: tell(folder, 1, 2), Changed(metrics=True)),
        (lambda: folder.log("saved"), Changed(log=True)),
        (lambda: folder.write_state(State("running", 2, steps_total=120)), Changed(state=True)),
        (lambda: pictures.save(folder, some(2)), Changed(snapshots=True)),
        (lambda: folder.write_environment({"device": "cpu"}), Changed(config=True)),
    ]
    for happen, expected in news:
        happen()
        assert run.poll() == expected
        assert run.poll() == Changed()
    assert run.traces["loss", "train"][0] == (1, 1 / 6, 0.1, 1.0, 0.5, 9.0)
    assert math.isnan(run.traces["kl", "train"][1].value)
    assert (run.log[0].split()[-1], run.snapshots, run.environment["device"]) == ("saved", [2], "cpu")
    assert run.state is not None
    assert run.state.step == 2
    assert run.problem == ""


def test_a_torn_line_waits_and_a_damaged_one_is_passed_over(folder: RunFolder) -> None:
    run = RunReader(folder)
    tell(folder, 1)
    with folder.metrics_file.open("a") as file:
        file.write('{"step": 2, "ima')
    run.poll()
    assert known_steps(run) == [1]
    good = json.loads(folder.metrics_file.read_text().splitlines()[0])
    damages = [{"metrics": 3}, {"metrics": {"loss": "high"}}, {"step": None}, {"epoch": []}, {"split": []},
               {"split": "other"}, {"low": [1]}, {"step": 1}, {"seconds": 10**400}]  # fmt: skip
    with folder.metrics_file.open("a") as file:
        file.write("\n[]\n{}\n\n" + "[" * 100_000 + "\n")
        file.writelines(json.dumps(good | {"step": 5} | damage) + "\n" for damage in damages)
        file.write(json.dumps(good | {"step": 6, "added later": 1}) + "\n")
    run.poll()
    assert known_steps(run) == [1, 6]
    assert run.traces.keys() == {("loss", "train"), ("kl", "train")}


def test_a_resumed_run_is_read_anew(folder: RunFolder) -> None:
    tell(folder, *range(1, 9))
    tell(folder, 6, split="test", loss=3.0)
    run = RunReader(folder)
    run.poll()
    history.truncate(folder.metrics_file, 5)
    tell(folder, 6, 7, 8, 9, 10, 11, 12)  # by the time of the next look the file is longer than it was
    assert run.poll().metrics
    assert known_steps(run) == list(range(1, 13))
    assert ("loss", "test") not in run.traces


def test_a_long_run_is_read_in_slices(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runs.tail.CHUNK", 1000)
    tell(folder, *range(1, 101))
    run, looks = RunReader(folder), 0
    while run.poll(0.0).behind:
        looks += 1
        assert known_steps(run) == list(range(1, len(run.traces["loss", "train"]) + 1))
    assert looks > 10
    assert known_steps(run) == list(range(1, 101))


def test_a_process_that_is_gone_is_noticed(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    run = RunReader(folder)
    run.poll()
    asked: list[State] = []
    answers = {"alive": True}

    def alive(state: State) -> bool:
        asked.append(state)
        return answers["alive"]

    monkeypatch.setattr("workbench.runs.state._alive", alive)
    monkeypatch.setattr(reader, "LIVENESS_SECONDS", 0.05)
    time.sleep(0.06)
    assert [run.poll() for _ in range(20)] == [Changed()] * 20
    assert len(asked) <= 2  # it costs more than all the rest
    answers["alive"] = False
    time.sleep(0.06)
    assert run.poll() == Changed(state=True)
    assert run.state is not None
    assert run.state.status == "interrupted"


def test_a_folder_that_goes_away_is_a_sentence(folder: RunFolder, tmp_path: Path) -> None:
    tell(folder, 1)
    run = RunReader(folder)
    run.poll()
    folder.path.rename(tmp_path / "elsewhere")
    assert run.poll() == Changed(state=True)
    assert run.poll() == Changed()
    assert run.gone
    assert "mine is gone: it was deleted, renamed or cannot be reached." in run.problem
    assert known_steps(run) == [1]
    (tmp_path / "elsewhere").rename(folder.path)
    tell(folder, 2)
    assert run.poll() == Changed(state=True, metrics=True)
    assert (known_steps(run), run.problem) == ([1, 2], "")
    assert not RunReader(RunFolder(tmp_path / "nowhere")).poll().behind


def test_reading_while_the_folder_is_deleted_raises_nothing(folder: RunFolder) -> None:
    pictures.save(folder, some(6))
    tell(folder, 1, 2)
    run = RunReader(folder)
    run.poll()
    for path in (folder.state_file, folder.metrics_file, folder.config_file, folder.snapshots):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        run.poll()
    with pytest.raises(InputError, match="is missing"):
        run.snapshot(6)
    shutil.rmtree(folder.path)
    run.poll()
    assert run.gone


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("config.json", "{", "config.json cannot be read"), ("config.json", '{"format": 9}', "has format 9"),
     ("config.json", '{"format": 1}', "lacks its model"), ("state.json", "{}", "does not say where the run stands"),
     ("state.json", None, "is missing")],
)  # fmt: skip
def test_a_damaged_file_is_a_sentence_beside_what_can_be_read(
    name: str, content: str | None, words: str, folder: RunFolder
) -> None:
    tell(folder, 1)
    before = (folder.path / name).read_bytes()
    (folder.path / name).unlink()
    if content is not None:
        (folder.path / name).write_text(content)
    run = RunReader(folder)
    run.poll()
    assert words in run.problem
    assert known_steps(run) == [1]
    files.write(folder.path / name, before)
    run.poll()
    assert run.problem == ""
    assert run.config == small_config()


def test_an_older_run_says_nothing_of_its_metrics(folder: RunFolder) -> None:
    written = json.loads(folder.config_file.read_text())
    older: list[object] = [None, [], {"loss": 3}, {"loss": {"unit": "nats"}}]
    for metrics in older:
        folder.config_file.write_text(json.dumps(written | {"metrics": metrics}))
        run = RunReader(folder)
        run.poll()
        assert (dict(run.metrics), run.problem) == ({}, "")
    folder.write_config(small_config(), {"fingerprint": "0", "channels": 1, "size": 8}, METRICS)
    run.poll()
    assert (run.steps_per_epoch, run.problem) == (None, "")


def test_snapshots_are_kept_and_followed(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunReader(folder)
    for step in (6, 12):
        pictures.save(folder, some(step))
    run.poll()
    assert run.snapshots == [6, 12]
    first = run.snapshot(6)
    assert run.snapshot(6) is first
    pictures.save(folder, some(6, final=True))  # the same step, seen again at the end of a sitting
    assert run.poll().snapshots
    assert run.snapshot(6).facts.final
    folder.snapshot(12).write_bytes(b"no archive")
    with pytest.raises(InputError, match=r"step-000000012\.npz is damaged"):
        run.snapshot(12)
    monkeypatch.setattr(reader, "KEPT", 3)
    for step in range(20, 30):
        pictures.save(folder, some(step))
        run.snapshot(step)
    assert len(run._kept) <= 3


def test_a_real_run_reads_as_its_history_does(tmp_path: Path) -> None:
    prepared = begin(tmp_path, "vae", steps="12", every="1")
    run = RunReader(prepared.folder)

    def look(event: Event) -> None:
        run.poll()

    train(prepared, [look])
    run.poll()
    written = history.History.read(prepared.folder.metrics_file)
    for (metric, split), trace in run.traces.items():
        curve = written.curve(metric, split)
        assert [trace[i].value for i in range(len(trace))] == curve.value.tolist()
        assert known_steps(run, metric, split) == curve.step.tolist()
    assert {metric for metric, _ in run.traces} == set(run.metrics) == set(prepared.state.model.metrics)
    assert run.state is not None
    assert (run.state.status, run.steps_per_epoch) == ("done", 6)
    assert "done" in run.log[-1]
    train(session.resume(prepared.folder, {"steps": 14}))
    assert run.poll().config
    assert run.config is not None
    assert run.config.training.steps == 14


def test_a_look_at_a_quiet_run_is_cheap(folder: RunFolder) -> None:
    tell(folder, *range(1, 200))
    pictures.save(folder, some(6))
    os.utime(folder.snapshots, (1, 1))
    run = RunReader(folder)
    run.poll()
    began = time.perf_counter()
    for _ in range(100):
        run.poll()
    assert (time.perf_counter() - began) / 100 < 0.001
