"""Metrics between two reports, kept on the device and read once."""

import time
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

REPORT_SECONDS = 0.5


class DivergedError(Exception):
    """A metric stopped being finite."""

    def __init__(self, metric: str, step: int, value: float) -> None:
        super().__init__(f"{metric} became {value} at step {step}")


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

    def read(self, step: int) -> tuple[int, dict[str, float], dict[str, float], dict[str, float]]:
        """(steps, mean, smallest, largest) since the last call; the one place that waits for the device.

        `step` is the number of the newest step. Raises `DivergedError` naming the first value not finite.
        """
        rows = torch.stack(self._rows).double().cpu().numpy() if self._rows else np.empty((0, 0))
        self._rows.clear()
        self._since = time.perf_counter()
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, column = bad[0]
            raise DivergedError(self._names[column], step - len(rows) + int(row) + 1, float(rows[row, column]))
        summaries = (rows.mean(0), rows.min(0), rows.max(0)) if len(rows) else ((), (), ())
        mean, low, high = (dict(zip(self._names, map(float, s), strict=False)) for s in summaries)
        return len(rows), mean, low, high
