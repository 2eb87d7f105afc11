"""Metrics between two reports, kept on the device and read once."""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

REPORT_SECONDS = 0.5


Numbers = dict[str, float]
Summary = tuple[Numbers, Numbers, Numbers]  # mean, smallest and largest of some steps


class DivergedError(Exception):
    """Something stopped being finite.

    `reports` has (step, summary) of what was not told yet, the bad step last; `guarded` is whether the weights were
    kept as they were before that step.
    """

    def __init__(self, sentence: str, reports: Sequence[tuple[int, Summary]] = (), guarded: bool = False) -> None:
        super().__init__(sentence)
        self.reports, self.guarded = reports, guarded


class Meter:
    """Collects each step's metrics, and whether its gradients were finite, without waiting for the device."""

    def __init__(self, over_processes: Callable[[Tensor], Tensor] = lambda rows: rows) -> None:
        """`over_processes` makes this process's metrics those of all that train together."""
        self._over_processes = over_processes
        self._rows: list[Tensor] = []
        self._names: tuple[str, ...] = ()
        self._guarded: tuple[str, ...] = ()
        self._since = time.perf_counter()

    def row(self, metrics: Mapping[str, Tensor], flags: Mapping[str, Tensor]) -> Tensor:
        """A step's metrics, and by optimizer a flag that is not 0 where a gradient was not finite: one tensor."""
        self._names, self._guarded = tuple(metrics), tuple(flags)
        return torch.stack([*metrics.values(), *flags.values()])

    def add(self, row: Tensor) -> None:
        """One more step."""
        self._rows.append(row)

    def due(self) -> bool:
        """Whether it is time for a report: by the clock, so a fast model is not slowed by its own reports."""
        return bool(self._rows) and time.perf_counter() - self._since >= REPORT_SECONDS

    def read(self, step: int) -> tuple[int, Numbers, Numbers, Numbers]:
        """(steps, mean, smallest, largest) since the last call; the one place that waits for the device.

        `step` is the number of the newest step. Raises `DivergedError` naming the first value not finite.
        """
        rows = np.empty((0, 0))
        if self._rows:
            rows = self._over_processes(torch.stack(self._rows).double()).cpu().numpy()
        self._rows.clear()
        self._since = time.perf_counter()
        values, flags = np.split(rows, [len(self._names)], axis=1)
        bad = np.argwhere(np.hstack([~np.isfinite(values), flags != 0]))
        if len(bad):
            row, column = map(int, bad[0])  # a metric goes before the gradients that it spoils
            at = step - len(rows) + row + 1
            parts = [(at - 1, values[:row]), (at, values[row : row + 1])]
            reports = [(last, self._summary(part)) for last, part in parts if len(part)]
            raise DivergedError(self._sentence(column, values[row], at), reports, bool(flags[row].any()))
        return len(rows), *self._summary(values)

    def _sentence(self, column: int, values: NDArray[np.float64], step: int) -> str:
        if column < len(self._names):
            return f"{self._names[column]} became {values[column]} at step {step:,}"
        name = self._guarded[column - len(self._names)]
        of = "" if name == "model" else f" of the {name}"
        return f"The gradient{of} stopped being finite at step {step:,}"

    def _summary(self, rows: NDArray[np.float64]) -> Summary:
        summaries = (rows.mean(0), rows.min(0), rows.max(0)) if len(rows) else ((), (), ())
        mean, low, high = (dict(zip(self._names, map(float, s), strict=False)) for s in summaries)
        return mean, low, high
