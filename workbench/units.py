"""Numbers, times and names as a person reads them, the same on the console and on the screen."""

import time
from pathlib import Path
from typing import Any


def number(value: float | None) -> str:
    """A metric to four figures: 94.12, 0.002951, 1.200e-07, 22,610; a dash where there is none."""
    if value is None:
        return "–"
    if value and abs(value) < 1e-4:
        return f"{value:.3e}"
    return f"{value:,.0f}" if 1e3 <= abs(value) < 1e9 else f"{value:#.4g}"


def duration(seconds: float) -> str:
    """41 s, 3 min 05 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def age(seconds: float) -> str:
    """How long ago, in one unit: 5 s, 3 min, 2 h, 4 d."""
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(int(seconds), 0)} s"


def plain(value: Any) -> str:
    """A setting's value as it would be typed."""
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def dataset_title(dataset: str) -> str:
    """What a table or a heading calls a set; a folder by its own name, whether or not it is still there."""
    return Path(dataset).name if dataset.startswith("folder:") else dataset


class Pace:
    """How far something is, in words: "decoding images 12,300 of 100,000, 2,100 images/s", or in percent."""

    def __init__(self) -> None:
        self._what, self._since, self._begun_at = "", 0.0, 0

    def words(self, what: str, done: int, total: int) -> str:
        """What is being done, how much of it is done, of how much; 0 where that is not known."""
        now = time.monotonic()
        if what != self._what:
            self._what, self._since, self._begun_at = what, now, done
        if not total:
            return f"{what} ..."
        if not what.endswith(" images"):
            return f"{what} {done / total:.0%}"
        said, seconds = f"{what} {done:,} of {total:,}", now - self._since
        return f"{said}, {(done - self._begun_at) / seconds:,.0f} images/s" if seconds >= 1 else said
