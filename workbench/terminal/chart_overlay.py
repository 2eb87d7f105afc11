"""What a chart shows beside its axes and lines: bands, marks, arrows, gaps, pictures, the cursor and the legend."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from workbench.runs.trace import Axis
from workbench.terminal.cells import Cells
from workbench.terminal.chart_band import texture
from workbench.terminal.chart_curves import Curve
from workbench.terminal.chart_frame import Frame, band
from workbench.terminal.look import Look
from workbench.terminal.view import Limits
from workbench.units import number

_BOLD = Style(bold=True)
_SPARSE = 10  # columns between two marks on a training line, at least


class Overlay:
    """Writes on the canvas of a chart, which begins at a column of its first row."""

    def __init__(self, cells: Cells, frame: Frame, first_column: int, look: Look) -> None:
        self._cells, self._frame, self._first, self._look = cells, frame, first_column, look

    def bands(self, curves: Sequence[Curve]) -> None:
        """What lies between the least and the most, wherever there is no line."""
        for curve in curves:
            if not curve.banded:
                continue
            style = curve.pale
            for row, text in enumerate(texture(*band(curve.window, self._frame), self._frame)):
                self._cells.put_behind(self._first, row, text, style)

    def marks(self, curves: Sequence[Curve]) -> None:
        """On every held-out value that has room, and here and there on training lines if there are several."""
        several = sum(curve.line.kind == "training" for curve in curves) > 1
        spacing = max(_SPARSE, self._frame.columns // 5)
        for place, curve in enumerate(curves):
            if curve.line.kind == "held-out" or np.count_nonzero(~np.isnan(curve.window.mean)) == 1:
                self._along(curve, 0, 2)
            elif several:
                self._along(curve, spacing * (2 * place + 1) // (2 * len(curves)), spacing)

    def _along(self, curve: Curve, start: int, spacing: int) -> None:
        """Marks on the values of a line from a column on, so many columns apart."""
        free = start
        y = self._frame.y(curve.window.mean)
        for dot in np.flatnonzero(~np.isnan(y)):
            column, row = self._frame.column(float(dot)), self._frame.row(float(y[dot]))
            if column is not None and row is not None and column >= free:
                self._put(column, row, curve.mark, curve.style)
                free = column + spacing

    def arrows(self, curves: Sequence[Curve]) -> None:
        """Where a line or a spike leaves the canvas."""
        up, down = ("▲", "▼") if self._look.unicode else ("^", "v")
        for curve in curves:
            edges = [(curve.window.mean, curve.window.mean, curve.style)]
            if curve.banded:
                edges.insert(0, (curve.window.low, curve.window.high, curve.pale))
            for low, high, style in edges:
                for column in self._columns(self._frame.y(high) >= self._frame.height - 0.5):
                    self._put(column, 0, up, style)
                for column in self._columns(self._frame.y(low) < -0.5):
                    self._put(column, self._frame.rows - 1, down, style)

    def gaps(self, curves: Sequence[Curve]) -> None:
        """Where a value is not finite, and between two of those if there is no other."""
        for curve in curves:
            bad = curve.window.bad
            filled = bad | ~np.isnan(curve.window.mean)
            x = np.arange(len(bad))
            before = np.maximum.accumulate(np.where(filled, x, 0))
            after = np.minimum.accumulate(np.where(filled, x, len(x) - 1)[::-1])[::-1]
            for column in self._columns(bad[before] & bad[after]):
                self._put(column, self._frame.rows - 1, cross(self._look), self._look.bad)

    def pictures(self, positions: Sequence[float]) -> None:
        """Where there are pictures, on the x axis."""
        for x in positions:
            if (column := self._frame.column(self._frame.x(x))) is not None:
                self._put(column, self._frame.rows, "▴" if self._look.unicode else "^", self._look.accent)

    def cursor(self, x: float, read: Sequence[tuple[Curve, float, float]]) -> None:
        """A line through the canvas, behind the curves, and a mark on each value that is read."""
        bands = [curve.pale for curve, _, _ in read]
        if (column := self._frame.column(self._frame.x(x))) is not None:
            for row in range(self._frame.rows):
                character, style = self._cells.at(self._first + column, row)
                if character == " " or style in bands:
                    self._put(column, row, "│" if self._look.unicode else "|", self._look.accent)
        for curve, position, value in read:
            place = self._frame.column(self._frame.x(position))
            height = self._frame.row(float(self._frame.y(np.array([value]))[0]))
            if place is not None and height is not None:
                self._put(place, height, curve.mark, curve.style + _BOLD)

    def name(self, axis: Axis) -> None:
        """What the x axis counts, at the end of its labels."""
        self._put(self._frame.columns - len(axis), self._frame.rows + 1, axis, self._look.dim)

    def say(self, text: str) -> None:
        """In the middle of the canvas."""
        self._put(max(0, (self._frame.columns - len(text)) // 2), (self._frame.rows - 1) // 2, text, self._look.dim)

    def _put(self, column: int, row: int, text: str, style: Style) -> None:
        self._cells.put(self._first + column, row, text, style)

    def _columns(self, dots: NDArray[np.bool_]) -> list[int]:
        """The character columns of dots."""
        columns: list[int] = np.flatnonzero(dots.reshape(-1, self._frame.across).any(axis=1)).tolist()
        return columns


def cross(look: Look) -> str:
    """The mark of a value that is not finite."""
    return "✗" if look.unicode else "X"


def outside(curves: Sequence[Curve], limits: Limits, look: Look) -> tuple[str, ...]:
    """What leaves the limits, and whether there are values that are not finite, as words for the header."""
    notes = []
    values = np.concatenate([np.empty(0), *(values for curve in curves for values in curve.values())])
    if len(values) and values.max() > limits[1]:
        notes.append(f"{'▲' if look.unicode else '^'} up to {number(float(values.max()))}")
    if len(values) and values.min() < limits[0]:
        notes.append(f"{'▼' if look.unicode else 'v'} down to {number(float(values.min()))}")
    if any(curve.window.bad.any() for curve in curves):
        notes.append(f"{cross(look)} not finite")
    return tuple(notes)


def header(curves: Sequence[Curve], notes: Sequence[str], columns: int, first: int, look: Look) -> Cells:
    """One row: which line is which, if there are several, and at its end the notes; as much as has room."""
    cells = Cells(columns, 1)
    dash = "─" if look.unicode else "-"
    place = first
    for at, curve in enumerate(curves if len(curves) > 1 else ()):
        rest = f"+{len(curves) - at}"
        room = columns - place - (0 if at == len(curves) - 1 else len(rest) + 2)
        if 4 + len(curve.line.label) > room:
            cells.put(place, 0, rest, look.dim)
            place += len(rest) + 2
            break
        cells.put(place, 0, f"{dash}{curve.mark}{dash}", curve.style)
        cells.put(place + 4, 0, curve.line.label, look.text)
        place += 4 + len(curve.line.label) + 2
    text = "  ".join(notes)
    while len(text) > columns - place and notes:
        notes = notes[:-1]
        text = "  ".join(notes)
    cells.put(columns - len(text), 0, text, look.dim)
    return cells
