"""The process that trains for a workbench: its lines, and a crash in C code, which takes nothing but itself."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.harness import begin, small_config, train
from workbench import session
from workbench.runs import checkpoint, evaluations
from workbench.runs.folder import RunFolder

pytest.importorskip("fcntl", reason="signals as Unix has them")


def worker(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.worker"], cwd=folder, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def heard(running: "subprocess.Popen[str]", word: str) -> Any:
    """What the first line with this word says of it."""
    assert running.stdout is not None
    for line in running.stdout:
        if word in (said := json.loads(line)):
            return said[word]
    raise AssertionError(f"it never said {word!r}")


def asked(running: "subprocess.Popen[str]", **job: Any) -> None:
    assert running.stdin is not None
    running.stdin.write(json.dumps(job) + "\n")
    running.stdin.flush()


def test_a_crash_in_c_code_is_told_where_and_the_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    with worker(tmp_path) as running:
        assert heard(running, "ready") is True
        config = small_config("ae", steps="1000000", every="1000000").to_json()
        asked(running, runs_dir=str(tmp_path / "runs"), config=config)
        folder = RunFolder(Path(heard(running, "folder")))
        assert running.stdout is not None
        running.stdout.close()  # whoever listened is gone, and nothing becomes of it
        while not checkpoint.any_there(folder):
            time.sleep(0.02)
        running.send_signal(signal.SIGSEGV)
        assert running.wait(timeout=30) == -signal.SIGSEGV
    assert "Segmentation fault" in folder.output_file.read_text()
    assert "in run" in folder.output_file.read_text()  # where it happened
    assert folder.state().status == "interrupted"
    again = session.resume(folder, {})
    assert again.state.step > 0
    again.folder.unlock()


def test_a_run_is_measured_in_full_and_whoever_stops_it_keeps_what_there_is(tmp_path: Path) -> None:
    run = begin(tmp_path / "runs", "ae", steps="4", evaluate="none")
    train(run)
    assert evaluations.load(run.folder) is None
    with worker(tmp_path) as stopped, worker(tmp_path) as measures:
        heard(stopped, "ready")
        asked(stopped, measure=str(run.folder.path))
        heard(stopped, "stage")
        asked(stopped, stop=True)
        said = heard(stopped, "measured")
        assert "were left out: measuring was cancelled." in said
        assert stopped.wait(timeout=30) == 0
        heard(measures, "ready")
        asked(measures, measure=str(run.folder.path))
        said = heard(measures, "measured")
        found = evaluations.load(run.folder)
        assert found is not None
        assert (found.step, found.effort, found.notes) == (4, "full", ())
        count = sum(one.value is not None for one in found.measured)
        assert said == f"{run.folder.name}: {count} numbers measured at step 4."
        assert measures.wait(timeout=30) == 0


def test_what_cannot_be_measured_is_a_sentence(tmp_path: Path) -> None:
    run = begin(tmp_path / "runs", "ae", steps="4")
    with worker(tmp_path) as running:
        asked(running, measure=str(run.folder.path))
        assert "no checkpoint" in heard(running, "error")
        assert running.wait(timeout=30) == 1
    run.folder.unlock()


def test_what_cannot_begin_is_a_sentence_and_nobody_who_asks_is_an_end(tmp_path: Path) -> None:
    with worker(tmp_path) as refused, worker(tmp_path) as unused:
        assert refused.stdin is not None
        refused.stdin.write("{no job at all\n")
        refused.stdin.flush()
        said = heard(refused, "error")
        assert "a bug of ours (JSONDecodeError" in said
        Path(said.partition("Traceback: ")[2]).unlink()
        assert refused.wait(timeout=30) == 1
        assert unused.stdin is not None
        unused.stdin.close()
        assert unused.wait(timeout=30) == 0
    assert list(tmp_path.iterdir()) == []
