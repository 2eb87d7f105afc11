"""When a run is saved, and what happens where that fails."""

import time

from models.errors import InputError
from workbench.runs import checkpoint, files
from workbench.runs.folder import RunFolder
from workbench.training.events import Event, Notice, Saved
from workbench.training.state import TrainingState

SHARE = 0.02  # of the time in training, at most, goes into checkpoints that nobody asked for
RETRY_SECONDS = 5.0
LAST_PAUSES = (0.5, 1.5)  # between the attempts at the checkpoint that ends a sitting
GONE_SECONDS = 60.0  # a network drive may be away for a moment; a folder that somebody removed does not come back


class Saver:
    """Checkpoints of one sitting: by the clock, after each epoch, when the model was never better, on request."""

    def __init__(self, folder: RunFolder, state: TrainingState, every: float) -> None:
        self._folder, self._state, self._every = folder, state, every
        self._began = self._tried = time.monotonic()
        self._spent = self._cost = 0.0  # seconds in all, and of the last one
        self._failures = 0
        self._good_at = self._began
        self.good = state.step if checkpoint.any_there(folder) else None  # the step of the last good one
        self._best = checkpoint.best_rank(folder)

    @property
    def is_best(self) -> bool:
        """Whether the model, as it was just evaluated, was never better."""
        rank = self._state.rank
        return rank is not None and (self._best is None or rank < self._best)

    def due(self, epoch_done: bool) -> bool:
        """Whether to save now, though nobody asks: as often as wanted, while it costs little."""
        if self._failures:
            return self._waited >= max(RETRY_SECONDS, self._cost / SHARE)
        if epoch_done and self.good is None:  # so that a run that breaks soon has something to go on from
            return True
        if self._waited < (self._every / 10 if epoch_done else self._every):  # some sets have many epochs a second
            return False
        return self._spent + self._cost <= SHARE * (time.monotonic() - self._began)

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._tried

    def save(self, seconds: float) -> list[Event]:
        """Try once; what is to be told of it. A disk that fails is a notice, and the next try is soon.

        Raises `FloatingPointError` naming a weight that is not finite, and `InputError` where the run's folder has
        been gone for a while.
        """
        begin = time.monotonic()
        try:
            events: list[Event] = [self._write(seconds)]
        except OSError as error:
            return self._failed(str(error))
        finally:
            self._tried = time.monotonic()
            self._cost = self._tried - begin
            self._spent += self._cost
        if self._failures:
            events.append(Notice(self._state.step, "Checkpoints can be written again; this one is good."))
        self._failures, self.good, self._good_at = 0, self._state.step, self._tried
        return events

    def save_last(self, seconds: float, hurried: bool) -> list[Event]:
        """The checkpoint that ends a sitting, tried more than once. Raises `InputError` where that is in vain.

        Who is in a hurry does without one of this very step again, and without reading it back.
        """
        if hurried and self.good == self._state.step:
            return []
        for pause in (*LAST_PAUSES, None):
            try:
                return [self._write(seconds, verify=not hurried)]
            except OSError as error:
                if pause is None:
                    raise InputError(
                        f"The final checkpoint is not there: {error}. {self._what_is_left()}"
                    ) from None
                time.sleep(pause)
        raise AssertionError

    def postpone(self, reason: str) -> list[Event]:
        """Save nothing now, since the numbers up to here cannot be written; what is to be told of it."""
        self._tried = time.monotonic()
        return self._failed(reason)

    def _write(self, seconds: float, verify: bool = True) -> Saved:
        current = self._state.to_checkpoint(seconds)
        files.sync(self._folder.metrics_file)
        path = checkpoint.save(self._folder, current, verify)
        if current.facts["rank"] is not None and self.is_best:
            self._best = current.facts["rank"]
        return Saved(self._state.step, path)

    def _failed(self, reason: str) -> list[Event]:
        self._failures += 1
        away = time.monotonic() - self._good_at
        if not self._folder.path.is_dir() and self._failures > 1 and away > GONE_SECONDS:
            raise InputError(
                f"The run's folder {self._folder.path} is gone, so nothing of it can be kept."
            ) from None
        if self._failures & (self._failures - 1):  # told at the first, second, fourth, eighth one, ...
            return []
        loud = "NOTHING IS BEING SAVED: " if self._failures > 1 else ""
        going_on = "Training goes on, and saving is tried again and again."
        sentence = f"{loud}{reason.rstrip('.')}. {going_on} {self._what_is_left()}"
        return [Notice(self._state.step, sentence)]

    def _what_is_left(self) -> str:
        if self.good is None:
            return "There is no good checkpoint yet. Make the folder writable or free some space."
        return f"The last good one is of step {self.good:,}. Make the folder writable or free some space."
