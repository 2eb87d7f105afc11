"""What matplotlib leaves to us: limits that a spike cannot ruin, and labels that never overlap."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]

_STRAYS = 0.03  # share of the values at either end that may be left outside the axis
_FAR, _FAR_SHORT = 0.5, 6.0  # and only if they lie further out than this many times the spread of the rest
_FEW = 60  # values; in a shorter line each counts for more
_FLAT = 1e-5  # a range smaller than this share of its values is a constant: its ticks would need nine digits


def robust_limits(lines: Iterable[Numbers]) -> tuple[float, float]:
    """Limits that show every line without letting a few strays flatten the rest; NaN where nothing is finite.

    Each line is judged alone. A value is stray if it is among the outermost 3 % (one value at least) and further
    out than half the spread of the others (six times, in a short line): the first steps of a training curve, or a
    spike. A line with fewer than four values, or one that is flat but for them, has no strays.
    """
    kept = [np.empty(0)]
    for line in lines:
        values = np.sort(line[np.isfinite(line)])
        strays = max(1, int(len(values) * _STRAYS)) if len(values) >= 4 else 0
        inner = values[strays : len(values) - strays]
        far = (inner[-1] - inner[0]) * (_FAR if len(values) >= _FEW else _FAR_SHORT) if len(inner) else 0.0
        near = (values >= inner[0] - far) & (values <= inner[-1] + far) if far else slice(None)
        kept.append(values[near])
    known = np.concatenate(kept)
    return (float(known.min()), float(known.max())) if len(known) else (math.nan, math.nan)


def padded(low: float, high: float, share: float = 0.05) -> tuple[float, float]:
    """A little air at both ends; zero becomes the lower end where that costs little and nothing is negative."""
    room = (high - low) * share
    if 0.0 <= low <= 0.25 * (high - low):
        return 0.0, high + room
    return low - room, high + room


def opened(low: float, high: float) -> tuple[float, float]:
    """The limits, with some room around what is all but constant; any where there are none."""
    if not math.isfinite(high - low):
        return 0.0, 1.0
    flat = high - low <= _FLAT * max(abs(low), abs(high))
    room = (abs(high) * 0.1 or 1.0) if flat else 0.0
    return low - room, high + room


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> Numbers:
    """Positions at least `gap` apart between `low` and `high`, moved as little as possible (least squares).

    Where they cannot all fit, they share the room evenly. The order of the wanted positions is kept; of equal ones
    the first is the highest.
    """
    from sklearn.isotonic import isotonic_regression

    placed = np.array(wanted, dtype=np.float64)
    if not len(placed):
        return placed
    gap = min(gap, (high - low) / max(1, len(placed) - 1))
    order = np.lexsort((-np.arange(len(placed)), placed))
    # Less its rank's share of gaps, a legal arrangement is just one that never decreases.
    gaps = gap * np.arange(len(placed))
    placed[order] = gaps + isotonic_regression(placed[order] - gaps, y_min=low, y_max=max(low, high - gaps[-1]))
    return placed


def apart(centres: ArrayLike, sizes: ArrayLike, low: ArrayLike, high: ArrayLike) -> Numbers:
    """Where to centre labels of these sizes, (N, 2): near the centres, inside the corners, none on one before it.

    Where the box is too full, a label stays at its centre and overlaps: better crowded than missing.
    """
    halves = np.reshape(np.asarray(sizes, dtype=np.float64), (-1, 2)) / 2
    steps = np.stack(np.meshgrid(np.arange(-400.0, 401.0, 10.0), np.arange(-400.0, 401.0, 5.0)), -1).reshape(-1, 2)
    steps = steps[np.argsort((steps**2).sum(axis=1), kind="stable")]
    placed = np.empty((0, 2))
    for half, centre in zip(halves, np.asarray(centres), strict=True):
        tries = np.clip(centre + steps, low + half, np.maximum(low + half, high - half))
        touches = (np.abs(tries[:, None] - placed) < half + halves[: len(placed)]).all(axis=2).any(axis=1)
        placed = np.vstack([placed, tries[np.argmin(touches)]])  # the first that is free, or the centre itself
    return placed
