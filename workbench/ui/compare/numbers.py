"""What is compared: charts of one metric over several runs, a table of numbers, a table of settings."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from models.metric import Metric
from workbench.runs.history import Split
from workbench.terminal.chart import Line
from workbench.ui.charts import Panel
from workbench.ui.compare.members import Member, differing
from workbench.units import number

_CURVE = 4  # numbers that make a curve
_OBJECTIVE = "loss"  # what a model calls that which it minimises
_SIZES = frozenset({"network", "width", "learning_rate", "latent"})  # settings of a model that leave its objective
WORDS: dict[Split, str] = {"test": "held-out", "train": "training"}


@dataclass(frozen=True)
class TableRow:
    """A name, and what it is of each run."""

    name: str
    cells: tuple[str, ...]
    unit: str = ""
    best: frozenset[int] = frozenset()  # places of the best ones
    group: str = ""  # the heading under which it stands
    sign: str = ""  # in front of the name: which direction is better
    spreads: tuple[str, ...] = ()  # how sure each cell is, where there is room to say it


@dataclass(frozen=True)
class Table:
    """Rows over the runs, in the order of the runs."""

    rows: tuple[TableRow, ...] = ()
    note: str = ""
    feet: tuple[str, ...] = ()  # a line for each run below the table, where there is room

    def markdown(self, members: Sequence[Member]) -> str:
        """The table for a document; the best numbers are bold."""
        units = any(row.unit for row in self.rows)
        lines = [["", *(member.label for member in members), *["unit"] * units]]
        lines.append(["---", *["---:"] * len(members), *["---"] * units])
        group = ""
        for row in self.rows:
            if row.group != group:
                group = row.group
                lines.append([f"*{group}*", *[""] * (len(members) + units)])
            texts = [" ".join(filter(None, pair)) for pair in zip_longest(row.cells, row.spreads, fillvalue="")]
            cells = [f"**{text}**" if at in row.best else text for at, text in enumerate(texts)]
            lines.append([f"{row.name} {row.sign}".rstrip(), *cells, *[row.unit] * units])
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return "\n\n".join(filter(None, (table, self.note, "\n".join(f"- {foot}" for foot in self.feet))))


def metrics_of(members: Sequence[Member]) -> dict[tuple[str, str], Metric]:
    """The metrics of the runs by name and unit, those that more of them have first."""
    found: dict[tuple[str, str], Metric] = {}
    count: dict[tuple[str, str], int] = {}
    for member in members:
        for name in dict.fromkeys([*member.reader.metrics, *(name for name, _ in member.reader.traces)]):
            metric = member.reader.metrics.get(name, Metric("", ""))
            found.setdefault((name, metric.unit), metric)
            count[name, metric.unit] = count.get((name, metric.unit), 0) + 1
    return {key: found[key] for key in sorted(found, key=lambda key: -count[key])}


def panels(members: Sequence[Member], split: Split) -> list[Panel]:
    """A chart for each metric, a curve for each run that has it: of this split, of the other where that is all."""
    metrics = metrics_of(members)
    shared = [metric.panel for metric in metrics.values() if metric.panel]
    found: list[Panel] = []
    for (name, unit), metric in metrics.items():
        having = [member for member in members if _unit(member, name) == unit]
        shown = _split(having, name, split)
        lines = [
            Line(it.label, it.reader.traces[name, shown], "held-out" if shown == "test" else "training", it.number)
            for it in having
            if (name, shown) in it.reader.traces
        ]
        if lines:
            title = f"{metric.panel if shared.count(metric.panel) == 1 else name}, {WORDS[shown]}"
            if any(panel.title == title for panel in found):  # of the same name, in another unit
                title = f"{title}, {unit}"
            found.append(Panel(title, unit, tuple(lines)))
    return found


def _unit(member: Member, name: str) -> str:
    return member.reader.metrics.get(name, Metric("", "")).unit


def _split(members: Sequence[Member], name: str, wanted: Split) -> Split:
    other: Split = "train" if wanted == "test" else "test"
    return wanted if any((name, wanted) in it.reader.traces for it in members) else other


def usual_split(members: Sequence[Member]) -> Split:
    """Held-out numbers, which come once in a while; training while no run has a curve of them."""
    counted = [(len(trace), split) for it in members for (_, split), trace in it.reader.traces.items()]
    longest = max((length for length, split in counted if split == "test"), default=0)
    has_training = any(split == "train" for _, split in counted)
    return "test" if longest >= _CURVE or not has_training else "train"


def metrics_table(members: Sequence[Member], split: Split, steps: Mapping[int, float] | None) -> Table:
    """The numbers of each run, the newest or at its step, by the run's number; the best, where that is fair."""
    unfair, notes = not _same_images(members), []
    if unfair:
        notes.append("other images: no best")
    rows = []
    for (name, unit), metric in metrics_of(members).items():
        values = [
            it.value(name, split, None if steps is None else steps[it.number]) if _unit(it, name) == unit else None
            for it in members
        ]
        if any(value is not None for value in values):
            best = frozenset() if unfair else _best(values, metric)
            other = _other_objective([it for it, value in zip(members, values, strict=True) if value is not None])
            if best and name == _OBJECTIVE and other:
                best = frozenset()
                notes.append(f"other {other}: no best {name}")
            rows.append(TableRow(name, tuple(map(_number, values)), unit, best))
    return Table(tuple(rows), ", ".join(notes))


def _number(value: float | None) -> str:
    return "" if value is None else "NaN" if math.isnan(value) else number(value)


def _best(values: Sequence[float | None], metric: Metric) -> frozenset[int]:
    known = [value for value in values if value is not None and math.isfinite(value)]
    if metric.better is None or len(known) < 2:
        return frozenset()
    best = min(known) if metric.better == "lower" else max(known)
    return frozenset(at for at, value in enumerate(values) if value == best)


def _other_objective(members: Sequence[Member]) -> str:
    """A setting by which the runs minimise something else, so that their losses are no measure of one another."""
    configs = [it.reader.config for it in members if it.reader.config is not None]
    told = [
        {"model": config.model_name}
        | {name: value for group, name, value in config.items() if group == "model" and name not in _SIZES}
        for config in configs
    ]
    return next((name for name in (told[0] if told else ()) if len({it.get(name) for it in told}) > 1), "")


def _same_images(members: Sequence[Member]) -> bool:
    """Whether all runs were measured on the same held-out images."""
    measured = set()
    for member in members:
        if member.reader.config is not None:
            data = member.reader.config.data
            measured.add((data.dataset, data.image_size, data.channels, data.data_seed))
    return len(measured) <= 1


def settings_table(members: Sequence[Member]) -> Table:
    """The settings in which the runs differ."""
    return Table(tuple(TableRow(name, tuple(values)) for name, values in differing(members).items()))
