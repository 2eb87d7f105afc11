"""Tables with a column for each run."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.compare.members import Member
from workbench.ui.compare.numbers import Table, TableRow
from workbench.ui.panes import DrawnPane
from workbench.ui.words import blank, fitted, padded, said, shortened

_NAMES = 20  # columns of a name at most
_CELL = 24  # and of a cell
_UNIT = 6  # columns that are worth beginning a unit in


class TablePane(DrawnPane):
    """Rows of what is compared, a column for each run, headed by its sign and as much of its short name as fits."""

    def __init__(self, letter: str, title: str, name_in_keys: str, empty: str) -> None:
        self.letter, self.title, self.name_in_keys = letter, title, name_in_keys
        super().__init__()
        self.table = Table()
        self._members: Sequence[Member] = ()
        self._words: tuple[str, ...] = ()
        self.empty = empty
        self._top = 0  # rows scrolled out of sight

    def show_table(self, table: Table, members: Sequence[Member], words: Sequence[str] = ()) -> None:
        """Show a table; `words` are its caption."""
        self.table, self._members, self._words = table, members, tuple(words)
        self.redraw()

    @property
    def markdown(self) -> str:
        """What is shown, for a document."""
        return self.table.markdown(self._members) if self.table.rows else ""

    @property
    def height(self) -> int:
        """How many rows it takes to show the table whole, its heading included."""
        groups = {row.group for row in self.table.rows if row.group}
        return 1 + len(self.table.rows) + len(groups) + len(self.table.feet) + bool(groups and self.table.feet)

    def scroll_by(self, pages: int) -> None:
        """Rows further down (1) or up (-1), a pane's height at a time."""
        self._top = max(0, self._top + pages * max(self.size.height - 2, 1))
        self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw as many columns as fit, and as many rows from where one has scrolled to."""
        table = self.table
        if not table.rows:
            self.show_words(" ".join((self.empty, *table.feet)), width, look)
            return
        longest = max(cell_len(said(row.name, look.unicode)) for row in table.rows)
        signs = 2 if any(row.sign for row in table.rows) else 0
        names = min(longest, _NAMES) + signs
        sure = max((cell_len(said(it, look.unicode)) for row in table.rows for it in row.spreads), default=0)
        if sum(self._needed(sure, look)) > width - names:
            sure = 0
        needed = self._needed(sure, look)
        while needed and sum(needed) > width - names:
            needed.pop()
        widths = self._widened(needed, width - names)
        names += max(0, min(longest + signs - names, width - names - sum(widths)))
        lines: list[tuple[str, Row]] = []  # of each the group it belongs to
        for row in table.rows:
            if row.group and (not lines or lines[-1][0] != row.group):
                lines.append((row.group, [Segment(row.group, look.dim)]))
            lines.append((row.group, self._line(row, names, signs, widths, sure, width, look)))
        for foot in table.feet:
            lines += [("", [])] * bool(lines[-1][0])
            lines.append(("", [Segment(shortened(said(foot, look.unicode), width, look.unicode), look.dim)]))
        group, rows = self._window(lines, width, height - 1, look)
        self.show([self._heading(shortened(group, names, look.unicode), names, widths, look), *rows])
        self._caption(len(widths), width, look)

    def _line(
        self, row: TableRow, names: int, signs: int, widths: Sequence[int], sure: int, width: int, look: Look
    ) -> Row:
        """A row of the table: its name, a cell for each run and, where there is room, its unit."""
        sign = padded(said(row.sign, look.unicode), signs)
        name = shortened(said(row.name, look.unicode), names - signs, look.unicode)
        cells: Row = [Segment(sign + padded(name, names - signs), look.text)]
        for at, wide in enumerate(widths):
            cells += _cell(_text(row, at, sure, look), at in row.best, wide, look)
        rest = width - names - sum(widths)
        if row.unit and rest > _UNIT + 2:
            unit = shortened(said(row.unit, look.unicode), rest - 2, look.unicode)
            cells.append(Segment(f"  {unit}", look.dim))
        return cells

    def _window(self, lines: Sequence[tuple[str, Row]], width: int, height: int, look: Look) -> tuple[str, Rows]:
        """The rows in sight, and the group whose heading is not; below them how many others there are."""
        if len(lines) <= height:
            self._top = 0
            return "", [row for _, row in lines]
        seen = max(height - 1, 1)
        self._top = min(self._top, len(lines) - seen)
        below = len(lines) - seen - self._top
        words = [f"{_counted(below)} below: PgDn"] * bool(below) + [f"{_counted(self._top)} above: PgUp"] * bool(
            self._top
        )
        last: Row = [Segment(fitted(words, width, look.unicode), look.dim)]
        first = lines[self._top][0]
        hidden = self._top > 0 and lines[self._top - 1][0] == first
        return first if hidden else "", [*(row for _, row in lines[self._top : self._top + seen]), last]

    def _caption(self, columns: int, width: int, look: Look) -> None:
        cut = f"{columns} of {len(self._members)} runs" if columns < len(self._members) else ""
        large = any(node.has_class("-one") for node in self.ancestors)
        best = ("◂ best" if look.unicode else "< best") if any(row.best for row in self.table.rows) else ""
        words = [
            said(word, look.unicode)
            for word in (self.table.note, cut, cut and not large and "z shows more", *self._words, best)
            if word
        ]
        self.say(self.title, fitted(words, width - 2, look.unicode))

    def _needed(self, sure: int, look: Look) -> list[int]:
        """How wide each run's column has to be for its cells."""
        rows = self.table.rows
        return [
            min(max(3, *(cell_len(_text(row, at, sure, look)) + 2 * bool(row.best) for row in rows)), _CELL) + 2
            for at in range(len(self._members))
        ]

    def _widened(self, needed: Sequence[int], room: int) -> list[int]:
        """Each run's column as wide as its short name likes; units take the rest."""
        widths = list(needed)
        spare = max(0, room - sum(widths))
        for at, member in enumerate(self._members[: len(widths)]):
            more = min(max(0, cell_len(member.label) + 4 - widths[at]), spare // (len(widths) - at))
            widths[at] += more
            spare -= more
        return widths

    def _heading(self, group: str, names: int, widths: Sequence[int], look: Look) -> Row:
        row: Row = [Segment(padded(group, names), look.dim)]
        for member, wide in zip(self._members, widths, strict=False):
            label = shortened(said(member.label, look.unicode), wide - 4, look.unicode) if wide >= 6 else ""
            text = f"{look.mark(member.number)} {label}".rstrip()
            row += [blank(wide - cell_len(text)), Segment(text, look.series[member.number % len(look.series)])]
        return row


def _text(row: TableRow, at: int, sure: int, look: Look) -> str:
    """What stands in a cell, and how sure it is in so many columns behind: numbers stay below one another."""
    text = said(row.cells[at], look.unicode)
    if not sure:
        return text
    return f"{text or _none(look)} {padded(said(row.spreads[at], look.unicode) if row.spreads else '', sure)}"


def _counted(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows} rows"


def _none(look: Look) -> str:
    return "–" if look.unicode else "-"


def _cell(text: str, best: bool, width: int, look: Look) -> Row:
    """A cell at the right of its column; the best one has a sign behind it, for which all leave room."""
    sign = ("◂" if look.unicode else "<") if best else " "
    shown = shortened(text or _none(look), width - 2, look.unicode)
    style = look.accent if best else look.text if text else look.dim
    return [blank(width - cell_len(shown) - 1), Segment(shown + sign, style)]
