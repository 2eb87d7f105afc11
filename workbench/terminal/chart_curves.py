"""The lines of a chart: what each shows of its trace, in which colour and with which mark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from workbench.runs.trace import Axis, Point, Trace, Window
from workbench.terminal.look import Look
from workbench.terminal.view import Limits, View

Kind = Literal["training", "held-out"]
Numbers = NDArray[np.float64]

_DIM = Style(dim=True)


@dataclass(frozen=True)
class Line:
    """A curve and how it is told from others: colour and mark go by `index`, not by what else is in the chart."""

    label: str
    trace: Trace
    kind: Kind = "training"
    """Training: smoothed, with a band. Held-out: the values, each with its mark, joined."""
    index: int = 0


class Reading(NamedTuple):
    """What a line says at the cursor: the record nearest to it."""

    label: str
    point: Point
    shown: float
    """The value as drawn: smoothed."""


@dataclass(frozen=True)
class Curve:
    """A line as one view shows it, reduced to the dots of a canvas."""

    line: Line
    window: Window
    smoothing: float
    banded: bool
    style: Style
    mark: str

    @property
    def joint(self) -> str:
        """What its line consists of where there is ASCII only."""
        return self.mark if self.line.kind == "training" else "-"

    @property
    def pale(self) -> Style:
        """The style of its band."""
        return self.style + _DIM

    def near(self, x: float, axis: Axis, reach: float) -> Reading | None:
        """The record nearest to a position, unless the line begins later or ended before."""
        ends = self.line.trace.extent(axis)
        index = self.line.trace.at(x, axis)
        if ends is None or index is None or not ends[0] - reach <= x <= ends[1] + reach:
            return None
        return Reading(self.line.label, self.line.trace[index], self.line.trace.smoothed(index, self.smoothing))

    def values(self) -> Iterator[Numbers]:
        """What the y axis should show: the line and the edges of its band, less what is not finite."""
        window = self.window
        yield np.append(self._crossing(), window.mean[~np.isnan(window.mean)])
        if self.banded:
            yield from (edge[~np.isnan(edge)] for edge in (window.low, window.high))

    def _crossing(self) -> Numbers:
        """The line at the ends of the window, where it comes from beyond or goes there."""
        window, known = self.window, ~np.isnan(self.window.mean)
        before, after = (np.reshape([*(point or ())], (-1, 2)) for point in (window.before, window.after))
        points = np.concatenate([before, np.stack([window.x, window.mean], axis=1)[known], after])
        ends = window.x[[0, -1]][[len(before) > 0, len(after) > 0]]
        return np.interp(ends, *points.T) if len(ends) else ends


def curves(lines: Sequence[Line], view: View, ends: Limits, dots: int, look: Look) -> list[Curve]:
    """The lines as a canvas so many dots wide shows them."""
    drawn = []
    for line in lines:
        smoothing = view.smoothing if line.kind == "training" else 0.0
        window = line.trace.window(view.axis, *ends, dots, smoothing)
        known = ~np.isnan(window.high)
        banded = view.band and line.kind == "training" and bool((window.high[known] > window.low[known]).any())
        style = look.series[line.index % len(look.series)]
        drawn.append(Curve(line, window, smoothing, banded, style, look.mark(line.index)))
    return drawn
