"""A run folder as it grows, for whoever shows it: what is new since the last look, and nothing read twice.

A run of this process, one that another process writes and one that is long finished are read by the same code.
"""

import json
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from models.errors import InputError
from models.metric import Metric
from workbench.config import RunConfig, steps_per_epoch
from workbench.runs import files, pictures
from workbench.runs.folder import LIVENESS_SECONDS, RunFolder, State, judged
from workbench.runs.history import Split
from workbench.runs.pictures import Pictures
from workbench.runs.tail import Part, Signature, Tail, signature
from workbench.runs.trace import Trace

LOG_LINES = 2000
KEPT = 16  # snapshots in memory
_SETTLED_NS = 100_000_000  # a folder's time is coarse: one that changed just now may change again unseen
_SPLITS = get_args(Split)
_decode = json.JSONDecoder().decode


@dataclass(frozen=True)
class Changed:
    """What a look at the folder found to be new."""

    state: bool = False
    config: bool = False  # the configuration, the metrics' meaning or the environment: a run that was resumed
    metrics: bool = False
    snapshots: bool = False
    log: bool = False
    behind: bool = False  # time was up before all was read: look again soon


class RunReader:
    """One run folder in memory, brought up to date by `poll`. Nothing here raises for what a folder holds."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.gone = False  # the folder is not there (any more); what was read of it stays
        self.state: State | None = None
        self.config: RunConfig | None = None  # None where it is not valid; `problem` says why
        self.metrics: Mapping[str, Metric] = {}
        self.environment: Mapping[str, Any] = {}
        self.steps_per_epoch: int | None = None  # where the configuration says
        self.traces: dict[tuple[str, Split], Trace] = {}
        self.snapshots: list[int] = []  # steps, rising
        self.log: deque[str] = deque(maxlen=LOG_LINES)
        self._problems: dict[str, str] = {}
        self._signatures: dict[Path, Signature | None] = {}
        self._metrics_tail, self._log_tail = Tail(folder.metrics_file), Tail(folder.log_file)
        self._last_step: dict[str, int] = {}
        self._stored: State | None = None
        self._asked_at = -math.inf
        self._listed: Signature | None = None
        self._settled = False
        self._kept: OrderedDict[int, tuple[Signature | None, Pictures]] = OrderedDict()

    @property
    def problem(self) -> str:
        """What is wrong with the folder, in a sentence; "" where nothing is."""
        if self.gone:
            return f"{self.folder.path} is gone: it was deleted, renamed or cannot be reached."
        return next(iter(self._problems.values()), "")

    def poll(self, budget: float = 0.02) -> Changed:
        """Read what is new, for about `budget` seconds. A few calls of `stat` where nothing is."""
        was_gone, self.gone = self.gone, signature(self.folder.path) is None
        if self.gone:
            return Changed(state=not was_gone)
        until = time.monotonic() + budget
        config = self._read_config()
        state = self._read_state() or was_gone
        snapshots = self._list_snapshots()
        log, log_behind = self._follow(self._log_tail, self._add_log, until)
        metrics, metrics_behind = self._follow(self._metrics_tail, self._add_metrics, until)
        return Changed(state, config, metrics, snapshots, log, log_behind or metrics_behind)

    def snapshot(self, step: int) -> Pictures:
        """The pictures of one moment. Raises `InputError` where they are missing or damaged."""
        path = self.folder.snapshot(step)
        now = signature(path)
        if step not in self._kept or self._kept[step][0] != now:
            try:
                self._kept[step] = now, pictures.load(path)
            except InputError:
                what = "missing" if now is None else "damaged"
                raise InputError(
                    f"The pictures of step {step:,} cannot be read: the file {path.name} is {what}."
                ) from None
        self._kept.move_to_end(step)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[step][1]

    def _is_new(self, path: Path) -> bool:
        """Whether a file is another one than at the last look."""
        now = signature(path)
        same = path in self._signatures and self._signatures[path] == now
        self._signatures[path] = now
        return not same

    def _read_config(self) -> bool:
        folder = self.folder
        news = [self._is_new(path) for path in (folder.config_file, folder.environment_file)]
        if not any(news):
            return False
        self.config, self.metrics, self.steps_per_epoch = None, {}, None
        with self._noting("config"):
            self.metrics = folder.metrics()
            self.config = folder.config()
            images = folder.images().get("train")
            if isinstance(images, int) and images > 0:
                self.steps_per_epoch = steps_per_epoch(images, self.config.training.batch_size)
        with suppress(InputError):  # a run can be looked at without it
            self.environment = files.read_json(folder.environment_file)
        return True

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Keep what is wrong with a file as a sentence for `problem`."""
        self._problems.pop(what, None)
        try:
            yield
        except InputError as error:
            self._problems[what] = str(error)

    def _read_state(self) -> bool:
        if self._is_new(self.folder.state_file):
            with self._noting("state"):
                self._stored = self.folder.stored_state()
        elif time.monotonic() - self._asked_at < LIVENESS_SECONDS:
            return False
        self._asked_at = time.monotonic()
        before, self.state = self.state, judged(self._stored) if self._stored else None
        return self.state != before

    def _list_snapshots(self) -> bool:
        now = signature(self.folder.snapshots)
        if now == self._listed and self._settled:
            return False
        self._settled = now is None or time.time_ns() - now[2] > _SETTLED_NS
        before = self._listed, self.snapshots
        self._listed, self.snapshots = now, pictures.steps(self.folder)
        return before != (self._listed, self.snapshots)

    def _follow(self, tail: Tail, add: Callable[[Part], None], until: float) -> tuple[bool, bool]:
        """Read a growing file until there is no more or time is up: (whether there was something, behind)."""
        news = False
        while True:
            part = tail.read()
            if part.lines or part.anew:
                add(part)
                news = True
            if not part.more or time.monotonic() >= until:
                return news, part.more

    def _add_log(self, part: Part) -> None:
        if part.anew:
            self.log.clear()
        self.log.extend(part.lines)

    def _add_metrics(self, part: Part) -> None:
        """Lines of `metrics.jsonl` into traces; a damaged line is passed over whole."""
        if part.anew:
            self.traces, self._last_step = {}, {}
        rows: dict[tuple[str, Split], list[tuple[float, ...]]] = {}
        for line in part.lines:
            try:
                record = _decode(line)
                split, step = record["split"], int(record["step"])
                epoch, seconds = float(record["epoch"]), float(record["seconds"])
                low, high = record.get("low", {}), record.get("high", {})
                values = [
                    (name, _number(value), _number(low.get(name)), _number(high.get(name)))
                    for name, value in record["metrics"].items()
                ]
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
                continue
            if split not in _SPLITS or step <= self._last_step.get(split, -1):
                continue
            self._last_step[split] = step
            for name, *numbers in values:
                rows.setdefault((name, split), []).append((step, epoch, seconds, *numbers))
        for key, new in rows.items():
            self.traces.setdefault(key, Trace()).extend(new)
        self._problems.pop("metrics", None)
        if part.lines and not self.traces:
            name = self.folder.metrics_file.name
            self._problems["metrics"] = f"{name} is damaged: it holds no line that can be read."


def _number(value: Any) -> float:
    """A value of a record; what was not finite is null there, and a gap here."""
    return math.nan if value is None else float(value)
