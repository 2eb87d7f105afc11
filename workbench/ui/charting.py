"""The chart commands, for the views that have a pane of charts."""

from collections.abc import Callable
from dataclasses import replace

from workbench.runs.trace import AXES
from workbench.terminal import view as views
from workbench.terminal.view import Limits, View
from workbench.ui.bindings import Command
from workbench.ui.charts import SMOOTHINGS, ChartPane, next_axis
from workbench.ui.view import View as BenchView

_FAR = 10  # columns
_ZOOM = 0.5


class Charting(BenchView):
    """A view with one `ChartPane`. What it changes for good is remembered for the next start."""

    @property
    def charts(self) -> ChartPane:
        """The pane of charts."""
        return self.query_one(ChartPane)

    def moved(self) -> None:
        """The cursor has moved or was let go of: pictures that go along with it do so here."""

    def dress_charts(self) -> None:
        """Draw curves as they were drawn last time."""
        kept = self.bench.preferences
        axis = next((axis for axis in AXES if axis == kept.axis), AXES[0])
        smoothing = min(SMOOTHINGS, key=lambda known: abs(known - kept.smoothing))
        self.charts.looking = replace(self.charts.looking, axis=axis, smoothing=smoothing, band=kept.band)

    def why_not(self, command: Command) -> str:
        """Where a chart is as far as a command could take it."""
        if command.id == "follow" and self.charts.looking.cursor is None and self.charts.looking.follow:
            return "There is no cursor to let go of: the newest values are followed."
        if command.id == "smoother" and self.charts.looking.smoothing == SMOOTHINGS[-1]:
            return f"The training curve is smoothed as much as it can be: {SMOOTHINGS[-1]:g}."
        if command.id == "rougher" and self.charts.looking.smoothing == SMOOTHINGS[0]:
            return "The training curve is not smoothed: this is every value."
        return super().why_not(command)

    def do_cursor_left(self) -> None:
        """One column back."""
        self._move(-1)

    def do_cursor_right(self) -> None:
        """One column on."""
        self._move(1)

    def do_cursor_far_left(self) -> None:
        """Ten columns back."""
        self._move(-_FAR)

    def do_cursor_far_right(self) -> None:
        """Ten columns on."""
        self._move(_FAR)

    def _move(self, columns: int) -> None:
        self.charts.move_cursor(columns)
        self.moved()

    def do_cursor_first(self) -> None:
        """To the first step in sight."""
        self.charts.jump(to_end=False)
        self.moved()

    def do_cursor_last(self) -> None:
        """To the last step in sight."""
        self.charts.jump(to_end=True)
        self.moved()

    def do_follow(self) -> None:
        """No cursor, and the newest values in sight."""
        charts = self.charts
        view = replace(charts.view_drawn, cursor=None, follow=True)
        if view.x_range is not None:  # a stretch that was left behind comes along to the end
            low, high = view.x_range
            end = charts.extent[1]
            view = replace(view, x_range=(end - (high - low), end))
        charts.look_at(view)
        self.moved()

    def do_zoom_in(self) -> None:
        """Half as long a stretch."""
        self._look(lambda view, extent: views.zoom(view, _ZOOM, extent))

    def do_zoom_out(self) -> None:
        """Twice as long a stretch."""
        self._look(lambda view, extent: views.zoom(view, 1 / _ZOOM, extent))

    def do_pan_left(self) -> None:
        """Half a stretch back."""
        self._look(lambda view, extent: views.pan(view, -0.5, extent))

    def do_pan_right(self) -> None:
        """Half a stretch on."""
        self._look(lambda view, extent: views.pan(view, 0.5, extent))

    def do_zoom_in_y(self) -> None:
        """Half as many values."""
        self._stretch(_ZOOM)

    def do_zoom_out_y(self) -> None:
        """Twice as many."""
        self._stretch(1 / _ZOOM)

    def _stretch(self, factor: float) -> None:
        chart = self.charts.chart
        if chart is not None:
            self._look(lambda view, _: views.zoom_y(view, factor, chart.y_limits))

    def _look(self, change: Callable[[View, Limits], View]) -> None:
        if self.charts.panel is not None:
            self.charts.look_at(change(self.charts.view_drawn, self.charts.extent))

    def do_autoscale(self) -> None:
        """All of every curve."""
        self.charts.show_all()

    def do_smoother(self) -> None:
        """The next weight of the past."""
        self._smooth(1)

    def do_rougher(self) -> None:
        """The one before."""
        self._smooth(-1)

    def _smooth(self, by: int) -> None:
        charts = self.charts
        at = min(max(SMOOTHINGS.index(charts.looking.smoothing) + by, 0), len(SMOOTHINGS) - 1)
        charts.looking = replace(charts.looking, smoothing=SMOOTHINGS[at])
        charts.redraw()
        self.bench.remember(smoothing=SMOOTHINGS[at])

    def do_log(self) -> None:
        """Logarithmic values in the active chart, or linear ones."""
        self._look(lambda view, _: replace(view, log=not view.log, y_range=None))

    def do_axis(self) -> None:
        """The next measure along the horizontal axis."""
        axis = next_axis(self.charts.looking.axis)
        self.charts.over(axis)
        self.bench.remember(axis=axis)

    def do_band(self) -> None:
        """With the least and the most of single steps, or without."""
        charts = self.charts
        charts.looking = replace(charts.looking, band=not charts.looking.band)
        charts.redraw()
        self.bench.remember(band=charts.looking.band)

    def do_next_chart(self) -> None:
        """The chart after the active one."""
        self.charts.choose(1)

    def do_previous_chart(self) -> None:
        """The chart before it."""
        self.charts.choose(-1)
