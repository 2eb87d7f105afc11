"""What `genbench lab` does, and what it says meanwhile."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from models.errors import InputError
from workbench.console import DataProgress, Lasting, RunConsole
from workbench.lab import report
from workbench.lab.experiments import GREY, QUICK_GREY, LabSettings
from workbench.lab.running import Lab, StoppedError
from workbench.signals import Signals
from workbench.training.control import Control


def run_lab(runs_dir: Path, resume: str | None, quiet: bool, options: Mapping[str, Any]) -> int:
    """A new lab, or the rest of one. Returns the exit code: 1 where a run of it failed or diverged."""
    console = Lasting(highlight=False)
    lab = Lab.open(resume, runs_dir) if resume is not None else Lab.begin(runs_dir, _settings(options))
    _say(console, quiet, f"The lab is in {lab.path}")
    control = Control()
    with Signals() as signals:
        signals.lead_to(control)
        try:
            _work(lab, console, quiet, control)
        except StoppedError:
            command = f"genbench lab --resume {shlex.quote(str(lab.path))}"
            _say(console, False, f"Stopped and saved. Go on with: {command}")
            return signals.exit_code
    for path in report.write(lab):
        _say(console, quiet, f"Look at {path}")
    failed = [one for one in lab.experiments if lab.status(one) != "done"]
    for one in failed:
        _say(console, False, f"{one.title}: {lab.status(one)}. {lab.folder(one).stored_state().reason}")
    return int(bool(failed))


def _settings(options: Mapping[str, Any]) -> LabSettings:
    values = dict(options)
    values["dataset"] = values["dataset"] or (QUICK_GREY if values["quick"] else GREY)
    if values["data_dir"] is not None:
        values["data_dir"] = str(values["data_dir"].absolute())
    return LabSettings(**values)


def _work(lab: Lab, console: Console, quiet: bool, control: Control) -> None:
    """Train, then measure, one model after the other. One that cannot begin is told, and the others go on."""
    for experiment in lab.experiments:
        _say(console, quiet, f"\n{experiment.title}" + (": done" if lab.status(experiment) == "done" else ""))
        try:
            with DataProgress(console, quiet) as progress:
                prepared = lab.prepare(experiment, progress)
            if prepared is not None:
                with RunConsole(console, quiet) as screen:
                    finished = prepared.run([screen], control)
                if finished.status == "stopped":
                    raise StoppedError
            with DataProgress(console, quiet) as progress:
                lab.measure(experiment, control, progress)
        except InputError as error:
            _say(console, False, str(error))


def _say(console: Console, quiet: bool, text: str) -> None:
    if not quiet:
        console.print(text, markup=False, soft_wrap=True)
