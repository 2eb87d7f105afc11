"""The run that trains in this process: a thread of its own, four verbs, and no way back to the screen.

The thread never calls into the screen, which may be waiting for a terminal that has stopped reading. The screen
looks: at this object while the run is being prepared, and at the run's folder from then on.
"""

import gc
import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from models.errors import InputError
from workbench.config import RunConfig
from workbench.runs.folder import RunFolder
from workbench.training.control import Control


class Job:
    """One sitting of one run. Every attribute is replaced whole, so any thread may read it at any time."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.control = Control()
        self.stage = "Starting ..."  # what is being done before there is a folder
        self.folder: RunFolder | None = None
        self.error = ""  # why the run could not begin, in a sentence
        self.ended = threading.Event()

    @property
    def running(self) -> bool:
        """Whether it is being prepared or trains."""
        return not self.ended.is_set()


class Launcher(Protocol):
    """Who starts jobs: the trainer below, or the scripted one of the tests."""

    def warm(self) -> None:
        """Get ready in the background, while a person still reads the form."""

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """Begin a new run."""

    def resume(self, folder: RunFolder, changes: Mapping[str, Any]) -> Job:
        """Go on with a run from its last checkpoint."""


class Trainer:
    """Trains with the engine that `genbench --no-ui` uses, and leaves the screen a core to itself."""

    def warm(self) -> None:
        """Import torch, which takes seconds, in a thread."""
        threading.Thread(target=_engine, daemon=True).start()

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """Begin a new run; importing torch is the first stage."""
        job = Job(f"{config.model_name} on {config.data.dataset}")

        def prepare() -> Any:
            return _engine().begin(config, runs_dir, None, _Progress(job), spare_cores=1)

        return _launch(job, prepare)

    def resume(self, folder: RunFolder, changes: Mapping[str, Any]) -> Job:
        """Go on with a run from its last checkpoint."""
        job = Job(folder.name)

        def prepare() -> Any:
            return _engine().resume(folder, dict(changes), _Progress(job), spare_cores=1)

        return _launch(job, prepare)


def _engine() -> Any:
    """The module `workbench.session`, and with it torch. Collecting garbage meanwhile finds none and takes long."""
    gc.disable()
    try:
        return importlib.import_module("workbench.session")
    finally:
        gc.enable()


class _Progress:
    """How far the loading of the images is, as the job's stage."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._job.control.stopping:
            raise InputError("Stopped before it began.")
        self._job.stage = f"{what} {done / total:.0%}" if total else f"{what} ..."


def _launch(job: Job, prepare: Any) -> Job:
    # A daemon: whoever leaves at once, by a second signal, does not wait for a step.
    threading.Thread(target=_work, args=(job, prepare), name=f"training {job.title}", daemon=True).start()
    return job


def _work(job: Job, prepare: Any) -> None:
    try:
        job.stage = "Importing torch ..."
        prepared = prepare()
        job.stage = ""
        job.folder = prepared.folder
        prepared.run([], job.control)
    except InputError as error:
        job.error = str(error)
    except Exception as error:  # noqa: BLE001 (a bug before the first step: the screen says it and stays)
        from workbench import bugs

        job.error = bugs.keep(error)
    finally:
        job.ended.set()
