"""Starts the processes that train or measure: one for each run, none of which needs the workbench or its terminal.

Each is in a session of its own, so a terminal that goes takes none of them along, and their lines (see
`workbench/worker.py`) are read by a thread that has no way to a widget.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from workbench.config import RunConfig
from workbench.runs.folder import RunFolder
from workbench.ui.job import Job, Measurement

_HOME = Path(__file__).resolve().parents[2]  # where the packages `workbench` and `models` are
AnyJob = TypeVar("AnyJob", bound=Job)
_LAST_WORDS = 400  # bytes of what a process printed last


class Trainer:
    """Trains with the engine that `genbench --no-ui` uses. One process waits with torch imported."""

    def __init__(self) -> None:
        self._spare: Process | None = None

    def warm(self) -> None:
        """Start a process that imports torch, which takes seconds, and waits for a run."""
        if self._spare is None or not self._spare.alive:
            self.close()
            with suppress(OSError):  # it is tried again, and told, when a run starts
                self._spare = Process()

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """Begin a new run."""
        title = f"{config.model_name} on {config.data.dataset}"
        return self._give(Job(title, NO_PROCESS), {"runs_dir": str(runs_dir), "config": config.to_json()})

    def resume(self, folder: RunFolder, changes: Mapping[str, Any]) -> Job:
        """Go on with a run from its last checkpoint."""
        what = {"resume": str(folder.path), "changes": dict(changes)}
        return self._give(Job(folder.name, NO_PROCESS), what)

    def measure(self, folder: RunFolder) -> Measurement:
        """Measure a run in full, as `genbench evaluate` does."""
        return self._give(Measurement(folder, NO_PROCESS), {"measure": str(folder.path)})

    def close(self) -> None:
        """End the process that waits."""
        if self._spare is not None:
            self._spare.discard()
            self._spare = None

    def _give(self, job: AnyJob, what: Mapping[str, Any]) -> AnyJob:
        """Have a process do it."""
        try:
            if self._spare is None or not self._spare.alive:
                self.close()
                self._spare = Process()
            worker, self._spare = self._spare, None
        except OSError as error:
            job.error = f"No process could be started for it ({error.strerror}). Is the memory full?"
            job.ended.set()
            return job
        job.worker, job.stage = worker, "Importing torch ..."
        worker.say(what)
        threading.Thread(target=worker.follow, args=(job,), name=f"lines of {job.title}", daemon=True).start()
        return job


class NoProcess:
    """In the place of one that could not be started."""

    pid = 0

    def give_up(self) -> None:
        """There is nothing to stop."""

    def terminate(self) -> None:
        """There is nothing to end."""


NO_PROCESS = NoProcess()


class Process:
    """A process that runs `workbench/worker.py`."""

    def __init__(self) -> None:
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the process)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workbench.worker"], env=_environment(), start_new_session=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._printed,
            )  # fmt: skip
        except OSError:
            self._printed.close()
            raise

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can be given a run."""
        return self._process.poll() is None

    def say(self, what: Mapping[str, Any]) -> None:
        """One line to it. That it is gone shows in what it says: nothing more."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(what).encode() + b"\n")
            self._process.stdin.flush()

    def give_up(self) -> None:
        """Tell it to stop before it has begun."""
        self.say({"stop": True})

    def terminate(self) -> None:
        """SIGTERM: it saves and ends within seconds, without further pictures."""
        with suppress(OSError):
            self._process.terminate()

    def discard(self) -> None:
        """End a process that was not given a run."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        for file in (self._process.stdin, self._process.stdout, self._printed):
            with suppress(OSError):  # what was written last may have found nobody
                file.close()  # type: ignore[union-attr]

    def follow(self, job: Job) -> None:
        """Read its lines into the job until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with suppress(ValueError):
                job.hear(json.loads(line))
        job.death = _cut_off(self._process.wait())
        if not job.told and not job.error:
            ended = job.death or "Its process has ended."
            job.error = f"{ended} {job.lost} {self._last_words()}".strip()
            if job.stopping:
                job.error = "Stopped before it began."
        self._close()
        job.ended.set()

    def _last_words(self) -> str:
        """The last line that it printed."""
        with suppress(OSError):
            self._printed.seek(max(self._printed.seek(0, os.SEEK_END) - _LAST_WORDS, 0))
            lines = self._printed.read().decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


def _cut_off(code: int) -> str:
    """What cut a process off; "" where it ended by itself, and the run says how."""
    if code == -signal.SIGKILL:
        return "Its process was killed by signal 9: out of memory?"
    if code < 0 or code > 128:  # a shell's way to tell, and that of a process which leaves at once
        number = -code if code < 0 else code - 128
        with suppress(ValueError):
            return f"Its process was ended by signal {number}, {signal.Signals(number).name}."
    return "" if code in {0, 1} else f"Its process ended with code {code}."


def _environment() -> dict[str, str]:
    """Python finds the same `workbench` as here, also where that is a checkout which is not installed."""
    if str(_HOME) in sys.path[1:]:  # its first entry is the folder of the program, or the current one
        return dict(os.environ)
    others = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(_HOME), *([others] if others else [])])}
