"""How fast the workbench answers and what it costs, measured through a real terminal.

    python benchmarks/screen.py keys              one measurement: help, first-paint, first-point, keys, redraw,
                                                  throughput, stalled or resize
    python benchmarks/screen.py all --update      all of them (six minutes), and their tables in docs/benchmarks.md

A key is written to a pseudo terminal, and the clock stops at the piece of output after which the screen, as pyte
draws it, shows what the key was for. Program, training, and this script share two cores.
"""

import argparse
import os
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import chart
import load
from report import Rows, keep, percentile, spread, table, verdict
from trial import FOR_EVER, FORM, program, training

from tests.terminal_emulator import Program, workbench
from workbench.terminal.chart import View

CORES = 2
HEADER = ("", "median, ms", "p95", "max", "samples", "must be", "is")
KEYS = 60
Sees = Callable[[Program], bool]
Press = Callable[[Program], tuple[str, Sees]]  # the key, and how to know that it was obeyed


def help_text(folder: Path) -> Rows:
    """From starting `genbench --help` to its end."""
    samples = []
    for _ in range(11):
        begin = time.perf_counter()
        subprocess.run(workbench("--help"), cwd=folder, check=True, stdout=subprocess.DEVNULL)
        samples.append(time.perf_counter() - begin)
    return [["`genbench --help`", *spread(samples), "median < 200", verdict(median(samples) < 0.2)]]


def first_paint(folder: Path) -> Rows:
    """From starting the program to the form on the screen."""
    samples, with_torch = [], 0
    for _ in range(11):
        with program(folder) as bench:
            samples.append(bench.wait(FORM))
            maps = Path(f"/proc/{bench.process.pid}/maps").read_text(encoding="utf-8")
            with_torch += "libtorch" in maps
            bench.press("q")
            bench.ends()
    what = f"first paint (torch in memory by then: {with_torch} of {len(samples)})"
    good = max(samples) < 0.6 and not with_torch
    return [[what, *spread(samples), "< 600, without torch", verdict(good)]]


def first_point(folder: Path) -> Rows:
    """From starting the program, and from the key, to a curve in the chart."""
    from_start, from_key = [], []
    for _ in range(3):
        with program(folder, *FOR_EVER) as bench:
            painted = bench.wait(FORM)
            bench.press("s")
            from_key.append(bench.wait(chart_has_a_curve, timeout=60))
            from_start.append(painted + from_key[-1])
            leave(bench)
    return [
        ["first point on the chart", *spread(from_start), "< 10,000", verdict(max(from_start) < 10)],
        ["of that, after the key", *spread(from_key), "", ""],
    ]


def chart_has_a_curve(bench: Program) -> bool:
    """Whether there is a mark at the right of the loss chart's vertical axis."""
    return any(re.match(r"│ *[\d.,]*[│┤].*?[\u2801-\u28ff●].*?││", line) for line in bench.lines)


def keys(folder: Path) -> Rows:
    """From a key to the screen: while a run trains, and then with nothing but the screen to do."""
    with training(folder, *FOR_EVER) as (bench, _):
        bench.drain(1.5)
        bench.press("left")
        bench.wait(lambda seen: chart_cursor(seen) != "")
        busy = {
            "chart cursor, while a VAE trains": timed(bench, [along_the_chart(n) for n in range(KEYS)]),
            "to another pane, while a VAE trains": timed(bench, [to_a_pane(n) for n in range(KEYS)]),
        }
        leave(bench)
    with program(folder) as bench:
        bench.wait(FORM)
        bench.drain(6)  # torch is imported meanwhile
        bench.press("S")
        bench.settle()
        idle = {"form cursor, idle": timed(bench, [down_the_form(n) for n in range(KEYS)])}
        bench.press("3")
        bench.wait("stopped")
        bench.press("enter")
        bench.wait(chart_has_a_curve)
        idle["another view, idle"] = timed(bench, [to_a_view(n) for n in range(KEYS)])
        bench.press("2")
        bench.wait(chart_has_a_curve)
        bench.press("left")
        bench.wait(lambda seen: chart_cursor(seen) != "")
        idle["chart cursor, idle"] = timed(bench, [along_the_chart(n) for n in range(KEYS)])
        bench.press("q")
        bench.ends()
    return [
        [what, *spread(samples), f"p95 < {limit}", verdict(1000 * percentile(samples) < limit)]
        for group, limit in ((idle, 30), (busy, 100))
        for what, samples in group.items()
    ]


def timed(bench: Program, presses: Iterable[Press]) -> list[float]:
    """Write keys at random intervals; the time until what each is for is seen."""
    samples = []
    for make in presses:
        bench.drain(random.uniform(0.05, 0.15))
        key, sees = make(bench)
        bench.press(key)
        samples.append(bench.wait(sees, 10))
    return samples


def chart_cursor(bench: Program) -> str:
    """What the chart says of its cursor: "step 60"."""
    found = re.search(r"╰─+ (step \d+), epoch", bench.text)
    return found[1] if found else ""


def along_the_chart(n: int) -> Press:
    """Four columns to the left, four to the right; the chart names another step."""

    def press(bench: Program) -> tuple[str, Sees]:
        before = chart_cursor(bench)
        return "left" if n % 8 < 4 else "right", lambda seen: chart_cursor(seen) not in {before, ""}

    return press


def to_a_pane(n: int) -> Press:
    """To another pane: its frame takes the colour of the focus."""
    letter = "SRLM"[n % 4]

    def press(bench: Program) -> tuple[str, Sees]:
        at = next((y, line.index(f"╭─ {letter} ")) for y, line in enumerate(bench.lines) if f"╭─ {letter} " in line)
        before = bench.emulator.styled(at[0])[at[1]]
        return letter, lambda seen: seen.emulator.styled(at[0])[at[1]] != before

    return press


def down_the_form(n: int) -> Press:
    """Down the settings and up again: the mark of the cursor is in another row."""

    def press(bench: Program) -> tuple[str, Sees]:
        before = [y for y, line in enumerate(bench.lines) if "▸" in line]
        return (
            "down" if n % 4 < 2 else "up",
            lambda seen: before != [y for y, _ in enumerate(seen.lines) if "▸" in _],
        )

    return press


def to_a_view(n: int) -> Press:
    """To another view: what stands in it alone."""
    key, text = (("1", FORM), ("2", "S Samples"), ("3", "key number"))[n % 3]
    return lambda _: (key, lambda seen: text in seen.text)


def leave(bench: Program) -> None:
    """Leave with a run that trains."""
    bench.press("q")
    bench.wait("is training")
    bench.press("X")
    bench.ends(60)


def redraw(_: Path) -> Rows:
    """A chart of a million points against one of a thousand, drawn in turns; `chart.py` has more of it."""
    rows = []
    few, many = chart.loss(chart.FEW), chart.loss(1_000_000)
    for columns, height in chart.SIZES:
        view = View(smoothing=0.9)
        times: dict[str, list[float]] = {"few": [], "many": []}
        for turn in range(26):
            for name, lines in (("few", few), ("many", many)):
                taken = chart.milliseconds(chart.redraw, lines, view, columns, height)
                if turn:  # the first one smooths all that is there
                    times[name].append(taken)
        short, long = median(times["few"]), median(times["many"])
        ratio = long / short
        rows.append(
            [f"{columns}x{height}", f"{short:.1f}", f"{long:.1f}", f"{ratio:.2f}", "<= 1.5", verdict(ratio <= 1.5)]
        )
    return rows


MEASUREMENTS = {
    "help": (HEADER, help_text),
    "first-paint": (HEADER, first_paint),
    "first-point": (HEADER, first_point),
    "keys": (HEADER, keys),
    "redraw": (("chart", "1,000 points, ms", "1,000,000", "ratio", "must be", "is"), redraw),
    "throughput": (load.COSTS, load.throughput),
    "stalled": (load.PACES, load.stalled),
    "resize": (load.PACES, load.resized),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*MEASUREMENTS, "all"])
    parser.add_argument("--update", action="store_true", help="write the tables into docs/benchmarks.md")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for name, (header, measure) in MEASUREMENTS.items():
        if options.what in {name, "all"}:
            with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
                text = table(header, measure(Path(folder)))
            print(text, flush=True)
            if options.update:
                keep(name, text)


if __name__ == "__main__":
    main()
