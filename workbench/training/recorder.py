"""The run folder's sink: what happens, written down, at the latest when the disk can be written again."""

import time
from contextlib import suppress
from dataclasses import replace

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import RunFolder
from workbench.runs.history import History, Record, Split
from workbench.runs.state import State
from workbench.training.events import (
    Evaluated,
    Event,
    Finished,
    Notice,
    Paused,
    Progress,
    Saved,
    Started,
)  # fmt: skip

STATE_SECONDS = 2.0
RETRY_SECONDS = 2.0  # after a failure, at least,
SHARE = 0.05  # of the time goes into trying again, at most: a broken disk may take long to say so
NOTES = 20  # kept in the state; log.txt has all


class Recorder:
    """Writes `metrics.jsonl`, `state.json` and `log.txt`, and keeps the same history in memory.

    What cannot be written waits, in order, and `trouble` says why, in a sentence, until all of it is written.
    """

    trouble = ""

    def __init__(self, folder: RunFolder, history: History) -> None:
        self.folder, self.history = folder, history
        try:  # a run that goes on keeps its notes and its numbers until there are newer ones
            self.state = replace(folder.state(), status="running", reason="")
        except InputError:
            self.state = State("running")
        if history.records:  # a kill may have come between the last line and the state that tells of it
            self._stand(history.records[-1])
        self._known: dict[Split, int] = {}  # the last step recorded of each split
        for record in history.records:
            self._known[record.split] = max(record.step, self._known.get(record.split, record.step))
        self._lines: list[str] = []  # of metrics.jsonl, not yet written
        self._log: list[str] = []
        self._length: int | None = None  # of metrics.jsonl, as far as it is known to be good
        with suppress(OSError):
            self._length = folder.metrics_file.stat().st_size if folder.metrics_file.exists() else 0
        self._written = self._retry_at = 0.0
        self._state_due = False

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.state = replace(self.state, step=event.step, steps_total=event.steps_total)
                self._log.append(
                    f"training from step {event.step} to {event.steps_total} on {event.device}, {event.precision}, "
                    f"{event.parameters:,} parameters"
                )
                self._state_due = True
            case Progress(record=record) | Evaluated(record=record):
                rate = event.images_per_second if isinstance(event, Progress) else None
                self._record(record, rate)
            case Paused(paused=paused):
                self.state = replace(self.state, status="paused" if paused else "running")
                self._state_due = True
            case Notice(step=step, text=text):
                self._log.append(f"step {step}: {text}")
                notes = (*self.state.notes, f"step {step}: {text}")[-NOTES:]
                self.state = replace(self.state, notes=notes)
            case Saved(step=step, path=path):
                self._log.append(f"step {step}: saved {path.name}")
            case Finished(status=status, step=step, reason=reason):
                seconds = round(max(event.seconds, self.state.seconds), 3)
                self.state = replace(self.state, status=status, step=step, reason=reason, seconds=seconds)
                self._log.append(f"step {step}: {status}. {reason}")
                self._state_due = True
                self.settle()
                return
            case _:
                return
        if not self.trouble or time.monotonic() >= self._retry_at:
            self._write()

    def settle(self) -> bool:
        """Write all that waits now, patiently. False where it cannot be."""
        self._write()
        for pause in files.PAUSES if self.trouble else ():
            time.sleep(pause)
            self._write()
            if not self.trouble:
                break
        return not self.trouble

    def _record(self, record: Record, images_per_second: float | None) -> None:
        """Note one line of the metrics. A step that was told already is passed over: the file holds none twice."""
        if record.step <= self._known.get(record.split, -1):
            return
        self._known[record.split] = record.step
        self._lines.append(files.to_line(record.to_json()))
        self.history.add(record)
        self._stand(record)
        if images_per_second is not None:
            self.state = replace(self.state, images_per_second=round(images_per_second, 1))
        self._state_due = self._state_due or time.monotonic() - self._written > STATE_SECONDS

    def _stand(self, record: Record) -> None:
        """The state after a record of the history."""
        trained = {f"train_{name}": value for name, value in self.history.last_epoch().items()}
        self.state = replace(
            self.state, step=record.step, epoch=record.epoch, seconds=record.seconds,
            metrics={**self.history.last("test"), **trained},
        )  # fmt: skip

    def _write(self) -> None:
        """Try to write all that waits. Each file is tried: one may fit where another does not."""
        began = time.monotonic()
        failed: OSError | None = None
        for part in (self._write_metrics, self._write_log, self._write_state):
            try:
                part()
            except OSError as error:
                failed = failed or error
        if failed is None:
            self.trouble = ""
            return
        # The first sentence stays until all is well, so that a person is told once.
        self.trouble = self.trouble or f"{failed}. What could not be written waits until it can be."
        now = time.monotonic()
        self._retry_at = now + max(RETRY_SECONDS, (now - began) / SHARE)

    def _write_metrics(self) -> None:
        if not self._lines:
            return
        text = "".join(self._lines).encode("utf-8", "backslashreplace")
        # What a failed try may have left beyond the known length is cut off, or lines would be there twice.
        after = self._length if self.trouble else None
        self._length = files.append(self.folder.metrics_file, text, after=after)
        self._lines.clear()

    def _write_log(self) -> None:
        while self._log:
            self.folder.log(self._log[0])
            del self._log[0]

    def _write_state(self) -> None:
        if self._state_due:
            self.folder.write_state(self.state)
            self._state_due = False
            self._written = time.monotonic()
