"""The loop that trains every model. It knows no model by name and no sink at all."""

import time
import traceback
from collections.abc import Sequence

import torch
from torch import Tensor

from models.base import Batch, Diagnoses
from models.errors import InputError
from workbench.config import TrainingSettings
from workbench.data.imageset import ImageSet, to_unit
from workbench.runs import checkpoint
from workbench.runs.folder import RunFolder
from workbench.runs.history import Record, Split
from workbench.training import snapshots
from workbench.training.control import Control, Request
from workbench.training.devices import Machine
from workbench.training.evaluate import evaluate
from workbench.training.events import (
    Evaluated,
    Event,
    Finished,
    Notice,
    Paused,
    Progress,
    Saved,
    Sink,
    Started,
)  # fmt: skip
from workbench.training.meter import DivergedError, Meter, Numbers
from workbench.training.order import Order, seed_for
from workbench.training.state import TrainingState

SAVE_SECONDS = 30
DIAGNOSED_STEPS, LEAST_DIAGNOSED = 200, 20


class Trainer:
    """One sitting of one run: from the state's step to the last."""

    def __init__(
        self, state: TrainingState, images: ImageSet, settings: TrainingSettings, machine: Machine,
        folder: RunFolder, sinks: Sequence[Sink], control: Control,
    ) -> None:  # fmt: skip
        self.state, self.settings, self.machine, self.control = state, settings, machine, control
        self.folder = folder
        self.images = images
        self._sinks = list(sinks)
        self._pixels = images.train.images.to(machine.device)  # uint8, all of them, once
        self._labels = None if images.train.labels is None else images.train.labels.to(machine.device)
        self._order = Order(len(self._pixels), settings.batch_size, settings.seed, machine.device)
        self.steps_total = settings.steps or settings.epochs * self._order.steps_per_epoch
        self._noise = torch.Generator(machine.device)
        self._meter = Meter()
        self._told: set[str] = set()
        self._stretch: list[tuple[int, Numbers]] = []  # reports since the last diagnosis, with their steps
        self._began = time.perf_counter()
        self._step_seconds, self._images_seen, self._first_step = 0.0, 0, state.step
        self._saved_at, self._saved_step, self._evaluated_step = time.perf_counter(), -1, -1

    def run(self) -> Finished:
        """Train to the end, a stop, or a divergence. Errors of our own making pass through."""
        torch.set_num_threads(self.machine.threads)
        self.tell(self._started())
        try:
            self._train()
            done = self.state.step >= self.steps_total
            finished = Finished("done" if done else "stopped", self.state.step, seconds=self.seconds())
        except DivergedError as error:
            for step, summary in error.reports:  # the curve goes on to the very step that is not finite
                self.tell(Progress(self._record("train", *summary, step=step), 0.0, 0.0))
            reason = f"{error}. Try a lower --learning-rate or --clip 1."
            finished = Finished("diverged", self.state.step, reason, self.seconds())
        self.tell(finished)
        return finished

    def _train(self) -> None:
        state, model = self.state, self.state.model
        model.train()
        while state.step < self.steps_total:
            # Obey: wait while paused, leave when asked to, note what is asked for.
            self._wait_while_paused()
            if self.control.stopping:
                break
            asked = self.control.requests()

            # Take one step of the model's own algorithm, with the images and the noise of this step.
            begin = time.perf_counter()
            batch = self._batch(state.step)
            with self._precision():
                terms = model.training_step(batch, self._minimise)
            state.step += 1

            # Average the weights.
            state.average_weights()

            # Report, a few times a second. Reading is what waits for the device, so it counts as training.
            self._meter.add(terms)
            last, round_done = state.step == self.steps_total, self._round_done()
            saving = self._save_due(round_done) or "checkpoint" in asked
            reporting = last or round_done or saving or bool(asked) or self._meter.due()
            numbers = self._meter.read(state.step) if reporting else None
            self._step_seconds += time.perf_counter() - begin
            self._images_seen += len(batch.images)
            if numbers:
                self._report(*numbers)

            # Evaluate and draw, each round of epochs.
            if (round_done and not last) or "pictures" in asked:
                self._look(final=False)

            # Save, by the clock and on request.
            if saving and not last:
                self._save()
        self._end()

    def _end(self) -> None:
        """Leave a whole run behind, also where it was stopped: numbers, a checkpoint, the final pictures."""
        self._report(*self._meter.read(self.state.step))
        self._diagnose(LEAST_DIAGNOSED)
        if self.state.step == self.steps_total:
            self._look(final=True)
            self._save()
            return
        self._save()  # first, since whoever stops a run may not wait for pictures
        if self.state.step > self._first_step:
            self._look(final=True)

    def _batch(self, step: int) -> Batch:
        indices = self._order.indices(step)
        self._noise.manual_seed(seed_for(self.settings.seed, "noise", step))
        labels = None if self._labels is None else self._labels[indices]
        return Batch(to_unit(self._pixels[indices]), labels, step, self._noise)

    def _minimise(self, loss: Tensor, by: str = "model") -> None:
        """One optimizer step, on its own parameters only: nobody else's gradients are even computed."""
        optimizer = self.state.optimizers[by]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.machine.device.type, enabled=False):
            loss.backward(inputs=parameters)
        if self.settings.clip is not None:
            torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        optimizer.step()

    def _precision(self) -> torch.autocast:
        # No cache of cast weights: a model may use a network again after its optimizer has moved it.
        return torch.autocast(
            self.machine.device.type, torch.bfloat16, enabled=self.machine.autocast, cache_enabled=False
        )

    def _round_done(self) -> bool:
        epoch, inside = divmod(self.state.step, self._order.steps_per_epoch)
        return inside == 0 and epoch % self.settings.every == 0

    def _report(self, steps: int, mean: Numbers, low: Numbers, high: Numbers) -> None:
        if not steps:
            return
        rate = self._images_seen / max(self._step_seconds, 1e-9)
        elapsed = time.perf_counter() - self._began
        left = (self.steps_total - self.state.step) * elapsed / max(self.state.step - self._first_step, 1)
        self.tell(Progress(self._record("train", mean, low, high), rate, left))
        self._stretch.append((steps, mean))
        self._diagnose(DIAGNOSED_STEPS)

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

    def _look(self, final: bool) -> None:
        with self.state.for_looking() as model, self._precision():
            if self._evaluated_step != self.state.step:
                means = evaluate(model, self.images.test, self.settings.seed, self.machine.device)
                self.tell(Evaluated(self._record("test", means)))
                self._evaluated_step = self.state.step
            epoch = self.state.step / self._order.steps_per_epoch
            self.tell(snapshots.take(model, self.images, self.settings.seed, self.state.step, epoch, final))

    def _save_due(self, round_done: bool) -> bool:
        """Every half minute, and once early, so that a run that breaks soon has something to go on from."""
        first = round_done and self._saved_step < 0 and self._first_step == 0
        return first or time.perf_counter() - self._saved_at >= SAVE_SECONDS

    def _save(self) -> None:
        self._saved_at = time.perf_counter()  # also of one that fails: a full disk is not tried at every step
        try:
            path = checkpoint.save(self.folder, self.state.to_checkpoint(self.seconds()))
        except FloatingPointError as error:
            raise DivergedError(f"a weight ({error})", self.state.step, float("nan")) from None
        except OSError as error:
            if self.state.step == self.steps_total or self.control.stopping:
                raise InputError(f"The final checkpoint could not be written: {error}. Free some space.") from None
            self.tell(Notice(self.state.step, f"A checkpoint could not be written ({error}); training goes on."))
            return
        self._saved_step = self.state.step
        self.tell(Saved(self.state.step, path))

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
            self.state.step, self.steps_total, self._order.steps_per_epoch, str(self.machine.device),
            self.machine.precision, sum(p.numel() for p in self.state.model.parameters()),
        )  # fmt: skip

    def _wait_while_paused(self) -> None:
        if self.control.paused:
            self.tell(Paused(self.state.step, True))
            while self.control.paused:
                self.control.wait_while_paused()
                self._answer(self.control.requests())
            self.tell(Paused(self.state.step, False))

    def _answer(self, asked: set[Request]) -> None:
        """Pictures and checkpoints of a run that stands still."""
        if asked:
            self._report(*self._meter.read(self.state.step))
        if "pictures" in asked:
            self._look(final=False)
        if "checkpoint" in asked:
            self._save()

    def tell(self, event: Event) -> None:
        """Tell every sink. One that raises is dropped with a notice; the first, the record, may not fail."""
        for sink in list(self._sinks):
            try:
                sink(event)
            except Exception as error:
                if sink is self._sinks[0]:
                    raise
                self._sinks.remove(sink)
                self.folder.log(traceback.format_exc())
                self.tell(Notice(self.state.step, f"A display was dropped after an error ({error})."))
