"""One metric of one split over time; any part of it becomes columns in time that hardly grows with the run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from workbench.runs.pyramid import Column, Numbers, Pyramid

Axis = Literal["step", "epoch", "time"]
AXES: tuple[Axis, ...] = ("step", "epoch", "time")

_DECAYED = 1e-60  # a weight below which the past is forgotten
_LARGEST = 1e300  # what lies beyond counts as infinite: sums of it would overflow


class Point(NamedTuple):
    """One record. The value is NaN where it was not finite; low and high equal it where nothing else is known."""

    step: float
    epoch: float
    seconds: float
    value: float
    low: float
    high: float

    def on(self, axis: Axis) -> float:
        """Where it lies on an axis."""
        return {"step": self.step, "epoch": self.epoch, "time": self.seconds}[axis]


@dataclass(frozen=True)
class Window:
    """A stretch of a trace in columns; arrays of the same length, NaN where a column has no finite value."""

    x: Numbers
    """Centres of the columns."""
    mean: Numbers
    """Of the values, smoothed if that was asked for."""
    low: Numbers
    high: Numbers
    bad: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """Whether a value that is not finite lies in the column."""
    before: tuple[float, float] | None
    """Where the line comes from: the record before the window, or None if there is none or it is not finite."""
    after: tuple[float, float] | None
    """Where the line goes."""


class Trace:
    """The records of one metric, oldest first. Appending costs O(new); a `Window` costs O(its columns)."""

    def __init__(self, rows: ArrayLike | Sequence[Point] = ()) -> None:
        self._axes = {axis: Column() for axis in AXES}
        self._low = Pyramid(np.minimum, math.inf)
        self._high = Pyramid(np.maximum, -math.inf)
        self._value = Pyramid(np.add, 0.0)  # 0 where it is not finite,
        self._finite = Pyramid(np.add, 0.0)  # and there 0, else 1
        self._smooth: dict[float, _Smooth] = {}
        self.extend(rows)

    def __len__(self) -> int:
        return len(self._axes["step"])

    def append(
        self, step: float, epoch: float, seconds: float, value: float, low: float = math.nan, high: float = math.nan
    ) -> None:
        """Append one record; low and high are the least and the most of any one step since the record before."""
        self.extend([(step, epoch, seconds, value, low, high)])

    def extend(self, rows: ArrayLike | Sequence[Point]) -> None:
        """Append records: (N, 6) numbers in the order of `Point`, NaN where a value, low or high is missing."""
        columns = np.asarray(rows, dtype=np.float64).reshape(-1, 6).T
        if not columns.size:
            return
        for column, new in zip(self._axes.values(), columns[:3], strict=True):
            # Time stands still rather than run backwards, in a file that somebody mended by hand too.
            last = column.array[-1] if len(column) else 0.0
            column.extend(np.maximum.accumulate(np.append(last, np.where(np.isfinite(new), new, 0.0)))[1:])
        value, low, high = (np.where(np.abs(column) <= _LARGEST, column, np.nan) for column in columns[3:])
        finite = ~np.isnan(value)
        low, high = (np.where(np.isnan(edge), value, edge) for edge in (low, high))
        self._low.extend(np.where(np.isnan(low), math.inf, low))
        self._high.extend(np.where(np.isnan(high), -math.inf, high))
        self._value.extend(np.where(finite, value, 0.0))
        self._finite.extend(finite.astype(np.float64))

    def __getitem__(self, index: int) -> Point:
        """A record by its place; -1 is the newest."""
        step, epoch, seconds = (float(column.array[index]) for column in self._axes.values())
        low, high = (float(edge.array[index]) for edge in (self._low, self._high))
        value = float(self._value.array[index]) if self._finite.array[index] else math.nan
        return Point(step, epoch, seconds, value, *(x if math.isfinite(x) else math.nan for x in (low, high)))

    @property
    def last(self) -> Point | None:
        """The newest record."""
        return self[-1] if len(self) else None

    def extent(self, axis: Axis) -> tuple[float, float] | None:
        """Where the trace begins and ends."""
        x = self._axes[axis].array
        return (float(x[0]), float(x[-1])) if len(x) else None

    def at(self, x: float, axis: Axis = "step") -> int | None:
        """The place of the record nearest to `x`; None while there is none."""
        known = self._axes[axis].array
        if not len(known):
            return None
        right = int(known.searchsorted(x))
        near = [index for index in (right - 1, right) if 0 <= index < len(known)]
        return min(near, key=lambda index: abs(known[index] - x))

    def smoothed(self, index: int, smoothing: float) -> float:
        """The value of a record as a line with this smoothing shows it."""
        line = self._line(smoothing)
        return float(line.array[index]) if self._finite.array[index] else math.nan

    def convert(self, x: float, axis: Axis, to: Axis) -> float:
        """Where a position on one axis lies on another, between the records on either side of it."""
        return float(np.interp(x, self._axes[axis].array, self._axes[to].array)) if len(self) else x

    def between(self, axis: Axis, low: float, high: float) -> Numbers:
        """The records of a stretch, ends included: (N, 6) in the order of `Point`."""
        part = self._part(axis, low, high)
        axes = (column.array[part] for column in self._axes.values())
        value = np.where(self._finite.array[part] > 0, self._value.array[part], np.nan)
        edges = (_known(edge.array[part]) for edge in (self._low, self._high))
        return np.stack([*axes, value, *edges], axis=1)

    def count_up_to(self, most: float, axis: Axis, low: float, high: float) -> int:
        """How many values of a stretch are `most` or less."""
        part = self._part(axis, low, high)
        return int(np.count_nonzero((self._value.array[part] <= most) & (self._finite.array[part] > 0)))

    def window(self, axis: Axis, low: float, high: float, columns: int, smoothing: float = 0.0) -> Window:
        """Reduce a stretch to columns: the centre of the first lies on `low`, that of the last on `high`.

        The mean is that of the records in a column; low and high are the least and the most of any step of theirs.
        """
        x = self._axes[axis].array
        half = (high - low) / max(1, columns - 1) / 2
        cuts = x.searchsorted(np.linspace(low - half, high + half, columns + 1))
        starts, ends = cuts[:-1], cuts[1:]
        count = self._finite.over(starts, ends)
        total = self._line(smoothing).over(starts, ends)
        return Window(
            x=np.linspace(low, high, columns),
            mean=np.divide(total, count, out=np.full(columns, np.nan), where=count > 0),
            low=_known(self._low.over(starts, ends)),
            high=_known(self._high.over(starts, ends)),
            bad=ends - starts > count,
            before=self._neighbour(axis, int(cuts[0]) - 1, smoothing),
            after=self._neighbour(axis, int(cuts[-1]), smoothing),
        )

    def _part(self, axis: Axis, low: float, high: float) -> slice:
        x = self._axes[axis].array
        return slice(int(x.searchsorted(low)), int(x.searchsorted(high, side="right")))

    def _neighbour(self, axis: Axis, index: int, smoothing: float) -> tuple[float, float] | None:
        if not 0 <= index < len(self) or not self._finite.array[index]:
            return None
        return float(self._axes[axis].array[index]), self.smoothed(index, smoothing)

    def _line(self, smoothing: float) -> Pyramid:
        """The values with this smoothing, 0 where they are not finite."""
        if smoothing <= 0:
            return self._value
        smooth = self._smooth.setdefault(smoothing, _Smooth(smoothing))
        smooth.follow(self._value.array, self._finite.array)
        return smooth.line


class _Smooth:
    """An exponential moving average that follows a growing array, without the pull towards zero at its beginning.

    TensorBoard's: s(k) = w s(k-1) + (1-w) x(k), divided by 1 - w^k. Values that are not finite are passed over.
    """

    def __init__(self, weight: float) -> None:
        self.line = Pyramid(np.add, 0.0)
        self._weight = weight
        self._sum = 0.0
        self._count = 0

    def follow(self, values: Numbers, finite: Numbers) -> None:
        """Take in what was appended since the last time."""
        done = len(self.line.array)
        if done == len(values):
            return
        new, known = np.zeros(len(values) - done), finite[done:] > 0
        if known.any():
            sums = _decaying_sums(values[done:][known], self._weight, self._sum)
            self._sum = float(sums[-1])
            counts = np.arange(self._count + 1, self._count + len(sums) + 1, dtype=np.float64)
            self._count += len(sums)
            new[known] = sums / -np.expm1(counts * math.log(self._weight))  # 1 - w^k
        self.line.extend(new)


def _known(edges: Numbers) -> Numbers:
    """NaN in place of the infinity that stands for nothing."""
    return np.where(np.isfinite(edges), edges, np.nan)


def _decaying_sums(values: Numbers, weight: float, before: float) -> Numbers:
    """s(k) = weight s(k-1) + (1 - weight) values(k): each pass doubles how far back a sum reaches."""
    sums = (1.0 - weight) * values
    sums[0] += weight * before
    reach = 1
    while reach < len(sums) and weight**reach > _DECAYED:
        sums[reach:] += weight**reach * sums[:-reach]
        reach *= 2
    return sums
