"""The line above the views and the line below them."""

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style

from workbench.terminal.look import Look, Row
from workbench.ui.bindings import TITLES, VIEWS, Command, shown


def header(current: str, status: str, width: int, look: Look) -> Row:
    """The views with their digits, the one that is shown marked, and at the right what trains here."""
    row = [Segment(" genbench ", look.accent)] if width >= 70 else []
    for number, view in enumerate(VIEWS, 1):
        here = view == current
        brackets = "[]" if here and not look.unicode else "  "
        label = f"{brackets[0]}{number} {TITLES[view]}{brackets[1]}"
        row.append(Segment(label, look.text + Style(reverse=True, bold=True) if here else look.dim))
    room = width - sum(segment.cell_length for segment in row) - 2
    if room >= 10 and status:
        shortened = status if len(status) <= room else status[: room - 1] + ("…" if look.unicode else "~")
        row += [Segment(" " * (room - len(shortened) + 1)), Segment(shortened, look.text)]
    return row


def footer(commands: Iterable[tuple[Command, str, str]], width: int, look: Look) -> Row:
    """As many of (command, its label, reason it cannot be given now) as fit.

    Those that cannot be given are struck out where there is room for all, else they are left out. The last three,
    which hold everywhere and lead to all others, are never left out.
    """
    given = list(commands)
    always = [_cell(*it, look) for it in given[-3:]]
    room = width - 1 - sum(_length(cell) for cell in always)
    cells = [_cell(*it, look) for it in given[:-3]]
    if sum(_length(cell) for cell in cells) > room:
        cells = [_cell(*it, look) for it in given[:-3] if not it[2]]
    row: Row = [Segment(" ")]
    for cell in cells:
        if _length(cell) > room:
            break
        room -= _length(cell)
        row += cell
    return [*row, Segment(" " * max(room, 0)), *(part for cell in always for part in cell)]


def message(text: str, bad: bool, width: int, look: Look) -> Row:
    """A sentence in the footer's place, until the next key."""
    marked = " ".join(["", *text.splitlines()])
    if len(marked) > width:
        marked = marked[: width - 1] + ("…" if look.unicode else "~")
    return [Segment(marked, look.bad if bad else look.text)]


def _cell(command: Command, label: str, reason: str, look: Look) -> Row:
    key = shown(command.keys[0], look.unicode)
    if reason:
        return [Segment(f"{key} {label}  ", look.dim + Style(strike=look.unicode))]
    return [Segment(key, look.accent), Segment(f" {label}  ", look.text)]


def _length(cell: Row) -> int:
    return sum(segment.cell_length for segment in cell)
