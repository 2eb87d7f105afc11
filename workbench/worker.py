"""A process that trains or measures one run for a workbench, and goes on when that or its terminal is gone.

It speaks JSON, an object a line. Out: {"ready": true} when torch is imported; then, after the one line in that
says what to do, {"stage": sentence} until there is {"folder": path}, {"measured": sentence} or {"error": sentence}.
In: {"runs_dir", "config"} for a new run, {"resume", "changes"}, or {"measure": path}; while it prepares or
measures, {"stop": true}. All else goes through the run's folder, so nothing is lost when nobody reads or writes
those lines any more.
"""

import faulthandler
import json
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from models.errors import InputError
from workbench.config import RunConfig
from workbench.cores import available_cores, share_cores
from workbench.runs.folder import RunFolder
from workbench.signals import Signals
from workbench.training.control import Control
from workbench.units import Pace

TELLING_SECONDS = 0.2


class Voice:
    """The line to the workbench. Whether somebody listens does not matter."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")

    def say(self, **words: Any) -> None:
        """One object, at once."""
        with suppress(OSError, ValueError):
            self._file.write(json.dumps(words) + "\n")
            self._file.flush()


class Telling:
    """How far something is, told a few times a second."""

    def __init__(self, voice: Voice) -> None:
        self._voice, self._pace = voice, Pace()
        self._what, self._said_at = "", 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        stage, now = self._pace.words(what, done, total), time.monotonic()
        if what != self._what or now - self._said_at >= TELLING_SECONDS:
            self._what, self._said_at = what, now
            self._voice.say(stage=stage)


class Preparing(Telling):
    """How far the loading of the images is; a run that is stopped meanwhile does not begin."""

    def __init__(self, voice: Voice, control: Control) -> None:
        super().__init__(voice)
        self._control = control

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._control.stopping:
            raise InputError("Stopped before it began.")
        super().__call__(what, done, total)


def main() -> int:
    """Do what the first line says, to its end."""
    # What libraries print goes elsewhere: this descriptor is for our lines alone.
    voice = Voice(os.dup(1))
    os.dup2(2, 1)
    control = Control()
    with Signals() as signals:
        from workbench import session

        voice.say(ready=True)
        line = sys.stdin.readline()
        if not line.strip():
            return 0
        signals.lead_to(control)
        threading.Thread(target=_hear, args=(sys.stdin, control), daemon=True).start()
        try:
            job = json.loads(line)
            if "measure" in job:
                voice.say(measured=_measure(RunFolder.open(Path(job["measure"])), Telling(voice), control))
                return 0
            prepared = _prepare(session, job, Preparing(voice, control))
        except InputError as error:
            voice.say(error=str(error))
            return 1
        except Exception as error:  # noqa: BLE001 (a bug before the first step: whoever asked hears of it)
            from workbench import bugs

            voice.say(error=bugs.keep(error))
            return 1
        _keep_output(prepared.folder)
        voice.say(folder=str(prepared.folder.path))
        finished = prepared.run([], control)
    return int(finished.status in {"diverged", "failed"})


def _prepare(session: Any, job: dict[str, Any], progress: Preparing) -> Any:
    """The run that is asked for, ready to train. A screen beside it needs a core to stay quick."""
    if "resume" in job:
        return session.resume(RunFolder.open(Path(job["resume"])), job["changes"], progress, spare_cores=1)
    return session.begin(RunConfig.from_json(job["config"]), Path(job["runs_dir"]), None, progress, spare_cores=1)


def _measure(folder: RunFolder, progress: Telling, control: Control) -> str:
    """Measure a run in full; what came of it, in a sentence."""
    import torch

    from workbench.assess import assess_run

    torch.set_num_threads(max(available_cores() - 1, 1))
    found = assess_run(folder, progress=progress, cancelled=lambda: control.stopping)
    count = sum(one.value is not None for one in found.measured)
    what = " ".join(found.notes) or f"{count} numbers measured at step {found.step:,}."
    return f"{folder.name}: {what}"


def _hear(lines: TextIO, control: Control) -> None:
    """Stop when told so. The end of the lines, the workbench is gone, means nothing."""
    with suppress(OSError, ValueError):
        for line in lines:
            if json.loads(line).get("stop"):
                control.stop()


def _keep_output(folder: RunFolder) -> None:
    """What libraries print, and where a crash in them happened, lies with the run from now on."""
    with suppress(OSError):
        output = os.open(folder.output_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for number in (1, 2):
            os.dup2(output, number)
        os.close(output)
        faulthandler.enable(file=2)


if __name__ == "__main__":
    share_cores()
    code = main()
    os._exit(code)
