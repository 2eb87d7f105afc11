"""How many cores there are to use."""

import math
import os
from pathlib import Path


def available_cores() -> int:
    """Cores this process may use, which in a container or a batch job are fewer than the machine has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # a container's share, in microseconds of each period: "200000 100000" is two cores
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or "max"
        return cores


WAITING = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "3000"}


def share_cores() -> None:
    """How torch's threads wait for one another; to be said before torch is imported. What is set already stays.

    One that waits looks for a moment, 3,000 times, and then sleeps. Without that moment it wakes late, and steps
    of small networks take up to 1.9 times as long on free cores; with it, twice as long where others keep the cores
    busy, so that a run takes one thread there. Looking ten times as long can make it thirty times as slow there
    (`benchmarks/waiting.py`).
    """
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
