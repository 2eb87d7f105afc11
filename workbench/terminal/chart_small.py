"""A curve where there is no room for a chart: bars an eighth of a cell fine, and a number."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.terminal.cells import Cells
from workbench.terminal.chart_curves import Curve
from workbench.terminal.chart_frame import Frame
from workbench.terminal.chart_overlay import cross
from workbench.terminal.look import Look

_BARS, _BARS_ASCII = " ▁▂▃▄▅▆▇█", " .:|#"
_LEAST = 6  # columns of bars


def bar_columns(columns: int, rows: int, number: str) -> int:
    """How many columns bars have beside the number, or above it; 0 where there is room for the number only."""
    if columns - len(number) - 1 >= _LEAST:
        return columns - len(number) - 1
    return columns if rows > 1 and columns >= _LEAST else 0


def steps(look: Look) -> int:
    """How fine a bar is, in a cell."""
    return len(_BARS if look.unicode else _BARS_ASCII) - 1


def small(curves: Sequence[Curve], frame: Frame | None, number: str, columns: int, rows: int, look: Look) -> Cells:
    """Bars from the left and a number in the lower right corner, or an ellipsis if it has no room."""
    cells = Cells(columns, rows)
    if frame is not None:
        for curve in curves:
            _bars(cells, curve, frame, look)
    if len(number) > columns:
        number = ("…" if look.unicode else "...")[:columns]
    cells.put(columns - len(number), rows - 1, number, look.text)
    return cells


def _bars(cells: Cells, curve: Curve, frame: Frame, look: Look) -> None:
    """One column a value; a gap stays empty, but for the mark of a value that is not finite."""
    bars = _BARS if look.unicode else _BARS_ASCII
    y = frame.y(curve.window.mean)
    known = np.flatnonzero(~np.isnan(y))
    if len(known):
        x = np.arange(len(y))
        levels = np.interp(x, known, y[known]).clip(0, frame.height - 1)
        inside = (x >= known[0]) & (x <= known[-1])
        filled: NDArray[np.int64] = np.where(inside, np.floor(levels + 0.5) + 1, 0).astype(np.int64)
        for row in range(frame.rows):
            below = (frame.rows - 1 - row) * frame.up
            text = "".join(bars[level] for level in np.clip(filled - below, 0, frame.up).tolist())
            cells.put(0, row, text, curve.style)
    for column in np.flatnonzero(curve.window.bad).tolist():
        cells.put(column, frame.rows - 1, cross(look), look.bad)
