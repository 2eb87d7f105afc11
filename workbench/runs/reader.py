"""A run folder as it grows, for whoever shows it: what is new since the last look, and nothing read twice.

A run of this process, one that another process writes and one that is long finished are read by the same code.
"""

import json
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from models.errors import InputError
from models.metric import Metric
from workbench.config import RunConfig, steps_per_epoch
from workbench.runs import evaluations, pictures, reading
from workbench.runs.evaluations import Evaluation
from workbench.runs.folder import RunFolder
from workbench.runs.state import LIVENESS_SECONDS, State, judged
from workbench.runs.history import Split
from workbench.runs.pictures import Pictures
from workbench.runs.tail import Part, Signature, Tail, signature
from workbench.runs.trace import Trace

LOG_LINES, LOG_WIDTH = 2000, 4000
METRICS = 1000  # kept apart of one run
KEPT = 16  # snapshots in memory
_SETTLED_NS = 100_000_000  # a folder's time is coarse: one that changed just now may change again unseen
_SPLITS = get_args(Split)
_LARGEST = 1e15
_FILES = ("config", "state", "metrics", "end of metrics", "environment", "log", "end of log", "evaluation")
_decode = json.JSONDecoder().decode


@dataclass(frozen=True)
class Changed:
    """What a look at the folder found to be new."""

    state: bool = False
    config: bool = False  # the configuration, the metrics' meaning or the environment: a run that was resumed
    metrics: bool = False
    snapshots: bool = False
    log: bool = False
    evaluation: bool = False
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
        self.evaluation: Evaluation | None = None  # None while the run was not evaluated, or the file is damaged
        self._problems: dict[str, str] = {}
        self._signatures: dict[Path, Signature | None] = {}
        self._metrics_tail, self._log_tail = Tail(folder.metrics_file), Tail(folder.log_file)
        self._last_step: dict[str, int] = {}
        self._damaged = 0  # lines of the metrics
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
        return next(iter(self.problems), "")

    @property
    def problems(self) -> list[str]:
        """A sentence for each file that is damaged, what matters most first."""
        return [self._problems[what] for what in _FILES if what in self._problems]

    @property
    def evaluation_problem(self) -> str:
        """What is wrong with `evaluation.json`, in a sentence without its path; "" where nothing is."""
        file = self.folder.evaluation_file
        return self._problems.get("evaluation", "").replace(str(file), file.name)

    def lacking(self) -> list[str]:
        """A sentence for each file that a run as far as this one has, and this one has not, or empty."""
        if not (self.state and self.state.step):
            return []
        expected = (self.folder.environment_file, self.folder.metrics_file, self.folder.log_file)
        told = [path for path in expected if not any(str(path) in problem for problem in self.problems)]
        sizes = {path: now[1] if (now := signature(path)) else None for path in told}
        return [f"{path} is {'missing' if size is None else 'empty'}." for path, size in sizes.items() if not size]

    def poll(self, budget: float = 0.02) -> Changed:
        """Read what is new, for about `budget` seconds. A few calls of `stat` where nothing is."""
        was_gone, self.gone = self.gone, signature(self.folder.path) is None
        if self.gone:
            return Changed(state=not was_gone)
        until = time.monotonic() + budget
        config = self._read_config()
        state = self._read_state() or was_gone
        snapshots = self._list_snapshots()
        evaluation = self._read_evaluation()
        log, log_behind = self._follow(self._log_tail, self._add_log, until)
        metrics, metrics_behind = self._follow(self._metrics_tail, self._add_metrics, until)
        self._look_at_end("metrics", self._metrics_tail, self.folder.metrics_file)
        self._look_at_end("log", self._log_tail, self.folder.log_file)
        return Changed(state, config, metrics, snapshots, log, evaluation, log_behind or metrics_behind)

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
        if self._signatures[folder.environment_file]:  # a run can be looked at without it
            with self._noting("environment"):
                self.environment = reading.read_json(folder.environment_file)
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

    def _read_evaluation(self) -> bool:
        """Whether the run was evaluated, for the first time or anew, or its evaluation has gone or broken."""
        if not self._is_new(self.folder.evaluation_file):
            return False
        before = self.evaluation, self._problems.get("evaluation")
        self.evaluation = None
        with self._noting("evaluation"):
            self.evaluation = evaluations.load(self.folder)
        return before != (self.evaluation, self._problems.get("evaluation"))

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

    def _look_at_end(self, what: str, tail: Tail, path: Path) -> None:
        """Note a file that cannot be read, and one whose last line nobody will write to its end."""
        ended = self.state is not None and self.state.status not in {"running", "paused"}
        self._problems.pop(f"end of {what}", None)
        if tail.trouble:
            self._problems[f"end of {what}"] = f"{path} cannot be read ({tail.trouble})."
        elif tail.torn and ended and what not in self._problems:
            self._problems[f"end of {what}"] = f"{path} ends within a line: what followed is lost."

    def _add_log(self, part: Part) -> None:
        if part.anew:
            self.log.clear()
            self._problems.pop("log", None)
        lines = [reading.plain(line[:LOG_WIDTH]) for line in part.lines[-LOG_LINES:]]
        self.log.extend(lines)
        if any("\ufffd" in line for line in lines):
            self._problems["log"] = f"{self.folder.log_file} is damaged: it holds what is no text."

    def _add_metrics(self, part: Part) -> None:
        """Lines of `metrics.jsonl` into traces; a damaged line is passed over whole."""
        if part.anew:
            self.traces, self._last_step, self._damaged = {}, {}, 0
        rows: dict[tuple[str, Split], list[tuple[float, ...]]] = {}
        for line in filter(str.strip, part.lines):
            try:
                split, step, values = _record(line)
            except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
                self._damaged += 1
                continue
            if step <= self._last_step.get(split, -1):
                continue
            self._last_step[split] = step
            for name, *numbers in values:
                if (name, split) in self.traces or len(self.traces) + len(rows) < METRICS:
                    rows.setdefault((name, split), []).append((step, *numbers))
        for key, new in rows.items():
            self.traces.setdefault(key, Trace()).extend(new)
        self._problems.pop("metrics", None)
        if self._damaged:
            lines = "1 line" if self._damaged == 1 else f"{self._damaged:,} lines"
            left = "passed over" if self.traces else "there is none that can be read"
            self._problems["metrics"] = f"{self.folder.metrics_file} is damaged in {lines}: {left}."


def _record(line: str) -> tuple[Split, int, list[tuple[Any, ...]]]:
    """The split, the step and the values by name of a record; an error of some kind where there is none."""
    record = _decode(line)
    split, step = record["split"], int(record["step"])
    epoch, seconds = float(record["epoch"]), float(record["seconds"])
    if split not in _SPLITS or not all(0 <= place <= _LARGEST for place in (step, epoch, seconds)):
        raise ValueError
    low, high = record.get("low", {}), record.get("high", {})
    values = [
        (name, epoch, seconds, _number(value), _number(low.get(name)), _number(high.get(name)))
        for name, value in record["metrics"].items()
    ]
    if not all(name.isprintable() for name, *_ in values):
        raise ValueError
    return split, step, values


def _number(value: Any) -> float:
    """A value of a record; what was not finite is null there, and a gap here."""
    return math.nan if value is None else float(value)
