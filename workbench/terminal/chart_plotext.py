"""The one place that knows plotext: axes, ticks and lines in dots become character cells.

plotext 5 raises on an infinite number, takes for ever over a line to a distant point, and keeps a figure of its own
at the top of the module. So each chart has a figure, which sees finite points on its canvas, two a column at most.
For a colour it carries the number of a style; its matrix of cells is read directly, without the escape codes.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from rich.style import Style

from workbench.terminal.cells import PLAIN, Cells
from workbench.terminal.chart_axes import Ticks
from workbench.terminal.chart_frame import Frame, Piece

_ASCII = str.maketrans("─│┤┬└", "-|++|")
_NOWHERE = -1e4  # dots
_AXES = 0  # the style number of axes and labels; lines follow


class Stroke(NamedTuple):
    """A line on the canvas: where it goes, what it is drawn with (`braille` or a character), and how."""

    piece: Piece
    marker: str
    style: Style


class Axes(NamedTuple):
    """What stands around the canvas: ticks in dots, with their labels."""

    x: Ticks | None
    """None draws no x axis."""
    y: Ticks
    gutter: int
    """Columns for the y axis and its labels; 0 draws none."""
    style: Style


def plot(frame: Frame, axes: Axes, strokes: Sequence[Stroke], unicode: bool) -> Cells:
    """Draw the canvas and, left of it and below, the axes; later strokes lie over earlier ones."""
    styles = [axes.style, *dict.fromkeys(stroke.style for stroke in strokes)]
    figure = _figure()
    figure.xaxes(axes.x is not None, False)
    figure.yaxes(axes.gutter > 0, False)
    figure.xlim(0, frame.width - 1 or 1)
    figure.ylim(0, frame.height - 1 or 1)
    # Without any label plotext leaves out the space for them: one stands off the canvas.
    across = [] if axes.x is None else [*axes.x, (_NOWHERE, "")]
    up = [(dot, label.rjust(axes.gutter - 1)) for dot, label in [*axes.y, (_NOWHERE, "")]] if axes.gutter else []
    figure.xticks(*_ticks(across, frame.columns, frame.across))
    figure.yticks(*_ticks(up, frame.rows, frame.up))
    figure.ticks_color(_AXES)
    figure.plot([], [])  # without a line there are no axes
    for (x, y), marker, style in strokes:
        assert np.isfinite([x, y]).all(), "a gap is not to reach plotext"
        figure.plot(x.tolist(), y.tolist(), marker=marker, color=styles.index(style, 1))
    figure.monitor.set_size([frame.columns + axes.gutter, frame.rows + (0 if axes.x is None else 2)])
    figure.monitor.build_plot()
    return _cells(figure.monitor.matrix, styles, unicode)


def _figure() -> Any:
    """A figure of our own; plotext is imported for the first chart only."""
    from plotext._figure import _figure_class

    return _figure_class()


def _ticks(ticks: Ticks, cells: int, dots: int) -> tuple[list[float], list[str]]:
    """Ticks at the cells in which their dots lie; plotext alone would round a tick and a line differently."""
    scale = (cells * dots - 1) / max(1, cells - 1)
    return [math.floor(dot + 0.5) // dots * scale for dot, _ in ticks], [label for _, label in ticks]


def _cells(matrix: Any, styles: Sequence[Style], unicode: bool) -> Cells:
    """Read the matrix, whose first row is the lowest; it names a style by its number and no style by a word."""
    cells = Cells(matrix.cols, matrix.rows)
    cells.characters = matrix.marker[::-1]
    if not unicode:
        cells.characters = [[*"".join(row).translate(_ASCII)] for row in cells.characters]
    by_number: dict[int | str, Style] = {"default": PLAIN, **dict(enumerate(styles))}
    cells.styles = [[by_number[number] for number in row] for row in matrix.fullground[::-1]]
    return cells
