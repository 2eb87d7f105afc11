"""The real program on a real terminal: it draws, it keeps its screen to itself, and it leaves things in order."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.command import TINY, process
from workbench.runs.folder import RunFolder
from workbench.runs.state import State

pytest.importorskip("fcntl", reason="needs the terminals of Unix")
from tests.terminal_emulator import NO_PREVIEW, Program, workbench, working_in
from tests.ui.feed import ScriptedRun

FORM = "learning_rate"  # a setting that the form names
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")

LONG = (*TINY, "--epochs", "100000", "--every", "100000")


@pytest.fixture(autouse=True)
def nobody_left(tmp_path: Path) -> Iterator[None]:
    """A run outlives its workbench; none outlives its test."""
    yield
    _, left = psutil.wait_procs(working_in(tmp_path), timeout=10)
    for other in left:
        other.kill()
    assert left == []


def state_of(runs: Path) -> State | None:
    """The state of the one run in a folder; None before there is one."""
    for state in runs.glob("*/state.json"):
        return RunFolder.open(state.parent).state()
    return None


def recorded(runs: Path) -> float:
    """The epoch that the one run in a folder has recorded last; 0 before there is one."""
    for metrics in runs.glob("*/metrics.jsonl"):
        lines = metrics.read_text(encoding="utf-8").split("\n")[:-1]  # the last one may be half written
        return float(json.loads(lines[-1])["epoch"]) if lines else 0
    return 0


def trains(runs: Path) -> Callable[[Program], bool]:
    """Whether the run has taken some steps."""
    return lambda _: recorded(runs) > 2


def lacks(text: str) -> Callable[[Program], bool]:
    """Whether a text is not on the screen (any more)."""
    return lambda seen: text not in seen.text


# Drawing.


def test_it_draws_the_form_before_torch_is_there_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with Program(workbench("--runs-dir", tmp_path), cwd=tmp_path) as program:
        program.wait(FORM)
        maps = Path(f"/proc/{program.process.pid}/maps")
        if maps.exists():
            assert "libtorch" not in maps.read_text()
        assert not program.restored, "it should have taken the terminal"
        program.press("q")
        assert program.ends() == 0
        assert program.restored


# What each kind of terminal may be sent: a pattern that no colour sequence matches.
TERMINALS = {
    "truecolour": ({}, rb"(?!)"),
    "256 colours": ({"COLORTERM": ""}, rb"[34]8;2;"),
    "16 colours": ({"COLORTERM": "", "TERM": "xterm-16color"}, rb"[34]8;[25];"),
    "the kernel's console": ({"COLORTERM": "", "TERM": "linux"}, rb"[34]8;[25];"),
    "no colour": ({"NO_COLOR": "1"}, rb"[34]8;2;(?!(\d+);\1;\1[;m])"),  # greys are none
}


@pytest.mark.parametrize("terminal", TERMINALS)
def test_every_terminal_gets_the_colours_that_it_has(terminal: str, tmp_path: Path) -> None:
    environment, never = TERMINALS[terminal]
    with Program(workbench("--runs-dir", tmp_path), cwd=tmp_path, environment=environment) as program:
        program.wait(FORM)
        program.settle()
        program.press("q")
        assert program.ends() == 0
        sent = set(COLOUR.findall(bytes(program.written)))
        assert sent
        assert [sequence for sequence in sent if re.search(never, sequence)] == []


PLAIN: dict[str, tuple[list[str], dict[str, str]]] = {
    "--ascii": (["--ascii"], {}),
    "LC_ALL=C": ([], {"LC_ALL": "C"}),
    "TERM=linux": ([], {"TERM": "linux"}),
}


SHOWN_BY = {"4": "No runs are marked", "3": "a-run", "enter": "Latent", "left": "looking back"}


@pytest.mark.parametrize("plain", PLAIN)
def test_seven_bits_are_enough(plain: str, tmp_path: Path) -> None:
    flags, environment = PLAIN[plain]
    run = ScriptedRun(tmp_path, name="a-run")
    run.train(130)
    run.end()
    with Program(workbench("--runs-dir", tmp_path, *flags), cwd=tmp_path, environment=environment) as program:
        program.wait(FORM)
        for key, shown in SHOWN_BY.items():
            program.press(key)
            program.wait(shown)
        for key, shown in (("?", "Esc close"), (":", "A command")):
            program.press(key)
            program.wait(shown)
            program.settle()
            program.press("escape")
            program.wait(lacks(shown))
        program.press("q")
        assert program.ends() == 0
        assert sorted(set(re.findall(r"[^\0-\x7f]", program.written.decode()))) == []


def test_inside_tmux(tmp_path: Path) -> None:
    tmux = shutil.which("tmux")
    if tmux is None:
        pytest.skip("tmux is not here")
    server = [tmux, "-L", f"genbench-test-{os.getpid()}", "-f", os.devnull]

    def shows(wanted: Callable[[str], bool]) -> str:
        until = time.monotonic() + 20
        text = ""
        while time.monotonic() < until:
            got = subprocess.run([*server, "capture-pane", "-p"], capture_output=True, text=True, check=False)
            text = got.stdout
            if wanted(text):
                return text
            time.sleep(0.05)
        raise AssertionError(text)

    command = f"{sys.executable} -m workbench --runs-dir {tmp_path}; echo it ended with $?; sleep 60"
    subprocess.run([*server, "new-session", "-d", "-x", "80", "-y", "24", "-c", tmp_path, command], check=True)
    try:
        screen = shows(lambda text: FORM in text)
        assert len(screen.splitlines()) == 24
        assert max(map(len, screen.splitlines())) <= 80
        subprocess.run([*server, "send-keys", "q"], check=True)
        assert FORM not in shows(lambda text: "it ended with 0" in text)
    finally:
        subprocess.run([*server, "kill-server"], check=False)


# Where there is no screen to draw on.


def test_a_dumb_terminal_gets_a_sentence(tmp_path: Path) -> None:
    with Program(workbench(), cwd=tmp_path, environment={"TERM": "dumb"}) as program:
        assert program.ends() == 2
        assert "genbench --no-ui" in " ".join(program.text.split())
        assert b"\x1b" not in program.written


def test_pipes_get_a_sentence(tmp_path: Path) -> None:
    ended = process(cwd=tmp_path)
    assert ended.code == 2
    assert ended.out == ""
    assert len(ended.err.splitlines()) == 1
    assert "genbench --no-ui" in ended.err


def test_errors_sent_to_a_file_leave_the_screen_where_it_is(tmp_path: Path) -> None:
    command = workbench("--runs-dir", tmp_path)
    with (tmp_path / "errors").open("wb") as errors, Program(command, cwd=tmp_path, stderr=errors) as program:
        program.wait(FORM)
        program.press("q")
        assert program.ends() == 0
        assert program.restored
    assert (tmp_path / "errors").read_bytes() == b""


# What others print.

NOISY = """
import os, subprocess, sys
from workbench.ui import start, trainer

LOG = sys.stderr  # as a logging handler keeps it

class Noisy(trainer.Trainer):
    def warm(self):
        for number in (1, 2):
            os.write(number, b"written by C\\n" * 40)
        subprocess.run(["sh", "-c", "echo written by a child; echo written by a child >&2"])
        print("written by Python", file=LOG)

start.Trainer = Noisy
"""


def test_what_libraries_print_is_kept_off_the_screen(tmp_path: Path) -> None:
    with Program(workbench("--runs-dir", tmp_path, prelude=NOISY), cwd=tmp_path) as program:
        program.wait(FORM)
        program.drain(1.0)
        before = program.text
        assert "written by" not in before
        program.press("ctrl+l")
        program.settle()
        assert program.text == before
        program.press("q")
        assert program.ends() == 0
        assert b"written by" not in program.written
        said = re.search(rb"it is in (\S+\.log)", bytes(program.written))
        assert said is not None
        kept = Path(os.fsdecode(said[1]))
        text = kept.read_text(encoding="utf-8")
        kept.unlink()
        assert text.count("written by C\n") == 80
        assert text.count("written by a child\n") == 2
        assert text.count("written by Python\n") == 1


# Leaving.


def press_ctrl_c(program: Program) -> None:
    """Ask to leave, stay after all, and leave."""
    for answer in ("escape", "X"):
        program.press("ctrl+c")
        program.wait("is training.")
        program.press(answer)
        program.wait(lacks("is training."))


WAYS: dict[str, tuple[Callable[[Program], None], int]] = {
    "Ctrl+C": (press_ctrl_c, 0),
    "SIGTERM": (lambda program: program.kill(signal.SIGTERM), 128 + signal.SIGTERM),
}


@pytest.mark.parametrize("way", WAYS)
def test_leaving_while_a_run_trains_saves_it(way: str, tmp_path: Path) -> None:
    leave, code = WAYS[way]
    with Program(workbench("--runs-dir", tmp_path / "runs", *LONG, prelude=NO_PREVIEW), cwd=tmp_path) as program:
        program.wait(FORM)
        program.press("s")
        program.wait(trains(tmp_path / "runs"), timeout=40)
        leave(program)
        assert program.ends(timeout=15) == code
        assert program.restored
    (run,) = (tmp_path / "runs").iterdir()
    state = state_of(tmp_path / "runs")
    assert state is not None
    assert state.status == "stopped"
    assert (run / "checkpoints" / f"step-{state.step:09d}.safetensors").exists()


def test_a_terminal_that_stops_reading_does_not_stop_training(tmp_path: Path) -> None:
    def shown(seen: Program) -> float:
        found = re.search(r"epoch +([\d,.]+)/", seen.text)
        return float(found[1].replace(",", "")) if found else 0

    with Program(workbench("--runs-dir", tmp_path, *LONG, prelude=NO_PREVIEW), cwd=tmp_path) as program:
        program.wait(FORM)
        program.press("s")
        program.wait(trains(tmp_path), timeout=40)
        program.stall()
        stuck = recorded(tmp_path)
        time.sleep(1)
        later = recorded(tmp_path)
        assert later > stuck
        program.wait(lambda seen: shown(seen) >= later)
        program.kill(signal.SIGTERM)
        program.ends()


# Failing.

# Python imports this in every process; the workbench's own knows nothing of it.
BROKEN = """
import sys
if "workbench.worker" in sys.orig_argv:
    from models import vae

    def training_step(self, batch, minimise):
        raise RuntimeError("the left hand does not fit the right")

    vae.VAE.training_step = training_step
"""


def test_a_bug_in_training_ends_the_run_and_not_the_workbench(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN, encoding="utf-8")
    path = {"PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])}
    command = workbench("--runs-dir", tmp_path / "runs", *LONG, prelude=NO_PREVIEW)
    with Program(command, cwd=tmp_path, environment=path) as program:
        program.wait(FORM)
        program.press("s")
        program.wait("the left hand does not fit the right", timeout=40)
        program.settle()
        assert "Traceback" not in program.text
        state = state_of(tmp_path / "runs")
        assert state is not None
        assert state.status == "failed"
        program.press("1")
        program.wait(FORM)
        program.press("q")
        assert program.ends() == 0
        assert program.restored
