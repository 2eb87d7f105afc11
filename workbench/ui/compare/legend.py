"""Which run is which: sign, short name, whole name and state, as many beside one another as fit."""

from collections.abc import Sequence

from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.compare.members import Member
from workbench.ui.states import SIGNS, WORDS
from workbench.ui.words import blank, said

_GAP = 2


def rows(members: Sequence[Member], width: int, most: int, look: Look) -> Rows:
    """At most so many rows; where whole names take more, short ones have to do."""
    for whole in (True, False):
        entries = [_entry(member, whole, look) for member in members]
        wide = max(sum(part.cell_length for part in entry) for entry in entries) + _GAP
        across = max(1, (width - 1) // wide)
        down = -(-len(entries) // across)
        if down <= most:
            break
    lines: Rows = []
    for first in range(0, min(len(entries), most * across), across):
        line: Row = [Segment(" ")]
        for entry in entries[first : first + across]:
            line += [*entry, blank(wide - sum(part.cell_length for part in entry))]
        lines.append(line)
    return lines


def _entry(member: Member, whole: bool, look: Look) -> Row:
    style = look.series[member.number % len(look.series)]
    row: Row = [Segment(f"{look.mark(member.number)} {said(member.label, look.unicode)}", style)]
    if whole and member.name != member.label:
        row.append(Segment(f"  {said(member.name, look.unicode)}", look.dim))
    return [*row, Segment(f"  {_state(member, whole, look)}", look.text)]


def _state(member: Member, whole: bool, look: Look) -> str:
    if member.reader.gone:
        return "? gone"
    state = member.reader.state
    if state is None:
        return "? " + ("cannot be read" if member.reader.problem else "...")
    sign = SIGNS[state.status][0 if look.unicode else 1]
    return f"{sign} {WORDS[state.status]}, epoch {state.epoch:,.1f}".removesuffix(".0") if whole else sign
