"""The processes that train, as the screen knows them: here a shell script, which says what a test wants."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.harness import begin, train
from tests.ui.feed import ScriptedWorker
from workbench.config import resolve
from workbench.runs.folder import RunFolder
from workbench.runs.state import State
from workbench.ui.job import Job
from workbench.ui.trainer import Trainer

Script = Callable[[str], Trainer]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A trainer whose process is a script."""

    def make(lines: str) -> Trainer:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
        path.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(path))
        return Trainer()

    return make


def ended(trainer: Trainer, runs_dir: Path) -> Job:
    """A job that is started, once its process has ended."""
    job = trainer.start(resolve("vae", {}), runs_dir)
    assert job.ended.wait(10)
    return job


def test_the_lines_of_a_process_are_its_job(script: Script, tmp_path: Path) -> None:
    trainer = script(
        'echo \'{"ready": true}\'; read job; echo "$job" > given; echo no json; echo \'{"stage": "Loading"}\';'
        f' read it; echo "$it" >> given; echo \'{{"folder": "{tmp_path}"}}\''
    )
    job = trainer.start(resolve("vae", {}), Path("runs"))
    while job.stage != "Loading":
        assert not job.ended.wait(0.01)
    job.worker.give_up()
    assert job.ended.wait(10)
    assert (job.title, job.stage, job.error, job.death) == ("vae on digits", "", "", "")
    assert job.folder is not None
    assert job.folder.path == tmp_path
    given = Path("given").read_text(encoding="utf-8").splitlines()
    assert '"runs_dir": "runs"' in given[0]
    assert given[1] == '{"stop": true}'


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder of the scripts."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ("kill -9 $$", "Its process was killed by signal 9: out of memory?"),
        ("kill -11 $$", "Its process was ended by signal 11, SIGSEGV."),
        ("exit 143", "Its process was ended by signal 15, SIGTERM."),
        ("exit 7", "Its process ended with code 7."),
        ("exit 1", ""),
    ],
)
def test_what_cut_a_process_off_is_a_sentence(ends: str, told: str, script: Script, tmp_path: Path) -> None:
    job = ended(script(f'read job; echo \'{{"folder": "{tmp_path}"}}\'; {ends}'), tmp_path)
    assert (job.death, job.error) == (told, "")


def test_a_process_that_ends_before_the_run_leaves_its_last_words(script: Script, tmp_path: Path) -> None:
    job = ended(script("echo Trace >&2; echo 'ImportError: no torch' >&2; exit 1"), tmp_path)
    assert job.error == "Its process has ended. The run had not begun yet. ImportError: no torch"
    assert job.folder is None


@pytest.mark.parametrize(
    ("says", "measured", "error"),
    [
        ('{"measured": "mine: 28 numbers."}', "mine: 28 numbers.", ""),
        ('{"error": "mine has no checkpoint."}', "", "mine has no checkpoint."),
        ("no json", "", "Its process has ended. The run was not measured. OSError"),
    ],
)
def test_a_run_is_measured_by_a_process_that_says_what_came_of_it(
    says: str, measured: str, error: str, script: Script, tmp_path: Path
) -> None:
    trainer = script(f"read job; echo \"$job\" > given; echo OSError >&2; echo '{says}'")
    job = trainer.measure(RunFolder(tmp_path))
    assert job.ended.wait(10)
    assert (job.measured, job.error, job.doing) == (measured, error, "being measured")
    assert Path("given").read_text(encoding="utf-8") == f'{{"measure": "{tmp_path}"}}\n'


def test_a_process_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    trainer = Trainer()
    trainer.warm()
    assert "No process could be started" in ended(trainer, tmp_path).error


def test_one_process_waits_and_is_used_or_ended(script: Script, tmp_path: Path) -> None:
    trainer = script('read job && echo \'{"error": "heard"}\'')
    here = psutil.Process()
    before = set(here.children())
    trainer.warm()
    trainer.warm()
    (spare,) = set(here.children()) - before
    job = trainer.resume(RunFolder(tmp_path), {"epochs": 3})
    assert job.worker.pid == spare.pid
    assert job.ended.wait(10)
    assert job.error == "heard"
    trainer.warm()
    (spare,) = set(here.children()) - before
    assert os.getsid(spare.pid) == spare.pid, "a session of its own, which no terminal takes along"
    spare.kill()
    spare.wait()
    trainer.warm()
    (spare,) = set(here.children()) - before
    trainer.close()
    assert not spare.is_running()


def test_a_checkout_that_is_not_installed_finds_itself(
    script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = str(Path(__file__).parents[2])
    trainer = script('read job; echo "{\\"error\\": \\"$PYTHONPATH\\"}"')
    monkeypatch.setenv("PYTHONPATH", "/mine")
    monkeypatch.setattr(sys, "path", [home, "/elsewhere"])  # as of `python -m workbench` in the checkout
    assert ended(trainer, tmp_path).error == f"{home}:/mine"
    monkeypatch.setattr(sys, "path", ["", home])
    assert ended(trainer, tmp_path).error == "/mine"


def test_a_job_that_is_done_and_goes_on_is_being_measured(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="2")
    job = Job("ae on digits", ScriptedWorker())
    assert job.doing == "being prepared"
    job.folder = run.folder
    assert job.doing == "training"
    run.folder.write_state(State("paused"))
    assert job.doing == "paused"
    train(run)
    assert job.doing == "being measured"
