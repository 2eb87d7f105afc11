"""What a run was found to be worth: `evaluation.json`, each number with its meaning and its whole protocol.

The file explains itself, so that a table of several runs needs neither their models nor torch. Two numbers may be
compared where their protocols are the same to the letter; `comparable` says so.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from models.errors import InputError
from workbench.runs import files, reading
from workbench.runs.folder import RunFolder
from workbench.units import number

FORMAT = 1
_MOST_DECIMALS = 7

Group = Literal["held-out", "reconstruction", "likelihood", "latent", "generation"]
GROUPS: tuple[Group, ...] = ("held-out", "reconstruction", "likelihood", "latent", "generation")
Effort = Literal["fast", "full"]


@dataclass(frozen=True)
class Measured:
    """One number of one model, what it means, how sure it is and how it came about."""

    key: str  # "ssim", or with a condition "fd@mixture": what makes a row of a table
    group: Group
    title: str  # "FD-digits"
    unit: str
    better: Literal["lower", "higher"] | None
    definition: str  # one sentence
    source: str  # who defined it, or which library computes it
    condition: str = ""  # what tells it from others of its title: "codes of a Gaussian mixture", "last weights"
    value: float | None = None  # None: not measured, `note` says why
    low: float | None = None  # ends of the 95 % interval; None where there is none
    high: float | None = None
    protocol: Mapping[str, Any] = field(
        default_factory=dict
    )  # split, counts, features and their hash, interval, ...
    note: str = ""
    seconds: float = 0.0  # what measuring it cost; 0 where it came with the one before
    vector: tuple[float, ...] = ()  # where the number sums up several: the KL of each latent dimension


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of a run at one step."""

    step: int
    weights: str  # "averaged weights" or "last weights"
    sampler: str  # what images are drawn from, in words
    effort: Effort
    seed: int  # of the evaluation, not of the run: the same for all runs
    seconds: float  # wall time of measuring, apart from training
    measured: tuple[Measured, ...]
    machine: Mapping[str, Any] = field(default_factory=dict)  # device, precision, threads, versions
    notes: tuple[str, ...] = ()  # what a reader should know: cancelled, out of time, ...

    def __getitem__(self, key: str) -> Measured:
        """The number of this key. Raises `KeyError`."""
        for one in self.measured:
            if one.key == key:
                return one
        raise KeyError(key)

    def value(self, key: str) -> float | None:
        """The value of this key; None where it was not measured."""
        return next((one.value for one in self.measured if one.key == key), None)


def save(folder: RunFolder, evaluation: Evaluation) -> None:
    """Replace `evaluation.json`. Raises `OSError` where it cannot be written."""
    files.write_json(folder.evaluation_file, files.finite({"format": FORMAT, **asdict(evaluation)}))


def load(folder: RunFolder) -> Evaluation | None:
    """What was measured of a run; None where nothing was. Raises `InputError` where the file is damaged."""
    if not folder.evaluation_file.exists():
        return None
    written = reading.read_json(folder.evaluation_file)
    if (found := written.get("format")) != FORMAT:
        raise InputError(
            f"{folder.evaluation_file} has format {found!r}; this genbench reads format {FORMAT}. "
            f"Measure again: genbench evaluate {folder.name}."
        )
    known = {name: written[name] for name in Evaluation.__dataclass_fields__ if name in written}
    try:
        return _evaluations().validate_python(known)
    except ValidationError as error:
        where = ", ".join(sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]}))
        raise InputError(
            f"{folder.evaluation_file} is damaged ({where}). Measure again: genbench evaluate {folder.name}."
        ) from None


@cache
def _evaluations() -> TypeAdapter[Evaluation]:
    return TypeAdapter(Evaluation)


def aligned(several: Sequence[Evaluation | None]) -> list[tuple[Measured | None, ...]]:
    """The numbers of several evaluations beside one another: a row each, by groups and in order of appearance.

    What is called otherwise is another number: FD-mnist and FD-digits are of other features.
    """
    told = [{} if it is None else {(one.key, one.title): one for one in it.measured} for it in several]
    firsts: dict[tuple[str, str], Measured] = {}
    for numbers in told:
        for name, one in numbers.items():
            firsts.setdefault(name, one)
    keys = list(dict.fromkeys(key for key, _ in firsts))
    names = sorted(firsts, key=lambda name: (GROUPS.index(firsts[name].group), keys.index(name[0])))
    return [tuple(numbers.get(name) for numbers in told) for name in names]


def comparable(numbers: Iterable[Measured]) -> bool:
    """Whether numbers of one key came about in the same way: the same protocol, to the letter."""
    protocols = [one.protocol for one in numbers]
    return all(protocol == protocols[0] for protocol in protocols)


def best(numbers: Iterable[Measured | None]) -> int | None:
    """The index of the best of one row's numbers; None where none is.

    None is best where a direction or an interval is missing, where protocols differ, or where the best differs from the second
    best by less than their intervals allow: the half widths of both, added in quadrature.
    """
    known = [(index, one) for index, one in enumerate(numbers) if one is not None and one.value is not None]
    if len(known) < 2 or known[0][1].better is None or not comparable(one for _, one in known):
        return None
    known.sort(key=lambda pair: pair[1].value or 0.0, reverse=known[0][1].better == "higher")
    (index, first), (_, second) = known[:2]
    assert first.value is not None
    assert second.value is not None
    return index if abs(first.value - second.value) > math.hypot(_half(first), _half(second)) else None


def _half(one: Measured) -> float:
    """Half the width of the interval; without one no difference can be trusted."""
    return math.inf if one.low is None or one.high is None else abs(one.high - one.low) / 2


def value_text(one: Measured | None) -> str:
    """The value as a person reads it: to four figures, a count as it is; "" where there is none."""
    if one is None or one.value is None:
        return ""
    is_count = one.better is None and one.low is None and one.value.is_integer()
    return f"{one.value:,.0f}" if is_count else number(one.value)


def spread_text(one: Measured | None) -> str:
    """Half the width of the interval to two figures, no finer than the value: "0.0012"; "" where there is none.

    A width that is there is never said to be none.
    """
    half = math.inf if one is None or one.value is None else _half(one)
    if not math.isfinite(half):
        return ""
    text, half = value_text(one), float(f"{half:.1e}")
    if not half:
        return "0"
    finest = len(text.partition(".")[2])
    decimals = max(0, min(1 - math.floor(math.log10(half)), finest))
    if round(half, decimals) == 0:
        decimals = -math.floor(math.log10(half))
    return f"{half:.1e}" if "e" in text or decimals > _MOST_DECIMALS else f"{half:,.{decimals}f}"
