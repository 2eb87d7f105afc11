"""Several runs in one table: what each was found to be worth, and which is best where that is fair.

Everything comes from the runs' `evaluation.json`; neither a model nor torch is needed.
"""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.errors import InputError
from workbench.config import RunConfig
from workbench.runs import evaluations, files, naming
from workbench.runs.evaluations import GROUPS, Evaluation, Group, Measured
from workbench.runs.folder import RunFolder
from workbench.units import dataset_title

FORMAT = 1
MOST = 8  # runs in one table
ARROWS = {"lower": "↓", "higher": "↑", None: ""}
FACTS = ("model", "dataset", "step", "weights", "sampler", "effort", "seed")
HEADINGS: dict[Group, str] = {
    "held-out": "Held-out", "reconstruction": "Reconstruction", "likelihood": "Likelihood",
    "latent": "Latent space", "generation": "Generation",
}  # fmt: skip
NOT_COMPARED = "protocols differ: not compared"
HOW_SURE = (
    "± is half the width of the 95 % interval of the measurement; how much another training seed would change "
    "is not in it."
)
HOW_BEST = (
    "is best: measured in the same way, and ahead of the second best by more than both half widths, added in "
    "quadrature."
)


@dataclass(frozen=True)
class Column:
    """One run."""

    label: str
    folder: RunFolder
    facts: Mapping[str, str]  # of FACTS, what is known
    evaluation: Evaluation | None = None


@dataclass(frozen=True)
class Row:
    """One number over the runs, in the order of the columns."""

    key: str
    group: Group
    title: str  # with its condition
    unit: str
    better: Literal["lower", "higher"] | None
    definition: str
    source: str
    cells: tuple[Measured | None, ...]
    best: int | None = None  # the column that is ahead by more than the intervals
    note: str = ""  # why there is no best one where there might be

    @property
    def heading(self) -> str:
        """The title, and an arrow to where better numbers lie."""
        return f"{self.title} {ARROWS[self.better]}".rstrip()


@dataclass(frozen=True)
class Comparison:
    """A table of runs."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader must know: not evaluated, damaged, other protocols, ...
    shared: Mapping[str, str] = field(default_factory=dict)  # facts that are the same of all runs

    def groups(self) -> Iterator[tuple[str, list[Row]]]:
        """The heading and the rows of each group that has any."""
        for group in GROUPS:
            if rows := [row for row in self.rows if row.group == group]:
                yield HEADINGS[group], rows

    def in_common(self) -> str:
        """The facts that all runs share, in a sentence; "" where none are."""
        texts = [text if name == "weights" else f"{name} {text}" for name, text in self.shared.items()]
        who = "runs" if all(column.evaluation is not None for column in self.columns) else "evaluated runs"
        return f"All {who}: {', '.join(texts)}." if texts else ""

    def apart(self) -> dict[str, list[str]]:
        """Facts in which the runs differ, by name, a text for each run."""
        return {
            name: [column.facts.get(name, "–") for column in self.columns]
            for name in FACTS
            if name not in self.shared and any(name in column.facts for column in self.columns)
        }


def compare(folders: Sequence[RunFolder]) -> Comparison:
    """The table of 1 to 8 runs, in this order. Raises `InputError` for other numbers of them.

    A run that has no numbers, or whose files cannot be read, is a column of dashes and a note.
    """
    if not 1 <= len(folders) <= MOST:
        raise InputError(f"1 to {MOST} runs can be compared at once; got {len(folders)}.")
    notes: list[str] = []
    configs = [_config(folder, notes) for folder in folders]
    names = naming.labels([folder.name for folder in folders], [naming.settings_of(config) for config in configs])
    names = [f"{name} ({at + 1})" if names.count(name) > 1 else name for at, name in enumerate(names)]
    columns = []
    for label, folder, config in zip(names, folders, configs, strict=True):
        evaluation = _evaluation(folder, label, notes)
        columns.append(Column(label, folder, _facts(config, evaluation), evaluation))
    rows = _rows(columns)
    notes += [f"{row.title} is not compared: {_what_differs(row)}." for row in rows if row.note == NOT_COMPARED]
    texts = {name: {column.facts[name] for column in columns if name in column.facts} for name in FACTS}
    shared = {name: next(iter(found)) for name, found in texts.items() if len(found) == 1}
    return Comparison(tuple(columns), tuple(rows), tuple(dict.fromkeys([*notes, *_remarks(columns)])), shared)


def _config(folder: RunFolder, notes: list[str]) -> RunConfig | None:
    try:
        return folder.config()
    except InputError as error:
        notes.append(str(error))
        return None


def _evaluation(folder: RunFolder, label: str, notes: list[str]) -> Evaluation | None:
    try:
        found = evaluations.load(folder)
    except InputError as error:
        notes.append(str(error))
        return None
    if found is None:
        notes.append(f"{label} is not evaluated: genbench evaluate {folder.name}")
    elif (now := _step_now(folder)) > found.step:
        notes.append(f"{label} was measured at step {found.step:,}; the run has gone on to step {now:,}.")
    return found


def _step_now(folder: RunFolder) -> int:
    try:
        return folder.stored_state().step
    except InputError:
        return 0  # what cannot be read is older than nothing


def _facts(config: RunConfig | None, evaluation: Evaluation | None) -> dict[str, str]:
    facts: dict[str, str] = {}
    if config is not None:
        facts |= {"model": config.model_name, "dataset": dataset_title(config.data.dataset)}
    if evaluation is not None:
        facts |= {
            "step": f"{evaluation.step:,}", "weights": evaluation.weights, "sampler": evaluation.sampler,
            "effort": evaluation.effort, "seed": str(evaluation.seed),
        }  # fmt: skip
    return facts


def _rows(columns: Sequence[Column]) -> list[Row]:
    """A row for each number, in the order of the groups and of first appearance."""
    found = evaluations.aligned([column.evaluation for column in columns])
    return [_row(next(one for one in cells if one is not None), cells) for cells in found]


def _row(first: Measured, cells: tuple[Measured | None, ...]) -> Row:
    known = [one for one in cells if one is not None and one.value is not None]
    same = evaluations.comparable(known) and len({(one.unit, one.better) for one in known}) <= 1
    return Row(
        first.key, first.group, f"{first.title} ({first.condition})" if first.condition else first.title,
        first.unit, first.better, first.definition, first.source, cells,
        evaluations.best(cells) if same else None, "" if same else NOT_COMPARED,
    )  # fmt: skip


def _what_differs(row: Row) -> str:
    """By which parts of their protocols the numbers of a row differ."""
    known = [one for one in row.cells if one is not None and one.value is not None]
    protocols = [{**one.protocol, "unit": one.unit, "direction": one.better} for one in known]
    names = dict.fromkeys(name for protocol in protocols for name in protocol)
    parts = [
        name.replace("_", " ") for name in names if any(p.get(name) != protocols[0].get(name) for p in protocols)
    ]
    return f"the protocols differ in {', '.join(parts)}"


def _remarks(columns: Sequence[Column]) -> Iterator[str]:
    """What the evaluations themselves say: of a run, and of numbers that could not be measured or need a word."""
    for column in columns:
        if column.evaluation is None:
            continue
        yield from (f"{column.label}: {note}" for note in column.evaluation.notes)
        said: dict[str, list[str]] = {}
        for one in column.evaluation.measured:
            if one.note:
                said.setdefault(one.note, []).append(one.title)
        for note, titles in said.items():
            yield f"{column.label}, {', '.join(dict.fromkeys(titles))}: {note}"


def cell_text(measured: Measured | None) -> str:
    """The value and half the width of its interval: "0.002583 ± 0.000021"; a dash where none is."""
    text, spread = evaluations.value_text(measured) or "–", evaluations.spread_text(measured)
    return f"{text} ± {spread}" if spread else text


def markdown(comparison: Comparison, base: Path | None = None) -> str:
    """The table for a document, the best numbers bold; labels link to the runs from `base`, where it lies."""
    columns = comparison.columns
    lines = [["", *(_linked(column, base) for column in columns), "unit"]]
    lines.append(["---", *["---:"] * len(columns), "---"])
    lines += [[name, *map(_plain, texts), ""] for name, texts in comparison.apart().items()]
    for heading, rows in comparison.groups():
        lines.append([f"**{heading}**", *[""] * len(columns), ""])
        for row in rows:
            cells = [
                f"**{cell_text(one)}**" if at == row.best else cell_text(one) for at, one in enumerate(row.cells)
            ]
            name = _plain(row.heading) + (f" ({row.note})" if row.note else "")
            lines.append([name, *cells, _plain(row.unit)])
    parts = ["\n".join("| " + " | ".join(line) + " |" for line in lines)]
    if comparison.shared:
        parts.append(_plain(comparison.in_common()))
    parts.append(f"↓ lower is better, ↑ higher is better. {HOW_SURE} Bold {HOW_BEST}")
    for title, texts in (("Notes", comparison.notes), ("What the numbers mean", meanings(comparison))):
        if texts:
            parts.append("\n".join([f"{title}:\n", *(f"- {_plain(text)}" for text in texts)]))
    return "\n\n".join(parts) + "\n"


def meanings(comparison: Comparison) -> list[str]:
    """What each number of the table means and who defined it, once for each title."""
    found: dict[str, str] = {}
    for row in comparison.rows:
        title = next(one.title for one in row.cells if one is not None)
        source = f" ({row.source})" if row.source else ""
        found.setdefault(title, f"{title}: {row.definition.rstrip('.')}{source}.")
    return list(found.values())


def _linked(column: Column, base: Path | None) -> str:
    if base is None:
        return _plain(column.label)
    place = Path(os.path.relpath(column.folder.path, base)).as_posix()
    return f"[{_plain(column.label)}](<{place}>)"


def _plain(text: str) -> str:
    """A text that means itself in a table of Markdown."""
    for letter in "\\|*<`[]":
        text = text.replace(letter, f"\\{letter}")
    return " ".join(text.split())


def csv_text(comparison: Comparison) -> str:
    """A row for each number, every digit of value and interval, in three columns for each run."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    runs = [f"{column.label}{part}" for column in comparison.columns for part in ("", " low", " high")]
    writer.writerow(["group", "key", "title", "unit", "better", *runs, "best", "note"])
    for name in FACTS:
        texts = [text for column in comparison.columns for text in (column.facts.get(name, ""), "", "")]
        if any(texts):
            writer.writerow(["run", name, name, "", "", *texts, "", ""])
    for row in comparison.rows:
        cells: list[float | None] = []
        for one in row.cells:
            cells += [None] * 3 if one is None else [one.value, one.low, one.high]
        best = "" if row.best is None else comparison.columns[row.best].label
        writer.writerow([row.group, row.key, row.title, row.unit, row.better or "", *cells, best, row.note])
    return stream.getvalue()


def to_json(comparison: Comparison) -> str:
    """Everything the table is made of, the whole protocol of each number too."""
    labels = [column.label for column in comparison.columns]
    columns = []
    for column in comparison.columns:
        evaluation = None if column.evaluation is None else asdict(column.evaluation)
        if evaluation is not None:
            del evaluation["measured"]  # the rows have it
        columns.append(
            {"label": column.label, "run": str(column.folder.path), **column.facts, "evaluation": evaluation}
        )
    rows: list[dict[str, Any]] = [
        {**asdict(row), "best": None if row.best is None else labels[row.best]} for row in comparison.rows
    ]
    whole = {"format": FORMAT, "columns": columns, "rows": rows, "notes": comparison.notes}
    return json.dumps(files.finite(whole), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
