"""What a person can ask of the run that is watched, whoever trains it, and why not."""

from typing import Literal

from models.errors import InputError
from workbench.runs.folder import RunFolder
from workbench.runs.reader import RunReader
from workbench.ui import again
from workbench.ui.asking import Asking
from workbench.ui.bindings import Command
from workbench.ui.dialogs import Choose
from workbench.ui.job import Job
from workbench.ui.states import LIVE, WORDS
from workbench.ui.view import View

_ASKED = frozenset({"pause", "sample", "checkpoint", "stop"})
_OF_A_RUN = frozenset({"resume", "clone", "measure"})
_NONE_OPEN = "No run is open: 1 starts one, 3 opens one."


class Controlling(View):
    """Answers the commands that are about the run itself."""

    reader: RunReader | None = None
    job: Job | None = None  # followed until there is a folder to read
    own: Job | None = None  # the sitting that the state of the run is of, where that was started here
    _over = False  # whether that has ended

    def look_at_job(self) -> None:
        """Note whether the process is there that was started here. To be asked before the folder is read."""
        reader = self.reader
        job = self.bench.job_of(reader.folder) if reader is not None else None
        state = reader.state if reader is not None else None
        if job is not None and not job.running and state is not None and state.pid != job.worker.pid:
            job = None  # somebody else has gone on with the run since
        self.own, self._over = job, job is not None and not job.running

    @property
    def live(self) -> bool:
        """Whether somebody trains the run, as far as can be known."""
        state = self.reader.state if self.reader is not None else None
        if self.own is not None:
            says_its_end = state is not None and state.pid == self.own.worker.pid and state.status not in LIVE
            return not self._over and not says_its_end
        return state is not None and state.status in LIVE

    @property
    def asking(self) -> Asking | None:
        """What is asked of the run that is watched; None where nobody trains it."""
        return self.bench.asking(self.reader.folder) if self.reader is not None and self.live else None

    def why_not(self, command: Command) -> str:
        """Why a command cannot be given now, in a sentence for a person; "" where it can."""
        if command.id in _ASKED:
            return self._why_not_ask(command.id)
        about_a_run = command.id in _OF_A_RUN or command.group in {"Charts", "Pictures"}
        if about_a_run and self.reader is None:
            return _NONE_OPEN
        if command.id in {"resume", "measure"} and self.reader is not None and self.live:
            return again.trained_by(self.bench, self.reader.folder, "X stops it.")
        if command.id == "measure" and self.own is not None and not self._over:
            return "Its process measures a few numbers now and draws: m measures the rest as soon as that is done."
        name = self.reader.folder.name if self.reader is not None else ""
        if command.id == "resume" and (word := self.bench.measuring.word(name)):
            return f"{name} {word}: m stops that."
        return ""

    def to_measure(self) -> list[RunFolder]:
        """The run that is watched."""
        return [self.reader.folder] if self.reader is not None else []

    def in_footer(self, command: Command) -> str:
        """Paused, a run can go on; ended, it can be resumed, begun anew or measured."""
        if command.id == "pause" and self.asking is not None and self.asking.paused:
            return "go on"
        if (
            command.id == "measure"
            and self.reader is not None
            and self.bench.measuring.word(self.reader.folder.name)
        ):
            return "stop measuring"
        if command.id in _OF_A_RUN and self.reader is not None and self.reader.state is not None and not self.live:
            return command.label
        return super().in_footer(command)

    def _why_not_ask(self, what: str) -> str:
        if self.reader is None:
            if self.job is None or not self.job.running:
                return _NONE_OPEN
            return "" if what == "stop" else "The run has not begun yet."
        if self.asking is not None:
            if self.asking.stopping:
                return "The run is stopping already: it finishes its step, saves and draws."
            return ""
        state = self.reader.state
        if state is None or state.status in LIVE:
            return "The run has ended: nothing trains that could be asked."
        return f"The run is {WORDS[state.status]}: nothing trains that could be asked."

    def do_pause(self) -> None:
        """Hold training after this step, or go on."""
        asking = self.asking
        if asking is None:
            return
        try:
            if asking.paused:
                asking.resume()
                self.bench.say("Training goes on.")
            else:
                asking.pause()
                self.bench.say("Paused after this step; p goes on.")
        except InputError as error:
            self.bench.say(str(error), bad=True)
        self.tick()

    def do_sample(self) -> None:
        """Take pictures at this step."""
        self._ask("pictures", "Pictures are taken")

    def do_checkpoint(self) -> None:
        """Save at this step."""
        self._ask("checkpoint", "A checkpoint is saved")

    def _ask(self, what: Literal["pictures", "checkpoint"], answer: str) -> None:
        if self.asking is None:
            return
        try:
            self.asking.ask(what)
            when = "now; the run stays paused" if self.asking.paused else "after this step"
            self.bench.say(f"{answer} {when}.")
        except InputError as error:
            self.bench.say(str(error), bad=True)

    def do_stop(self) -> None:
        """End training after this step, once that is confirmed."""
        job = self.job
        name = self.reader.folder.name if self.reader is not None else job.title if job is not None else ""

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self._stop(job)
                self.tick()

        then = "It is saved and can be resumed." if self.reader is not None else "It has not begun yet."
        question = f"Stop {name}? {then}"
        self.bench.push_screen(Choose(question, [("X", "stop it", "stop")]), answered)

    def _stop(self, job: Job | None) -> None:
        """By now the run may have begun that had no folder, or have ended."""
        try:
            if self.asking is not None:
                self.asking.stop()
                self.bench.say("Finishing the step, saving and drawing ...")
            elif job is not None and job.running:
                self.bench.stop_job(job)
        except InputError as error:
            self.bench.say(str(error), bad=True)

    async def do_resume(self) -> None:
        """Go on from the last checkpoint; asks how far where the run is done."""
        if self.reader is not None:
            await again.resume(self.bench, self.reader.folder)

    async def do_clone(self) -> None:
        """Open the settings in the form."""
        if self.reader is not None:
            await again.clone(self.bench, self.reader.folder)
