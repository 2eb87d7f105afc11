"""What the commands share: how a run is named, and how text and tables are printed."""

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.runs import listing

_UNBOUNDED = 10_000


def _runs_dir() -> Path:
    """What was given before the command, or the usual place."""
    parent = click.get_current_context().parent
    return parent.params.get("runs_dir", Path("runs")) if parent else Path("runs")


RUNS_DIR = click.option("--runs-dir", type=Path, default=_runs_dir, metavar="PATH", help="Default: ./runs.")


def complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """The runs whose names begin so, for a shell."""
    runs_dir = context.params.get("runs_dir") or Path("runs")
    return [folder.name for folder in listing.runs(runs_dir) if folder.name.startswith(incomplete)]


RUN = click.argument("run", shell_complete=complete_run)


def table_of(*headers: str) -> Table:
    """An empty table without lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        # The first column is a name, to be copied whole; the others may fold.
        table.add_column(header, overflow="fold", no_wrap=header == headers[0])
    return table


def console() -> Console:
    """A terminal in its width; a pipe without an end, so that each row is one line, for grep and for eyes."""
    endless = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(highlight=False, width=_UNBOUNDED if endless else None)


def seen(text: object) -> str:
    """A text from a file as it may stand on one line of a terminal: nothing in it moves the cursor."""
    return "".join(character if character.isprintable() else "\ufffd" for character in str(text))


def say(*renderables: Any) -> None:
    """Print these, one below the other."""
    where = console()
    for renderable in renderables:
        where.print(renderable, markup=False, soft_wrap=isinstance(renderable, str | Text))
