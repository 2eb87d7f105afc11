"""What happened to a run, in words, the newest at the bottom."""

import re
import textwrap
from collections.abc import Iterable
from datetime import datetime

from rich.segment import Segment

from workbench.terminal.look import Look, Rows
from workbench.ui.panes import DrawnPane
from workbench.ui.words import said

_STAMPED = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) (.*)")
_ENDED_BADLY = re.compile(r"step \d+: (failed|diverged)\.")
_CLOCK = 10  # columns of the time and the gap after it


class LogPane(DrawnPane):
    """The lines of the log with their times. Tracebacks are left out: the line that ends a run says what it was."""

    letter, title, name_in_keys = "G", "Log", "log"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self._lines: list[str] = []
        self.problem = ""
        self._back = 0  # rows above the newest

    def show_lines(self, lines: Iterable[str], problem: str) -> None:
        """Show the end of a log, and below it what is wrong with the run's folder."""
        self._lines, self.problem = [*lines], problem
        self.redraw()

    def forget(self) -> None:
        """Another run."""
        self._back = 0
        self.show_lines((), "")

    def scroll_by(self, pages: int) -> None:
        """Older lines (1) or newer ones (-1), a pane's height at a time."""
        self._back = max(0, self._back + pages * max(self.size.height - 1, 1))
        self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw the newest lines that fit."""
        rows, whole = self._end(width, height + self._back, look)
        self._back = min(self._back, max(0, len(rows) - height))
        if not self._back:  # an entry that began above the pane would be read as one without a time
            rows = rows[-whole:] if 0 < whole <= height else rows[:height]
        end = len(rows) - self._back
        self.show(rows[max(0, end - height) : end] or [[Segment("Nothing has happened yet.", look.dim)]])
        self.say(self.title, "older lines: PgDn for the newest" if self._back else "")

    def _end(self, width: int, enough: int, look: Look) -> tuple[Rows, int]:
        """At least so many rows from the end of the log, or all, and how many of them make whole entries."""
        blocks: list[Rows] = [self._wrapped("", self.problem, width, look, bad=True)] if self.problem else []
        count = whole = sum(map(len, blocks))
        for line in reversed(self._lines):
            if count >= enough:
                break
            stamped = _STAMPED.fullmatch(line)
            if stamped is None:  # a line of a traceback
                continue
            when, text = stamped.groups()
            if text.startswith("Traceback "):
                continue
            blocks.append(self._wrapped(_clock(when), text, width, look, bool(_ENDED_BADLY.match(text))))
            count += len(blocks[-1])
            whole = count if count <= enough or not whole else whole
        return [row for block in reversed(blocks) for row in block], whole

    def _wrapped(self, clock: str, text: str, width: int, look: Look, bad: bool) -> Rows:
        style = look.bad if bad else look.text
        lines = textwrap.wrap(said(text, look.unicode), max(width - _CLOCK, 10), break_on_hyphens=False) or [""]
        firsts = [clock.ljust(_CLOCK), *[" " * _CLOCK] * (len(lines) - 1)]
        return [[Segment(first, look.dim), Segment(line, style)] for first, line in zip(firsts, lines, strict=True)]


def _clock(stamp: str) -> str:
    """The time of day, here."""
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%H:%M:%S}"
    except ValueError:
        return ""
