"""How long a thread that waits for another should look before it sleeps: steps alone, and beside other load.

    python benchmarks/waiting.py                    five rounds: seven minutes
    python benchmarks/waiting.py --update           the same, and the table in docs/benchmarks.md
    python benchmarks/waiting.py --rounds 1         to see that it works

Each step is that of the MLP VAE on two threads, in a process of its own, since OpenMP reads the setting once. The
settings take turns; the other load is one process, or two, that each keep a core busy.
"""

import argparse
import os
import subprocess
import sys
import time
from statistics import median

from report import Rows, keep, table

SETTINGS = {
    "none: asleep at once": {"OMP_WAIT_POLICY": "passive"},
    "3,000 looks: genbench's": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"},
    "30,000 looks": {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "30000"},
    "OpenMP's default": {},
}
SECONDS, LEAST = 3.0, 20
LOADS = (0, 1, 2)
BUSY = "while True: pass"


def child() -> None:
    """Print the median of the milliseconds that a step takes."""
    from growth import training

    with training(512, 28, 128, "2", network="mlp") as found:
        taken: list[float] = []
        began = time.perf_counter()
        while len(taken) < LEAST or time.perf_counter() - began < SECONDS:
            begin = time.perf_counter()
            found.step()
            taken.append(time.perf_counter() - begin)
            if len(taken) % 100 == 0:
                found.report()
        found.report()
    print(1000 * median(taken))


def measured(setting: dict[str, str], busy: int) -> float:
    """Milliseconds a step, in a new process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))} | setting
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(busy)]
    try:
        line = [sys.executable, __file__, "child"]
        done = subprocess.run(line, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    finally:
        for other in others:
            other.kill()
            other.wait()
    return float(done.stdout.splitlines()[-1])


def cell(values: list[float]) -> str:
    """Median and range."""
    return f"{median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "child"], help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.what == "child":
        child()
        return
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.rounds):
        for busy in LOADS:
            for name, setting in SETTINGS.items():
                found.setdefault((name, busy), []).append(measured(setting, busy))
    rows: Rows = [[name, *(cell(found[name, busy]) for busy in LOADS)] for name in SETTINGS]
    text = table(("a thread that waits looks", "ms a step, alone", "beside one busy process", "beside two"), rows)
    print(text)
    if options.update:
        keep("waiting", text)


if __name__ == "__main__":
    main()
