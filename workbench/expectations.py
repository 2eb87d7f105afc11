"""`--expect "recon_mse<=0.02"`: what a run must reach for its command to succeed."""

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from models.errors import InputError
from models.settings import suggest

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FORM = re.compile(r"\s*(\w+(?:@\w+)?)\s*(<=|>=|<|>)\s*(\S+)\s*")


@dataclass(frozen=True)
class Expectation:
    """One bound on one number of a finished run."""

    metric: str
    comparison: str
    bound: float

    def failure(self, values: Mapping[str, float | None]) -> str | None:
        """None where `values` meet the bound; else a sentence: what was expected, what was found, by how much."""
        found = values.get(self.metric)
        expected = f"Expected {self.metric} {self.comparison} {self.bound:g}"
        if found is None or not math.isfinite(found):
            return f"{expected}; the run has no finite {self.metric}."
        if _COMPARE[self.comparison](found, self.bound):
            return None
        return f"{expected}; it is {found:.6g}, off by {abs(found - self.bound):.3g}."


def parse(texts: Iterable[str], known: Iterable[str]) -> list[Expectation]:
    """Read expectations on metrics in `known`. Raises `InputError` with a line for each that is not one."""
    known = list(dict.fromkeys(known))
    found, problems = [], []
    for text in texts:
        match = _FORM.fullmatch(text)
        bound = _number(match[3]) if match else math.nan
        if match is None or not math.isfinite(bound):
            problems.append(f"--expect {text!r} is no expectation; write a metric, <= < >= or >, and a number.")
        elif match[1].partition("@")[0] not in known:
            problems.append(
                f"--expect {text!r}: there is no metric {match[1]!r}.{suggest(match[1], known)} "
                f"Metrics: {', '.join(known)}."
            )
        else:
            found.append(Expectation(match[1], match[2], bound))
    if problems:
        raise InputError("\n".join(problems))
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
