"""The filter of a list of runs: `model:gan lr>=1e-4 state:done !failed tag:paper text`.

All terms must hold; `!` before one turns it round. `:` matches the beginning of a text, `=` the whole of it;
numbers compare with < <= > >= = and !=. A run that lacks what is asked for does not match.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

import models
from models.errors import InputError
from models.settings import suggest
from workbench.config import settings_of
from workbench.runs.state import Status
from workbench.runs.listing import RunRow

TEXTS = ("name", "model", "dataset", "status", "tags")  # columns of words; all else is a number or a setting
HELP = "Filters: model: data: state: tag: name:, a setting or metric with < <= > >= = !=, or a part of a name."

_COLUMNS = (*TEXTS, "step", "epoch", "progress", "seconds")
_ALIASES = {"lr": "learning_rate", "data": "dataset", "state": "status", "tag": "tags"}
_LIVE = "training"  # what the screens call a run whose file says that it is running
_STATES = (*get_args(Status), _LIVE, "broken")
_TERM = re.compile(
    r'\s*(?P<turned>!?)\s*(?:(?P<key>[A-Za-z_][\w-]*)\s*(?P<sign><=|>=|!=|<|>|=|:)\s*)?(?P<value>"[^"]*"?|[^\s"]*)'
)
_ORDER: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Term:
    """One condition."""

    key: str  # "" for a bare word
    sign: str
    value: str  # in small letters
    turned: bool = False

    def matches(self, row: RunRow) -> bool:
        """Whether the run meets the condition."""
        return self._holds(row) != self.turned

    def _holds(self, row: RunRow) -> bool:
        if not self.key:
            words = {*_states(row), row.model.casefold(), row.dataset.casefold(), *map(str.casefold, row.tags)}
            return self.value in row.name.casefold() or self.value in words
        found = row.value(self.key)
        if self.sign in _ORDER:
            return _is_number(found) and _ORDER[self.sign](found, float(self.value))
        if self.key in {"tags", "status"}:
            return (self.sign == "!=") != any(map(self._is, row.tags if self.key == "tags" else _states(row)))
        there = found is not None or self.key in row.settings or self.key in row.metrics
        return there and (self.sign == "!=") != self._is(found)

    def _is(self, found: Any) -> bool:
        number = _number(self.value)
        if _is_number(found) and number is not None:
            return bool(found == number)
        text = "none" if found is None else str(found).casefold()
        return text.startswith(self.value) if self.sign == ":" else text == self.value


@dataclass(frozen=True)
class Query:
    """Conditions that a run must all meet; none at all is met by every run."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: RunRow) -> bool:
        """Whether the run meets all of them."""
        return all(term.matches(row) for term in self.terms)


def parse(text: str, rows: Iterable[RunRow] = ()) -> Query:
    """Read a filter. `rows` are the runs there are: their settings and metrics may be asked for, and every model's.

    Raises `InputError` with what is wrong and what is possible.
    """
    rows = list(rows)
    return Query(tuple(_term(match, rows) for match in _TERM.finditer(text) if match[0].strip()))


def names(rows: Iterable[RunRow]) -> list[str]:
    """What can be asked for by name: columns, the settings of every model and of the runs, the runs' metrics."""
    settings = (name for model in models.names() for name in settings_of(model))
    own = (name for row in rows for name in (*row.metrics, *row.settings))
    return list(dict.fromkeys((*_COLUMNS, *settings, *own)))


def _term(match: re.Match[str], rows: list[RunRow]) -> Term:
    written, sign = match[0].strip(), match["sign"] or ""
    value = match["value"].strip('"').casefold()
    if not value:
        raise InputError(f"{written!r} lacks a value. {HELP}")
    if not sign:
        return Term("", "", value, bool(match["turned"]))
    key = match["key"].lower().replace("-", "_")
    key = _ALIASES.get(key, key)
    known = names(rows)
    if key not in known:
        near = suggest(key, [*known, *_ALIASES])
        raise InputError(f"There is no setting or metric {match['key']!r}.{near} {HELP}")
    if sign in _ORDER and key in TEXTS:
        raise InputError(f"{written!r}: {match['key']} has no order; use ':' or '='.")
    if sign in _ORDER and _number(value) is None:
        raise InputError(f"{written!r}: {value!r} is not a number.")
    _check_choice(key, value, rows)
    return Term(key, sign, value, bool(match["turned"]))


def _states(row: RunRow) -> tuple[str, ...]:
    """What a run's state may be called."""
    return (row.status, _LIVE) if row.status == "running" else (row.status,)


def _check_choice(key: str, value: str, rows: list[RunRow]) -> None:
    """Raise `InputError` for a state or a model that does not exist; half a word is one being typed."""
    choices = {"status": _STATES, "model": (*models.names(), *(row.model for row in rows if row.model))}
    known = sorted(set(choices.get(key, ())))
    if known and not any(choice.startswith(value) for choice in known):
        noun = "state" if key == "status" else key
        raise InputError(f"There is no {noun} {value!r}.{suggest(value, known)} There are {', '.join(known)}.")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
