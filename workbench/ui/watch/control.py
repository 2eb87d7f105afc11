"""What a person can ask of the run that is watched, and why not."""

import os
import socket

from workbench.runs.reader import RunReader
from workbench.training.control import Control
from workbench.ui import again
from workbench.ui.bindings import Command
from workbench.ui.dialogs import Choose
from workbench.ui.job import Job
from workbench.ui.states import LIVE, WORDS
from workbench.ui.view import View

_ASKED = frozenset({"pause", "sample", "checkpoint", "stop"})
_OF_A_RUN = frozenset({"resume", "clone"})


class Controlling(View):
    """Answers the commands that are about the run itself."""

    reader: RunReader | None = None
    job: Job | None = None  # followed until there is a folder to read

    @property
    def control(self) -> Control | None:
        """That of the run that is watched, if it trains in this process."""
        job = self.bench.job
        if job is None or not job.running:
            return None
        if self.reader is None:
            return job.control if job is self.job else None
        here = job.folder is not None and job.folder.path == self.reader.folder.path
        return job.control if here else None

    @property
    def ended_here(self) -> bool:
        """Whether the run that is watched was trained by this process, and is not any more."""
        job = self.bench.job
        if job is None or job.running or job.folder is None or self.reader is None:
            return False
        return job.folder.path == self.reader.folder.path

    def why_not(self, command: Command) -> str:
        """Why a command cannot be given now, in a sentence for a person; "" where it can."""
        if command.id in _ASKED:
            return self._why_not_ask(command.id)
        about_a_run = command.id in _OF_A_RUN or command.group in {"Charts", "Pictures"}
        if about_a_run and self.reader is None:
            return "No run is open: 1 starts one, 3 opens one."
        if command.id == "resume" and self.reader is not None and self.reader.state is not None:
            return again.why_not_resume(self.bench, self.reader.folder.name, self.reader.state.status)
        return ""

    def in_footer(self, command: Command) -> str:
        """Paused, a run can go on; ended, it can be resumed or begun anew."""
        if command.id == "pause" and self.control is not None and self.control.paused:
            return "go on"
        state = self.reader.state if self.reader is not None else None
        if command.id in _OF_A_RUN and state is not None and (state.status not in LIVE or self.ended_here):
            return command.label
        return super().in_footer(command)

    def _why_not_ask(self, what: str) -> str:
        if self.control is not None:
            if self.control.stopping:
                return "The run is stopping already: it finishes its step, saves and draws."
            return "The run has not begun yet." if self.reader is None and what != "stop" else ""
        state = self.reader.state if self.reader is not None else None
        if state is None:
            return "No run is open: 1 starts one, 3 opens one."
        if state.status not in LIVE:
            return f"The run is {WORDS[state.status]}: nothing trains that could be asked."
        if (state.pid, state.host) == (os.getpid(), socket.gethostname()):
            return "The run has ended: nothing trains that could be asked."
        return f"This run trains in process {state.pid} on {state.host}: only the genbench there can ask it."

    def do_pause(self) -> None:
        """Hold training after this step, or go on."""
        control = self.control
        if control is None:
            return
        if control.paused:
            control.resume()
            self.bench.say("Training goes on.")
        else:
            control.pause()
            self.bench.say("Paused after this step; p goes on.")
        self.tick()

    def do_sample(self) -> None:
        """Take pictures at this step."""
        self._ask("pictures", "Pictures are taken after this step.")

    def do_checkpoint(self) -> None:
        """Save at this step."""
        self._ask("checkpoint", "A checkpoint is saved after this step.")

    def _ask(self, request: str, answer: str) -> None:
        control = self.control
        if control is not None:
            control.ask("pictures" if request == "pictures" else "checkpoint")
            self.bench.say(f"{answer} It is paused: p goes on." if control.paused else answer)

    def do_stop(self) -> None:
        """End training after this step, once that is confirmed."""
        control = self.control
        if control is None:
            return
        name = (
            self.reader.folder.name if self.reader is not None else self.bench.job.title if self.bench.job else ""
        )

        def answered(answer: str | None) -> None:
            if answer == "stop":
                control.stop()
                self.bench.say("Finishing the step, saving and drawing ...")
                self.tick()

        question = f"Stop {name}? It is saved and can be resumed."
        self.bench.push_screen(Choose(question, [("X", "stop it", "stop")]), answered)

    async def do_resume(self) -> None:
        """Go on from the last checkpoint; asks how far where the run is done."""
        if self.reader is not None:
            await again.resume(self.bench, self.reader.folder)

    async def do_clone(self) -> None:
        """Open the settings in the form."""
        if self.reader is not None:
            await again.clone(self.bench, self.reader.folder)
