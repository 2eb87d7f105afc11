"""A run on a console: live lines on a terminal, plain lines at a fixed cadence elsewhere, JSON for scripts."""

import errno
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress import Progress, TaskID
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from models.metric import Metric
from workbench.runs.folder import RunFolder
from workbench.training.events import Evaluated, Event, Finished, Notice, Paused, Saved, Snapshot, Started
from workbench.training.events import Progress as Report
from workbench.units import Pace, duration, number

LINE_SECONDS = 5.0  # between plain lines
FRAME_SECONDS = 0.1  # between live lines; on tiny sets there are hundreds of reports a second
WIDEST = 110  # a longer bar tells no more


class Lasting(Console):
    """A console whose reader may go: `genbench --no-ui | head` trains to the end."""

    def on_broken_pipe(self) -> None:
        """Rich would leave the program, and with it the run. So it is an error as any other."""
        raise BrokenPipeError(errno.EPIPE, "whoever read this is gone")


class LiveLines:
    """How far a run is, in one line as wide as the terminal, and its newest numbers in a second one.

    What does not fit is left out, the least important first, so that a line never wraps.
    """

    def __init__(self) -> None:
        self.epoch, self.epochs, self.step, self.steps = 0.0, 1.0, 0, 1
        self.rate = self.left = self.doing = ""
        self.metrics: Mapping[str, float] = {}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width - 1, WIDEST)  # a full last column makes some terminals wrap
        yield self._first(width)
        yield self._second(width)

    def _first(self, width: int) -> Table:
        steps, epochs = f"{self.steps:,}", f"{self.epochs:g}"
        epoch = f"epoch {self.epoch:.1f}".ljust(len(f"epoch {epochs}.0")) + f" of {epochs}"
        step = f"step {self.step:,}".rjust(len(steps) + 5) + f"/{steps}"
        right = [step, self.rate.rjust(12), (self.doing or self.left).ljust(14)]
        while right and len("  ".join([epoch, *right])) + 8 > width:
            right.pop(0)
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_row(
            Text(epoch[:width], style="bold", no_wrap=True),
            ProgressBar(self.steps, self.step, width=max(width - len("  ".join([epoch, *right])) - 2, 1)),
            *(Text(part, no_wrap=True) for part in right),
        )
        return line

    def _second(self, width: int) -> Text:
        line = Text(no_wrap=True)
        for name, value in self.metrics.items():
            term = f"{name} {number(value):<7}"
            if line.cell_len + len(term) > width:
                break
            line.append(f"{name} ", "dim").append(f"{number(value):<7}").append("  ")
        return line


class RunConsole(AbstractContextManager["RunConsole"]):
    """A sink that tells a person what a run does. Use it as a context manager: it owns the live lines."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._lines = LiveLines()
        self._last_line = 0.0
        self._columns: Mapping[str, int] = {}
        live = interactive(console) and not quiet
        self._live = Live(self._lines, console=console, transient=True, auto_refresh=False) if live else None

    def __enter__(self) -> "RunConsole":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may be gone
            if self._live:
                self._live.stop()

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                lines, epochs = self._lines, event.steps_total / event.steps_per_epoch
                lines.step, lines.steps, lines.epochs = event.step, event.steps_total, round(epochs, 1)
                self._say(
                    f"{event.parameters:,} parameters on {event.device} in {event.precision}; "
                    f"{event.steps_total:,} steps, {event.steps_per_epoch:,} an epoch"
                )
            case Report():
                self._progress(event)
            case Evaluated(record=record):
                self._evaluated(record.epoch, record.metrics)
                self._show(doing="drawing ...")
            case Snapshot(final=final):
                self._show(doing="measuring ..." if final else "")
            case Saved():
                pass
            case Notice(text=text):
                self._note("Note: ", text, "yellow")
            case Paused(paused=paused):
                self._say("Paused." if paused else "Going on.")
            case Finished(status="diverged" | "failed" as status, reason=reason):
                self._note(f"{status.capitalize()}: ", reason, "red")
            case Finished():
                pass

    def _progress(self, event: Report) -> None:
        record, lines = event.record, self._lines
        lines.epoch, lines.step, lines.metrics = record.epoch, record.step, record.metrics
        lines.rate = f"{event.images_per_second:,.0f} img/s"
        lines.left = f"{duration(event.seconds_left)} left"
        now = time.monotonic()
        if self._live:
            if now - self._last_line >= FRAME_SECONDS or record.step == lines.steps:
                self._last_line = now
                self._show()
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            self._say(
                f"epoch {record.epoch:.1f}  step {record.step:,}/{lines.steps:,}  {lines.rate}  {lines.left}  "
                f"{_terms(record.metrics)}"
            )

    def _evaluated(self, epoch: float, metrics: Mapping[str, float]) -> None:
        """On a terminal a row of a growing table; elsewhere a line that explains itself."""
        if not self._live:
            self._say(f"epoch {epoch:g}  held-out  {_terms(metrics)}")
            return
        if not self._columns:
            self._columns = {name: max(len(name), 9) for name in metrics}
            names = "".join(f"  {name:>{width}}" for name, width in self._columns.items())
            self._console.print(Text(f"{'held-out':<12}{names}", style="dim", no_wrap=True, overflow="crop"))
        values = "".join(f"  {number(metrics[name]):>{width}}" for name, width in self._columns.items())
        row = f"{f'epoch {epoch:g}':<12}{values}"
        self._console.print(Text(row, no_wrap=True, overflow="crop"))

    def _show(self, doing: str = "") -> None:
        self._lines.doing = doing
        if self._live:
            self._live.refresh()

    def _say(self, text: str) -> None:
        if not self._quiet:
            _print(self._console, text)

    def _note(self, label: str, text: str, style: str) -> None:
        """Words for a person, also where `quiet`: on a terminal with its further lines under the first."""
        if not self._live:
            _print(self._console, label + text, style)
            return
        grid = Table.grid()
        grid.add_row(Text(label, style=style), Text(text, style=style))
        self._console.print(grid)


def interactive(console: Console) -> bool:
    """Whether lines can be drawn over there."""
    return console.is_terminal and not console.is_dumb_terminal


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def _terms(metrics: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {number(value)}" for name, value in metrics.items())


def print_result(
    console: Console, result: Mapping[str, Any], metrics: Mapping[str, Metric], folder: RunFolder
) -> None:
    """The final numbers with their units, held-out beside training; how it ended; what to look at or do next."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("")
    table.add_column("held-out", justify="right")
    table.add_column("training mean", justify="right")  # since the evaluation before
    table.add_column("unit")
    values = result["metrics"]
    for name, metric in metrics.items():
        table.add_row(name, number(values.get(name)), number(values.get(f"train_{name}")), metric.unit)
    if values:
        console.print()
        console.print(table)
        console.print()
    for line in _ending(result, folder):
        _print(console, line)


def _ending(result: Mapping[str, Any], folder: RunFolder) -> Iterator[str]:
    state = str(result["state"]).capitalize()
    yield (
        f"{state} after {result['steps']:,} steps in {duration(result['seconds'])}, "
        f"{result['images_per_second']:,.0f} images/s."
    )
    if result["state"] == "stopped":
        yield f"Go on with: {folder.resume_command}"
    if folder.summary_file.exists():
        yield f"Look at {folder.summary_file}"
    if result["evaluation"]:
        yield f"What it is worth: genbench compare {shlex.quote(str(folder.path))}"


class DataProgress(AbstractContextManager["DataProgress"]):
    """Tells how far the loading of a dataset is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._live = Progress(console=console, transient=True, disable=quiet or not interactive(console))
        self._tasks: dict[str, TaskID] = {}
        self._pace, self._last_line, self._said = Pace(), 0.0, ""

    def __exit__(self, *_: object) -> None:
        if self._tasks:
            self._live.stop()

    def __call__(self, what: str, done: int, total: int) -> None:
        if not self._tasks:
            self._live.start()  # most sets are there at once, and then nothing flickers
        said, new = self._pace.words(what, done, total), what not in self._tasks
        if new:
            self._tasks[what] = self._live.add_task(what)
        if not self._quiet and not interactive(self._console):
            self._line(f"{what} ..." if new else said, new)
        counted = said if what.endswith(" images") else what  # percents stand behind the bar
        self._live.update(self._tasks[what], description=counted, completed=done, total=total or None)

    def _line(self, text: str, new: bool) -> None:
        """A line, unless the one before says the same or was said a moment ago."""
        now = time.monotonic()
        if new or (text != self._said and now - self._last_line >= LINE_SECONDS):
            self._last_line, self._said = now, text
            _print(self._console, text)
