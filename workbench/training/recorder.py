"""The run folder's sink: what happens, written down. If it fails, the run stops."""

import time
from dataclasses import replace

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import RunFolder, State
from workbench.runs.history import History
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
NOTES = 20  # kept in the state; log.txt has all


class Recorder:
    """Writes `metrics.jsonl`, `state.json` and `log.txt`, and keeps the same history in memory."""

    def __init__(self, folder: RunFolder, history: History) -> None:
        self.folder, self.history = folder, history
        try:  # a run that goes on keeps its numbers until there are newer ones
            self.state = replace(folder.state(), status="running", reason="")
        except InputError:
            self.state = State("running")
        self._written = 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.state = replace(self.state, step=event.step, steps_total=event.steps_total)
                self.folder.log(
                    f"training from step {event.step} to {event.steps_total} on {event.device}, {event.precision}, "
                    f"{event.parameters:,} parameters"
                )
                self._write()
            case Progress(record=record) | Evaluated(record=record):
                files.append_line(self.folder.metrics_file, record.to_json())
                self.history.add(record)
                trained = {f"train_{name}": value for name, value in self.history.last_epoch().items()}
                self.state = replace(
                    self.state, step=record.step, epoch=record.epoch, seconds=record.seconds,
                    metrics={**self.history.last("test"), **trained},
                )  # fmt: skip
                if isinstance(event, Progress):
                    self.state = replace(self.state, images_per_second=round(event.images_per_second, 1))
                if time.monotonic() - self._written > STATE_SECONDS:
                    self._write()
            case Paused(paused=paused):
                self.state = replace(self.state, status="paused" if paused else "running")
                self._write()
            case Notice(step=step, text=text):
                self.folder.log(f"step {step}: {text}")
                notes = (*self.state.notes, f"step {step}: {text}")[-NOTES:]
                self.state = replace(self.state, notes=notes)
            case Saved(step=step, path=path):
                self.folder.log(f"step {step}: saved {path.name}")
            case Finished(status=status, step=step, reason=reason):
                seconds = round(max(event.seconds, self.state.seconds), 3)
                self.state = replace(self.state, status=status, step=step, reason=reason, seconds=seconds)
                self.folder.log(f"step {step}: {status}. {reason}")
                self._write()
            case _:
                pass

    def _write(self) -> None:
        self.folder.write_state(self.state)
        self._written = time.monotonic()
