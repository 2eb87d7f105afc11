"""What the form says in words: what starting would do, the same as a command line, what the cursor is on."""

import textwrap
from pathlib import Path

from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.new.form import Field, Form
from workbench.ui.words import shortened
from workbench.units import dataset_title

COMMAND_ROWS = 3  # the most that the command takes on the screen
_TIMED = {("vae", "digits"): "about a minute on 2 cores"}  # as the README says, with nothing changed


def outlook(form: Form) -> str:
    """What starting would do, or what is in its way."""
    if form.problems:
        first, *others = set(form.problems.values())
        return f"To be put right first: {', '.join(form.problems)}." if others else first
    title, length = dataset_title(form.dataset), form.length()
    if form.to_download:
        return f"downloads {title} ({form.to_download} MB) first, then trains {form.model} on it: {length}."
    timed = "" if set(form.given) - {"dataset"} else _TIMED.get((form.model, form.dataset), "")
    return f"trains {form.model} on {title}: {length}{'; ' * bool(timed)}{timed}."


def start(form: Form, runs_dir: Path, width: int, look: Look) -> Rows:
    """The outlook and the command line, in as many rows as they take."""
    text = outlook(form)
    if form.problems:
        lead, style = Segment("! ", look.bad), look.bad
    else:
        lead, style = Segment("s ", look.accent), look.text
    first: Row = [lead, Segment(shortened(text, width - 2, look.unicode), style)]
    return [first, *([Segment(line, look.dim)] for line in command_rows(form.command(runs_dir), width, look))]


def command_rows(pieces: list[str], width: int, look: Look) -> list[str]:
    """A command in rows that a shell still takes as one, were they copied from the screen."""
    rows = [pieces[0]]
    for piece in pieces[1:]:
        if len(rows[-1]) + len(piece) + 3 <= width:
            rows[-1] += f" {piece}"
        else:
            rows[-1] += " \\"
            rows.append(f"  {piece}")
    if len(rows) > COMMAND_ROWS:
        rows = [*rows[: COMMAND_ROWS - 1], "  ... and more: y copies all of it"]
    return [shortened(row, width, look.unicode) for row in rows]


def hint(first: str, second: str, width: int, height: int, look: Look) -> Rows:
    """Help in a few rows: the matter, and below it, dim, what else there is to know."""
    rows = [[Segment(line, look.text)] for line in textwrap.wrap(first, max(width, 20))]
    rows += [[Segment(line, look.dim)] for line in textwrap.wrap(second, max(width, 20))]
    return rows[:height]


def of_setting(field: Field) -> tuple[str, str]:
    """What a setting means; and its flag, what it may be and its default."""
    return field.setting.help, f"{field.setting.flag}: {field.setting.allowed()}. Default: {field.default}."


def no_preview(form: Form) -> str:
    """Why there are no images to be seen."""
    if form.images() is None:
        return "Images are shown once their settings are right."
    return (
        f"{form.dataset} is not on this machine: starting downloads {form.to_download} MB to {form.data_dir}. "
        "Files that are elsewhere are found by data_dir."
    )


def card(form: Form, runs_dir: Path) -> list[str]:
    """The form for a window that has no room for it."""
    return [
        f"New run: {form.model} on {dataset_title(form.dataset)}",
        "",
        ("! " if form.problems else "s ") + outlook(form),
        "",
        *form.command(runs_dir),
    ]
