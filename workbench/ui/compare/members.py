"""The runs that are compared: short names by which to tell them apart, and what each says at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.runs import naming
from workbench.runs.history import Split
from workbench.runs.reader import RunReader
from workbench.runs.trace import Axis, Trace


@dataclass
class Member:
    """One of the runs. Its number is its colour and its sign."""

    number: int
    reader: RunReader
    label: str = ""

    @property
    def name(self) -> str:
        """The run's own name."""
        return self.reader.folder.name

    @property
    def longest(self) -> Trace | None:
        """The trace that says which step was when."""
        return max(self.reader.traces.values(), key=len, default=None)

    def step_at(self, x: float, axis: Axis) -> float:
        """Which step of this run a position on the horizontal axis is."""
        return self.longest.convert(x, axis, "step") if self.longest is not None else 0.0

    def value(self, metric: str, split: Split, step: float | None) -> float | None:
        """A number at a step, or the newest; None where the run has none so early, or none at all."""
        trace = self.reader.traces.get((metric, split))
        if trace is None or not len(trace):
            return None
        at = len(trace) - 1 if step is None else trace.at(step)
        if at is None:
            return None
        at -= step is not None and trace[at].step > step
        return trace[at].value if at >= 0 else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """Model, dataset and every setting, by name; nothing of a run whose configuration cannot be read."""
        return naming.settings_of(self.reader.config)


def differing(members: Sequence[Member]) -> dict[str, list[str]]:
    """The settings that are not the same for all runs, as text for each of them; "" where a run has no such one."""
    return naming.differing([member.settings for member in members])


def name_them(members: Sequence[Member]) -> None:
    """Give each run a short name: its own, where a person chose one, else what sets it apart from the others."""
    found = naming.labels([member.name for member in members], [member.settings for member in members])
    for member, label in zip(members, found, strict=True):
        member.label = label
