"""The canvas of a chart in dots, and what of a trace falls on it: pieces of line, and the band beneath."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.runs.trace import Window

Numbers = NDArray[np.float64]
Piece = tuple[Numbers, Numbers]  # x and y, in dots from the lower left

_FAR = 1e6  # dots; what lies further out is drawn as if it lay there


@dataclass(frozen=True)
class Frame:
    """Character cells of `across` by `up` dots, and the limits that they show; y is an exponent of ten if `log`."""

    columns: int
    rows: int
    across: int
    up: int
    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    log: bool = False

    @property
    def width(self) -> int:
        """Dots; the limits lie on the first and on the last."""
        return self.columns * self.across

    @property
    def height(self) -> int:
        """Dots."""
        return self.rows * self.up

    def x(self, value: float) -> float:
        """Where a position lies, in dots."""
        low, high = self.x_limits
        return (value - low) / (high - low) * (self.width - 1)

    def y(self, values: Numbers) -> Numbers:
        """Where values lie, in dots; NaN where a log axis has no place for them."""
        low, high = self.y_limits
        if self.log:
            values = np.log10(np.where(values > 0.0, values, np.nan))
        with np.errstate(over="ignore"):
            return np.clip((values - low) / (high - low) * (self.height - 1), -_FAR, _FAR)

    def column(self, dot: float) -> int | None:
        """The character column of a dot, None where it is not on the canvas."""
        column = math.floor(dot + 0.5) // self.across
        return column if 0 <= column < self.columns else None

    def row(self, dot: float) -> int | None:
        """The character row of a dot, from the top; None where it is not on the canvas, or NaN."""
        if math.isnan(dot):
            return None
        row = self.rows - 1 - math.floor(dot + 0.5) // self.up
        return row if 0 <= row < self.rows else None


def pieces(window: Window, frame: Frame) -> list[Piece]:
    """The line in dots, cut where a value is not finite, or not positive on a log axis; it may leave the canvas."""
    x, y = np.arange(-1.0, len(window.x) + 1.0), np.full(len(window.x) + 2, np.nan)
    y[1:-1] = window.mean
    for end, neighbour in ((0, window.before), (-1, window.after)):
        if neighbour is not None:
            x[end], y[end] = frame.x(neighbour[0]), neighbour[1]
    with np.errstate(invalid="ignore"):
        unseen = frame.log & (y <= 0.0)
    gaps = np.cumsum(np.concatenate([[False], window.bad, [False]]) | unseen)
    y = frame.y(y)
    known = np.flatnonzero(~np.isnan(y))
    cuts = np.flatnonzero(np.diff(gaps[known]) > 0) + 1
    return [(x[part], y[part]) for part in np.split(known, cuts) if len(part)]


def calmed(line: list[Piece], frame: Frame, most: float) -> list[Piece]:
    """The line with neighbours averaged until its ups and downs on the canvas add up to `most` dots or less.

    Beyond that it is a solid area that says no more than its band, and takes long to draw.
    """

    def length(piece: Piece) -> float:
        return float(np.abs(np.diff(piece[1].clip(0, frame.height))).sum())

    while sum(map(length, line)) > most and any(len(x) > 4 for x, _ in line):
        line = [(_halved(x), _halved(y)) for x, y in line]
    return line


def _halved(points: Numbers) -> Numbers:
    """Means of two, but the ends stay."""
    starts = np.arange(1, len(points) - 1, 2)
    if len(starts) < 2:
        return points
    sums = np.add.reduceat(points[:-1], starts)
    return np.concatenate([points[:1], sums / np.diff([*starts, len(points) - 1]), points[-1:]])


def clipped(piece: Piece, width: float, height: float) -> Iterator[Piece]:
    """What of a line lies between 0 and width and height: Liang and Barsky's clipping, all parts at once."""
    x, y = piece
    if len(x) == 1:
        if 0 <= x[0] <= width and 0 <= y[0] <= height:
            yield piece
        return
    if x[0] >= 0 and x[-1] <= width and y.min() >= 0 and y.max() <= height:
        yield piece
        return
    dx, dy = np.diff(x), np.diff(y)
    enter, leave = np.zeros(len(dx)), np.ones(len(dx))
    with np.errstate(divide="ignore", invalid="ignore"):
        for start, change, most in ((x[:-1], dx, width), (y[:-1], dy, height)):
            a, b = -start / change, (most - start) / change
            outside = (start < 0) | (start > most)
            enter = np.maximum(enter, np.where(change == 0, np.where(outside, 2.0, 0.0), np.minimum(a, b)))
            leave = np.minimum(leave, np.where(change == 0, 1.0, np.maximum(a, b)))
    kept = np.flatnonzero(enter < leave)
    # A part goes on where the one before it ended inside.
    broken = (np.diff(kept) > 1) | (enter[kept[1:]] > 0) | (leave[kept[:-1]] < 1)
    for part in np.split(kept, np.flatnonzero(broken) + 1):
        if len(part):
            last = part[-1]
            xs, ys = x[part] + enter[part] * dx[part], y[part] + enter[part] * dy[part]
            end = leave[last]
            yield (
                np.clip(np.append(xs, x[last] + end * dx[last]), 0, width),
                np.clip(np.append(ys, y[last] + end * dy[last]), 0, height),
            )


def band(window: Window, frame: Frame) -> tuple[Numbers, Numbers]:
    """The lower and upper edge in dots, column by column; NaN where there is none.

    Between two records the edges run straight, as the line does; a gap in the line is one in the band.
    """
    low, high = frame.y(window.low), frame.y(window.high)
    if frame.log:
        low = np.where(np.isnan(low) & ~np.isnan(high), -_FAR, low)
    known = np.flatnonzero(~np.isnan(high))
    if not len(known):
        return low, high
    x = np.arange(len(high))
    inside = (x >= known[0]) & (x <= known[-1])
    gaps = np.cumsum(window.bad)
    before = np.maximum.accumulate(np.where(np.isnan(high), 0, x))
    after = np.minimum.accumulate(np.where(np.isnan(high), len(x) - 1, x)[::-1])[::-1]
    inside &= gaps[before] == gaps[after]
    low, high = (np.where(inside, np.interp(x, known, edge[known]), np.nan) for edge in (low, high))
    return low, high
