"""Open the workbench on a terminal, and leave the terminal as it was."""

import asyncio
import os
import shlex
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from models.errors import InputError
from workbench.terminal.capability import detect
from workbench.ui import pixels, streams
from workbench.ui.app import Workbench
from workbench.ui.job import Job
from workbench.ui.states import LIVE
from workbench.ui.trainer import Trainer


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
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, app.end_by_signal, number)
        loop.add_signal_handler(signal.SIGHUP, app.hang_up, signal.SIGHUP)
        loop.add_signal_handler(signal.SIGUSR1, app.save_all)
        try:
            code = app.run(loop=loop)
        finally:
            loop.close()
    _say_goodbye(app, caught, link.stalled)
    if app.bug is not None:
        raise app.bug  # the command line knows what to say of bugs
    return code or 0


def _say_goodbye(app: Workbench, caught: Path, stalled: bool) -> None:
    """On the terminal that is a person's again: where the runs are, and what was printed meanwhile.

    Nothing on one that is stalled or gone, where writing would wait or fail, also that of Python as it ends.
    """
    if stalled:
        for number in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
        return
    newest = {job.folder.path if job.folder else id(job): job for job in app.jobs}
    lines = [line for job in newest.values() for line in _about(app, job)]
    if (measured := app.measuring.running) is not None:
        lines.append(f"{measured.run.path} goes on being measured in process {measured.worker.pid}, "
                     f"which kill {measured.worker.pid} stops.")  # fmt: skip
        lines += [f"{name} was not measured yet: genbench evaluate {name}" for name in app.measuring.waiting]
    going_on = [str(job.worker.pid) for job in newest.values() if job.running]
    for row in app.known.live if app.detached else ():
        with suppress(InputError):  # deleted meanwhile, or damaged
            state = row.folder.state()
            if row.folder.path not in newest and state.status in LIVE:
                lines.append(f"{row.folder.path} goes on training in process {state.pid} on {state.host}.")
                going_on += [str(state.pid)] if state.host == socket.gethostname() else []
    if going_on:
        flag = "" if app.runs_dir == Path("runs") else f" --runs-dir {shlex.quote(str(app.runs_dir))}"
        it = "it" if len(going_on) == 1 else "them"
        lines.append(f"genbench{flag} shows {it} again; X there, or kill {' '.join(going_on)}, stops {it}, saved.")
    if caught.exists():
        lines.append(f"Libraries printed something; it is in {caught}")
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _about(app: Workbench, job: Job) -> list[str]:
    """How a run stands: at most two lines."""
    if job.folder is None:
        going_on = f"{job.title} is being prepared, and goes on in process {job.worker.pid}."
        return [going_on] if job.running else []
    if job.running:
        word = "is stopping" if app.is_stopping(job) else "goes on training"
        return [f"{job.folder.path} {word} in process {job.worker.pid}."]
    try:
        status = job.folder.state().status
    except InputError as error:  # deleted meanwhile, or damaged
        return [str(error)]
    lines = [f"{job.folder.path}: {status}"]
    if status in {"stopped", "interrupted"}:
        lines.append(f"Go on with: genbench --no-ui --resume {shlex.quote(str(job.folder.path))}")
    return lines
