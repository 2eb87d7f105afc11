"""Curves as terminal cells: a pure function from traces and a view of them to rows of segments.

From 16x4 cells up, plotext draws axes and lines; smaller, there is a sparkline, and then a number.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.runs.trace import Axis
from workbench.terminal import chart_axes, chart_small
from workbench.terminal.chart_axes import Ticks
from workbench.terminal.chart_curves import Curve, Line, Reading, curves
from workbench.terminal.chart_frame import Frame, calmed, clipped, pieces
from workbench.terminal.chart_overlay import Overlay, header, outside
from workbench.terminal.chart_plotext import Axes, Stroke, plot
from workbench.terminal.look import Look, Rows
from workbench.terminal.view import Limits, View, x_limits
from workbench.units import number

__all__ = ["Chart", "Line", "Reading", "View", "draw", "extent", "to_csv"]

_GUTTER = 5  # columns for the y axis and its labels at least, so that the canvas stands still while they change
_SMALL = (16, 4)  # columns or rows below which there is a sparkline
_LABELLED = (20, 6)  # columns from which the y axis has labels, and rows from which there is an x axis
_DOTS = 3000  # of all lines together, up and down: plotext takes some 3 µs a dot


@dataclass(frozen=True)
class Chart:
    """A chart as drawn, and what a cursor needs to move on it."""

    rows: Rows
    x_limits: Limits
    y_limits: Limits
    first_column: int
    """Of the canvas."""
    columns: int
    """Of the canvas."""
    notes: tuple[str, ...] = ()
    """What the canvas cannot show, in words; in the chart as well where there is room."""
    readings: tuple[Reading, ...] = ()
    """Of the lines that reach to the cursor."""


def extent(lines: Sequence[Line], axis: Axis) -> Limits | None:
    """Where the first of the lines begins and the last ends; None without a record."""
    ends = [ends for line in lines if (ends := line.trace.extent(axis)) is not None]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None


def draw(lines: Sequence[Line], view: View, columns: int, rows: int, look: Look) -> Chart:
    """Draw the lines, each over those of its kind before it, in exactly so many columns and rows."""
    whole = extent(lines, view.axis)
    ends = x_limits(view, whole or (0.0, 1.0))
    if columns < _SMALL[0] or rows < _SMALL[1]:
        return _small(lines, view, ends, columns, rows, look)
    across, up = (2, 4) if look.unicode else (1, 1)
    gutter = _GUTTER if columns >= _LABELLED[0] else 0
    drawn = curves(lines, view, ends, (columns - gutter) * across, look)
    view, notes = _scale(view, drawn, ends, look)
    known = _y_limits(drawn, view)
    limits = known or (0.0, 1.0)
    notes += outside(drawn, _data(limits, view), look)
    below = 2 if rows >= _LABELLED[1] else 0
    above = 1 if below and (len(lines) > 1 or notes) else 0
    height = rows - below - above
    y_ticks = chart_axes.y_ticks(*limits, height, view.log) if gutter and known else []
    if (needed := 1 + max((len(label) for _, label in y_ticks), default=0)) > gutter > 0:
        gutter = needed
        drawn = curves(lines, view, ends, (columns - gutter) * across, look)
    frame = Frame(columns - gutter, height, across, up, ends, limits, view.log)
    x_ticks = chart_axes.x_ticks(*ends, frame.columns, view.axis) if below and whole else []
    axes = Axes(_x_dots(x_ticks, frame, view) if below else None, _y_dots(y_ticks, frame), gutter, look.dim)
    strokes = _strokes(drawn, frame, look)
    cells = plot(frame, axes, strokes, look.unicode)
    overlay = Overlay(cells, frame, gutter, look)
    if not strokes:
        overlay.say(_why_empty(drawn))
    readings = _overlay(drawn, view, frame, overlay)
    top = header(drawn, notes, columns, gutter, look).segments() if above else []
    return Chart(top + cells.segments(), ends, _data(limits, view), gutter, frame.columns, notes, readings)


def to_csv(lines: Sequence[Line], view: View) -> str:
    """The records in view, a row each; low and high are the value where nothing else is known."""
    ends = x_limits(view, extent(lines, view.axis) or (0.0, 1.0))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["line", "step", "epoch", "seconds", "value", "low", "high"])
    for line in lines:
        for step, *rest in line.trace.between(view.axis, *ends).tolist():
            writer.writerow([line.label, int(step), *rest])
    return text.getvalue()


def _scale(view: View, drawn: Sequence[Curve], ends: Limits, look: Look) -> tuple[View, tuple[str, ...]]:
    """The view with a log axis only where that is possible, and what it leaves out."""
    if not view.log:
        return view, ()
    if not any((curve.window.mean > 0.0).any() for curve in drawn):
        return replace(view, log=False), ("no value above 0 for a log axis",)
    count = sum(curve.line.trace.count_up_to(0.0, view.axis, *ends) for curve in drawn)
    few = "≤" if look.unicode else "<="
    return view, (f"{count} values {few} 0 not shown",) if count else ()


def _y_limits(drawn: Sequence[Curve], view: View) -> Limits | None:
    """The ends of the y axis: those asked for, else such as show the lines well; exponents of ten on a log axis."""
    low, high = view.y_range or (math.nan, math.nan)
    if view.log:
        low, high = (math.log10(end) if end > 0.0 else math.nan for end in (low, high))
    if low < high:
        return low, high
    values = [part for curve in drawn for part in curve.values()]
    if view.log:
        values = [np.log10(part[part > 0.0]) for part in values]
    return chart_axes.limits(values, view.log)


def _data(limits: Limits, view: View) -> Limits:
    """Limits of the axis as values."""
    return (10.0 ** limits[0], 10.0 ** limits[1]) if view.log else limits


def _x_dots(ticks: Ticks, frame: Frame, view: View) -> Ticks:
    """Ticks in dots. The label of the axis stands at its end; a tick that it would touch has none."""
    free = frame.columns - len(view.axis) - 1
    dots = [(frame.x(value), label) for value, label in ticks]
    return [(dot, label if (frame.column(dot) or 0) + (len(label) + 1) // 2 < free else "") for dot, label in dots]


def _y_dots(ticks: Ticks, frame: Frame) -> Ticks:
    low, high = frame.y_limits
    return [((value - low) / (high - low) * (frame.height - 1), label) for value, label in ticks]


def _why_empty(drawn: Sequence[Curve]) -> str:
    """Words for a canvas without a line."""
    if any(curve.window.bad.any() for curve in drawn):
        return "no finite value here"
    return "no values here" if any(len(curve.line.trace) for curve in drawn) else "no values yet"


def _strokes(drawn: Sequence[Curve], frame: Frame, look: Look) -> list[Stroke]:
    """The lines in pieces, as far as they lie on the canvas; held-out ones beneath, for they have marks as well."""
    most = _DOTS / max(1, len(drawn))
    return [
        Stroke(part, "braille" if look.unicode else curve.joint, curve.style)
        for curve in sorted(drawn, key=lambda curve: curve.line.kind == "training")
        for piece in calmed(pieces(curve.window, frame), frame, most)
        for part in clipped(piece, frame.width - 1, frame.height - 1)
    ]


def _overlay(drawn: Sequence[Curve], view: View, frame: Frame, overlay: Overlay) -> tuple[Reading, ...]:
    """All that stands on the canvas beside the lines; gives back what is read at the cursor."""
    overlay.bands(drawn)
    overlay.marks(drawn)
    overlay.arrows(drawn)
    overlay.gaps(drawn)
    overlay.pictures(view.snapshots)
    overlay.name(view.axis)
    if view.cursor is None:
        return ()
    low, high = frame.x_limits
    read = _read(drawn, view, (high - low) / max(1, frame.columns - 1))
    overlay.cursor(view.cursor, [(curve, at.point.on(view.axis), at.shown) for curve, at in read])
    return tuple(at for _, at in read)


def _read(drawn: Sequence[Curve], view: View, reach: float) -> list[tuple[Curve, Reading]]:
    """What the lines say at the cursor."""
    if view.cursor is None:
        return []
    return [(curve, at) for curve in drawn if (at := curve.near(view.cursor, view.axis, reach)) is not None]


def _small(lines: Sequence[Line], view: View, ends: Limits, columns: int, rows: int, look: Look) -> Chart:
    """The first line as bars, and its value at the cursor or the newest, not smoothed."""
    drawn = curves(lines[:1], view, ends, 1, look)
    readings = tuple(at for _, at in _read(drawn, view, 0.0))
    last = lines[0].trace.last if lines else None
    value = number(readings[0].point.value if readings else last.value) if last else "-"
    width = chart_small.bar_columns(columns, rows, value)
    drawn = curves(lines[:1], view, ends, max(1, width), look)
    view, notes = _scale(view, drawn, ends, look)
    limits = _y_limits(drawn, view) or (0.0, 1.0)
    height = rows if width < columns else rows - 1
    frame = Frame(width, height, 1, chart_small.steps(look), ends, limits, view.log) if width else None
    cells = chart_small.small(drawn, frame, value, columns, rows, look)
    return Chart(cells.segments(), ends, _data(limits, view), 0, width, notes, readings)
