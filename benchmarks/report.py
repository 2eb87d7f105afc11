"""Tables of measurements: printed, and kept in docs/benchmarks.md with their date, machine and command."""

import os
import platform
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import metadata
from pathlib import Path
from statistics import median, quantiles

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"


Rows = list[list[str]]


def percentile(samples: Sequence[float]) -> float:
    """The 95th percentile."""
    return quantiles(samples, n=20, method="inclusive")[-1]


def spread(seconds: Sequence[float]) -> list[str]:
    """Median, 95th percentile and maximum in milliseconds, and how many there are."""
    values = median(seconds), percentile(seconds), max(seconds)
    return [*(f"{1000 * value:,.{1 if value < 1 else 0}f}" for value in values), str(len(seconds))]


def ranged(values: Sequence[float], digits: int = 2) -> str:
    """The median, and from where to where the values go."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"**{middle}** ({low}–{high})"


def verdict(good: bool) -> str:
    """Whether a row meets what it must."""
    return "yes" if good else "**no**"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells as Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def circumstances() -> str:
    """The date, the machine and the command, in a sentence."""
    command = " ".join(["python", *sys.argv]).replace(" --update", "")
    command = re.sub(r"(--(?:data|peer)-dir[ =])\S+", r"\1PATH", command)
    command = re.sub(r" --runs-dir[ =]\S+", "", command)
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("torch", "textual", "plotext"))
    return (
        f"{datetime.now().astimezone():%Y-%m-%d}, `{command}`, {_processor()}, "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}, {versions}."
    )


def _processor() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        named = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        named = None
    return f"{cores} cores of {named[1] if named else platform.machine()}"


def keep(name: str, text: str, path: Path = PAGE) -> None:
    """Put a table between its marks in a page of docs/."""
    page = path.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- table: {re.escape(name)} -->\n).*?(<!-- end -->)", re.DOTALL)
    assert marks.search(page), f"{path} has no place for the table {name}"
    page = marks.sub(lambda found: f"{found[1]}{text}\n\n{circumstances()}\n{found[2]}", page)
    path.write_text(page, encoding="utf-8")


def publish(
    name: str, header: Sequence[str], rows: Sequence[Sequence[str]], update: bool, page: Path = PAGE
) -> None:
    """Print a table, and keep it where that is asked for."""
    text = table(header, rows)
    print(text)
    if update:
        keep(name, text, page)
