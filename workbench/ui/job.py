"""A run that was started or is measured from this workbench, and who starts it.

It has a process of its own, which needs nobody who watches. The screen looks: at this object while the run is being
prepared or measured, and at the run's folder from then on.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from models.errors import InputError
from workbench.config import RunConfig
from workbench.runs.folder import RunFolder


class Worker(Protocol):
    """The process that trains a run, as far as the screen needs to know it."""

    @property
    def pid(self) -> int:
        """Its number."""

    def give_up(self) -> None:
        """Tell it to stop before it has begun."""

    def terminate(self) -> None:
        """Tell it to save and to end within seconds, without further pictures."""


class Job:
    """One sitting of one run. Every attribute is replaced whole, so any thread may read it at any time."""

    lost = "The run had not begun yet."  # what it means that the process ended without a word

    def __init__(self, title: str, worker: Worker) -> None:
        self.title, self.worker = title, worker
        self.stage = "Starting ..."  # what is being done before there is a folder
        self.folder: RunFolder | None = None
        self.error = ""  # why the run could not begin, in a sentence
        self.death = ""  # what cut its process off, in a sentence
        self.stopping = False  # it was told to end
        self.ended = threading.Event()

    @property
    def running(self) -> bool:
        """Whether it is being prepared or trains."""
        return not self.ended.is_set()

    def hear(self, said: Mapping[str, Any]) -> None:
        """Note what its process says."""
        if "folder" in said:
            self.folder, self.stage = RunFolder(Path(said["folder"])), ""
        if not self.stopping:
            self.stage = said.get("stage", "Starting ..." if "ready" in said else self.stage)
        self.error = said.get("error", self.error)

    @property
    def told(self) -> bool:
        """Whether its process has said what is to come of it."""
        return self.folder is not None

    @property
    def doing(self) -> str:
        """What its process is at, in words."""
        if self.folder is None:
            return "being prepared"
        with suppress(InputError):
            return {"paused": "paused", "done": "being measured"}.get(self.folder.stored_state().status, "training")
        return "training"


class Measurement(Job):
    """A run that is trained is measured."""

    lost = "The run was not measured."

    def __init__(self, folder: RunFolder, worker: Worker) -> None:
        super().__init__(folder.name, worker)
        self.run = folder
        self.measured = ""  # what came of it, in a sentence

    def hear(self, said: Mapping[str, Any]) -> None:
        """Note what came of it as well."""
        super().hear(said)
        self.measured = said.get("measured", self.measured)

    @property
    def told(self) -> bool:
        """Whether its process has said what came of it."""
        return bool(self.measured)

    @property
    def doing(self) -> str:
        """Nothing but that."""
        return "being measured"


class Launcher(Protocol):
    """Who starts jobs: processes that train or measure, or the scripted one of the tests."""

    def warm(self) -> None:
        """Get ready in the background, while a person still reads the form."""

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """Begin a new run."""

    def resume(self, folder: RunFolder, changes: Mapping[str, Any]) -> Job:
        """Go on with a run from its last checkpoint."""

    def measure(self, folder: RunFolder) -> Measurement:
        """Measure a run in full, as `genbench evaluate` does."""

    def close(self) -> None:
        """Let go of what was made ready and is not used; what trains goes on."""
