"""The axes of a chart: limits that a spike cannot ruin, and ticks that are few and round and never overlap."""

import math
from collections.abc import Iterable, Iterator
from itertools import count, takewhile

import numpy as np
from numpy.typing import NDArray

from workbench.runs.trace import Axis
from workbench.terminal import chart_labels

Numbers = NDArray[np.float64]
Ticks = list[tuple[float, str]]

_STRAYS = 0.06  # share of a curve's columns at either end that may be left outside the axis
_FAR = 0.5  # and only where they lie further out than this many times the spread of the rest,
_FAR_SHORT = 6.0  # or this many, in a curve of few columns
_FEW = 40
_FLAT = 1e-9  # a range smaller than this share of its values is a constant
_MOST = 300.0  # powers of ten, so that the ends of a log axis are numbers too
_DECADE = 0.8  # powers of ten; a shorter log axis has its ticks where a linear one has them
_APART = 4  # columns between two labels of the x axis
_DAY = 86400.0
_CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # s


def limits(curves: Iterable[Numbers], log: bool) -> tuple[float, float] | None:
    """The ends of the y axis for curves that are all seen but for a few strays; None where there is no value.

    Each curve is judged alone. A column is stray if it is among the outermost 6 % and further out than half the
    spread of the others: the first steps of a training curve, or a spike. It leaves the axis, and the chart says so
    with an arrow; so it is not hidden and does not flatten the rest. The lower end is zero where that costs little.
    """
    kept = [near for curve in curves if len(near := _without_strays(curve))]
    if not kept:
        return None
    low, high = float(min(part[0] for part in kept)), float(max(part[-1] for part in kept))
    if high - low <= _FLAT * max(abs(low), abs(high)):
        room = 0.5 if log else (abs(high) * 0.1 or 1.0)
    else:
        room = (high - low) * 0.04
    if log:
        return max(min(low, _MOST) - room, -_MOST), min(max(high, -_MOST) + room, _MOST)
    return 0.0 if 0.0 <= low <= 0.25 * (high - low) else low - room, high + room


def _without_strays(curve: Numbers) -> Numbers:
    """The values in order, less the strays."""
    values = np.sort(curve)
    strays = max(1, int(len(values) * _STRAYS)) if len(values) >= 4 else 0
    inner = values[strays : len(values) - strays]
    if not strays or inner[0] == inner[-1]:
        return values
    far = (inner[-1] - inner[0]) * (_FAR if len(values) >= _FEW else _FAR_SHORT)
    return values[(values >= inner[0] - far) & (values <= inner[-1] + far)]


def y_ticks(low: float, high: float, rows: int, log: bool) -> Ticks:
    """Ticks about every fourth row; positions on a log axis are exponents of ten."""
    most = max(2, (rows + 1) // 4)
    if log:
        return _log_ticks(low, high, rows, most)
    finer: Ticks = []
    for step in _round_steps(high - low):
        values = _multiples(step, low, high)
        if len(values) == 1 and 0 < len(finer) <= (rows + 1) // 2:
            return finer  # close together rather than alone
        ticks = list(zip(values, chart_labels.ticks(values, step), strict=True))
        if len(values) <= most:
            return ticks
        finer = ticks
    raise AssertionError("the steps grow without end")


def _log_ticks(low: float, high: float, rows: int, most: int) -> Ticks:
    """1, 2, 5, 10, ... where there is room, else decades, or every so many; within one as on a linear axis."""
    values: list[float] = []
    for digits, every in (((1, 2, 5), 1), *(((1,), every) for every in range(1, 400))):
        decades = [exponent for exponent in range(math.floor(low), math.ceil(high) + 1) if exponent % every == 0]
        values = [digit * 10.0**exponent for exponent in decades for digit in digits]
        values = [value for value in values if value > 0.0 and low - 1e-9 <= math.log10(value) <= high + 1e-9]
        if len(values) <= most:
            break
    if high - low < _DECADE or len(values) < 2:
        ticks = y_ticks(10.0**low, 10.0**high, rows, log=False)
    else:
        ticks = [(value, chart_labels.ticks([value], value, aligned=False)[0]) for value in values]
    return [(math.log10(value), label) for value, label in ticks if value > 0.0]


def x_ticks(low: float, high: float, columns: int, axis: Axis) -> Ticks:
    """As many ticks as have room for their labels."""
    for step in _clock_steps(high - low) if axis == "time" else _round_steps(high - low):
        between = step / (high - low) * (columns - 1)  # columns
        if between < 1 + _APART or (axis == "step" and step < 1.0):
            continue
        values = _multiples(step, low, high)
        if axis == "time":
            names = [chart_labels.clock(value, step) for value in values]
        else:
            names = chart_labels.ticks(values, step, aligned=False)
        widest = max(map(len, names), default=1)
        if len(values) <= 1 or between >= widest + _APART:
            return list(zip(values, names, strict=True))
    raise AssertionError("the steps grow without end")


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _round_steps(span: float) -> Iterator[float]:
    """1, 2, 5, 10, ... times a power of ten, from a hundredth of the span on."""
    smallest = math.floor(math.log10(span)) - 2
    return (digit * 10.0**exponent for exponent in count(smallest) for digit in (1, 2, 5))


def _clock_steps(span: float) -> Iterator[float]:
    """Round steps in seconds, minutes, hours and days."""
    yield from takewhile(lambda step: step < 1.0, _round_steps(span))
    yield from (step for step in _CLOCK if step >= span / 200)
    yield from (step * _DAY for step in _round_steps(span / _DAY) if step > 1.0)
