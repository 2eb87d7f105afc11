"""The live lines on a real terminal: they fit, they replace each other, they go away, and Ctrl+C ends the run."""

import os
import re
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command import TINY
from workbench.runs.folder import RunFolder

fcntl = pytest.importorskip("fcntl", reason="needs the terminals of Unix")
pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")


LINE_UP, ERASE, HIDE, SHOW = "\x1b[1A", "\x1b[2K", "\x1b[?25l", "\x1b[?25h"
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(
    columns: int, *arguments: str, cwd: Path, watch: Callable[[str], str] = lambda text: "", **environment: str
) -> tuple[int, str]:
    """Run genbench on a terminal of `columns` by 24. `watch` sees what was written so far and answers with keys."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES", "NO_COLOR"}}
    code = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    if "--no-ui" in arguments:  # PNGs take their time, and so do reports twice a second
        code += "from workbench import session; session.Album = lambda *_: lambda event: None;"
        code += "from workbench.training import meter; meter.REPORT_SECONDS = 0.05;"
    code += "from workbench.__main__ import main; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs,
        env={**clean, "TERM": "xterm-256color", "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip
    os.close(theirs)
    guard = threading.Timer(90, running.kill)
    guard.start()
    text = ""
    try:
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # on Linux, the end of a terminal
                break
            if not part:
                break
            text += part.decode(errors="replace")
            os.write(ours, watch(text).encode())
    finally:
        guard.cancel()
        os.close(ours)
    return running.wait(timeout=30), text


def screen_of(text: str) -> list[str]:
    """What is left on the terminal: the few controls that a live display uses, applied."""
    lines, row, column = [""], 0, 0
    for piece in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if piece == "\r":
            column = 0
        elif piece == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif piece == ERASE:
            lines[row] = ""
        elif piece.endswith("A") and piece.startswith("\x1b["):
            row -= int(piece[2:-1] or 1)
        elif not piece.startswith("\x1b"):
            kept = lines[row].ljust(column)
            lines[row] = kept[:column] + piece + kept[column + len(piece) :]
            column += len(piece)
    return [line.rstrip() for line in lines]


@pytest.mark.parametrize(("columns", "model"), [(80, "gan"), (44, "vae")])
def test_live_lines_fit_and_leave_nothing_behind(columns: int, model: str, tmp_path: Path) -> None:
    stopped = [False]

    def watch(text: str) -> str:
        if len(re.findall(r"epoch [1-9][\d.]* +of", text)) > 3 and not stopped[0]:
            stopped[0] = True
            return "\x03"
        return ""

    code, text = on_a_terminal(
        columns, "--no-ui", *TINY, "--steps", "1000000", "--model", model, "--name", "m", cwd=tmp_path, watch=watch
    )
    assert code == 128 + signal.SIGINT
    assert text.count(HIDE) == text.count(SHOW) == 1

    # While it was live: never wider than the terminal, so never wrapped.
    live = [ESCAPE.sub("", line) for line in re.split(r"[\r\n]", text) if " of " in line and "epoch" in line]
    assert len(live) > 3
    assert max(len(line.rstrip()) for line in live) < columns
    assert any("img/s" in line for line in live) or columns < 60

    # After it: what a person keeps reading, without a trace of the live lines.
    left = screen_of(text)
    assert "runs/m" in left
    assert [line for line in left if re.match(r"epoch .* of ", line)] == []
    assert any(line.startswith("Stopped after ") for line in left)
    assert RunFolder.open(tmp_path / "runs" / "m").state().status == "stopped"


def test_a_terminal_gets_a_table_of_the_held_out_numbers(tmp_path: Path) -> None:
    code, text = on_a_terminal(
        80, "--no-ui", *TINY, "--epochs", "2", "--every", "1", "--model", "gan", "--runs-dir", "r", cwd=tmp_path
    )
    assert code == 0
    left = screen_of(text)
    header = next(n for n, line in enumerate(left) if line.startswith("held-out"))
    assert left[header].split() == ["held-out", "d_loss", "g_loss", "d_real", "d_fake", "spread"]
    rows = left[header + 1 : header + 3]
    assert [row[:7] for row in rows] == ["epoch 1", "epoch 2"]
    assert {len(line) for line in left[header : header + 3]} == {len(left[header])}  # columns end together
    assert re.search(r"\x1b\[[0-9;]*m", text)  # some style
    assert any(line.startswith("Done after 12 steps in ") for line in left)


def test_no_color_is_obeyed(tmp_path: Path) -> None:
    _, text = on_a_terminal(80, "models", cwd=tmp_path, NO_COLOR="1")
    assert re.search(r"\x1b\[[0-9;]*3[0-9]", text) is None


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    code, text = on_a_terminal(80, "--no-ui", *TINY, "--steps", "3", "--quiet", "--json", cwd=tmp_path, TERM="dumb")
    assert code == 0
    assert "\x1b" not in text
