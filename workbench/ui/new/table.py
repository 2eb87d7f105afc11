"""The form as rows of cells: a pure function of what it holds and where the cursor is."""

import textwrap
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

from models.settings import Setting
from workbench.config import GROUPS
from workbench.terminal.look import Look, Rows
from workbench.ui.new.form import Field
from workbench.ui.new.lines import lit, pointer
from workbench.ui.words import shortened

HEADINGS = {"model": "Model", "data": "Images", "training": "Training"}
VALUE = 9  # cells for a value; what is longer pushes its range away


@dataclass(frozen=True)
class Table:
    """The rows, and what of them has to be in sight."""

    rows: Rows
    start: int  # the cursor's row, or the heading above it
    line: int  # the cursor's row
    end: int  # behind what is wrong with it
    column: int  # where values begin


def table(
    fields: list[Field],
    names: dict[str, str],
    cursor: int,
    typing: bool,
    width: int,
    look: Look,
    ground: Style | None,
) -> Table:
    """Every setting under the heading of its group, which `names` has more words for.

    typing   the value under the cursor has a line of typing over it
    ground   the style under the cursor's row; None where the cursor is elsewhere
    """
    column = max(len(field.name) for field in fields) + 4
    rows: Rows = []
    start = line = end = 0
    for group in GROUPS:
        members = [(i, field) for i, field in enumerate(fields) if field.group == group]
        top = len(rows) + bool(rows)
        rows += [[Segment("")]] * bool(rows)
        rows.append([Segment(f"  {HEADINGS[group]}", look.accent), Segment(f"  {names.get(group, '')}", look.dim)])
        for index, field in members:
            if index == cursor:
                start, line = (top if index == members[0][0] else len(rows)), len(rows)
                rows += _field(field, column, typing, width, look, ground)
                end = len(rows)
            else:
                rows += _field(field, column, False, width, look, None)
    return Table(rows, start, line, end, column)


def _field(field: Field, column: int, typing: bool, width: int, look: Look, ground: Style | None) -> Rows:
    """One setting, and below it what is wrong with it."""
    style = look.bad if field.error else look.series[1] + Style(bold=True) if field.changed else look.text
    mark = "!" if field.error else "*" if field.changed else " "
    here = ground is not None
    less, more = ("◂", "▸") if look.unicode else ("<", ">")
    if not here or typing or field.setting.kind in {"text", "path"}:
        less = more = " "
    row = [
        pointer(here, look), Segment(f"{mark}{field.name:<{column - 2}}", style), Segment(f"{less} ", look.accent),
        Segment(shortened(field.value, width - column - 4, look.unicode), style), Segment(f" {more}", look.accent),
    ]  # fmt: skip
    allowed = "" if typing else f"default {field.default}; " * field.changed + _briefly(field.setting)
    used = sum(segment.cell_length for segment in row)
    gap = max(column + VALUE + 4, used) + 1 - used
    row.append(Segment(" " * gap + shortened(allowed, width - used - gap, look.unicode), look.dim))
    rows = [lit(row, width, ground)] if ground is not None else [row]
    below = textwrap.wrap(field.error.removeprefix(f"{field.name} "), max(width - column - 2, 20))
    return [*rows, *([Segment(" " * (column + 2) + line, look.bad)] for line in below)]


def _briefly(setting: Setting) -> str:
    """What may be given, without the noun that the help has: "4 to 512"."""
    if setting.name == "device":
        return "auto, cpu, cuda, mps"  # text, as there may be several of a kind: cuda:1
    words = setting.allowed()
    for noun in ("a whole number ", "a number ", "one of "):
        words = words.removeprefix(noun)
    return words.removeprefix("from ") if " to " in words else words
