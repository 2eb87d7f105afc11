"""Where a run stands: two rows above its panes, and a card for windows too small for them."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment

from workbench.machine import Figures
from workbench.runs.reader import RunReader
from workbench.runs.state import State, Status
from workbench.runs.trace import Trace
from workbench.terminal.look import Look, Row, Rows
from workbench.ui.asking import Asking
from workbench.ui.job import Job
from workbench.ui.states import BAD, LIVE, SIGNS, WORDS
from workbench.ui.words import blank, fitted, said, shortened, unstamped
from workbench.units import duration, number

_UNWRITTEN = "It has ended, but that could not be written: is the disk full? u goes on from its last checkpoint."
_GO_ON = "u goes on from the last checkpoint."
_PACE = 60.0  # seconds that the pace is taken over
_BAR, _LONGEST_BAR = 14, 40  # columns of the progress bar
_NAME = 12  # columns of the run's name at least
_TIME = len("59 min 59 s left")
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_MESSAGE = 36  # columns that a message may take from the figures of the machine


@dataclass(frozen=True)
class Standing:
    """What can be said of a run now."""

    name: str
    status: Status = "running"
    word: str = ""
    step: int = 0
    total: int = 0
    epoch: float = 0.0
    epochs: float = 0.0
    seconds: float = 0.0
    rate: float = 0.0  # images a second
    left: float | None = None  # seconds
    reason: str = ""
    note: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def live(self) -> bool:
        """Whether it trains, here or elsewhere."""
        return self.status in LIVE

    @property
    def share(self) -> float:
        """How much of it is done, 0 to 1."""
        return min(self.step / self.total, 1.0) if self.total else 0.0


def standing(reader: RunReader, asking: Asking | None, job: Job | None) -> Standing:
    """Where a run stands by its folder.

    asking   what was asked of it a moment ago, while it trains
    job      the sitting that its state is of, where that was started here: it knows whether its process is gone
    """
    state = _told(reader.state or State("running"), job)
    trained = [trace for (_, split), trace in reader.traces.items() if split == "train" and len(trace)]
    last = max((trace[-1] for trace in trained), key=lambda point: point.step, default=None)
    step, epoch, seconds = state.step, state.epoch, state.seconds
    if last is not None and last.step > step:  # the numbers are written more often than the state
        step, epoch, seconds = int(last.step), last.epoch, last.seconds
    if reader.steps_per_epoch:
        epoch = max(epoch, step / reader.steps_per_epoch)  # which the state of a run that broke off may lag behind
    word = WORDS[state.status]
    if asking is not None:
        word = "stopping" if asking.stopping else "paused" if asking.paused else WORDS["running"]
    total = state.steps_total
    return Standing(
        name=reader.folder.name, status=state.status, word=word, step=step, total=total, epoch=epoch,
        epochs=_epochs(reader, total), seconds=seconds, rate=state.images_per_second,
        left=_left(trained[0], total) if trained and word == "training" else None,
        reason=_reason(reader, state), note=said_last(state.notes), environment=reader.environment,
        metrics={name: trace[-1].value for (name, split), trace in reader.traces.items()
                 if split == "train" and len(trace)},
    )  # fmt: skip


def _told(state: State, job: Job | None) -> State:
    """The state, and where nobody could write the last one, what is known of it."""
    if job is None:
        return state
    if job.running:  # it may go on with a run that had ended, and not have said so yet
        return state if state.pid == job.worker.pid else replace(state, status="running", reason="")
    if state.status not in {*LIVE, "interrupted"}:
        return state
    if job.death:
        return replace(state, status="interrupted", reason=f"{job.death} {_GO_ON}")
    return replace(state, status="failed", reason=_UNWRITTEN)


def _epochs(reader: RunReader, total: int) -> float:
    if reader.steps_per_epoch and total:
        return round(total / reader.steps_per_epoch, 1)
    return float(reader.config.training.epochs) if reader.config is not None else 0.0


def _left(trace: Trace, total: int) -> float | None:
    """Seconds to the end at the pace of the last minute, pictures and saving included."""
    last = trace[-1]
    then = trace[trace.at(last.seconds - _PACE, "time") or 0]
    steps, seconds = last.step - then.step, last.seconds - then.seconds
    return (total - last.step) / steps * seconds if steps > 0 and seconds > 0 else None


def _reason(reader: RunReader, state: State) -> str:
    if state.status == "interrupted":
        return state.reason or f"Its process is gone. {_GO_ON}"
    return state.reason or reader.problem


def said_last(notes: tuple[str, ...]) -> str:
    """The newest note, or nothing."""
    return notes[-1] if notes else ""


def rows(it: Standing, figures: Figures, message: str, width: int, look: Look) -> Rows:
    """The two rows. `message` is what the person should know of the view, such as that it looks back."""
    return [_first(it, width, look), _second(it, figures, message, width, look)]


def _first(it: Standing, width: int, look: Look) -> Row:
    """The run and how far it is; what does not fit is left out, the least important first.

    Every part keeps its width while its number grows, so that nothing moves.
    """
    sign = SIGNS[it.status][0 if look.unicode else 1]
    state = Segment(f" {sign} {it.word}", look.bad if it.status in BAD else look.accent)
    parts = {name: text for name, text in _parts(it).items() if text}
    room, kept = width - 1 - cell_len(state.text) - _NAME - _BAR, set()
    for name in ("time", "percent", "epoch", "rate", "step"):
        if name in parts and cell_len(parts[name]) + 2 <= room:
            kept.add(name)
            room -= cell_len(parts[name]) + 2
    name = _name(it.name, _NAME + room, look)
    bar = min(_BAR + _NAME + room - cell_len(name) - 2, _LONGEST_BAR)
    row: Row = [state, Segment(f"  {name}", look.text)]
    row += [Segment(f"  {parts[part]}", look.text) for part in ("epoch", "step") if part in kept]
    row += [Segment("  "), *_bar(it.share, bar - 2, look)] if bar > 4 else []
    row += [Segment(parts["percent"], look.text)] if "percent" in kept else []
    row += [Segment(f"  {parts[part]}", look.dim if part == "rate" else look.text)
            for part in ("rate", "time") if part in kept]  # fmt: skip
    return row


def _parts(it: Standing) -> dict[str, str]:
    epochs, total = _count(it.epochs), f"{it.total:,}"
    epoch = f"{it.epoch:.1f}".rjust(len(epochs) + 2) if it.live else _count(it.epoch)
    time = f"took {duration(it.seconds)}"
    if it.live:
        time = (f"{duration(it.left)} left" if it.left is not None else "").ljust(_TIME)
    return {
        "epoch": f"epoch {epoch}/{epochs}",
        "step": f"step {f'{it.step:,}'.rjust(len(total) if it.live else 0)}/{total}",
        "percent": f"{it.share:4.0%}",
        "rate": f"{it.rate:>6,.0f} images/s" if it.rate else "",
        "time": time,
    }


def _name(name: str, width: int, look: Look) -> str:
    """The run's name, without its date where there is no room for that."""
    name = said(name, look.unicode)
    return name if len(name) <= width else shortened(unstamped(name), max(width, 8), look.unicode)


def _count(number: float) -> str:
    return f"{number:,.1f}".removesuffix(".0")


def _bar(share: float, width: int, look: Look) -> Row:
    """How much is done, an eighth of a cell fine."""
    inner = width - 2
    if not look.unicode:
        done = "#" * int(share * inner)
        rest = "." * (inner - len(done))
        return [Segment("[", look.dim), Segment(done, look.accent), Segment(f"{rest}]", look.dim)]
    eighths = round(share * inner * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (_EIGHTHS[part] if part else "")
    rest = " " * (inner - len(filled))
    return [Segment("▕", look.dim), Segment(filled, look.accent), Segment(f"{rest}▏", look.dim)]


def _second(it: Standing, figures: Figures, message: str, width: int, look: Look) -> Row:
    """The machine at the left, at the right what there is to say."""
    text, style = message, look.accent
    if not text:
        text, style = (it.reason, look.bad) if it.reason else (it.note, look.text)
    text = said(text, look.unicode)
    room = width - 2 - (min(len(text), max(_MESSAGE, width // 2)) + 3 if text else 0)
    machine = fitted(_machine(it, figures), room, look.unicode)
    text = shortened(text, width - len(machine) - 5 if machine else width - 2, look.unicode)
    gap = width - len(machine) - len(text) - 2 if machine else 0
    return [Segment(f" {machine}", look.dim), blank(gap), Segment(text, style)]


def _machine(it: Standing, figures: Figures) -> list[str]:
    """What it runs on and what that costs, the most important first."""
    ran_on, parts = it.environment, []
    device = str(ran_on.get("device_name") or ran_on.get("device") or "")
    if device:
        threads = ran_on.get("threads")
        parts.append(f"{device}, {threads} thread{'s' * (threads != 1)}" if device == "cpu" and threads else device)
    if it.live:
        if figures.gpu is not None:
            parts.append(f"GPU {figures.gpu:.0%}")
        if figures.gpu_used is not None and figures.gpu_total:
            parts.append(f"{figures.gpu_used / 1e9:.1f} of {figures.gpu_total / 1e9:.0f} GB")
        if figures.memory is not None:
            parts.append(f"memory {_bytes(figures.memory)}")
        if figures.cores is not None:
            parts.append(f"{figures.cores:.1f} cores busy")
    precision = ran_on.get("precision")
    return [*parts, *([str(precision)] if precision else [])]


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def card(it: Standing, key: tuple[str, ...], width: int, look: Look) -> list[str]:
    """The lines that matter most, for the smallest windows."""
    sign = SIGNS[it.status][0 if look.unicode else 1]
    lines = [
        f"{sign} {it.word}  {_name(it.name, width - len(it.word) - 5, look)}",
        f"epoch {_count(it.epoch)}/{_count(it.epochs)}  step {it.step:,}/{it.total:,}",
        "".join(part.text for part in _bar(it.share, min(width - 8, 40), look)) + f"{it.share:4.0%}",
    ]
    time = f"{duration(it.left)} left" if it.left is not None else f"{duration(it.seconds)} so far"
    lines.append(time if it.live else f"took {duration(it.seconds)}")
    lines += [f"{name} {number(it.metrics[name])}  training" for name in key if name in it.metrics]
    problem = it.reason or it.note
    return [*lines, *textwrap.wrap(said(problem, look.unicode), max(width - 2, 16), break_on_hyphens=False)]
