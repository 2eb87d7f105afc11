"""Numbers as a chart writes them: short, and the ticks of an axis alike."""

import math
from collections.abc import Iterator, Sequence

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_SMALLEST = 1e-308  # in the place of a step that is nought in a unit
_UNITS = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))


def ticks(values: Sequence[float], step: float, aligned: bool = True) -> list[str]:
    """The shortest way to write ticks that are a round `step` apart: plain, in thousands or millions, or as powers.

    Aligned labels have the same number of decimals.
    """
    return min(_ways(values, step, aligned), key=lambda way: sum(map(len, way)), default=[])


def _ways(values: Sequence[float], step: float, aligned: bool) -> Iterator[list[str]]:
    largest = max(map(abs, values), default=0.0)
    units = [*_UNITS]
    if largest:
        exponent = math.floor(math.log10(largest) + 1e-9)
        units.append((10.0**exponent, f"e{exponent}"))
    for unit, suffix in units:
        decimals = max(0, math.ceil(-math.log10(step / unit or _SMALLEST) - 1e-9))
        texts = [f"{value / unit:.{decimals}f}" for value in values]
        if decimals and not aligned:
            texts = [text.rstrip("0").rstrip(".") for text in texts]
        yield ["0" if value == 0.0 else text + suffix for value, text in zip(values, texts, strict=True)]


def clock(seconds: float, step: float) -> str:
    """A time as a tick shows it: `2h`, `1h20`, `5m`, `1:20`, `2.5s`; `step` is what lies between two ticks."""
    if not seconds:
        return "0"
    sign, rest = ("-" if seconds < 0 else ""), abs(seconds)
    if step < 1.0:
        return f"{sign}{ticks([rest], step)[0]}s"
    hours, rest = divmod(round(rest), _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    if step >= _DAY:
        return f"{sign}{hours // 24}d"
    if step >= _HOUR:
        return f"{sign}{hours}h"
    if step >= _MINUTE:
        return f"{sign}{hours}h{minutes:02}" if hours else f"{sign}{minutes}m"
    return f"{sign}{hours}h{minutes:02}:{rest:02}" if hours else f"{sign}{minutes}:{rest:02}"
