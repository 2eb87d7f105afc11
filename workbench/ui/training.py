"""What the workbench does with runs as a whole: start them, count them, leave them training or stop them all."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import InputError
from workbench.config import RunConfig
from workbench.runs.folder import RunFolder
from workbench.ui.asking import Asking
from workbench.ui.dialogs import Choose
from workbench.ui.job import Job, Launcher
from workbench.ui.known import Known
from workbench.ui.measuring import Measuring
from workbench.ui.preferences import Preferences
from workbench.ui.resizing import Resizing
from workbench.ui.states import WORDS

if TYPE_CHECKING:
    from workbench.runs.listing import RunRow

STOP_SECONDS = 5.0  # that a signal leaves the runs to end in


class Training(Resizing):
    """The runs of this workbench, and those of others as far as they are known."""

    preferences: Preferences

    def __init__(self, runs_dir: Path, launcher: Launcher) -> None:
        super().__init__()
        self.runs_dir, self.launcher = runs_dir, launcher
        self.known = Known(runs_dir)
        self.jobs: list[Job] = []  # the newest last
        self.measuring = Measuring(launcher)
        self._asking: dict[Path, Asking] = {}
        self._next: tuple[Job, Callable[[], Job]] | None = None  # (which has to end first, how to begin)
        self._leave_with: int | None = None  # the exit code, once all runs have ended
        self._news_told = False
        self.detached = False

    def say(self, text: str, bad: bool = False) -> None:
        """A sentence in the last line."""

    async def show_view(self, name: str) -> Any:
        """Bring a view to the front."""

    # What trains.

    @property
    def job(self) -> Job | None:
        """What was started last."""
        return self.jobs[-1] if self.jobs else None

    @property
    def training(self) -> list[Job]:
        """What was started here and has not ended."""
        return [job for job in self.jobs if job.running]

    @property
    def at_work(self) -> list[Job]:
        """What was started here and has not ended, to train or to measure."""
        measured = self.measuring.running
        return [*self.training, *([measured] if measured else [])]

    def job_of(self, folder: RunFolder) -> Job | None:
        """The newest sitting of a run that was started here."""
        mine = (job for job in reversed(self.jobs) if job.folder is not None and job.folder.path == folder.path)
        return next(mine, None)

    def names_here(self) -> frozenset[str]:
        """The runs that train here, by name."""
        return frozenset(job.folder.name for job in self.training if job.folder is not None)

    def asking(self, folder: RunFolder) -> Asking:
        """What is asked of a run, the same object for whoever asks."""
        return self._asking.setdefault(folder.path, Asking(folder))

    def is_stopping(self, job: Job) -> bool:
        """Whether a run was told to end, by whatever key."""
        return job.stopping or (job.folder is not None and self.asking(job.folder).stopping)

    def training_status(self) -> str:
        """What trains, in a few words; "" when nothing does."""
        mine = {job.folder.path for job in self.jobs if job.folder is not None}
        others = [row for row in self.known.live if row.folder.path not in mine]
        running = self.training
        if len(running) + len(others) > 1:
            return f"{len(running) + len(others)} runs train"
        if running:
            job = running[-1]
            paused = job.folder is not None and self.asking(job.folder).paused
            return f"{job.title}: {job.stage or ('paused' if paused else 'training')}"
        return "".join(f"{row.model} on {row.dataset}: {self._word(row)}" for row in others)

    def _word(self, row: "RunRow") -> str:
        """The list of runs is looked at now and then, the run that is watched all the time."""
        asking = self._asking.get(row.folder.path)
        paused = asking.paused if asking is not None else row.status == "paused"
        return WORDS["paused" if paused else "running"]

    def news(self) -> str:
        """What a person who has just come should know of the runs that are there; "" once that was told."""
        if self._news_told or self.known.found is None:
            return ""
        self._news_told = True
        live, broken = self.known.live, self.known.interrupted
        new = [row for row in broken if row.heartbeat > self.preferences.told_until]
        words = []
        if len(live) == 1:
            words.append(f"{live[0].model} on {live[0].dataset} is {self._word(live[0])}: 2 opens it.")
        elif live:
            words.append(f"{len(live)} runs are training: 2 opens the newest, 3 shows them.")
        if new:
            were = "1 run was" if len(new) == 1 else f"{len(new)} runs were"
            words.append(f"{were} interrupted: 3 shows {'it' if len(new) == 1 else 'them'}, u resumes one.")
            self.preferences.told_until = max(row.heartbeat for row in new)
            self.preferences.write()
        return " ".join(words)

    def look_after_runs(self) -> None:
        """Leave, or begin the next run, as soon as those have ended that it waits for."""
        if (came := self.measuring.look_after()) is not None:
            self.say(*came)
        if self._leave_with is not None and not self.at_work:
            self.exit(self._leave_with)
        elif self._next is not None and not self._next[0].running:
            (_, begin), self._next = self._next, None
            self.call_later(self._begin, begin)

    # Starting.

    async def start_run(self, config: RunConfig) -> None:
        """Train a new run; asks first where another one trains."""
        await self._launch(lambda: self.launcher.start(config, self.runs_dir))

    async def resume_run(self, folder: RunFolder, changes: dict[str, Any]) -> None:
        """Go on with a run."""

        def begin() -> Job:
            self._asking.pop(folder.path, None)
            return self.launcher.resume(folder, changes)

        await self._launch(begin)

    async def _launch(self, begin: Callable[[], Job]) -> None:
        if not self.training:
            await self._begin(begin)
            return
        busy = self.training[-1]
        answers = [
            ("enter", "stop it, saved, and start this one", "stop"),
            ("b", "start this one beside it; they share the machine", "beside"),
        ]
        self.push_screen(Choose(f"{busy.title} is training here.", answers), partial(self._replace, busy, begin))

    def _replace(self, busy: Job, begin: Callable[[], Job], answer: str | None) -> None:
        """Start one run beside the other, or as soon as the other has ended."""
        if answer == "beside":
            self.call_later(self._begin, begin)
        elif answer == "stop":
            self._next = busy, begin
            self.stop_job(busy)
            self.say(f"{busy.title} finishes its step and is saved; then the next one starts.")

    async def _begin(self, begin: Callable[[], Job]) -> None:
        job = begin()
        self.jobs.append(job)
        view = await self.show_view("watch")
        view.follow_job(job)

    def stop_job(self, job: Job) -> None:
        """End a run after its step, saved, or before it has begun."""
        job.stopping = True
        if job.folder is None:
            job.stage = "Stopping ..."
            job.worker.give_up()
            return
        try:
            self.asking(job.folder).stop()
        except InputError:  # the folder cannot be written, as on a full disk
            job.worker.terminate()

    # Leaving.

    def do_detach(self) -> None:
        """Leave the terminal; what trains goes on."""
        self.detached = True
        self.exit(0)

    def do_quit(self) -> None:
        """Leave; asks while something trains here, and a second time leaves at once."""
        running = self.at_work
        if not running or self._leave_with is not None:
            self.exit(self._leave_with or 0)
            return
        what, it = f"{running[0].title} is {running[0].doing}", "it"
        if len(running) > 1:
            measured = " or being measured" if self.measuring.running else ""
            what, it = f"{len(running)} runs are training{measured}", "them"
        answers = [("d", f"go, and leave {it} as is", "detach"), ("X", f"stop {it}, saved, and leave", "stop")]
        self.push_screen(Choose(f"{what}.", answers), self._quit_answered)

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "detach":
            self.do_detach()
        elif answer == "stop":
            self._leave_with = 0
            self.measuring.stop()
            for job in self.training:
                self.stop_job(job)
            doing = "Finishing the step, saving and drawing" if self.training else "Measuring is stopped"
            self.say(f"{doing} ... q leaves at once, and it ends by itself.")

    def end_by_signal(self, number: int) -> None:
        """SIGTERM and SIGINT: the runs end within seconds, saved, and so do we. A second one leaves at once."""
        code = 128 + number
        if not self.at_work or (self._leave_with or 0) > 128:
            self.exit(code)
            return
        self._leave_with = code
        self.measuring.stop()
        for job in self.training:
            job.stopping = True
            job.worker.terminate()
        self.say("Finishing the step and saving ...")
        self.set_timer(STOP_SECONDS, lambda: self.exit(code))

    def hang_up(self, number: int) -> None:
        """SIGHUP: the terminal is gone, and what trains goes on."""
        self.exit(128 + number)

    def save_all(self) -> None:
        """SIGUSR1: whoever sends it will end us soon."""
        for job in self.training:
            if job.folder is not None:
                with suppress(InputError):
                    self.asking(job.folder).ask("checkpoint")
