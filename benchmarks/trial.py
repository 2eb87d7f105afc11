"""The workbench on a terminal, set up for a measurement: opened, training, or with a finished run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.terminal_emulator import Program, workbench, working_in

FORM = "latent"  # a setting that the form names
SETTINGS = ("--model", "vae", "--dataset", "digits")
FOR_EVER = ("--epochs", "100000")


def program(folder: Path, *flags: str) -> Program:
    """The workbench, started; what it remembers stays in `folder`."""
    command = workbench("--runs-dir", folder / "runs", *SETTINGS, *flags)
    return Program(command, folder, {"GENBENCH_CONFIG_DIR": str(folder / "choices")})


@contextmanager
def training(folder: Path, *flags: str) -> Iterator[tuple[Program, Path]]:
    """The workbench with a run that trains in it, past its first steps, and the folder of that run."""
    before = set((folder / "runs").glob("*"))
    with program(folder, *flags) as bench:
        bench.wait(FORM)
        bench.press("s")
        bench.wait(
            lambda _: set((folder / "runs").glob("*/metrics.jsonl")) - {b / "metrics.jsonl" for b in before}, 60
        )
        (run,) = set((folder / "runs").glob("*")) - before
        bench.wait(lambda _: last(run)["step"] >= 20, 60)
        try:
            yield bench, run
        finally:
            end(folder)


def end(folder: Path) -> None:
    """End the runs that outlive their workbench, and wait for them."""
    left = [process for process in working_in(folder) if "workbench.worker" in process.cmdline()]
    for process in left:
        process.terminate()
    psutil.wait_procs(left, timeout=30)


def headless(folder: Path, *flags: str) -> Path:
    """Train without the workbench, to the end; the folder of the run."""
    before = set((folder / "runs").glob("*"))
    command = [sys.executable, "-m", "workbench", "--no-ui", "--quiet", "--runs-dir", str(folder / "runs")]
    subprocess.run([*command, *SETTINGS, *flags], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (run,) = set((folder / "runs").glob("*")) - before
    return run


def state(run: Path) -> dict[str, Any]:
    """What state.json says."""
    found: dict[str, Any] = json.loads((run / "state.json").read_text(encoding="utf-8"))
    return found


def last(run: Path) -> dict[str, Any]:
    """The newest training record; step 0 before there is one."""
    path = run / "metrics.jsonl"
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    for line in reversed(written.split("\n")[:-1]):  # the last one may be half written
        record: dict[str, Any] = json.loads(line)
        if record["split"] == "train":
            return record
    return {"step": 0, "seconds": 0.0}


class Usage:
    """What the screen takes: the share of a core of the program's main thread, and bytes to the terminal."""

    def __init__(self, bench: Program) -> None:
        self._bench, self._cpu, self._bytes, self._at = bench, _cpu(bench), len(bench.written), time.perf_counter()

    def end(self) -> tuple[float, float]:
        """(cores, bytes a second) since it was made."""
        seconds = time.perf_counter() - self._at
        cores = (_cpu(self._bench) - self._cpu) / os.sysconf("SC_CLK_TCK") / seconds
        return cores, (len(self._bench.written) - self._bytes) / seconds


def _cpu(bench: Program) -> int:
    """Ticks of the main thread, in user and kernel mode."""
    pid = bench.process.pid
    fields = Path(f"/proc/{pid}/task/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
