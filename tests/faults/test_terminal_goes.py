"""The terminal goes, or the workbench, or the process that trains: real ones, by real signals. The run does not.

Runs are of 8x8 digits, so a step is a millisecond. No test leaves a process behind.
"""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.command import TINY, until
from workbench.runs.folder import RunFolder
from workbench.runs.state import State

pytest.importorskip("fcntl", reason="needs the terminals of Unix")
from tests.terminal_emulator import NO_PREVIEW, Program, workbench, working_in

LONG = (*TINY, "--epochs", "100000", "--every", "100000")
FORM = "learning_rate"
BUG = f"""
{NO_PREVIEW}
from workbench.ui.app import Workbench

def do_theme(self):
    raise RuntimeError("no theme is good enough")

Workbench.do_theme = do_theme
"""


class Run:
    """The one run of a folder, as its files tell of it."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir

    @property
    def folder(self) -> RunFolder:
        """Its folder."""
        (found,) = self.runs_dir.glob("*/state.json")
        return RunFolder.open(found.parent)

    @property
    def state(self) -> State:
        """Where it stands."""
        return self.folder.state()

    @property
    def process(self) -> psutil.Process:
        """Who trains it."""
        return psutil.Process(self.state.pid)

    def trains(self, *_: object) -> bool:
        """Whether it has begun."""
        metrics = next(self.runs_dir.glob("*/metrics.jsonl"), None)
        return metrics is not None and metrics.stat().st_size > 0

    def goes_on(self) -> None:
        """Fail unless it takes further steps."""
        size = self.folder.metrics_file.stat().st_size
        until(lambda: self.folder.metrics_file.stat().st_size > size)
        assert self.state.status == "running"

    def becomes(self, status: str) -> None:
        """Wait until it says so."""
        until(lambda: self.state.status == status)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """The run that a test starts; whoever works below the test's folder in the end is a failure."""
    yield Run(tmp_path / "runs")
    _, left = psutil.wait_procs(working_in(tmp_path), timeout=10)
    for other in left:
        other.kill()
    assert left == []


def opened(tmp_path: Path, prelude: str = NO_PREVIEW) -> Program:
    """The workbench on a terminal of its own."""
    return Program(workbench("--runs-dir", "runs", *LONG, prelude=prelude), cwd=tmp_path)


def started(program: Program, run: Run) -> None:
    """Start the run."""
    program.wait(FORM)
    program.press("s")
    program.wait("● training", timeout=40)
    program.wait(run.trains)


def taken_up(program: Program) -> None:
    """Open the run that trains, as the last line offers."""
    program.wait("vae on digits is training: 2 opens it.")
    program.press("2")
    program.wait("● training")


def test_the_terminal_may_go_and_the_next_workbench_has_the_run(tmp_path: Path, run: Run) -> None:
    with opened(tmp_path) as program:
        started(program, run)
        process = run.process
        program.hang_up()
        program.ends(timeout=5)
        run.goes_on()

    with opened(tmp_path) as program:
        taken_up(program)
        program.press("p")
        program.wait("‖ paused")
        run.becomes("paused")
        program.press("s")
        until(lambda: list(run.folder.snapshots.glob("*.npz")))
        program.press("p")
        run.goes_on()
        program.press("d")
        assert program.ends() == 0
        assert program.restored
        assert f"goes on training in process {process.pid} on" in program.text
        assert f"genbench shows it again; X there, or kill {process.pid}, stops it, saved." in program.text

    with opened(tmp_path) as program:
        taken_up(program)
        program.stall()
        program.hang_up()
        program.ends(timeout=10, reading=False)
        run.goes_on()

    with opened(tmp_path) as program:
        taken_up(program)
        program.press("X")
        program.wait("Stop 2")
        program.press("X")
        program.wait("■ stopped", timeout=30)
        assert run.state.status == "stopped"
        program.press("q")
        assert program.ends() == 0
        assert program.restored


def test_what_is_killed_or_has_a_bug_takes_nothing_else_along(tmp_path: Path, run: Run) -> None:
    with opened(tmp_path, BUG) as program:
        started(program, run)
        run.process.kill()
        program.wait("killed by signal 9: out of memory? u goes on from the last checkpoint.")
        program.press("u")
        program.wait("● training", timeout=40)
        program.kill(signal.SIGKILL)
        program.ends()
        run.goes_on()

    with opened(tmp_path, BUG) as program:
        taken_up(program)
        program.press("T")
        assert program.ends() == 1
        assert program.restored
        assert "a bug of ours (RuntimeError: no theme is good enough)" in program.text
        kept = re.search(r"Traceback: (\S+)", program.text.replace("\n", ""))
        assert kept is not None
        Path(kept[1]).unlink(missing_ok=True)
        run.goes_on()
    run.process.terminate()
    run.becomes("stopped")


def test_a_signal_saves_and_two_do_not_wait_for_the_run(tmp_path: Path, run: Run) -> None:
    with opened(tmp_path) as program:
        started(program, run)
        program.press("p")
        run.becomes("paused")  # so it saves nothing by itself
        saved = set(run.folder.checkpoints.glob("*"))
        program.kill(signal.SIGUSR1)
        until(lambda: set(run.folder.checkpoints.glob("*")) != saved)
        program.press("p")
        run.goes_on()
        process = run.process
        process.suspend()  # so it cannot end within the time that the first signal gives it
        program.kill(signal.SIGINT)
        program.wait("Finishing the step and saving")
        program.kill(signal.SIGINT)
        assert program.ends(timeout=3) == 128 + signal.SIGINT
        assert program.restored
        process.resume()
        run.becomes("stopped")
