"""The loop that trains every model. It knows no model by name and no sink at all."""

import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

from models.base import Batch, Diagnoses
from workbench import sampling
from workbench.config import TrainingSettings
from workbench.data.imageset import ImageSet
from workbench.runs.folder import RunFolder
from workbench.runs.history import Record, Split
from workbench.training import meter, snapshots
from workbench.training.control import Control, Wanted
from workbench.training.devices import Machine, computing_on, deterministic
from workbench.training.evaluate import evaluate, rank
from workbench.training.events import (
    Evaluated,
    Event,
    Finished,
    Keeper,
    LeftOutError,
    Notice,
    Paused,
    Progress,
    Sink,
    Started,
)  # fmt: skip
from workbench.training.memory import batch_that_fits
from workbench.training.meter import DivergedError, Numbers
from workbench.training.saving import Saver
from workbench.training.state import TrainingState
from workbench.training.steps import Steps
from workbench.training.team import ALONE, Team

DIAGNOSED_STEPS, LEAST_DIAGNOSED = 200, 20


class HurriedError(Exception):
    """Whoever stops the run does not wait for what can be made later."""


class Trainer:
    """One sitting of one run: from the state's step to the last."""

    def __init__(
        self, state: TrainingState, images: ImageSet, settings: TrainingSettings, machine: Machine,
        folder: RunFolder, record: Keeper, sinks: Sequence[Sink], control: Control,
        team: Team = ALONE,
    ) -> None:  # fmt: skip
        self.state, self.settings, self.machine, self.control = state, settings, machine, control
        self.folder = folder
        self.images = images
        self._keeper, self._sinks = record, list(sinks)
        self._team = team
        self._steps = Steps(state, images, settings, machine, team, lambda: control.hurried)
        self._order, self._meter, self._minimise = self._steps.order, self._steps.meter, self._steps.minimise
        self.steps_total = settings.steps or settings.epochs * self._order.steps_per_epoch
        # The step at which all processes meet next; that of the last time, and the seconds in steps until then.
        self._meeting, self._met_at, self._met_seconds = state.step, state.step, 0.0
        self._saver = Saver(folder, state, settings.save_every)
        self._told: set[str] = set()
        self._told_how = ""  # why steps are not replayed, once it was told
        self._trouble = ""  # with the disk, as it was told
        self._stretch: list[tuple[int, Numbers]] = []  # reports since the last diagnosis, with their steps
        self._began = time.perf_counter()
        self._step_seconds, self._images_seen, self._first_step = 0.0, 0, state.step
        self._better = False

    def run(self) -> Finished:
        """Train to the end, a stop, or a divergence. Errors of our own making pass through."""
        with computing_on(self.machine):
            return self._run()

    def _run(self) -> Finished:
        self.tell(self._started())
        try:
            with deterministic(self.settings.deterministic):
                whole = self._train()
            finished = Finished("done" if whole else "stopped", self.state.step, seconds=self.seconds())
        except DivergedError as error:
            self._team.end()
            for step, summary in error.reports:  # the curve goes on to the very step that is not finite
                self.tell(Progress(self._record("train", *summary, step=step), self._rate, 0.0))
            bad = error.reports[-1][0] if error.reports else self.state.step
            finished = Finished("diverged", bad, f"{error}. {self._advice(error)}", self.seconds())
        self._steps.close()
        self.tell(finished)
        return finished

    def _train(self) -> bool:
        """Returns whether all is done that was to be done."""
        state = self.state
        state.model.train()
        if self._left_undone():
            self._look(final=False)
        while state.step < self.steps_total:
            # Obey: wait while paused, leave when asked to, note what is asked for.
            if state.step == self._meeting:
                self._wait_while_paused()
                if self.control.stopping:
                    break
                asked = self.control.requests()
                self._set_meeting()

            # Take one step, and report a few times a second. Reading waits for the device: it counts as training.
            begin = time.perf_counter()
            self.step()
            last, (epoch_done, round_done) = state.step == self.steps_total, self._border()
            meeting = state.step == self._meeting
            saving = meeting and (self._saver.due(epoch_done) or "checkpoint" in asked)
            reporting = meeting and (
                last or round_done or saving or bool(asked) or self._team.many or self._meter.due()
            )
            numbers = self._meter.read(state.step) if reporting else None
            self._step_seconds += time.perf_counter() - begin
            self._images_seen += self._order.batch_size
            if numbers:
                self._report(*numbers)
                self._say_how()

            # Evaluate, each round of epochs.
            looking = meeting and ((round_done and not last) or "pictures" in asked)
            if looking:
                self._evaluate()

            # Save, by the clock, after an epoch, when it is better than ever, and on request.
            if (saving or self._better) and not last:
                self._save()

            # Draw last: if the run is killed meanwhile, only pictures are to be made again.
            if looking:
                self._look(final=False)
        return self._end()

    def step(self) -> None:
        """Take one step, with its images and its noise, and average the weights."""
        self._steps.take()

    def report(self) -> None:
        """Tell the means of the steps since the last report."""
        self._report(*self._meter.read(self.state.step))

    def _end(self) -> bool:
        """Leave a whole run behind, also where it was stopped: numbers, a checkpoint, the final pictures."""
        self._team.end()
        self.report()
        self._diagnose(LEAST_DIAGNOSED)
        last = self.state.step == self.steps_total
        if last:
            self._evaluate()  # the checkpoint says how good the model is
        self._keeper.settle()
        self._tell_all(self._saving(lambda s: self._saver.save_last(s, self.control.hurried)))  # before pictures
        if last or self.state.step > self._first_step:
            self._look(final=True)
        return last and not self.control.hurried

    def _set_meeting(self) -> None:
        """Where all processes meet again, told to the others: a report later, at the latest where an epoch ends.

        One process is always at its own meeting.
        """
        step, steps = self.state.step, 1
        if self._team.many:
            taken, seconds = step - self._met_at, self._step_seconds - self._met_seconds
            wished = int(meter.REPORT_SECONDS * taken / max(seconds, 1e-9))
            epoch = self._order.steps_per_epoch
            steps = max(1, min(wished, 2 * taken, epoch - step % epoch, self.steps_total - step))
        self._met_at, self._met_seconds = step, self._step_seconds
        self._meeting = step + steps
        self._team.announce(steps)

    def _border(self) -> tuple[bool, bool]:
        """Whether an epoch has just ended, and a round of them."""
        epoch, inside = divmod(self.state.step, self._order.steps_per_epoch)
        return inside == 0, inside == 0 and epoch % self.settings.every == 0

    @property
    def _rate(self) -> float:
        """Images per second, pictures and saving left out."""
        return self._images_seen / max(self._step_seconds, 1e-9)

    def _report(self, steps: int, mean: Numbers, low: Numbers, high: Numbers) -> None:
        if not steps:
            return
        elapsed = time.perf_counter() - self._began
        left = (self.steps_total - self.state.step) * elapsed / max(self.state.step - self._first_step, 1)
        self.tell(Progress(self._record("train", mean, low, high), self._rate, left))
        if isinstance(self.state.model, Diagnoses):
            self._stretch.append((steps, mean))
            self._diagnose(DIAGNOSED_STEPS)

    def _say_how(self) -> None:
        """Why steps are not replayed, once that is known."""
        if (why := self.unreplayed) != self._told_how:
            self._told_how = why
            self.tell(
                Notice(self.state.step, f"Each kernel of a step is launched by itself, which may be slower: {why}.")
            )

    def _diagnose(self, least: int) -> None:
        """Ask the model what the last stretch means, once it has `least` steps; shorter ones are mostly noise."""
        length = sum(part for part, _ in self._stretch)
        if length < least or not isinstance(self.state.model, Diagnoses):
            return
        means = {name: sum(part * m[name] for part, m in self._stretch) / length for name in self._stretch[0][1]}
        self._stretch.clear()
        found = self.state.model.diagnose(means)
        for name in found.keys() - self._told:
            self.tell(Notice(self.state.step, found[name]))
        self._told = set(found)  # a trouble that went away and comes back is told again

    def _evaluate(self) -> None:
        """The numbers of held-out images, once a step; nothing where there is no time for them."""
        if self.state.evaluated == self.state.step:
            return
        with suppress(HurriedError), self.state.for_looking() as model, self._steps.precision():
            means = evaluate(model, self.images.test, self.settings.seed, self.machine.device, self._check_hurry)
            self.state.evaluated = self.state.step
            self.state.rank = rank(model, means)
            self._better = self._saver.is_best
            self.tell(Evaluated(self._record("test", means)))

    def _look(self, final: bool) -> None:
        """Evaluate, and show what the model can."""
        self._evaluate()
        if self.control.hurried:
            return
        with self.state.for_looking() as model, self._steps.precision():
            epoch = self.state.step / self._order.steps_per_epoch
            sampler = sampling.make(self.settings.sampler, model, self.images)
            step, seed = self.state.step, self.settings.seed
            self.tell(snapshots.take(model, self.images, sampler, seed, step, epoch, final))

    def _check_hurry(self) -> None:
        if self.control.hurried:
            raise HurriedError

    def _save(self) -> None:
        self._better = False
        if self._keeper.settle():  # the numbers up to here are there whenever the checkpoint is
            self._tell_all(self._saving(self._saver.save))
        else:
            self._tell_all(self._saver.postpone(self._keeper.trouble))

    def _saving(self, save: Callable[[float], list[Event]]) -> list[Event]:
        try:
            return save(self.seconds())
        except FloatingPointError as error:
            sentence = f"A weight ({error}) stopped being finite by step {self.state.step:,}"
            raise DivergedError(sentence) from None

    def _advice(self, error: DivergedError) -> str:
        """What to try after a divergence, with the command that goes on from the last good checkpoint."""
        ways = ["a lower --learning-rate"]
        ways += ["--precision float32"] * self.machine.autocast
        ways += [f"--clip {self.settings.clip / 10:g}" if self.settings.clip else "--clip 1"]
        said = "The weights were left as they were before it. " if error.guarded else ""
        said += f"Try {', '.join(ways[:-1])} or {ways[-1]}."
        if self._saver.good is None:
            return said
        rate = f"--learning-rate {self.state.model.config.learning_rate / 4:g}"
        return f"{said} From step {self._saver.good:,}: {self.folder.resume_command} {rate}"

    @property
    def unreplayed(self) -> str:
        """Why a GPU is given a step's kernels one by one, in words; "" where it is not, or not known yet."""
        return self._steps.trouble

    @property
    def saved_step(self) -> int | None:
        """The step of the last good checkpoint."""
        return self._saver.good

    def smaller_batch(self, error: BaseException) -> int | None:
        """After memory ran out: how many images a step would have memory for; None where that is not known."""
        if self._team.many:  # no process can try a step alone
            return None

        def batch(size: int) -> Batch:
            whole = self._steps.batch(self.state.step)
            labels = None if whole.labels is None else whole.labels[:size]
            return Batch(whole.images[:size], labels, whole.step, whole.generator)

        self._steps.forget()
        with self._steps.precision():
            return batch_that_fits(self.state, batch, self._order.batch_size, error)

    def seconds(self) -> float:
        """Wall time in training over all sittings."""
        return self.state.seconds_before + time.perf_counter() - self._began

    def _record(
        self, split: Split, mean: Numbers, low: Numbers | None = None, high: Numbers | None = None,
        step: int | None = None,
    ) -> Record:  # fmt: skip
        step = self.state.step if step is None else step
        return Record(
            step, step * self._order.batch_size, round(step / self._order.steps_per_epoch, 4),
            round(self.seconds(), 3), split, mean, low or {}, high or {},
        )  # fmt: skip

    def _started(self) -> Started:
        return Started(
            self.state.step, self.steps_total, self._order.steps_per_epoch, self._team.devices(self.machine.device),
            self.machine.precision, sum(p.numel() for p in self.state.model.parameters()),
        )  # fmt: skip

    def _wait_while_paused(self) -> None:
        if self.control.paused:
            self.report()  # who looks now sees where it stands
            self.tell(Paused(self.state.step, True))
            while self.control.paused:
                self.control.wait_while_paused()
                self._answer(self.control.requests())
            self.tell(Paused(self.state.step, False))

    def _answer(self, asked: set[Wanted]) -> None:
        """Pictures and checkpoints of a run that stands still."""
        if asked:
            self.report()
        if "checkpoint" in asked:
            self._save()
        if "pictures" in asked:
            self._look(final=False)

    def _left_undone(self) -> bool:
        """Whether the sitting before ended between a round's last step and its pictures."""
        step = self.state.step
        if not 0 < step < self.steps_total or not self._border()[1]:
            return False
        return self.state.evaluated != step or not self.folder.snapshot(step).exists()

    def _tell_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self.tell(event)

    def tell(self, event: Event) -> None:
        """Tell the record and every sink. A sink that raises is dropped with a notice; the record may not fail."""
        self._keeper(event)
        for sink in list(self._sinks):
            try:
                sink(event)
            except LeftOutError as sentence:
                self.tell(Notice(self.state.step, str(sentence)))
            except Exception as error:  # noqa: BLE001 (a display must not take the run)
                self._sinks.remove(sink)
                with suppress(OSError):
                    self.folder.log(traceback.format_exc())
                self.tell(Notice(self.state.step, f"A display was dropped after an error ({error})."))
        if (trouble := self._keeper.trouble) != self._trouble:
            self._trouble = trouble
            self.tell(
                Notice(self.state.step, trouble or "The run's files can be written again, and nothing is missing.")
            )
