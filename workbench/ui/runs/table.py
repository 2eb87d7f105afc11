"""The table of runs. Only the rows that are seen are made, so a thousand runs are as quick as ten."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message

from workbench.runs.listing import RunRow
from workbench.terminal.look import Look, Row
from workbench.ui.panes import DrawnPane
from workbench.ui.runs.columns import COLUMNS, GAP, Column, fitting, texts, titled
from workbench.ui.words import blank, padded, said, shortened
from workbench.units import age

if TYPE_CHECKING:
    from workbench.ui.app import Workbench

_FRONT = 4  # the cursor's sign and the mark's, each with a blank
_QUIET = {"model", "dataset", "took", "last heard", "tags"}


class RunsTable(DrawnPane):
    """Rows of runs with a cursor on one of them, which stays on its run whatever the list does."""

    title = "Runs"
    name_in_keys = "runs"

    class Moved(Message):
        """The cursor is on another run."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Sequence[RunRow] = ()
        self._at, self._top = 0, 0
        self._numbers: Mapping[str, int] = {}
        self._here: frozenset[str] = frozenset()
        self._sort, self._falls = COLUMNS[0], False
        self._widths: dict[str, int] = {}
        self._texts: dict[str, tuple[RunRow, bool, dict[str, str]]] = {}
        self._laid_out_for = 0  # columns; 0 where the rows are new
        self._empty: list[str] = []

    @property
    def row(self) -> RunRow | None:
        """The run under the cursor."""
        return self.rows[self._at] if self.rows else None

    def fill(
        self,
        rows: Sequence[RunRow],
        all_rows: Sequence[RunRow],
        sort: Column,
        falls: bool,
        here: frozenset[str],
        empty: list[str],
    ) -> None:
        """Replace the rows.

        all_rows   those that a filter hides as well: the columns are wide enough for all, and stay where they are
        here       the runs that were started here and train, by name
        empty      what to say where no row is
        """
        name = self.row.name if self.row else ""
        self.rows, self._sort, self._falls, self._here, self._empty = rows, sort, falls, here, empty
        same = (index for index, row in enumerate(rows) if row.name == name)
        self._at = next(same, min(self._at, max(len(rows) - 1, 0)))
        self._texts = {row.name: self._text(row) for row in all_rows}
        self._laid_out_for = 0
        self.redraw()

    def _text(self, row: RunRow) -> tuple[RunRow, bool, dict[str, str]]:
        here = row.name in self._here
        known = self._texts.get(row.name)
        if known and known[0] is row and known[1] == here:
            return known
        return row, here, texts(row, here, self._unicode)

    def mark(self, numbers: Mapping[str, int]) -> None:
        """Show which runs are marked, with the colours and marks that they have in charts."""
        self._numbers = numbers
        self.redraw()

    def name_it(self, title: str) -> None:
        """Change the title."""
        self.title = title
        self.redraw()

    def move(self, by: int) -> None:
        """Move the cursor by rows; it stops at the ends."""
        self.go(self._at + by)

    def go(self, to: int) -> None:
        """Put the cursor on a row, or on the nearest there is."""
        self._at = max(0, min(to, len(self.rows) - 1))
        self.redraw()
        self.post_message(self.Moved())

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three rows on."""
        event.stop()
        self.move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three rows back."""
        event.stop()
        self.move(-3)

    def on_click(self, event: events.Click) -> None:
        """The cursor goes where one points."""
        offset = event.get_content_offset(self)
        if offset is not None and 0 < offset.y <= len(self.rows) - self._top:
            self.go(self._top + offset.y - 1)

    @property
    def _unicode(self) -> bool:
        return cast("Workbench", self.app).unicode

    @property
    def page(self) -> int:
        """Rows that are seen at a time."""
        return max(1, self.size.height - 1)

    def draw(self, width: int, height: int, look: Look) -> None:
        """Show the rows about the cursor."""
        if not self.rows:
            self.show([[], *([Segment(f"  {line}", look.text)] for line in self._empty)])
            self.say(self.title)
            return
        if self._laid_out_for != width:
            told = [text for _, _, text in self._texts.values()]
            self._widths = fitting(told, width - _FRONT, self._sort.title)
            self._laid_out_for = width
        self._top = max(0, min(self._top, self._at, len(self.rows) - self.page), self._at - self.page + 1)
        seen = range(self._top, min(self._top + self.page, len(self.rows)))
        self.show([self._header(look), *(self._line(index, width, look) for index in seen)])
        self.say(self.title, f"{self._at + 1} of {len(self.rows)}" if len(self.rows) > self.page else "")

    def _header(self, look: Look) -> Row:
        row = [Segment(" " * _FRONT)]
        for column in COLUMNS:
            if (width := self._widths.get(column.title)) is None:
                continue
            here = column is self._sort
            sign = ("▴▾" if look.unicode else "^v")[self._falls] if here else ""
            title = f"{sign} {column.title}" if sign and column.right else f"{column.title} {sign}".rstrip()
            row.append(Segment(_set(column, title, width), look.accent if here else look.dim))
        return row

    def _line(self, index: int, width: int, look: Look) -> Row:
        row = self.rows[index]
        under = index == self._at
        heard = age(time.time() - row.heartbeat) if row.heartbeat else ""
        texts = {**self._texts[row.name][2], "last heard": heard}
        front = ("▸ " if look.unicode else "> ") if under else "  "
        cells = [Segment(front, look.accent), _sign(self._numbers.get(row.name), look)]
        for title, room in self._widths.items():
            column = titled(title)
            text = shortened(said(texts[title], look.unicode), room, look.unicode)
            cells.append(Segment(_set(column, text, room), _style(column, row, look)))
        if row.problem:
            room = width - sum(cell.cell_length for cell in cells[:4])
            problem = said(row.problem.removeprefix(f"{row.folder.path}/"), look.unicode)
            cells = [*cells[:4], Segment(shortened(problem, room, look.unicode), look.bad)]
        if not under:
            return cells
        rest = blank(width - sum(cell.cell_length for cell in cells))
        return list(Segment.apply_style([*cells, rest], post_style=self._ground()))

    def _ground(self) -> Style:
        """What lies beneath the row of the cursor; bold is enough where colours are the terminal's own."""
        theme = self.app.current_theme
        return Style(bold=True) + (Style() if theme.ansi else Style(bgcolor=self.app.theme_variables["panel"]))


def _sign(number: int | None, look: Look) -> Segment:
    if number is None:
        return Segment("  ")
    return Segment(f"{look.mark(number)} ", look.series[number % len(look.series)])


def _set(column: Column, text: str, width: int) -> str:
    return padded(text, width, column.right) + " " * GAP


def _style(column: Column, row: RunRow, look: Look) -> Style:
    if column.title == "state":
        return look.bad if row.status in {"failed", "diverged", "broken"} else look.text
    return look.dim if column.title in _QUIET else look.text
