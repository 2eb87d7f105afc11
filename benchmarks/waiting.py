"""How long a thread that waits for another should look before it sleeps: steps alone, and beside other load.

    python benchmarks/waiting.py                    five rounds: ten minutes
    python benchmarks/waiting.py --update           the same, and the table in docs/benchmarks.md
    python benchmarks/waiting.py --rounds 1         to see that it works

Each step is that of the MLP VAE, on two threads but for the last row, in a process of its own, since OpenMP reads
the setting once. The settings take turns; the other load is one process, or two, that each keep a core busy, or
another such training.
"""

import argparse
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import NamedTuple

from report import Rows, publish, ranged

from workbench.cores import WAITING


class Setting(NamedTuple):
    """What a training is started with."""

    environment: dict[str, str]
    threads: str = "2"


SETTINGS = {
    "none: asleep at once": Setting({"OMP_WAIT_POLICY": "passive"}),
    "3,000 looks: genbench's": Setting(WAITING),
    "30,000 looks": Setting({**WAITING, "GOMP_SPINCOUNT": "30000"}),
    "OpenMP's default": Setting({}),
    "genbench's, and as many threads as are found fastest": Setting(WAITING, "none"),
}
SECONDS, LEAST = 3.0, 10
SPIN = [sys.executable, "-c", "print(); import itertools; [None for _ in itertools.count()]"]
TRAIN = [sys.executable, __file__, "other"]
LOADS = {
    "alone": [], "beside one busy process": [SPIN], "beside two": [SPIN, SPIN],
    "beside another training": [TRAIN],
}  # fmt: skip


def steps(threads: str, endless: bool) -> Iterator[float]:
    """Take steps, and give the seconds of each."""
    from growth import training

    with training(512, 28, 128, threads, network="mlp") as found:
        print(flush=True)  # whoever started this may go on
        began = time.perf_counter()
        for count in itertools.count(1):
            begin = time.perf_counter()
            found.step()
            yield time.perf_counter() - begin
            if count % 100 == 0:
                found.report()
            if not endless and count >= LEAST and time.perf_counter() - began > SECONDS:
                return


def measured(setting: Setting, load: list[list[str]]) -> float:
    """Milliseconds a step, the median, in a new process."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_"))}
    environment |= setting.environment
    start = partial(subprocess.Popen, env=environment, stdout=subprocess.PIPE, text=True)
    others = [start(line) for line in load]
    try:
        for other in others:
            assert other.stdout is not None
            other.stdout.readline()
        with start([sys.executable, __file__, "child", "--threads", setting.threads]) as done:
            said = done.communicate()[0]
        assert done.returncode == 0
    finally:
        for other in others:
            other.kill()
            other.communicate()
    return float(said.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "child", "other"], help=argparse.SUPPRESS)
    parser.add_argument("--threads", default="2", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.what != "all":
        print(1000 * median(steps(options.threads, endless=options.what == "other")))
        return
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(options.rounds):
        for beside, load in LOADS.items():
            for name, setting in SETTINGS.items():
                found.setdefault((name, beside), []).append(measured(setting, load))
    rows: Rows = [[name, *(ranged(found[name, beside], 1) for beside in LOADS)] for name in SETTINGS]
    header = ("a thread that waits looks", *(f"ms a step, {beside}" for beside in LOADS))
    publish("waiting", header, rows, options.update)


if __name__ == "__main__":
    main()
