"""All runs of a folder: as folders, and as the rows of a list."""

import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from models.errors import InputError
from models.settings import suggest
from workbench.runs.folder import RunFolder, metrics_of
from workbench.runs.state import LIVENESS_SECONDS, State, Status, judged
from workbench.runs.tail import Signature, signature
from workbench.units import dataset_title

COLUMNS = ("name", "status", "model", "dataset", "progress", "key_value", "seconds", "started", "heartbeat", "tags")


@dataclass(frozen=True)
class RunRow:
    """One run of a list. Where its folder is damaged, `problem` says so, and the rest is what is known."""

    folder: RunFolder
    status: Status | Literal["broken"] = "broken"
    model: str = ""
    dataset: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)  # of all groups
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # held-out, and train_...
    key: str = ""  # the metric the run is known by
    better: Literal["lower", "higher"] | None = None  # of that metric
    step: int = 0
    steps_total: int = 0
    epoch: float = 0.0
    seconds: float = 0.0
    started: float = 0.0  # seconds since 1970, as `heartbeat`
    heartbeat: float = 0.0
    tags: tuple[str, ...] = ()
    reason: str = ""  # why it diverged or failed
    problem: str = ""
    note: str = ""  # what is wrong with a file that a run can do without

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name

    @property
    def key_value(self) -> float | None:
        """The number the run is known by; None before the first evaluation."""
        return self.metrics.get(self.key)

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        return self.step / self.steps_total if self.steps_total else 0.0

    def value(self, name: str) -> Any:
        """A column, a metric or a setting by name; None where the run has none of it."""
        if name in COLUMNS or name in {"step", "epoch"}:
            return getattr(self, name)
        return self.metrics[name] if name in self.metrics else self.settings.get(name)


def ordered(rows: Iterable[RunRow], by: str, descending: bool = False) -> list[RunRow]:
    """Rows by a column, a metric or a setting. Runs that have none of it come last, whichever the direction."""
    known: list[RunRow] = []
    unknown: list[RunRow] = []
    for row in rows:
        (unknown if row.value(by) in (None, "", ()) else known).append(row)

    def rank(row: RunRow) -> tuple[bool, Any]:
        value = row.value(by)
        return (False, value) if isinstance(value, int | float) else (True, str(value).casefold())

    return [*sorted(known, key=rank, reverse=descending), *unknown]


@dataclass
class _Entry:
    """What is remembered of one run, and of which files."""

    signatures: tuple[Signature | None, ...]
    state: State | None
    row: RunRow
    asked_at: float  # when its process was last looked for


class Listing:
    """The runs below a folder as rows; a run is read again only where one of its files has changed."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir
        self._entries: dict[str, _Entry] = {}
        self.whole = False  # whether the last look found time for every run

    def rows(self, budget: float = math.inf) -> list[RunRow]:
        """Every run, newest name first. A row is the same object as before where nothing changed.

        After `budget` seconds no run is read that was not known before: the next look goes on with those.
        """
        until, found = time.monotonic() + budget, {}
        self.whole = True
        for name in _names(self.runs_dir):
            if name in self._entries or time.monotonic() < until:
                found[name] = self._entry(name)
            else:
                self.whole = False
        self._entries = {name: entry for name, entry in found.items() if entry}
        return [entry.row for entry in self._entries.values()]

    def _entry(self, name: str) -> _Entry | None:
        entry = self._entries.get(name)
        folder = entry.row.folder if entry else RunFolder(self.runs_dir / name)
        now = tuple(map(signature, (folder.config_file, folder.state_file, folder.tags_file)))
        if now[:2] == (None, None):
            return None
        if entry is None or entry.signatures != now:
            return _Entry(now, *_read(folder), time.monotonic())
        if entry.state and time.monotonic() - entry.asked_at >= LIVENESS_SECONDS:
            entry.asked_at = time.monotonic()
            status = judged(entry.state).status
            if status != entry.row.status:
                entry.row = replace(entry.row, status=status)
        return entry


def runs(runs_dir: Path) -> Iterator[RunFolder]:
    """Every run folder below `runs_dir`, newest name first, damaged ones too."""
    return filter(is_run, (RunFolder(runs_dir / name) for name in _names(runs_dir)))


def is_run(folder: RunFolder) -> bool:
    """Whether a folder is a run, if a damaged one: it has a configuration or a state."""
    return any(map(signature, (folder.config_file, folder.state_file)))


def find(run: str, runs_dir: Path) -> RunFolder:
    """A run by path, by name, or by the beginning or a part of its name that no other run has.

    Raises `InputError` where there is none, or more than one.
    """
    if is_run(RunFolder(Path(run))):
        return RunFolder(Path(run))
    names = [folder.name for folder in runs(runs_dir)]
    if run in names:
        return RunFolder(runs_dir / run)
    matches = [name for name in names if run and run in name]
    if len(matches) == 1:
        return RunFolder(runs_dir / matches[0])
    if matches:
        raise InputError(f"{run!r} could be any of {len(matches)} runs: {', '.join(matches[:5])}. Give more of it.")
    raise InputError(f"There is no run {run!r} in {runs_dir}.{suggest(run, names)} `genbench runs` lists them.")


def _read(folder: RunFolder) -> tuple[State | None, RunRow]:
    """The state of a run and its row, with whatever can be read."""
    row = RunRow(folder)
    try:
        row = replace(row, tags=folder.stored_tags())
    except InputError as error:
        row = replace(row, note=str(error))
    try:
        config = folder.stored_config()
        settings = {
            name: value
            for group in ("model", "data", "training")
            for name, value in config[group].items()
            if isinstance(value, str | float | int | None)
        }
        if not isinstance(settings.get("epochs"), int):
            settings.pop("epochs", None)  # the one that is calculated with
        row = replace(
            row, model=str(settings.pop("name")), dataset=dataset_title(str(settings["dataset"])),
            settings=settings, started=_started(folder),
        )  # fmt: skip
        state = folder.state()
    except InputError as error:
        return None, replace(row, problem=str(error))
    except (KeyError, TypeError, AttributeError):
        return None, replace(row, problem=f"{folder.config_file} lacks its model, data or training settings.")
    described = metrics_of(config)
    key = next((name for name in (*described, *state.metrics) if not name.startswith("train_")), "")
    return state, replace(
        row, status=state.status, metrics=state.metrics, key=key,
        better=described[key].better if key in described else None,
        step=state.step, steps_total=state.steps_total, epoch=state.epoch, seconds=state.seconds,
        heartbeat=state.heartbeat, reason=state.reason,
    )  # fmt: skip


def _started(folder: RunFolder) -> float:
    """When a run began: from the name we gave it, else from the file that is written first."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.strptime(folder.name[:15], "%Y%m%d-%H%M%S").astimezone().timestamp()
    with suppress(OSError):
        return folder.config_file.stat().st_mtime
    return 0.0


def _names(runs_dir: Path) -> list[str]:
    """The folders in the folder of runs, newest name first; what is hidden is on its way out."""
    try:
        with os.scandir(runs_dir) as found:
            return sorted((it.name for it in found if not it.name.startswith(".") and _is_folder(it)), reverse=True)
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    with suppress(OSError):  # a link to itself
        return entry.is_dir()
    return False
