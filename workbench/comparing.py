"""The command that tells what runs are worth beside one another: `compare`."""

import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from models.errors import InputError
from workbench import comparison as tables
from workbench.commandline import RUNS_DIR, complete_run, console, seen
from workbench.comparison import Comparison, Row, cell_text
from workbench.runs import files, listing
from workbench.runs.folder import RunFolder

BEST, OTHER = "◂", "≠"

_TITLE = 30  # columns of a terminal that a title and its unit take at most where not all runs have room beside them
_LABEL = 20
_GAP = 2


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_run)
@click.option(
    "--format", "form", type=click.Choice(["markdown", "csv", "json"]), help="Print this instead of the table."
)
@click.option("--save", is_flag=True, help="Also write comparison.md, .csv, .json and .png.")
@click.option(
    "-o", "output", type=Path, metavar="FOLDER",
    help="Where they are written, which also asks for them. Default: compare-DATE-TIME among the runs.",
)  # fmt: skip
@click.option("--device", default="auto", metavar="NAME", help="auto, cpu, cuda, cuda:N or mps; for the picture.")
@RUNS_DIR
def compare_command(
    runs: tuple[str, ...], form: str | None, save: bool, output: Path | None, device: str, runs_dir: Path
) -> None:
    """Show 1 to 8 runs in one table, and which is best at what.

    The numbers are those that `genbench evaluate RUN` has measured. A best one is marked only where all were
    measured in the same way, and where it is ahead by more than the intervals.
    """
    found = tables.compare(_named(runs, runs_dir))
    folder = None
    if save or output is not None:
        folder = _made(output or runs_dir / f"compare-{datetime.now().astimezone():%Y%m%d-%H%M%S}")
    forms = {"markdown": tables.markdown, "csv": tables.csv_text, "json": tables.to_json}
    if form is not None:
        sys.stdout.write(forms[form](found))
    else:
        show(found)
    if folder is not None:
        _write(found, folder, device)
        click.echo(f"Written to {folder}.", err=form is not None)


def _named(runs: Sequence[str], runs_dir: Path) -> list[RunFolder]:
    """The runs asked for. Raises `InputError` for one that is not there, or is named twice."""
    folders: list[RunFolder] = []
    for run in runs:
        folder = listing.find(run, runs_dir)
        if any(folder.path.resolve() == other.path.resolve() for other in folders):
            raise InputError(f"{folder.name} is named twice. Name each run once.")
        folders.append(folder)
    return folders


def _made(folder: Path) -> Path:
    """The folder, made where it was not there. Raises `InputError` where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder} cannot be made ({error.strerror}). Choose another -o.") from None
    return folder


def _write(found: Comparison, folder: Path, device: str) -> None:
    """The table in three forms, and the picture. Raises `InputError` where the folder cannot be written."""
    try:
        files.write(folder / "comparison.json", tables.to_json(found).encode())
        files.write(folder / "comparison.csv", tables.csv_text(found).encode())
        from workbench import sidebyside  # with torch, which the table does without

        files.write(folder / "comparison.png", sidebyside.picture(found, device))
        text = tables.markdown(found, folder) + "\n![The runs side by side](comparison.png)\n"
        files.write(folder / "comparison.md", text.encode())
    except OSError as error:
        raise InputError(f"{folder} cannot be written ({error.strerror}). Choose another -o.") from None


def show(found: Comparison) -> None:
    """Print the table: as many runs beside one another as the terminal has room for, the others below."""
    where = console()
    for first, last in _blocks(found, where.width):
        where.print(_table(found, first, last, where.width), "", markup=False)
    if found.shared:
        where.print(seen(found.in_common()), "", sep="\n", markup=False)
    for note in map(seen, found.notes):
        where.print(_hanging("·", note))
    if any(row.best is not None for row in found.rows):
        where.print(_hanging(BEST, tables.HOW_BEST))
    if any(row.note for row in found.rows):
        where.print(_hanging(OTHER, f"{tables.NOT_COMPARED}."))
    if any(one is not None and one.low is not None for row in found.rows for one in row.cells):
        where.print(_hanging("±", tables.HOW_SURE.removeprefix("± ")))
    if found.rows:
        where.print(_hanging("?", "genbench compare RUN --format markdown also says what each number means."))


def _hanging(sign: str, text: str) -> Table:
    """A sign, and beside it a text that keeps clear of the column below the sign."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text(sign), Text(text))
    return table


def _widths(found: Comparison) -> list[int]:
    """The columns of a terminal that the numbers of each run take, with the gap before them."""
    return [
        _GAP + max([min(len(column.label), _LABEL) + 2, *(len(cell_text(row.cells[at])) + 2 for row in found.rows)])
        for at, column in enumerate(found.columns)
    ]


def _side(found: Comparison, width: int) -> tuple[int, int]:
    """The columns of a terminal for titles and for units; 0 where the unit has to stand behind the title."""
    room = width - sum(_widths(found))
    titles = [*(len(row.heading) for row in found.rows), *map(len, found.apart()), 1]
    units = [len(row.unit) for row in found.rows] or [0]
    if max(titles) + _GAP + max(units) <= room:
        return max(titles), max(units)
    both = [*titles, *(len(f"{row.heading}  {row.unit}") for row in found.rows)]
    return min(max(both), max(_TITLE, room)), 0


def _blocks(found: Comparison, width: int) -> list[tuple[int, int]]:
    """(first, last + 1) of the runs that fit beside one another, one at least."""
    title, unit = _side(found, width)
    room = width - title - (_GAP + unit if unit else 0)
    blocks, taken = [(0, 0)], 0
    for at, needed in enumerate(_widths(found)):
        first, _ = blocks[-1]
        if at > first and taken + needed > room:
            blocks.append((at, at + 1))
            taken = needed
        else:
            blocks[-1] = (first, at + 1)
            taken += needed
    return blocks


def _table(found: Comparison, first: int, last: int, width: int) -> Table:
    """The numbers of some of the runs, the groups with a heading each."""
    title, unit = _side(found, width)
    table = Table(box=None, padding=0, header_style="bold")
    table.add_column("", min_width=title, max_width=title, overflow="fold")
    if unit:
        table.add_column("", min_width=_GAP + unit, max_width=_GAP + unit)
    for column, wide in list(zip(found.columns, _widths(found), strict=True))[first:last]:
        header = _ending(column.label, wide)
        table.add_column(header, justify="right", min_width=wide, max_width=wide)
    for fact, texts in found.apart().items():
        cells = [_ending(text, wide) for text, wide in zip(texts, _widths(found), strict=True)]
        table.add_row(Text(fact), *[""] * bool(unit), *cells[first:last])
    for heading, rows in found.groups():
        table.add_row("")
        table.add_row(Text(heading, style="bold"))
        for row in rows:
            name = (
                Text(seen(row.heading))
                if unit
                else Text.assemble(seen(row.heading), (f"  {seen(row.unit)}", "dim"))
            )
            units = [Text(f"{'':{_GAP}}{seen(row.unit)}", style="dim")] * bool(unit)
            table.add_row(name, *units, *_cells(row, first, last))
    return table


def _ending(text: str, width: int) -> Text:
    """A text that ends where the numbers below it do, two before the column's end, where the marks stand."""
    lines = textwrap.wrap(seen(text), width - _GAP - 2) or [""]
    return Text("\n".join(f"{line}  " for line in lines))


def _cells(row: Row, first: int, last: int) -> list[Text]:
    cells = []
    for at, one in enumerate(row.cells[first:last], first):
        known = one is not None and one.value is not None
        mark = BEST if at == row.best else OTHER if row.note and known else " "
        cells.append(Text(f"{cell_text(one)} {mark}", style="bold" if at == row.best else ""))
    return cells
