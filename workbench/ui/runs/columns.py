"""A run as a row of a table: what each column says, how wide it is, and what a narrow window does without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from workbench.runs.listing import RunRow
from workbench.ui.states import SIGNS, WORDS
from workbench.units import duration, number

GAP = 2
_NAME_LEAST, _NAME_USUAL = 18, 28  # cells; a name may have a third of the table in any case
_STATE_LEAST = len("● training here")  # so that no column moves when a run starts here


@dataclass(frozen=True)
class Column:
    """A column of the table, and what `o` sorts by when it stands there."""

    title: str
    by: str  # as `listing.ordered` calls it
    keep: int  # the smaller, the longer a narrowing window keeps it
    right: bool = False
    falls: bool = False  # the largest or newest stands first, until the order is turned round


COLUMNS = (
    Column("run", "name", 0),
    Column("state", "status", 1),
    Column("model", "model", 5),
    Column("dataset", "dataset", 6),
    Column("progress", "progress", 3, right=True, falls=True),
    Column("key number", "key_value", 2),
    Column("took", "seconds", 8, right=True, falls=True),
    Column("last heard", "heartbeat", 4, right=True, falls=True),
    Column("tags", "tags", 7),
)
Texts = Mapping[str, str]  # by title


def titled(title: str) -> Column:
    """A column by its title; the one last heard of where there is none, as in a file of another version."""
    return next((column for column in COLUMNS if column.title == title), COLUMNS[7])


def state(row: RunRow, here: bool, unicode: bool) -> str:
    """✓ done, ● training here, ..."""
    if row.status == "broken":
        return "? broken"
    return f"{SIGNS[row.status][0 if unicode else 1]} {WORDS[row.status]}{' here' if here else ''}"


def progress(row: RunRow) -> str:
    """How far it is, in what it was asked for: epoch 3/20, step 1,204/5,000."""
    if row.settings.get("steps") is not None or "epochs" not in row.settings:
        return f"step {row.step:,}/{row.steps_total:,}" if row.steps_total else ""
    done = f"{row.epoch:,.1f}".removesuffix(".0")
    return f"epoch {done}/{row.settings['epochs']:,}"


def key_number(row: RunRow) -> str:
    """The number the run is known by, numbers under numbers."""
    if row.key not in row.metrics:
        return ""
    return f"{number(row.key_value):>9} {row.key}"


def texts(row: RunRow, here: bool, unicode: bool) -> dict[str, str]:
    """What the columns say, but for the age, which changes by itself."""
    return {
        "run": row.name,
        "state": state(row, here, unicode),
        "model": row.model,
        "dataset": row.dataset,
        "progress": progress(row),
        "key number": key_number(row),
        "took": duration(row.seconds) if row.seconds else "",
        "tags": " ".join(row.tags),
    }


def fitting(rows: Sequence[Texts], room: int, sort: str = "") -> dict[str, int]:
    """The columns that fit, by title, and how wide each is; a run's name is shortened before its state goes.

    `sort` is the one by which the runs are sorted: it is kept as well.
    """
    widest = {c.title: max((cell_len(row.get(c.title, "")) for row in rows), default=0) for c in COLUMNS}
    widest["run"] = min(max(widest["run"], _NAME_LEAST), max(_NAME_USUAL, room // 3))
    widest["state"] = max(widest["state"], _STATE_LEAST)
    widest["last heard"] = len("last heard")
    kept: dict[str, int] = {}
    for column in sorted(COLUMNS, key=lambda column: min(column.keep, 1) if column.title == sort else column.keep):
        needed = column.keep <= 2 or column.title == sort
        width = (widest[column.title] or needed) and max(widest[column.title], len(column.title) + GAP)
        if column.title == "run":
            width = widest["run"]
        if not width:
            continue
        if sum(kept.values()) + GAP * len(kept) + width > room:
            left = room - sum(w + GAP for title, w in kept.items() if title != "run") - GAP
            if not needed or (left - width < _NAME_LEAST and column.title != sort):
                continue
            width = min(width, left - _NAME_LEAST)
            kept["run"] = left - width
        kept[column.title] = width
    return {column.title: kept[column.title] for column in COLUMNS if column.title in kept}
