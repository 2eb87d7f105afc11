"""How sure a number is: 95 % intervals, in float64."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEVEL = 0.95
RESAMPLES = 1000
_AT_ONCE = 1 << 24  # numbers drawn at a time


class Estimate(NamedTuple):
    """A value and the ends of its 95 % interval, which are NaN where the data give none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


def of_mean(values: ArrayLike, seed: int = 0) -> Estimate:
    """The mean of (N,) values of single images; percentile bootstrap over the images (Efron 1979)."""
    found: NDArray[np.float64] = np.asarray(values, np.float64).reshape(-1)
    if len(found) < 2:
        return Estimate(float(found.mean()) if len(found) else float("nan"))
    random = np.random.default_rng(seed)
    means: list[NDArray[np.float64]] = []
    step = max(1, _AT_ONCE // len(found))
    for start in range(0, RESAMPLES, step):
        count = min(step, RESAMPLES - start)
        means.append(found[random.integers(0, len(found), (count, len(found)))].mean(1))
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(np.concatenate(means), [tail, 100 - tail])
    return Estimate(float(found.mean()), float(low), float(high))


def of_repeats(values: Sequence[float]) -> Estimate:
    """The mean of a few repeats of a whole measurement, each with other noise; Student's t."""
    from scipy.stats import t

    found = np.asarray(values, np.float64)
    mean = float(found.mean())
    if len(found) < 2:
        return Estimate(mean)
    half = float(t.ppf((1 + LEVEL) / 2, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found)))
    return Estimate(mean, mean - half, mean + half)
