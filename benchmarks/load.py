"""What the screen costs training, and what a terminal that stalls or is resized does to it."""

import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from report import Rows, verdict
from trial import FOR_EVER, Usage, headless, last, state, training

from tests.terminal_emulator import Program

COSTS = (
    "", "throughput, with the screen against without", "of each pair", "whole run", "images/s without",
    "screen's thread, cores", "to the terminal, kB/s", "pairs", "must be", "is",
)  # fmt: skip
PACES = ("", "steps/s before", "meanwhile", "ratio", "the screen after it", "both as they must be")
EPOCHS = ("--epochs", "6", "--evaluate", "none")
NO_STOPS = ("--every", "100000")  # pictures are taken once, by a key: each time costs a second of steps
STALL_SECONDS, SIZES, ENOUGH = 30.0, 200, 0.95


def attached(folder: Path, *flags: str) -> tuple[Path, float, float]:
    """Train in the workbench to the end: the run, cores of the screen's thread, bytes a second to the terminal."""
    with training(folder, *flags) as (bench, run):
        usage = Usage(bench)
        while state(run)["status"] == "running":
            bench.drain(0.2, draw=False)
        cores, rate = usage.end()
        bench.drain(1, draw=False)  # its process ends a little later than it says
        bench.press("q")
        bench.ends()
    return run, cores, rate


def throughput(folder: Path) -> Rows:
    """Training with and without the screen, in turns."""
    rows: Rows = []
    for name, threads, pairs in (
        ("`--threads 1` for both", ("--threads", "1"), 5),
        ("threads as each chooses", (), 3),
    ):
        ratios, walls, alone, cores, rates = [], [], [], [], []
        for _ in range(pairs):
            without = state(headless(folder, *EPOCHS, *threads))
            run, core, rate = attached(folder, *EPOCHS, *threads)
            watched = state(run)
            alone.append(without["images_per_second"])
            ratios.append(watched["images_per_second"] / without["images_per_second"])
            walls.append(without["seconds"] / watched["seconds"])
            cores.append(core)
            rates.append(rate / 1000)
        must = (f">= {ENOUGH}", verdict(median(ratios) >= ENOUGH)) if threads else ("", "")
        rows.append([
            name, f"{median(ratios):.3f}", ", ".join(f"{ratio:.3f}" for ratio in ratios), f"{median(walls):.3f}",
            f"{median(alone):,.0f}", f"{median(cores):.3f}", f"{median(rates):.1f}", str(pairs), *must,
        ])  # fmt: skip
    return rows


def stalled(folder: Path) -> Rows:
    """A terminal that reads nothing for 30 s."""
    with training(folder, *FOR_EVER, *NO_STOPS) as (bench, run):
        bench.press("s")
        bench.drain(4)
        before = pace_while(run, lambda: bench.drain(10))
        during = pace_while(run, lambda: time.sleep(STALL_SECONDS))
        newest = round(last(run)["epoch"], 1)
        bench.pressed_at = time.perf_counter()
        recovered = bench.wait(lambda seen: shown_epoch(seen) >= newest, 20)
    what = f"nothing is read for {STALL_SECONDS:.0f} s"
    after = f"the newest epoch is on it {recovered:.1f} s after reading goes on"
    good = during >= ENOUGH * before and recovered < 5
    return [[what, f"{before:.1f}", f"{during:.1f}", f"{during / before:.2f}", after, verdict(good)]]


def resized(folder: Path) -> Rows:
    """A window that is given 200 sizes in a row."""
    with training(folder, *FOR_EVER, *NO_STOPS) as (bench, run):
        bench.press("s")
        bench.drain(4)
        before = pace_while(run, lambda: bench.drain(10))

        def resize() -> None:
            for _ in range(SIZES):
                bench.resize(random.randint(20, 220), random.randint(5, 70))
                bench.drain(0.06)

        during = pace_while(run, resize)
        bench.resize(120, 36)
        bench.press("p")
        bench.wait("paused")
        bench.press("M")  # any key takes the message out of the last line
        bench.settle(quiet=1)
        left = steady(bench)
        bench.press("ctrl+l")
        bench.settle(quiet=1)
        right = left == steady(bench)
    after = "it is what a repaint draws" if right else "**a repaint draws it otherwise**"
    good = during >= ENOUGH * before and right
    what = f"{SIZES} sizes from 20x5 to 220x70"
    return [[what, f"{before:.1f}", f"{during:.1f}", f"{during / before:.2f}", after, verdict(good)]]


def steady(bench: Program) -> list[str]:
    """The screen without the line that measures the machine."""
    return [line for line in bench.lines if "cores busy" not in line]


def pace_while(run: Path, act: Callable[[], object]) -> float:
    """Steps a second of a run while something is done, by its own records."""
    begin = last(run)
    act()
    end = last(run)
    return (end["step"] - begin["step"]) / (end["seconds"] - begin["seconds"])


def shown_epoch(bench: Program) -> float:
    """The epoch that the line above the panes names."""
    found = re.search(r"epoch +([\d,.]+)/", bench.text)
    return float(found[1].replace(",", "")) if found else 0.0
