"""The runs that are compared: short names by which to tell them apart, and what each says at a moment."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.runs.history import Split
from workbench.runs.reader import RunReader
from workbench.runs.trace import Axis, Trace
from workbench.units import dataset_title, plain

LONGEST = 20  # characters of a short name

_STAMP = re.compile(r"^\d{8}-(\d{6})-(.+)$")  # how a run is called that nobody gave a name
_OF_THE_MACHINE = frozenset({"device", "threads", "precision", "data_dir"})  # say little of what was tried
_SEEDS = frozenset({"seed", "data_seed"})  # told where nothing else tells runs apart


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
        config = self.reader.config
        if config is None:
            return {}
        own = {name: value for _, name, value in config.items() if name != "dataset"}
        return {"model": config.model_name, "dataset": dataset_title(config.data.dataset), **own}


def differing(members: Sequence[Member]) -> dict[str, list[str]]:
    """The settings that are not the same for all runs, as text for each of them; "" where a run has no such one."""
    told = [member.settings for member in members]
    names = dict.fromkeys(name for settings in told for name in settings)
    texts = {name: [plain(settings[name]) if name in settings else "" for settings in told] for name in names}
    return {name: values for name, values in texts.items() if len(set(values)) > 1}


def name_them(members: Sequence[Member]) -> None:
    """Give each run a short name: its own, where a person chose one, else what sets it apart from the others."""
    stamped = [_STAMP.match(member.name) for member in members]
    apart = _apart(members)
    for member, own, text in zip(members, stamped, apart, strict=True):
        member.label = text if own else member.name
    counted = Counter(member.label for member in members)
    for member, own in zip(members, stamped, strict=True):
        if own and (not member.label or len(member.label) > LONGEST or counted[member.label] > 1):
            member.label = f"{own[2]} {own[1]}"


def _apart(members: Sequence[Member]) -> list[str]:
    """What each run does otherwise, in as few settings as tell all of them apart; "" where none do."""
    different = differing(members)
    names = sorted(
        different.keys() - _OF_THE_MACHINE, key=lambda name: (name in _SEEDS, list(different).index(name))
    )
    words: list[tuple[str, ...]] = [()] * len(members)
    for name in names:
        longer = [(*word, _word(name, value)) for word, value in zip(words, different[name], strict=True)]
        if len(set(longer)) > len(set(words)):
            words = longer
    return [_shortest(index, words) for index in range(len(words))]


def _shortest(index: int, words: Sequence[tuple[str, ...]]) -> str:
    """As many of a run's words as no other run begins with."""
    own, others = words[index], [*words[:index], *words[index + 1 :]]
    enough = (count for count in range(1, len(own)) if all(own[:count] != other[:count] for other in others))
    return " ".join(filter(None, own[: next(enough, len(own))]))


def _word(name: str, value: str) -> str:
    return value if name in {"model", "dataset"} or not value else f"{name} {value}"
