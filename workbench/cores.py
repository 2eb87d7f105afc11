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
