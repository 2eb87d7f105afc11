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

from tests.harness import small_config
from workbench import session
from workbench.runs import checkpoint
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
