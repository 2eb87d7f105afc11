"""Charts for elsewhere: as numbers, and as a picture at full resolution."""

import re
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.runs import files
from workbench.runs.reader import RunReader
from workbench.runs.trace import Trace
from workbench.terminal import chart as charts
from workbench.terminal.view import View as Look
from workbench.terminal.view import x_limits
from workbench.ui.charting import Charting
from workbench.ui.charts import Panel
from workbench.ui.dialogs import Choose

if TYPE_CHECKING:
    from workbench.figures import Panel as Figure

Numbers = NDArray[np.float64]

_POINTS = 2000  # of a line in a picture; there is no more to be seen


class Exporting(Charting):
    """Answers `export` and offers the chart in front, as it is looked at."""

    reader: RunReader | None = None

    def do_export(self) -> None:
        """Ask what to write."""
        self.bench.push_screen(Choose("Write what?", self.offers()), self.write_out)

    @property
    def subject(self) -> str:
        """What a picture's title says its curves are of; "" while there are none."""
        return self.reader.folder.name if self.reader is not None else ""

    def place_for(self, name: str) -> Path:
        """Where a file of this name goes."""
        assert self.reader is not None
        return self.reader.folder.export(name)

    def offers(self) -> list[tuple[str, str, str]]:
        """What there is to write: (key, what it is, answer)."""
        screen = ("s", "the screen as SVG", "screen")
        panel = self.charts.panel
        if panel is None or not self.subject:
            return [screen]
        return [
            ("c", f"the chart {panel.title} as CSV: every record in sight", "csv"),
            ("p", f"the chart {panel.title} as PNG, at full resolution", "png"),
            screen,
        ]

    def write_out(self, answer: str | None) -> None:
        """Write what was asked for."""
        panel = self.charts.panel
        if answer == "screen":
            self.bench.call_after_refresh(self.bench.export_screen)  # the question is no part of it
        elif answer in {"csv", "png"} and panel is not None:
            view = self.charts.view_drawn
            path = self.place_for(stamped(_slug(panel.title), answer))
            if answer == "csv":
                self.write(path, charts.to_csv(panel.lines, view).encode())
            else:
                self.bench.say("Drawing ...")
                words = self.subject, _how(view, panel)
                draw = partial(self._draw, path, _figure(panel, view), words)
                self.run_worker(draw, thread=True, exit_on_error=False)

    def _draw(self, path: Path, figure: "Figure", words: tuple[str, str]) -> None:
        """Draw a chart; runs in a thread, since matplotlib takes its time."""
        from workbench import figures

        picture = figures.curves([figure], figures.Header(*words))
        self.app.call_from_thread(self.write, path, figures.png(picture))

    def write(self, path: Path, data: bytes) -> None:
        """Write a file and say where it is."""
        try:
            files.write(path, data)
        except OSError as error:
            self.bench.say(f"{path} cannot be written ({error.strerror}).", bad=True)
            return
        self.bench.told_path(path)


def stamped(name: str, suffix: str) -> str:
    """A name that nothing else has: loss-20261122-161903.csv."""
    return f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.{suffix}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "chart"


def _how(view: Look, panel: Panel) -> str:
    """What the picture's header says of the way the curves are drawn."""
    smoothed = f", training smoothed by {view.smoothing:g}, numbers as recorded" if view.smoothing else ""
    return f"{panel.title}{smoothed}"


def _figure(panel: Panel, view: Look) -> "Figure":
    """The lines in sight as arrays over epochs, the axis of all pictures."""
    from workbench.figures import Panel as Figure
    from workbench.figures import Series

    ends = x_limits(view, charts.extent(panel.lines, view.axis) or (0.0, 1.0))
    series = []
    for line in panel.lines:
        low, high = (line.trace.convert(end, view.axis, "epoch") for end in ends)
        training = line.kind == "training"
        x, y, least, most = _points(line.trace, low, high, view.smoothing if training else 0.0)
        drawn = Series(line.label, x, y, recorded=_newest(line.trace, low, high))
        series.append(replace(drawn, low=least, high=most) if training and view.band else drawn)
    return Figure(panel.title, panel.unit, tuple(series), (0.0, 1.0) if panel.unit == "probability" else None)


def _newest(trace: Trace, low: float, high: float) -> float | None:
    """The last value of a stretch of epochs as every table has it: not smoothed, and no mean of many records."""
    values = trace.between("epoch", low, high)[:, 3]
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else None


def _points(trace: Trace, low: float, high: float, smoothing: float) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Epochs, values as drawn, the least and the most: of every record, or of stretches where they are too many."""
    records = trace.between("epoch", low, high)
    if len(records) <= _POINTS:
        first = trace.at(records[0, 0]) or 0 if len(records) else 0
        drawn = [trace.smoothed(first + index, smoothing) for index in range(len(records))]
        return records[:, 1], np.array(drawn), records[:, 4], records[:, 5]
    window = trace.window("epoch", low, high, _POINTS, smoothing)
    kept = ~np.isnan(window.mean) | window.bad  # an empty column is no gap
    return window.x[kept], window.mean[kept], window.low[kept], window.high[kept]
