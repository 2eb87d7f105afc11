"""Open the workbench on a terminal, and leave the terminal as it was."""

import asyncio
import os
import shlex
import signal
import sys
from pathlib import Path

from models.errors import InputError
from workbench.terminal.capability import detect
from workbench.ui import pixels, streams
from workbench.ui.app import Workbench
from workbench.ui.job import Trainer

SAVE_SECONDS = 10.0


def start(runs_dir: Path, model: str, given: dict[str, str], ascii_only: bool) -> int:
    """Run the workbench to its end and return the exit code.

    Raises `InputError` where there is no terminal to draw on.
    """
    terminal = detect(os.environ, sys.stdout.encoding or "", ascii_only)
    if terminal.dumb or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise InputError(
            "The workbench needs a terminal that can place its cursor; this one cannot (TERM=dumb, or a pipe). "
            "Train without it: genbench --no-ui."
        )
    exact = pixels.probe(terminal)
    with streams.apart() as (caught, link):
        app = Workbench(runs_dir, Trainer(), terminal, model, given)
        app.pixels, app.link = exact, link
        loop = asyncio.new_event_loop()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            loop.add_signal_handler(number, app.leave)
        try:
            code = app.run(loop=loop)
        finally:
            loop.close()
        _save(app)
    _say_goodbye(app, caught, link.stalled)
    if app.bug is not None:
        raise app.bug  # the command line knows what to say of bugs
    return code or 0


def _save(app: Workbench) -> None:
    """However the screen ended, what trains here is stopped and saved before the process goes."""
    if app.job is not None and app.job.running:
        app.job.control.stop()
        app.job.ended.wait(SAVE_SECONDS)


def _say_goodbye(app: Workbench, caught: Path, stalled: bool) -> None:
    """On the terminal that is a person's again: where the run is, and what was printed meanwhile.

    Nothing on one that is stalled or gone, where writing would wait or fail, also that of Python as it ends.
    """
    if stalled:
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return
    job, lines = app.job, []
    if job is not None and job.folder is not None:
        status = job.folder.state().status
        lines.append(f"{job.folder.path}: {status}\n")
        if status == "stopped":
            lines.append(f"Go on with: genbench --no-ui --resume {shlex.quote(str(job.folder.path))}\n")
    if caught.exists():
        lines.append(f"Libraries printed something; it is in {caught}\n")
    sys.stdout.writelines(lines)
