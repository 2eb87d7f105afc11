"""Metrics between two reports, kept on the device and read once."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

REPORT_SECONDS = 0.5


Numbers = dict[str, float]
Summary = tuple[Numbers, Numbers, Numbers]  # mean, smallest and largest of some steps


class DivergedError(Exception):
    """A metric stopped being finite. `reports` has (step, summary) of what was not told yet, the bad step last."""

    def __init__(self, metric: str, step: int, value: float, reports: Sequence[tuple[int, Summary]] = ()) -> None:
        super().__init__(f"{metric} became {value} at step {step}")
        self.reports = reports


class Meter:
    """Collects each step's metrics without waiting for the device."""

    def __init__(self) -> None:
        self._rows: list[Tensor] = []
        self._names: tuple[str, ...] = ()
        self._since = time.perf_counter()

    def add(self, metrics: Mapping[str, Tensor]) -> None:
        self._names = tuple(metrics)
        self._rows.append(torch.stack(list(metrics.values())))

    def due(self) -> bool:
        """Whether it is time for a report: by the clock, so a fast model is not slowed by its own reports."""
        return bool(self._rows) and time.perf_counter() - self._since >= REPORT_SECONDS

    def read(self, step: int) -> tuple[int, Numbers, Numbers, Numbers]:
        """(steps, mean, smallest, largest) since the last call; the one place that waits for the device.

        `step` is the number of the newest step. Raises `DivergedError` naming the first value not finite.
        """
        rows = torch.stack(self._rows).double().cpu().numpy() if self._rows else np.empty((0, 0))
        self._rows.clear()
        self._since = time.perf_counter()
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, column = bad[0]
            at = step - len(rows) + int(row) + 1
            parts = [(at - 1, rows[:row]), (at, rows[row : row + 1])]
            reports = [(last, self._summary(part)) for last, part in parts if len(part)]
            raise DivergedError(self._names[column], at, float(rows[row, column]), reports)
        return len(rows), *self._summary(rows)

    def _summary(self, rows: NDArray[np.float64]) -> Summary:
        summaries = (rows.mean(0), rows.min(0), rows.max(0)) if len(rows) else ((), (), ())
        mean, low, high = (dict(zip(self._names, map(float, s), strict=False)) for s in summaries)
        return mean, low, high
