"""The pane of charts, and the commands that move about in it: for any view that shows curves.

What lies along the horizontal axis (stretch, cursor, smoothing) holds for all charts of the pane, so that they can
be read against one another; the vertical axis is each chart's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment

from workbench.runs.trace import AXES, Axis, Trace
from workbench.terminal import chart as charts
from workbench.terminal import view as views
from workbench.terminal.chart import Chart, Line
from workbench.terminal.look import Look, Row, Rows
from workbench.terminal.view import Limits, View
from workbench.ui.panes import DrawnPane
from workbench.ui.words import blank, fitted, shortened
from workbench.units import duration, number

SMOOTHINGS = (0.0, 0.6, 0.8, 0.9, 0.97, 0.99)
_SIDE_BY_SIDE = (44, 12)  # columns and rows that a chart needs where all are shown alike, its title included
_LARGE = 9  # rows that the active chart keeps where the others are single lines
_UNSEEN = 60  # columns that the cursor moves in while its chart is hidden behind another pane
_BARS = 18  # columns that a single line keeps for its bars and number


@dataclass(frozen=True)
class Panel:
    """One chart: curves in one unit."""

    title: str
    unit: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class _Upright:
    """How the vertical axis of one chart is looked at."""

    log: bool = False
    y_range: Limits | None = None


class ChartPane(DrawnPane):
    """Charts over one horizontal axis: all alike where there is room, else one large and the others as lines."""

    letter, title, name_in_keys = "L", "Loss", "loss"

    def __init__(self, id: str | None = None, empty: str = "") -> None:
        """`empty` is said where there is no panel."""
        super().__init__(id)
        self.panels: tuple[Panel, ...] = ()
        self.active = 0
        self.looking = View()
        self.empty = empty
        self._upright: dict[str, _Upright] = {}
        self._snapshots: tuple[int, ...] = ()
        self._placed_on: tuple[Trace, Axis] | None = None
        self._placed: dict[int, float] = {}  # where each snapshot lies on that axis
        self._drawn: Chart | None = None  # the active one

    def show_panels(self, panels: Sequence[Panel], snapshots: Sequence[int] = ()) -> None:
        """Draw these charts, whose traces may have grown; `snapshots` are the steps that have pictures."""
        kept = self.panel.title if self.panel else None
        self.panels, self._snapshots = tuple(panels), tuple(snapshots)
        titles = [panel.title for panel in panels]
        self.active = titles.index(kept) if kept in titles else 0
        self.redraw()

    def forget(self) -> None:
        """Another run: no cursor, no stretch, no charts; how curves are drawn stays."""
        self._upright.clear()
        self.looking = replace(views.reset(self.looking), cursor=None)
        self.show_panels(())

    @property
    def panel(self) -> Panel | None:
        """The active chart."""
        return self.panels[self.active] if self.panels else None

    @property
    def chart(self) -> Chart | None:
        """The active chart as drawn, None while there is none."""
        return self._drawn

    @property
    def view_drawn(self) -> View:
        """How the active chart is looked at."""
        return self._view_of(self.panel)

    @property
    def reference(self) -> Trace | None:
        """The trace that says which step was when."""
        lines = self.panel.lines if self.panel else ()
        return max((line.trace for line in lines), key=len, default=None)

    @property
    def cursor_step(self) -> float | None:
        """The moment under the cursor; None while following."""
        if self.looking.cursor is None or self.reference is None:
            return None
        return self.reference.convert(self.looking.cursor, self.looking.axis, "step")

    def put_cursor(self, step: float) -> None:
        """Move the cursor to a step, into sight."""
        if self.reference is not None:
            self.looking = replace(self.looking, cursor=self.reference.convert(step, "step", self.looking.axis))
            self.move_cursor(0)

    def move_cursor(self, columns: int) -> None:
        """Move the cursor by columns of the active chart; the first move puts it onto the newest value."""
        if self.reference is not None:
            across = self._drawn.columns if self._drawn is not None else _UNSEEN
            self.looking = views.move_cursor(self.looking, columns, self._sight, across, self.extent)
            self.redraw()

    @property
    def _sight(self) -> Limits:
        """The stretch of the horizontal axis that is in sight, or would be if the pane were."""
        return views.x_limits(self.looking, self.extent)

    def jump(self, to_end: bool) -> None:
        """Put the cursor onto the first or the last value in sight."""
        if self.reference is not None:
            (low, high), (first, last) = self._sight, self.extent
            self.looking = replace(self.looking, cursor=min(high, last) if to_end else max(low, first))
            self.redraw()

    def look_at(self, view: View) -> None:
        """Look at the charts in another way; log scale and the vertical stretch go to the active one alone."""
        if self.panel is not None:
            self._upright[self.panel.title] = _Upright(view.log, view.y_range)
        self.looking = replace(view, log=False, y_range=None)
        self.redraw()

    def show_all(self) -> None:
        """All of every curve again."""
        self._upright = {title: replace(it, y_range=None) for title, it in self._upright.items()}
        self.looking = views.reset(self.looking)
        self.redraw()

    def over(self, axis: Axis) -> None:
        """Put another measure along the horizontal axis."""
        if self.reference is not None:
            self.looking = views.on_axis(self.looking, axis, self.reference)
        else:
            self.looking = replace(self.looking, axis=axis)
        self.redraw()

    def choose(self, by: int) -> None:
        """The chart so many places on becomes the active one."""
        if self.panels:
            self.active = (self.active + by) % len(self.panels)
            self.redraw()

    @property
    def copied(self) -> str:
        """What the lines of the active chart say at the cursor, or now, with what they are."""
        panel, chart = self.panel, self._drawn
        if panel is None or chart is None:
            return ""
        told = [f"{line.label} {value:.6g}" for line, value in self._values(panel, chart) if value is not None]
        step = self.cursor_step
        if step is None:
            step = max((line.trace.last.step for line in panel.lines if line.trace.last), default=0)
        return f"{panel.title} at step {step:.0f}: {', '.join(told)} {panel.unit}".rstrip() if told else ""

    @property
    def extent(self) -> Limits:
        """Where the curves of the active chart begin and end."""
        lines = self.panel.lines if self.panel else ()
        return charts.extent(lines, self.looking.axis) or (0.0, 1.0)

    def _view_of(self, panel: Panel | None) -> View:
        upright = self._upright.get(panel.title, _Upright()) if panel else _Upright()
        return replace(self.looking, log=upright.log, y_range=upright.y_range)

    # Drawing.

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw the charts."""
        self._place_snapshots()
        self._drawn = None
        if not self.panels:
            self.show_words(self.empty, width, look)
            return
        self.show(self._laid_out(width, height, look))
        self.say(self.title, fitted(self._caption(look), width - 2, look.unicode))

    def _place_snapshots(self) -> None:
        """Where the moments with pictures lie on the axis."""
        trace, axis = self.reference, self.looking.axis
        if trace is None or trace.last is None:
            self.looking = replace(self.looking, snapshots=())
            return
        if self._placed_on != (trace, axis):
            self._placed_on, self._placed = (trace, axis), {}
        at = []
        for step in self._snapshots:
            place = self._placed.get(step)
            if place is None:
                place = trace.convert(step, "step", axis)
                if step <= trace.last.step:  # later ones move on with the curve
                    self._placed[step] = place
            at.append(place)
        self.looking = replace(self.looking, snapshots=tuple(at))

    def _laid_out(self, width: int, height: int, look: Look) -> Rows:
        count = len(self.panels)
        across = min(count, max(1, width // _SIDE_BY_SIDE[0]))
        down = -(-count // across)
        if height // down >= _SIDE_BY_SIDE[1]:
            return self._alike(width, height, across, down, look)
        lines = min(count - 1, max(0, height - _LARGE))
        return self._one_large(width, height, lines, look)

    def _alike(self, width: int, height: int, across: int, down: int, look: Look) -> Rows:
        """All charts in rows and columns of one size, a blank row between."""
        rows: Rows = []
        height -= down - 1
        for first in range(0, len(self.panels), across):
            rows += [[]] if first else []
            high = height // down + (first // across < height % down)
            group = range(first, min(first + across, len(self.panels)))
            wide = (width - 2 * (across - 1)) // across
            parts = [self._large(index, wide, high, look) for index in group]
            for line in zip(*parts, strict=True):
                row = [*line[0]]
                for part in line[1:]:
                    row += [Segment("  "), *part]
                rows.append(row)
        return rows

    def _one_large(self, width: int, height: int, lines: int, look: Look) -> Rows:
        """The active chart, and as many of the others as there are lines for, above and below it."""
        count = len(self.panels)
        first = min(max(0, self.active - lines), count - 1 - lines)
        rows: Rows = []
        for index in range(first, first + lines + 1):
            if index == self.active:
                rows += self._large(index, width, height - lines, look)
            else:
                rows.append(self._small(self.panels[index], width, look))
        return rows

    def _large(self, index: int, width: int, height: int, look: Look) -> Rows:
        panel, here = self.panels[index], index == self.active
        drawn = charts.draw(panel.lines, self._view_of(panel), width, height - 1, look)
        if here:
            self._drawn = drawn
        return [self._heading(panel, drawn, here, width, look), *drawn.rows]

    def _heading(self, panel: Panel, chart: Chart, here: bool, width: int, look: Look) -> Row:
        """The chart's title and unit, and at the right by its mark what each line says at the cursor, or now."""
        values: list[Row] = []
        for line, value in self._values(panel, chart):
            if value is not None:
                style = look.series[line.index % len(look.series)]
                values.append([Segment(f"  {look.mark(line.index)} ", style), Segment(number(value), look.text)])
        several = len(self.panels) > 1
        mark = ("▸ " if look.unicode else "> ") if here and several else ""
        title = Segment(f"{mark}{panel.title}", look.accent if here else look.text)
        words = [title]
        room = width - cell_len(title.text)
        while values and _width(values) > room:
            values.pop()
        room -= _width(values)
        unit = ", ".join([panel.unit] * bool(panel.unit) + ["log"] * self._view_of(panel).log)
        if unit and room < len(unit) + 2:
            unit = unit.removeprefix(f"{panel.unit}, ")
        if unit and room >= len(unit) + 2:
            words.append(Segment(f"  {unit}", look.dim))
            room -= len(unit) + 2
        return [*words, blank(room), *(part for value in values for part in value)]

    def _values(self, panel: Panel, chart: Chart) -> list[tuple[Line, float | None]]:
        """What the record of each line says at the cursor, or the newest one: never smoothed, as in every table."""
        step = self.cursor_step
        if step is None:
            return [(line, line.trace.last.value if line.trace.last else None) for line in panel.lines]
        reached = {reading.label for reading in chart.readings}
        found = [(line, newest(line.trace, step)) for line in panel.lines]
        return [(line, line.trace[at].value if at is not None and line.label in reached else None)
                for line, at in found]  # fmt: skip

    def _small(self, panel: Panel, width: int, look: Look) -> Row:
        """A chart of one row: its name, and what the smallest chart shows."""
        most = max(width - _BARS, width // 3)
        name = shortened(panel.title, most, look.unicode)
        pad = min(max(cell_len(p.title) for p in self.panels), most) + 2
        drawn = charts.draw(panel.lines, self._view_of(panel), width - pad, 1, look)
        return [Segment(name, look.dim), blank(pad - cell_len(name)), *drawn.rows[0]]

    def _caption(self, look: Look) -> list[str]:
        """How the charts are looked at, the most important first."""
        view, parts = self.view_drawn, []
        step, trace = self.cursor_step, self.reference
        if step is not None and trace is not None:
            when = trace.convert(step, "step", "epoch"), trace.convert(step, "step", "time")
            parts.append(f"step {step:,.0f}, epoch {when[0]:.1f}, {duration(when[1])}")
        elif view.x_range is not None:
            parts.append("following" if view.follow else "held: f follows")
        parts.append(f"x {view.axis}")
        parts.append(f"smoothing {view.smoothing:g}" if view.smoothing else "not smoothed")
        parts += ["log"] * view.log
        if len(self.panels) > 1:
            parts.append(f"chart {self.active + 1}/{len(self.panels)}")
        return parts


def newest(trace: Trace, step: float) -> int | None:
    """The place of the newest record at or before a step."""
    at = trace.at(step)
    if at is None:
        return None
    at -= trace[at].step > round(step)  # over epochs or time a step is met but nearly
    return at if at >= 0 else None


def _width(values: Sequence[Row]) -> int:
    return sum(segment.cell_length for value in values for segment in value)


def next_axis(axis: Axis) -> Axis:
    """The measure after this one."""
    return AXES[(AXES.index(axis) + 1) % len(AXES)]
