"""Runs measured in full from the workbench, one after the other, each by a process of its own."""

from collections.abc import Collection, Sequence

from workbench.runs.folder import RunFolder
from workbench.ui.job import Launcher, Measurement
from workbench.ui.words import unstamped


class Measuring:
    """The run that is being measured, and those that wait for it."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._waiting: list[RunFolder] = []
        self.job: Measurement | None = None  # until its end was told

    @property
    def running(self) -> Measurement | None:
        """What is being measured."""
        return self.job if self.job is not None and self.job.running else None

    @property
    def waiting(self) -> list[str]:
        """The runs whose turn has not come, by name."""
        return [folder.name for folder in self._waiting]

    @property
    def names(self) -> frozenset[str]:
        """The runs that are measured or wait for it."""
        return frozenset([*([self.job.run.name] if self.job else []), *self.waiting])

    @property
    def status(self) -> str:
        """What is being measured and how far that is, in a few words; "" where nothing is."""
        if (job := self.running) is None:
            return ""
        more = f" ({len(self._waiting)} more)" if self._waiting else ""
        return f"measuring {unstamped(job.title)}{more}: {job.stage.removesuffix(' ...') or 'starting'}"

    def add(self, folders: Sequence[RunFolder]) -> None:
        """Measure these runs as well."""
        self._waiting += [folder for folder in folders if folder.name not in self.names]
        self._go_on()

    def _go_on(self) -> None:
        if self.job is None and self._waiting:
            self.job = self._launcher.measure(self._waiting.pop(0))

    def stop(self, names: Collection[str] | None = None) -> None:
        """Leave out what is not measured yet of these runs, or of all."""
        self._waiting = [] if names is None else [it for it in self._waiting if it.name not in names]
        if (job := self.running) is not None and (names is None or job.run.name in names):
            job.stopping, job.stage = True, "stopping"
            job.worker.give_up()

    def word(self, name: str) -> str:
        """How it stands with a run: that it is being measured, or waits to be; "" where neither is so."""
        if name in self.waiting:
            return "waits to be measured"
        return "is being measured" if name in self.names else ""

    def look_after(self) -> tuple[str, bool] | None:
        """Go on with the next one. Of one that has ended: what came of it, in a sentence, and whether it failed."""
        if self.job is None or self.job.running:
            return None
        job, self.job = self.job, None
        self._go_on()
        whose = "" if job.error.startswith(job.title) else f"{job.title}: "
        return (job.measured, False) if job.measured else (f"{whose}{job.error}", True)
