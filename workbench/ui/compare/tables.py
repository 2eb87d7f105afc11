"""Tables with a column for each run."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.compare.members import Member
from workbench.ui.compare.numbers import Table
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
        self._empty = empty

    def show_table(self, table: Table, members: Sequence[Member], words: Sequence[str] = ()) -> None:
        """Show a table; `words` are its caption."""
        self.table, self._members, self._words = table, members, tuple(words)
        self.redraw()

    @property
    def markdown(self) -> str:
        """What is shown, for a document."""
        return self.table.markdown(self._members) if self.table.rows else ""

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw as many columns as fit."""
        if not self.table.rows:
            self.show([[Segment(self._empty, look.dim)]])
            self.say(self.title)
            return
        names = min(max(cell_len(row.name) for row in self.table.rows), _NAMES)
        widths = self._widths(width - names)
        rows: Rows = [self._heading(names, widths, look)]
        rest = width - names - sum(widths)
        for row in self.table.rows:
            cells: Row = [Segment(padded(shortened(row.name, names, look.unicode), names), look.text)]
            for at, wide in enumerate(widths):
                cells += _cell(row.cells[at], at in row.best, wide, look)
            if row.unit and rest > _UNIT + 2:
                cells.append(
                    Segment(f"  {shortened(said(row.unit, look.unicode), rest - 2, look.unicode)}", look.dim)
                )
            rows.append(cells)
        more = len(rows) - height
        if more > 0:
            rows = [*rows[: height - 1], [Segment(f"and {more + 1} more", look.dim)]]
        self.show(rows)
        cut = f"{len(widths)} of {len(self._members)} runs" if len(widths) < len(self._members) else ""
        large = any(node.has_class("-one") for node in self.ancestors)
        best = ("◂ best" if look.unicode else "< best") if any(row.best for row in self.table.rows) else ""
        words = [
            word
            for word in (self.table.note, cut, cut and not large and "z shows more", *self._words, best)
            if word
        ]
        self.say(self.title, fitted(words, width - 2, look.unicode))

    def _widths(self, room: int) -> list[int]:
        """How wide each run's column is: as its cells need, and as its short name likes; units take the rest."""
        needed = [
            min(max(3, *(cell_len(row.cells[at]) + 2 * bool(row.best) for row in self.table.rows)), _CELL) + 2
            for at in range(len(self._members))
        ]
        while needed and sum(needed) > room:
            needed.pop()
        spare = max(0, room - sum(needed))
        for at, member in enumerate(self._members[: len(needed)]):
            more = min(max(0, cell_len(member.label) + 4 - needed[at]), spare // (len(needed) - at))
            needed[at] += more
            spare -= more
        return needed

    def _heading(self, names: int, widths: Sequence[int], look: Look) -> Row:
        row: Row = [blank(names)]
        for member, wide in zip(self._members, widths, strict=False):
            label = shortened(said(member.label, look.unicode), wide - 4, look.unicode) if wide >= 6 else ""
            text = f"{look.mark(member.number)} {label}".rstrip()
            row += [blank(wide - cell_len(text)), Segment(text, look.series[member.number % len(look.series)])]
        return row


def _cell(text: str, best: bool, width: int, look: Look) -> Row:
    """A cell at the right of its column; the best one has a sign behind it, for which all leave room."""
    sign = ("◂" if look.unicode else "<") if best else " "
    shown = shortened(said(text, look.unicode) or ("–" if look.unicode else "-"), width - 2, look.unicode)
    style = look.accent if best else look.text if text else look.dim
    return [blank(width - cell_len(shown) - 1), Segment(shown + sign, style)]
