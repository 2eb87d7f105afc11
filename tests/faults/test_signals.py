"""Real signals to `genbench --no-ui`, and what becomes of the run when whoever reads its output goes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.command import TINY, start, until
from tests.harness import begin, train
from workbench import session
from workbench.runs import checkpoint, requests
from workbench.runs.folder import RunFolder
from workbench.training.control import Control
from workbench.training.events import Event, Finished, Saved, Snapshot

pytest.importorskip("fcntl", reason="signals and terminals as Unix has them")

LONG = ("--no-ui", *TINY, "--steps", "1000000", "--every", "1000000", "--name", "mine")
SOON = 5.0  # seconds within which a signal ends a run


def trains(folder: RunFolder) -> bool:
    """Whether its first steps are made."""
    return folder.metrics_file.exists() and folder.metrics_file.stat().st_size > 0


@pytest.fixture(autouse=True)
def nobody_left(tmp_path: Path) -> Iterator[None]:
    """A test that fails leaves no run behind that would train for days."""
    yield
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(tmp_path) and process.pid != os.getpid():
            process.kill()


def on_a_terminal(folder: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a long run on a terminal of its own, in a session of its own; the other end of the terminal."""
    ours, theirs = os.openpty()
    claim = "import fcntl, termios, sys; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    code = f"{claim} sys.argv[0] = 'genbench'; from workbench.__main__ import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, *LONG], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    os.close(theirs)
    return running, ours


def test_a_run_goes_on_without_its_terminal_saves_when_told_and_ends_saved(tmp_path: Path) -> None:
    running, terminal = on_a_terminal(tmp_path)
    folder = RunFolder(tmp_path / "runs" / "mine")
    until(lambda: trains(folder))
    os.close(terminal)  # the connection drops: SIGHUP, and every write fails
    step = folder.state().step
    until(lambda: folder.state().step > step + 100)
    assert folder.state().status == "running"

    requests.ask(folder, "pause")
    until(lambda: folder.state().status == "paused")
    at, saved = folder.state().step, checkpoint.latest(folder)[0].step
    assert saved < at
    running.send_signal(signal.SIGUSR1)
    until(lambda: checkpoint.latest(folder)[0].step == at)
    requests.ask(folder, "resume")
    until(lambda: folder.state().step > at)

    began = time.monotonic()
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 128 + signal.SIGTERM
    assert time.monotonic() - began < SOON
    state = folder.state()
    assert (state.status, state.step) == ("stopped", checkpoint.latest(folder)[0].step)
    assert not (folder.path / "samples").exists()  # no pictures: whoever sends a signal waits


def test_a_reader_that_leaves_does_not_end_the_run(tmp_path: Path) -> None:
    running = start("--no-ui", *TINY, "--steps", "400", "--name", "mine", cwd=tmp_path)
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()  # as `| head -1` does
    assert running.stderr is not None
    with running.stderr:
        said = running.stderr.read()
    assert (running.wait(timeout=60), said) == (0, "")
    assert RunFolder(tmp_path / "runs" / "mine").state().status == "done"


def test_a_hurried_stop_draws_nothing_further_and_a_resumed_run_does(tmp_path: Path) -> None:
    control, kinds = Control(), list[str]()

    def stop(event: Event) -> None:
        kinds.append(type(event).__name__)
        if isinstance(event, Saved) and event.step == 12:  # the last step is made and saved; pictures are not
            control.stop(hurried=True)

    run = begin(tmp_path, "vae", epochs="2", every="1")
    told = train(run, [stop], control, draw=True)
    assert isinstance(told[-1], Finished)
    assert (told[-1].status, told[-1].step) == ("stopped", 12)
    assert not run.folder.picture("samples", "final").exists()

    told = train(session.resume(run.folder, {}), draw=True)
    assert told[-1] == Finished("done", 12)
    assert [event.final for event in told if isinstance(event, Snapshot)] == [True]
    assert run.folder.picture("samples", "final").exists()


ALIKE = """
import os, sys, time
from pathlib import Path
from workbench.config import resolve
from workbench.runs import folder
class Frozen(folder.datetime):
    @classmethod
    def now(cls, *_):
        return cls(2026, 11, 22, 16, 19, 3)
folder.datetime = Frozen
config = resolve("vae", {"dataset": "digits"})
go = time.time() + 1.0
for child in range(50):
    if os.fork() == 0:
        time.sleep(max(go - time.time(), 0))
        run = folder.RunFolder.create(Path("runs"), config)
        run.lock()
        (run.path / "mine").write_text(str(os.getpid()))
        time.sleep(1.0)
        os._exit((run.path / "mine").read_text() != str(os.getpid()))
print(sum(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(50)))
"""


def test_fifty_runs_that_start_in_the_same_second_have_fifty_folders(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ALIKE], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 50
    assert {"20261122-161903-vae-digits", "20261122-161903-vae-digits-50"} <= set(names)


def test_of_twenty_processes_that_resume_one_run_one_does(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", "mine", steps="3")
    train(run)
    code = """
import os, sys, time
from pathlib import Path
from models.errors import InputError
from workbench.runs.folder import RunFolder
go = time.time() + 0.5
for child in range(20):
    if os.fork() == 0:
        time.sleep(max(go - time.time(), 0))
        try:
            run = RunFolder(Path(sys.argv[1]))
            run.lock()
            time.sleep(1.5)
            os._exit(1)
        except InputError as error:
            os._exit(0 if "is being written by process" in str(error) else 2)
print(sorted(os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(20)))
"""
    line = [sys.executable, "-c", code, str(run.folder.path)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout == f"{[0] * 19 + [1]}\n"


def test_a_group_that_is_ended_twice_at_once_is_saved(tmp_path: Path) -> None:
    running = start(*LONG, cwd=tmp_path)
    folder = RunFolder(tmp_path / "runs" / "mine")
    until(lambda: trains(folder))
    running.send_signal(signal.SIGTERM)
    time.sleep(0.002)
    running.send_signal(signal.SIGTERM)
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
    assert folder.state().status == "stopped"
    assert checkpoint.latest(folder)[0].step == folder.state().step


def test_signals_while_torch_is_imported_end_nothing(tmp_path: Path) -> None:
    running = start("--no-ui", *TINY, "--steps", "6", "--name", "mine", "--quiet", cwd=tmp_path)
    time.sleep(1.0)
    assert not (tmp_path / "runs").exists()
    running.send_signal(signal.SIGUSR1)
    running.send_signal(signal.SIGHUP)
    running.communicate(timeout=60)
    assert running.returncode == 0


def test_a_folder_that_a_kill_left_empty_is_taken_over(tmp_path: Path) -> None:
    left = tmp_path / "runs" / "mine"
    left.mkdir(parents=True)
    (left / ".lock").touch()
    os.utime(left, (1, 1))
    begin(tmp_path / "runs", "ae", "mine").folder.unlock()
    assert RunFolder(left).config_file.is_file()
