"""The table of a run's numbers: now, or at the moment that the cursor is on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from rich.segment import Segment
from textual.geometry import Size

from models.metric import Metric
from workbench.runs.history import Split
from workbench.terminal.look import Look, Row, Rows
from workbench.ui.charts import newest
from workbench.ui.panes import DrawnPane
from workbench.ui.watch.panels import Traces
from workbench.ui.words import blank, said, shortened
from workbench.units import number

_HEADINGS = ("training", "held-out", "best")
_NUMBER = 8  # columns of each, and the gap before it, which is narrower where the unit would else be cut
_GAPS = (2, 1)
_HELP = 30  # columns that are worth beginning a sentence in


@dataclass(frozen=True)
class _Line:
    """One metric of the table."""

    name: str
    metric: Metric
    values: tuple[float | None, float | None, float | None]  # training, held-out, best held-out so far


class MetricsPane(DrawnPane):
    """A row for each metric, with its unit; the number the run is known by stands first."""

    letter, title, name_in_keys = "M", "Metrics", "metrics"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self._metrics: Mapping[str, Metric] = {}
        self._traces: Traces = {}
        self._final: Mapping[str, float | None] = {}
        self._step: float | None = None
        self._best: dict[tuple[str, int], float | None] = {}

    def show_numbers(
        self, metrics: Mapping[str, Metric], traces: Traces, final: Mapping[str, float | None], step: float | None
    ) -> None:
        """The numbers recorded at a step, or the newest, as the charts have them; `final` where none were."""
        taller = len(metrics) != len(self._metrics)
        self._metrics, self._traces, self._final, self._step = metrics, traces, final, step
        self.redraw()
        if taller:
            self.refresh(layout=True)

    def forget(self) -> None:
        """Another run."""
        self._best.clear()
        self.show_numbers({}, {}, {}, None)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A row for each metric below the heading."""
        return max(len(self._metrics), 1) + 1

    @property
    def table(self) -> str:
        """What is shown, for another program: tabs between the columns, numbers in full."""
        lines = ["\t".join(("metric", *_HEADINGS, "unit"))]
        for line in self._lines():
            values = ("" if value is None else repr(value) for value in line.values)
            lines.append("\t".join((line.name, *values, line.metric.unit)))
        return "\n".join(lines) if len(lines) > 1 else ""

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw the table."""
        lines = self._lines()
        if not lines:
            self.show_words("No numbers yet.", width, look)
            return
        self.show(self._drawn(lines, width, look)[:height])
        self.say(self.title, "" if self._step is None else f"at step {self._step:,.0f}")

    def _lines(self) -> list[_Line]:
        found = []
        for name in dict.fromkeys([*self._metrics, *(name for name, _ in self._traces)]):
            training, held_out = self._value(name, "train"), self._value(name, "test")
            metric = self._metrics.get(name, Metric("", ""))
            best = self._best_of(name, metric) if metric.better else None
            found.append(_Line(name, metric, (training, held_out, best)))
        return found

    def _value(self, name: str, split: Split) -> float | None:
        trace = self._traces.get((name, split))
        if trace is None or not len(trace):
            stored = self._final.get(name if split == "test" else f"train_{name}")
            return stored if self._step is None else None
        at = len(trace) - 1 if self._step is None else newest(trace, self._step)
        return None if at is None else trace[at].value

    def _best_of(self, name: str, metric: Metric) -> float | None:
        """The best held-out value up to the moment shown, worked out once for each number of evaluations."""
        trace = self._traces.get((name, "test"))
        if trace is None:
            return None
        last = len(trace) - 1 if self._step is None else newest(trace, self._step)
        if last is None or last < 0:
            return None
        if (name, last) not in self._best:
            values = trace.between("step", -math.inf, trace[last].step)[:, 3]
            values = values[np.isfinite(values)]
            pick = np.min if metric.better == "lower" else np.max
            self._best[name, last] = float(pick(values)) if len(values) else None
        return self._best[name, last]

    def _drawn(self, lines: list[_Line], width: int, look: Look) -> Rows:
        names = min(max(len(line.name) for line in lines), max(8, width // 3))
        longest = max(len(line.metric.unit) for line in lines)
        texts = [[_cell(value, look) for value in line.values] for line in lines]
        widest = [max(_NUMBER, *(len(text) for text in column)) for column in zip(*texts, strict=True)]
        gap = next((gap for gap in _GAPS if names + sum(widest) + 3 * gap + 2 + longest <= width), _GAPS[0])
        widths = [wide + gap for wide in widest]
        shown = sum(names + sum(widths[:count]) <= width for count in range(1, 4))  # of the three numbers
        free = width - names - sum(widths[:shown]) - 2
        units = min(longest, max(free, 0))
        heading = "".join(title.rjust(wide) for title, wide in zip(_HEADINGS, widths[:shown], strict=False))
        rows: Rows = [[blank(names), Segment(heading, look.dim)]]
        for index, line in enumerate(lines):
            cells = "".join(text.rjust(wide) for text, wide in zip(texts[index], widths[:shown], strict=False))
            name = shortened(line.name, names, look.unicode).ljust(names)
            row: Row = [Segment(name, look.accent if index == 0 else look.text), Segment(cells, look.text)]
            if units >= 4:
                unit = shortened(said(line.metric.unit, look.unicode), units, look.unicode)
                row.append(Segment(f"  {unit.ljust(units)}", look.dim))
            if (room := free - units - 2) >= _HELP:
                row.append(
                    Segment(f"  {shortened(said(line.metric.help, look.unicode), room, look.unicode)}", look.dim)
                )
            rows.append(row)
        return rows


def _cell(value: float | None, look: Look) -> str:
    if value is not None and not math.isfinite(value):
        return "✗ NaN" if look.unicode else "X NaN"
    return number(value) if value is not None else ("–" if look.unicode else "-")
