"""The next larger and the next smaller value of a setting, as a person would choose it."""

import math
from typing import Any

from models.settings import Setting

# Where a setting that is unset begins when it is raised; any other begins at its lowest value.
_BEGIN: dict[str, Any] = {"steps": 1000, "limit": 1000, "clip": 1.0, "image_size": 32}
_SHARES = (*(n / 10 for n in range(10)), 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999)
_SMALLEST = 0.001  # of a number that may be 0, before it is
_TINY = 1e-12  # of one that may not


def stepped(setting: Setting, value: Any, up: bool) -> Any:
    """The value after `value`, or before it; `value` itself where there is none, and for text."""
    if setting.kind in {"text", "path"}:
        return value
    if setting.kind in {"choice", "switch"}:
        choices = (*((None,) * setting.optional), *(setting.choices or (False, True)))
        return choices[(choices.index(value) + (1 if up else -1)) % len(choices)]
    if value is None:
        return _first(setting) if up else None
    found = (_whole if setting.kind == "whole" else _number)(setting, value, up)
    return None if found == value and not up and setting.optional else found


def _first(setting: Setting) -> Any:
    return _BEGIN.get(setting.name, setting.low)


def _whole(setting: Setting, value: int, up: bool) -> int:
    low, high = int(setting.low or 0), setting.high
    if high is not None and 16 < high <= 65_536:  # a size: powers of two
        found = 1 << value.bit_length() if up else 1 << max((value - 1).bit_length() - 1, 0)
    else:
        size = _stride(value if up else value - 1)
        found = (value // size + 1) * size if up else (-(-value // size) - 1) * size
    most = found if high is None else int(high) - setting.open_high
    return max(low, min(found, most))


def _stride(value: int) -> int:
    """1 below 50, then 5, 10, 50, 100, ...: a tenth of the value, or somewhat less."""
    power = 10 ** max(len(str(value)) - 2, 0)
    return power * (5 if value >= 50 * power else 1)


def _number(setting: Setting, value: float, up: bool) -> float:
    low, high = setting.low or 0.0, setting.high
    if not setting.open_low and high is not None and high <= 1:
        ladder = _SHARES if setting.open_high else tuple(low + (high - low) * n / 10 for n in range(11))
        near = [step for step in ladder if (step > value * (1 + 1e-9) if up else step < value * (1 - 1e-9))]
        return (min(near) if up else max(near)) if near else value
    if up:
        found = _SMALLEST if value == 0 else _one_two_five(value, up)
        return found if high is None else min(found, high)
    if not setting.open_low and value <= _SMALLEST:
        return low
    if value <= _TINY:
        return value
    return max(_one_two_five(value, up), low)


def _one_two_five(value: float, up: bool) -> float:
    """The nearest of 1, 2, 5, 10, ... above or below a positive number."""
    exponent = math.floor(math.log10(value))
    ladder = [float(f"{digit}e{power}") for power in range(exponent - 1, exponent + 2) for digit in (1, 2, 5)]
    if up:
        return min(step for step in ladder if step > value * (1 + 1e-9))
    return max(step for step in ladder if step < value * (1 - 1e-9))
