"""A program on a real pseudo terminal, and the screen that a person would see: what it wrote, emulated by pyte.

The tests and `benchmarks/screen.py` drive the workbench with this. Nothing here knows the workbench.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil
import pyte

KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " ", "home": "\x1b[H", "end": "\x1b[F",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "ctrl+c": "\x03", "ctrl+l": "\x0c",
}  # fmt: skip
# Sequences that pyte would print or misread: Kitty's keyboard protocol and xterm's resources.
_PRIVATE = re.compile(rb"\x1b\[[<=>][0-9;]*[A-Za-z]")
_UNFINISHED = re.compile(rb"\x1b(\[[<=>0-9;?]*)?$")


class Emulator:
    """Turns bytes into characters at their places."""

    def __init__(self, columns: int, rows: int) -> None:
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._held = b""
        self._lines = [""] * rows

    def feed(self, data: bytes) -> None:
        """Draw; a sequence that is cut off waits for its end."""
        data = _PRIVATE.sub(b"", self._held + data)
        cut = _UNFINISHED.search(data)
        self._held = data[cut.start() :] if cut else b""
        self._stream.feed(data[: cut.start()] if cut else data)

    def resize(self, columns: int, rows: int) -> None:
        """The window has another size now."""
        self._screen.resize(rows, columns)
        self._lines = [""] * rows
        self._screen.dirty.update(range(rows))

    @property
    def lines(self) -> list[str]:
        """The rows of the screen, without blanks at their ends."""
        columns = range(self._screen.columns)
        for y in self._screen.dirty:
            if y < len(self._lines):
                row = self._screen.buffer[y]
                self._lines[y] = "".join(row[x].data for x in columns).rstrip()
        self._screen.dirty.clear()
        return self._lines

    def styled(self, y: int) -> list[tuple[str, ...]]:
        """What one row looks like: (character, colours and attributes) of every cell."""
        row = self._screen.buffer[y]
        return [tuple(map(str, row[x])) for x in range(self._screen.columns)]


class Program:
    """A command on a terminal of its own. `wait` looks at its screen, `press` writes keys."""

    def __init__(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None,
        columns: int = 120, rows: int = 36, stderr: IO[Any] | None = None,
    ) -> None:  # fmt: skip
        self._ours, self._theirs = pty.openpty()
        self.emulator = Emulator(columns, rows)
        self.written = bytearray()
        self._set_size(columns, rows)
        self._attributes = termios.tcgetattr(self._theirs)
        clean = {"COLUMNS", "LINES", "NO_COLOR", "COLORTERM", "COLORFGBG", "TERM_PROGRAM", "TMUX", "STY"}
        kept = {name: value for name, value in os.environ.items() if name not in clean}
        self.pressed_at = time.perf_counter()
        self.process = subprocess.Popen(
            arguments, cwd=cwd, stdin=self._theirs, stdout=self._theirs, stderr=stderr or self._theirs,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (one call into the kernel)
        )  # fmt: skip

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for end in (self._ours, self._theirs):
            if end >= 0:
                os.close(end)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the kernel sends SIGWINCH."""
        self.emulator.resize(columns, rows)
        self._set_size(columns, rows)

    def hang_up(self) -> None:
        """The connection is gone: the terminal's other end is closed, and the kernel sends SIGHUP."""
        os.close(self._ours)
        self._ours = -1

    def stall(self) -> None:
        """Have more drawn than all buffers hold, and read none of it: the program now waits for its terminal."""
        for _ in range(60):
            self.press("ctrl+l")
            time.sleep(0.02)

    def press(self, *keys: str) -> None:
        """Write keys at once: a character, or a name in KEYS."""
        data = "".join(KEYS.get(key, key) for key in keys).encode()
        self.pressed_at = time.perf_counter()
        os.write(self._ours, data)

    def receive(self, seconds: float) -> list[tuple[float, bytes]]:
        """What comes within `seconds`, with the time of each piece; returns as soon as the program pauses.

        Reading goes before drawing, so that the time of a piece is not that of the emulator's work before it.
        """
        pieces: list[tuple[float, bytes]] = []
        until, patience = time.perf_counter() + seconds, seconds
        while select.select([self._ours], [], [], max(patience, 0))[0]:
            try:
                data = os.read(self._ours, 65536)
            except OSError:  # the end of a terminal
                break
            pieces.append((time.perf_counter(), data))
            self.written += data
            patience = min(0.001, until - time.perf_counter())
        return pieces

    def wait(self, sees: "Callable[[Program], object] | str", timeout: float = 20.0) -> float:
        """Until the screen shows a text, or `sees` something: seconds since the last key, or since the start."""
        look = (lambda _: sees in self.text) if isinstance(sees, str) else sees
        until = time.perf_counter() + timeout
        while (left := until - time.perf_counter()) > 0:
            seen_at = None
            for at, data in self.receive(min(left, 0.05)):
                self.emulator.feed(data)
                if seen_at is None and look(self):
                    seen_at = at
            if seen_at is not None:
                return seen_at - self.pressed_at
            if look(self):
                return time.perf_counter() - self.pressed_at
            if self.process.poll() is not None and not select.select([self._ours], [], [], 0)[0]:
                break
        raise AssertionError(f"not seen within {timeout:g} s: {sees!r}. The screen:\n{self.text}")

    def settle(self, quiet: float = 0.1, timeout: float = 5.0) -> None:
        """Draw what comes until nothing has come for `quiet` seconds."""
        until = time.perf_counter() + timeout
        while (pieces := self.receive(quiet)) and time.perf_counter() < until:
            for _, data in pieces:
                self.emulator.feed(data)

    def drain(self, seconds: float, draw: bool = True) -> None:
        """Read for `seconds`, and draw unless only the reading matters."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0 and self.process.poll() is None:
            for _, data in self.receive(left):
                if draw:
                    self.emulator.feed(data)

    @property
    def lines(self) -> list[str]:
        """The rows of the screen."""
        return self.emulator.lines

    @property
    def text(self) -> str:
        """The screen as one text."""
        return "\n".join(self.lines)

    def ends(self, timeout: float = 15.0, reading: bool = True) -> int:
        """Wait for the program's end, reading on unless the terminal is to stay stalled; its exit code."""
        until = time.perf_counter() + timeout
        while self.process.poll() is None:
            if time.perf_counter() > until:
                raise AssertionError(f"it did not end within {timeout:g} s. The screen:\n{self.text}")
            if reading and self._ours >= 0:
                self.settle(quiet=0.05, timeout=1)
            else:
                time.sleep(0.02)
        if self._ours >= 0:
            self.settle(quiet=0.05)
        return self.process.returncode

    def kill(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self.pressed_at = time.perf_counter()
        os.kill(self.process.pid, number)

    @property
    def restored(self) -> bool:
        """Whether the terminal is as it was: its attributes, the main screen, a cursor, no mouse, plain keys."""
        left = {
            "attributes": termios.tcgetattr(self._theirs) != self._attributes,
            "the other screen": self._last(rb"\x1b\[\?1049([hl])") == b"h",
            "no cursor": self._last(rb"\x1b\[\?25([hl])") == b"l",
            "the mouse": self._last(rb"\x1b\[\?100[0-6]([hl])") == b"h",
            "pasting in brackets": self._last(rb"\x1b\[\?2004([hl])") == b"h",
            "keys as sequences": self._last(rb"\x1b\[([<>])[0-9;]*u") == b">",
        }
        if any(left.values()):  # for whoever reads why a test failed
            print("left behind:", [what for what, is_left in left.items() if is_left], bytes(self.written)[-400:])
        return not any(left.values())

    def _last(self, pattern: bytes) -> bytes:
        found = re.findall(pattern, bytes(self.written))
        return found[-1] if found else b""


def working_in(folder: Path) -> list[psutil.Process]:
    """The processes whose current folder this is: in a test or measurement, a workbench and its runs."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and Path(process.cwd()) == folder.resolve():
                found.append(process)
        except (psutil.Error, OSError):  # it has ended, or is somebody else's
            continue
    return found


# The form's preview imports torch, which takes longer than what most tests are about.
NO_PREVIEW = "from workbench.ui.new import view; view.PREVIEW_DELAY = 3600.0"


def workbench(*arguments: str | Path, prelude: str = "") -> list[str]:
    """The command line that opens the workbench; `prelude` is Python that runs before it."""
    if not prelude:
        return [sys.executable, "-m", "workbench", *map(str, arguments)]
    code = f"{prelude}\nfrom workbench.__main__ import main\nmain()"
    return [sys.executable, "-c", code, *map(str, arguments)]
