"""The numbers of a run over time: `metrics.jsonl` in memory.

The same object is filled by a run in this process and by a folder that another process writes, so what
shows one shows the other.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.runs import files, reading

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Record:
    """One line of `metrics.jsonl`: the means since the line before it, or an evaluation."""

    step: int
    images: int
    epoch: float
    seconds: float
    split: Split
    metrics: Mapping[str, float]
    low: Mapping[str, float] = field(default_factory=dict)  # smallest and largest value of any one step,
    high: Mapping[str, float] = field(default_factory=dict)  # so that no spike is lost in a mean

    def to_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value != {} or name == "metrics"}


@dataclass(frozen=True)
class Curve:
    """One metric over time; arrays of the same length, NaN where a value was not finite."""

    epoch: NDArray[np.float64]
    step: NDArray[np.float64]
    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


class History:
    """The records of a run, in order."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records = list(records)

    @classmethod
    def read(cls, path: Path) -> "History":
        """Read a `metrics.jsonl`; damaged lines are passed over."""
        return cls(record for _, record in _rising(path))

    def add(self, record: Record) -> None:
        self.records.append(record)

    def last(self, split: Split) -> Mapping[str, float]:
        """The newest values of a split, by metric; empty before the first."""
        return next((r.metrics for r in reversed(self.records) if r.split == split), {})

    def last_epoch(self) -> dict[str, float]:
        """Means over the training steps of the last epoch; a single report is a noisy number."""
        sums: dict[str, float] = {}
        later, last = None, None
        for record in reversed(self.records):  # from the end: the cost does not grow with the run
            if record.split != "train":
                continue
            last = last or record
            if later is not None:
                for name, value in later.metrics.items():
                    sums[name] = sums.get(name, 0.0) + value * (later.step - record.step)
            if record.epoch <= last.epoch - 1:
                return {name: total / (last.step - record.step) for name, total in sums.items()}
            later = record
        if last is None or later is None:
            return {}
        return {n: (sums.get(n, 0.0) + value * later.step) / last.step for n, value in later.metrics.items()}

    def curve(self, metric: str, split: Split) -> Curve:
        """One metric of one split over time."""
        rows = [
            (r.epoch, r.step, r.metrics[metric], r.low.get(metric, math.nan), r.high.get(metric, math.nan))
            for r in self.records
            if r.split == split and metric in r.metrics
        ]
        columns = np.array(rows, dtype=np.float64).reshape(-1, 5).T
        return Curve(*columns)


def _rising(path: Path) -> Iterator[tuple[dict[str, Any], Record]]:
    """The lines of a file whose steps rise within each split, as a trainer writes them, with their records."""
    before = {"train": 0, "test": -1}  # training reports are of steps made, evaluations may be of none
    for line in reading.read_lines(path):
        record = _record(line)
        if record is not None and record.step > before[record.split]:
            before[record.split] = record.step
            yield line, record


def _record(line: Mapping[str, Any]) -> Record | None:
    """The record in a line, or None where the line holds none."""
    fields = {name: line[name] for name in Record.__dataclass_fields__ if name in line}
    try:
        for name in {"metrics", "low", "high"} & fields.keys():
            fields[name] = {key: math.nan if value is None else float(value) for key, value in fields[name].items()}
        for name, kind in (("step", int), ("images", int), ("epoch", float), ("seconds", float)):
            fields[name] = kind(fields[name])
        return Record(**fields) if fields["split"] in get_args(Split) else None
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
        return None


def truncate(path: Path, step: int) -> None:
    """Drop the records after `step`: a run resumed from a checkpoint writes them again."""
    text = "".join(files.to_line(line) for line, record in _rising(path) if record.step <= step)
    files.write(path, text.encode(), new_folder=False)
