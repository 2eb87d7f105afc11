"""What of a chart is looked at, and the moves that change it: pure functions, limits in, limits out."""

import math
from dataclasses import dataclass, replace

from workbench.runs.trace import Axis, Trace

Limits = tuple[float, float]

_CLOSEST = 1e-6  # share of the x axis that can still be looked at,
_CLOSEST_Y = 1e-9  # and of a value
_SMALLEST, _LARGEST = 1e-300, 1e300  # ends of the y axis, which numbers must not leave


@dataclass(frozen=True)
class View:
    """How a chart is looked at. All positions along x are in the units of `axis`."""

    axis: Axis = "step"
    log: bool = False
    smoothing: float = 0.0
    """Weight of the past in the average that is drawn; 0 draws the values themselves."""
    band: bool = True
    """Whether the least and the most stand beneath the lines."""
    x_range: Limits | None = None
    """None is everything."""
    y_range: Limits | None = None
    """None is what shows the lines best."""
    follow: bool = True
    """Whether a part of the chart stays at the newest values."""
    cursor: float | None = None
    snapshots: tuple[float, ...] = ()
    """Where there are pictures."""


def x_limits(view: View, extent: Limits) -> Limits:
    """The ends of the x axis for data from extent[0] to extent[1].

    Everything begins at zero unless it began much later: a run of which only the end was recorded.
    """
    low, high = extent
    if view.x_range is None:
        low = 0.0 if 0.0 <= low <= max(0.3 * high, 1.0) else low
        return (low, high) if high > low else (low - 0.5, low + 0.5)
    low, high = view.x_range
    shift = extent[1] - high if view.follow else 0.0
    return low + shift, high + shift


def zoom(view: View, factor: float, extent: Limits) -> View:
    """Show `factor` times as much: about the cursor, else the newest while following, else the middle."""
    low, high = x_limits(view, extent)
    least, most = x_limits(replace(view, x_range=None), extent)
    width = max((high - low) * factor, (most - least) * _CLOSEST)
    if width >= most - least:
        return replace(view, x_range=None)
    about = view.cursor
    if about is None or not low <= about <= high:
        about = high if view.follow else (low + high) / 2
    start = about - (about - low) / (high - low) * width
    start = min(max(start, least), most - width)
    return replace(view, x_range=(start, start + width), follow=view.follow and start + width >= extent[1])


def pan(view: View, fraction: float, extent: Limits) -> View:
    """Move by this share of what is seen, not beyond the data; arriving at its end follows it again."""
    if view.x_range is None:
        return view
    low, high = x_limits(view, extent)
    least, most = x_limits(replace(view, x_range=None), extent)
    shift = min(max((high - low) * fraction, least - low), most - high)
    return replace(view, x_range=(low + shift, high + shift), follow=high + shift >= most)


def zoom_y(view: View, factor: float, drawn: Limits) -> View:
    """Show `factor` times as much of the y axis, of which `drawn` is seen now, about its middle."""
    low, high = _scaled(view, drawn)
    middle = (low + high) / 2
    half = max((high - low) / 2 * factor, abs(middle) * _CLOSEST_Y, _SMALLEST)
    return _with_y(view, drawn, middle - half, middle + half)


def pan_y(view: View, fraction: float, drawn: Limits) -> View:
    """Move up by this share of the y axis, of which `drawn` is seen now."""
    low, high = _scaled(view, drawn)
    shift = (high - low) * fraction
    return _with_y(view, drawn, low + shift, high + shift)


def reset(view: View) -> View:
    """Everything again, and what comes."""
    return replace(view, x_range=None, y_range=None, follow=True)


def move_cursor(view: View, columns: float, drawn: Limits, across: int, extent: Limits) -> View:
    """Move the cursor by character columns, of which `across` show `drawn`; it takes the view along at its edge.

    It begins at the newest value.
    """
    low, high = drawn
    column = (high - low) / max(1, across - 1)
    cursor = extent[1] if view.cursor is None else view.cursor + columns * column
    cursor = min(max(cursor, extent[0]), extent[1])
    view = replace(view, cursor=cursor)
    if view.x_range is None or low <= cursor <= high:
        return view
    shift = cursor - (low if cursor < low else high)
    return replace(view, x_range=(low + shift, high + shift), follow=cursor >= extent[1])


def on_axis(view: View, axis: Axis, trace: Trace) -> View:
    """The same view over another axis; the trace says which step was when."""

    def moved(x: float) -> float:
        return trace.convert(x, view.axis, axis)

    return replace(
        view,
        axis=axis,
        x_range=None if view.x_range is None else (moved(view.x_range[0]), moved(view.x_range[1])),
        cursor=None if view.cursor is None else moved(view.cursor),
        snapshots=tuple(moved(x) for x in view.snapshots),
    )


def _scaled(view: View, drawn: Limits) -> Limits:
    """As the axis has them; a log axis that could not be drawn is a linear one."""
    return (math.log10(drawn[0]), math.log10(drawn[1])) if view.log and drawn[0] > 0.0 else drawn


def _with_y(view: View, drawn: Limits, low: float, high: float) -> View:
    """The view with these limits as the axis has them; as it was where no number can follow."""
    if view.log and drawn[0] > 0.0:
        if max(abs(low), abs(high)) > math.log10(_LARGEST):
            return view
        low, high = 10.0**low, 10.0**high
    return replace(view, y_range=(low, high)) if -_LARGEST <= low < high <= _LARGEST else view
