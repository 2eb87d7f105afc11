"""What a redraw of a chart costs: with a thousand and with a million points, in pairs, one after the other.

    python benchmarks/chart.py                     a minute; prints medians, extremes and their ratio
    python benchmarks/chart.py --points 100000 --pairs 50

Each redraw is one of a live run: a record arrives, the smoothed line and the band follow, all is drawn anew.
A chart is a training line with its band and twelve held-out points. Nothing else should run meanwhile.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import numpy as np
from rich.style import Style

from workbench.runs.trace import Trace
from workbench.terminal.chart import Line, View, draw
from workbench.terminal.look import Look

FEW = 1000
SIZES = ((100, 30), (58, 16))  # a chart that has the screen, and one of a pane at 120x36
LOOK = Look(series=(Style(color="#5fafff"), Style(color="#ffaf5f")))


def loss(points: int) -> list[Line]:
    """A VAE's loss: it falls, it is noisy, and each record knows the least and the most of its steps."""
    noise = np.random.default_rng(0)
    step = 6.0 * np.arange(1, points + 1)
    share = step / step[-1]
    value = 98 + 440 * np.exp(-40 * share) + 60 * np.exp(-6 * share) + noise.normal(0, 4, points)
    low, high = value - noise.exponential(4, points), value + noise.exponential(4, points)
    rows = np.stack([step, step / 120, step / 50, value, low, high], axis=1)
    held_out = rows[points // 12 - 1 :: points // 12].copy()
    held_out[:, 4:] = math.nan
    return [Line("train", Trace(rows)), Line("held-out", Trace(held_out), "held-out", 1)]


def milliseconds(work: Callable[..., object], *arguments: object) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work(*arguments)
    return 1000 * (time.perf_counter() - start)


def redraw(lines: list[Line], view: View, columns: int, rows: int) -> None:
    """One record more, and the chart."""
    step, epoch, seconds, value, low, high = lines[0].trace[-1]
    lines[0].trace.append(step + 6, epoch + 0.05, seconds + 0.12, value, low, high)
    draw(lines, view, columns, rows, LOOK)


def told(times: list[float]) -> str:
    """Median and extremes."""
    return f"{statistics.median(times):6.2f} ms ({min(times):.2f} to {max(times):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=25)
    options = parser.parse_args()
    few, many = loss(FEW), loss(options.points)

    print(f"{'chart':9}{'smoothing':11}{f'{FEW:,} points':32}{f'{options.points:,} points':32}ratio")
    for columns, rows in SIZES:
        for smoothing in (0.0, 0.9):
            view = View(smoothing=smoothing)
            for lines in (few, many):  # the first redraw smooths all that is there
                redraw(lines, view, columns, rows)
            short, long = [], []
            for _ in range(options.pairs):
                short.append(milliseconds(redraw, few, view, columns, rows))
                long.append(milliseconds(redraw, many, view, columns, rows))
            ratio = statistics.median(long) / statistics.median(short)
            print(f"{f'{columns}x{rows}':9}{smoothing:<11}{told(short):32}{told(long):32}{ratio:.2f}")
    changes = [milliseconds(many[0].trace.smoothed, -1, weight) for weight in (0.6, 0.8, 0.97, 0.99)]
    print(f"another weight of smoothing, {options.points:,} points: {told(changes).strip()}")


if __name__ == "__main__":
    main()
