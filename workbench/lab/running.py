"""The lab as a folder: three runs, trained or resumed one after the other, measured, and told in a report."""

from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from models.errors import InputError
from workbench import session
from workbench.assess import Wanted, assess_run
from workbench.config import resolve
from workbench.data import catalogue
from workbench.data.imageset import Progress
from workbench.lab.experiments import FORMAT, Experiment, LabSettings, experiments
from workbench.runs import evaluations, files, reading
from workbench.runs.folder import RunFolder
from workbench.runs.listing import is_run
from workbench.training.control import Control

LAB_FILE = "lab.json"


class StoppedError(Exception):
    """Somebody stopped the lab; what is done is saved."""


class Lab:
    """One lab: its settings, and its folder, in which the runs lie."""

    def __init__(self, path: Path, settings: LabSettings) -> None:
        self.path, self.settings = path, settings
        self.experiments = experiments(settings)

    @classmethod
    def begin(cls, runs_dir: Path, settings: LabSettings) -> "Lab":
        """A new folder, e.g. runs/lab-20261122-161903. Raises `InputError` for settings that no run could have."""
        for experiment in experiments(settings):
            resolve(experiment.model, experiment.given)
        session.check_writable(runs_dir)
        path = runs_dir / f"lab-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
        try:
            path.mkdir(parents=True)
            files.write_json(path / LAB_FILE, {"format": FORMAT, **asdict(settings)})
        except OSError as error:
            raise InputError(f"The lab cannot be kept in {path} ({error}). Choose another --runs-dir.") from None
        return cls(path, settings)

    @classmethod
    def open(cls, name: str, runs_dir: Path) -> "Lab":
        """A lab by path or by name. Raises `InputError` where there is none, or its file is damaged."""
        path = next((it for it in (Path(name), runs_dir / name) if (it / LAB_FILE).exists()), None)
        if path is None:
            raise InputError(
                f"There is no lab {catalogue.printable(name)!r} in {runs_dir}. Leave --resume out to begin one."
            )
        written = reading.read_json(path / LAB_FILE)
        if written.pop("format", None) != FORMAT:
            raise InputError(f"{path / LAB_FILE} is of another version of genbench. Start a new lab.")
        try:
            return cls(path, TypeAdapter(LabSettings).validate_python(written))
        except ValidationError:
            raise InputError(f"{path / LAB_FILE} is damaged. Start a new lab.") from None

    def folder(self, experiment: Experiment) -> RunFolder:
        """Where a run of the lab lies."""
        return RunFolder(self.path / experiment.name)

    def status(self, experiment: Experiment) -> str:
        """Of one run; "" where it has not begun."""
        with suppress(InputError):
            return self.folder(experiment).state().status
        return ""

    def prepare(self, experiment: Experiment, progress: Progress | None = None) -> session.Session | None:
        """One run, ready to begin or to go on; None where it is done. Raises `InputError` where it cannot."""
        if self.status(experiment) == "done":
            return None
        folder = self.folder(experiment)
        if is_run(folder):
            return session.resume(folder, {}, progress)
        return session.begin(resolve(experiment.model, experiment.given), self.path, experiment.name, progress)

    def measure(self, experiment: Experiment, control: Control, progress: Progress | None = None) -> None:
        """Measure one run that is done and was not measured yet. Raises `StoppedError` where that was cancelled."""
        folder = self.folder(experiment)
        if self.status(experiment) != "done" or self._is_measured(folder):
            return
        wanted = Wanted("fast" if self.settings.quick else "full", device=self.settings.device)
        assess_run(folder, wanted, progress=progress, cancelled=lambda: control.stopping)
        if control.stopping:
            with suppress(OSError):
                folder.evaluation_file.unlink()  # half of it: measured again by who goes on
            raise StoppedError

    @staticmethod
    def _is_measured(folder: RunFolder) -> bool:
        with suppress(InputError):
            found = evaluations.load(folder)
            return found is not None and found.step == folder.stored_state().step
        return False
