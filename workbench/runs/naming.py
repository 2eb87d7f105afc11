"""Short names by which to tell runs apart, the same in the workbench, in tables and in pictures."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.config import RunConfig
from workbench.units import dataset_title, plain

LONGEST = 20  # characters of a short name

_STAMP = re.compile(r"^\d{8}-(\d{6})-(.+)$")  # how a run is called that nobody gave a name
_OF_THE_MACHINE = frozenset({"device", "threads", "precision", "data_dir"})  # say little of what was tried
_SEEDS = frozenset({"seed", "data_seed"})  # told where nothing else tells runs apart


def settings_of(config: RunConfig | None) -> dict[str, Any]:
    """Model, dataset and every setting, by name; nothing of a run whose configuration cannot be read."""
    if config is None:
        return {}
    own = {name: value for _, name, value in config.items() if name != "dataset"}
    return {"model": config.model_name, "dataset": dataset_title(config.data.dataset), **own}


def differing(told: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The settings that are not the same for all runs, as text for each of them; "" where a run has no such one."""
    names = dict.fromkeys(name for settings in told for name in settings)
    texts = {name: [plain(settings[name]) if name in settings else "" for settings in told] for name in names}
    return {name: values for name, values in texts.items() if len(set(values)) > 1}


def labels(names: Sequence[str], told: Sequence[Mapping[str, Any]]) -> list[str]:
    """A short name for each run: its own, where a person chose one, else what sets it apart from the others."""
    stamped = [_STAMP.match(name) for name in names]
    found = [text if own else name for name, own, text in zip(names, stamped, _apart(told), strict=True)]
    counted = Counter(found)
    return [
        f"{own[2]} {own[1]}" if own and (not label or len(label) > LONGEST or counted[label] > 1) else label
        for label, own in zip(found, stamped, strict=True)
    ]


def _apart(told: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each run does otherwise, in as few settings as tell all of them apart; "" where none do."""
    different = differing(told)
    names = sorted(
        different.keys() - _OF_THE_MACHINE, key=lambda name: (name in _SEEDS, list(different).index(name))
    )
    words: list[tuple[str, ...]] = [()] * len(told)
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
