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


def footer(commands: Iterable[tuple[Command, str]], width: int, look: Look) -> Row:
    """As many of (command, reason it cannot be given now) as fit; those that cannot be given are dim.

    The last three, which hold everywhere and lead to all others, are never left out.
    """
    cells = [_cell(command, reason, look) for command, reason in commands]
    always = cells[-3:]
    room = width - 1 - sum(_length(cell) for cell in always)
    row: Row = [Segment(" ")]
    for cell in cells[:-3]:
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


def _cell(command: Command, reason: str, look: Look) -> Row:
    key = shown(command.keys[0], look.unicode)
    if reason:
        return [Segment(f"{key} {command.label}  ", look.dim + Style(strike=look.unicode))]
    return [Segment(key, look.accent), Segment(f" {command.label}  ", look.text)]


def _length(cell: Row) -> int:
    return sum(segment.cell_length for segment in cell)
