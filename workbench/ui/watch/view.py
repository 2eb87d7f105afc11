"""One run on the screen: curves, pictures, numbers and words, live or long finished, from its folder."""

from contextlib import suppress
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

import models
from models.errors import InputError
from workbench.machine import Figures, Machine
from workbench.runs.folder import RunFolder
from workbench.runs.pictures import Pictures
from workbench.runs.reader import Changed, RunReader
from workbench.ui.bindings import Command
from workbench.ui.cells import Cells, Pane
from workbench.ui.charts import ChartPane
from workbench.ui.job import Job
from workbench.ui.panes import DrawnPane, Paned
from workbench.ui.pictures import PicturePane, Picturing, within_run
from workbench.ui.states import BAD
from workbench.ui.watch import bare, status
from workbench.ui.watch.control import Controlling
from workbench.ui.watch.export import Exporting
from workbench.ui.watch.latent import LatentPane
from workbench.ui.watch.log import LogPane
from workbench.ui.watch.moments import Scrubbing
from workbench.ui.watch.numbers import MetricsPane
from workbench.ui.watch.panels import panels_of
from workbench.ui.watch.worth import WorthPane

_SOON = 0.02  # seconds until the next part of a long history is read
_FIRST = "The first numbers come with the first steps."
_NONE = "This run ended before its first numbers."
_CARD = 2  # numbers on the card


class Samples(PicturePane):
    """What the model draws."""

    letter, title, name_in_keys = "S", "Samples", "samples"


class Reconstructions(PicturePane):
    """Held-out images above what the model makes of them."""

    letter, title, name_in_keys = "R", "Reconstructions", "reconstructions"


class Watch(Paned, Picturing, Scrubbing, Exporting, Controlling):
    """One run, or the words that say how to come by one."""

    name_in_keys = "watch"
    SCOPED_CSS = False  # the classes for the size of the window are the screen's
    DEFAULT_CSS = """
    Watch { layout: vertical; }
    Watch #status { height: 2; }
    Watch #names { height: 1; display: none; }
    Watch #bare { height: 1fr; display: none; }
    Watch #all, Watch .column { width: 1fr; height: 1fr; }
    Watch .pane { width: 1fr; height: 1fr; }
    Watch MetricsPane.pane { height: auto; }
    Watch WorthPane.pane { height: 40%; }
    Watch LogPane.pane { height: 7; }
    .-tall Watch LogPane.pane { height: 10; }
    .-tall Watch Samples.pane { height: 3fr; }
    .-tall Watch #codes { height: 2fr; }
    Watch.-one #names { display: block; }
    Watch.-one .pane.pane { height: 1fr; }
    Watch.-bare #bare { display: block; }
    Watch.-bare #status, Watch.-bare #names, Watch.-bare #all { display: none; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="-bare")
        self.reader: RunReader | None = None
        self.job: Job | None = None
        self._abilities: frozenset[str] = frozenset()
        self._machine: Machine | None = None
        self._behind = False
        self._loss, self._numbers, self._log = ChartPane(), MetricsPane(), LogPane()
        self._worth = WorthPane()
        self._samples, self._rebuilt, self._latent = Samples(), Reconstructions(), LatentPane()
        self._drawn: tuple[DrawnPane, ...] = (
            self._loss, self._numbers, self._worth, self._log, self._samples, self._rebuilt, self._latent,
        )  # fmt: skip
        self._status, self._bare = Cells(id="status"), Cells(id="bare")

    def compose(self) -> ComposeResult:
        """Numbers at the left, pictures at the right; or words."""
        yield self._status
        yield Cells(id="names")
        yield self._bare
        with Horizontal(id="all"):
            with Vertical(classes="column"):
                yield self._loss
                yield self._numbers
                yield self._worth
                yield self._log
            with Vertical(classes="column"):
                yield self._samples
                with Horizontal(id="codes", classes="column"):
                    yield self._rebuilt
                    yield self._latent

    def on_resize(self, event: events.Resize) -> None:
        """The lines above the panes know their width once they are laid out."""
        self.call_after_refresh(self.tick)

    def on_mount(self) -> None:
        """Charts as they were drawn last time."""
        self.dress_charts()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._redraw())

    # Which run.

    def follow_job(self, job: Job) -> None:
        """Watch a run from before it has a folder."""
        self.job = job
        self._open(None)

    def open_run(self, folder: RunFolder) -> None:
        """Watch a run that has a folder, whoever trains it."""
        self.job = None
        if self.reader is None or self.reader.folder.path != folder.path:
            self._open(folder)
        self.tick()

    def _open(self, folder: RunFolder | None) -> None:
        self.reader = RunReader(folder) if folder is not None else None
        self.own = None
        self._abilities, self._machine = frozenset(), None
        self.forget_moment()
        self.set_class(self.reader is None, "-bare")
        for pane in (self._loss, self._numbers, self._log):
            pane.forget()
        self.show_moment()
        self.tick()
        if self.reader is not None:
            self.lay_out()
            self._take_focus()
        self.call_after_refresh(self.tick)

    def _take_focus(self) -> None:
        front = self.front
        if front is not None and self.pane_in_focus() == "":
            front.focus(scroll_visible=False)

    def entered(self) -> None:
        """The view is shown now."""
        self.tick()
        if self.reader is not None:
            self.lay_out()
            self._redraw()
            self._take_focus()
        self.call_after_refresh(self.tick)

    # News.

    def tick(self) -> None:
        """Look for news; where there is none this costs a few calls of `stat`."""
        if self.reader is None and self.job is not None and self.job.folder is not None:
            folder, self.job = self.job.folder, None
            self._open(folder)
            return
        if self.reader is None:
            self._draw_bare()
            return
        was_live = self.live
        self.look_at_job()  # asked before the folder, in which the end stands by then
        changed = self.reader.poll()
        if self.reader.state is not None:
            self.bench.asking(self.reader.folder).see(self.reader.state)
        self._take(changed)
        if was_live and not self.live:
            self._say_the_end()
        self._draw_status()
        if changed.behind and not self._behind:
            self._behind = True
            self.set_timer(_SOON, self._go_on)

    def _go_on(self) -> None:
        self._behind = False
        self.tick()

    def _take(self, changed: Changed) -> None:
        """Draw what has changed, and nothing else."""
        reader = self.reader
        assert reader is not None
        if changed.config:
            self._learn(reader)
        if changed.snapshots:
            self.forget_moment()
        bare = changed.state and not reader.traces  # the words in the place of curves and pictures change with it
        if self.one_at_a_time != self.has_class("-one"):  # what is to be seen large has come, or never will
            self.lay_out()
        if changed.config or changed.metrics or changed.snapshots or bare:
            self._loss.empty = reader.problem or (_FIRST if self.live else _NONE)
            self._loss.show_panels(panels_of(reader.metrics, reader.traces), reader.snapshots)
        if changed.config or changed.snapshots or (changed.state and self.shown is None):
            self.show_moment()
        if changed.config or changed.metrics or changed.state:
            self._show_numbers()
        if changed.evaluation or changed.config:
            self._show_worth(reader)
        if changed.log or reader.problem != self._log.problem:
            self._log.show_lines(reader.log, reader.problem)

    def _learn(self, reader: RunReader) -> None:
        """What the model can show decides which panes there are."""
        self._machine = None
        self._abilities = frozenset()
        if reader.config is not None:
            with suppress(InputError):
                self._abilities = models.abilities(reader.config.model_name)
        self.lay_out()

    def _learn_from(self, pictures: Pictures) -> None:
        """A model that is not in the house any more tells by its pictures what it could do."""
        shown = {"Reconstructs": pictures.originals, "Encodes": pictures.points}
        found = {ability for ability, part in shown.items() if part is not None}
        if not found <= self._abilities:
            self._abilities |= found
            self.lay_out()

    def absent(self, pane: Pane) -> bool:
        """Reconstructions and codes are for models that have them, an evaluation for runs that were measured."""
        if pane is self._worth:
            return not self._worth.table.rows
        if pane is self._rebuilt:
            return "Reconstructs" not in self._abilities
        return pane is self._latent and "Encodes" not in self._abilities

    def unfilled(self, pane: Pane) -> bool:
        """Pictures of a run that ended without any."""
        pictured = isinstance(pane, PicturePane | LatentPane)
        return pictured and not self.live and self.reader is not None and not self.reader.snapshots

    @property
    def places(self) -> list[list[Pane]]:
        """The numbers of training and those measured afterwards share a place."""
        return [[self._numbers, self._worth]]

    def _show_worth(self, reader: RunReader) -> None:
        """What the run was found to be worth."""
        before = self.absent(self._worth)
        self._worth.show_run(reader)
        if before != self.absent(self._worth):
            self.lay_out()

    def _say_the_end(self) -> None:
        it = self._standing()
        self.bench.say(f"{it.name}: {it.word}. {it.reason}".strip(), bad=it.status in BAD)

    # What is shown.

    def _standing(self) -> status.Standing:
        assert self.reader is not None
        return status.standing(self.reader, self.asking, self.own)

    def _draw_status(self) -> None:
        width, look = self._status.size.width, self.bench.look
        if width:
            self._status.show(status.rows(self._standing(), self._figures(), self._looking_back(), width, look))

    def _figures(self) -> Figures:
        """What the process costs that trains the run, while it does."""
        reader = self.reader
        if reader is None or reader.state is None or not self.live:
            return Figures()
        watched = reader.state.pid, reader.state.host, str(reader.environment.get("device", "cpu"))
        if self._machine is None or self._machine.watched != watched:
            self._machine = Machine(*watched)
        return self._machine.figures()

    def _looking_back(self) -> str:
        if self.cursor_step is None:
            return ""
        at = self._loss.cursor_step or 0
        return f"looking back at step {at:,.0f}: f follows again"

    def moved(self) -> None:
        """Everything that belongs to a moment goes with the cursor."""
        self.show_moment()
        self._show_numbers()
        self._draw_status()

    def _show_numbers(self) -> None:
        reader = self.reader
        if reader is not None:
            final = reader.state.metrics if reader.state is not None and not self.live else {}
            step = None if self.cursor_step is None else self._loss.cursor_step
            self._numbers.show_numbers(reader.metrics, reader.traces, final, step)

    def show_pictures(self, pictures: Pictures | None, problem: str) -> None:
        """Show what the model made at one moment."""
        folder, place = (self.reader.folder, self.place) if self.reader is not None else (None, None)
        if pictures is None or folder is None or place is None:
            for pane in (self._samples, self._rebuilt, self._latent):
                pane.show_nothing(problem or self._why_no_pictures())
            return
        facts, name = pictures.facts, f"step-{pictures.facts.step:09d}"
        self._learn_from(pictures)
        when = self._when(facts.step, place)
        path = folder.picture("samples", name)
        drawn = (*when, within_run(path), f"seed {facts.seed}", facts.weights)
        self._samples.show_images(pictures.samples, None, drawn, path)
        path = folder.picture("reconstructions", name)
        rebuilt = ("originals above", *when, within_run(path))
        self._rebuilt.show_images(pictures.originals, pictures.rebuilt, rebuilt, path)
        self._latent.show_codes(pictures, when, folder.picture("latent", name))

    def _when(self, step: int, place: int) -> tuple[str, ...]:
        """The moment, and while one looks back also which of how many."""
        assert self.reader is not None
        which = () if self.cursor_step is None else (f"{place + 1}/{len(self.reader.snapshots)}",)
        return f"step {step:,}", *which

    def _why_no_pictures(self) -> str:
        reader = self.reader
        if reader is None or reader.state is None:
            return ""
        if reader.snapshots:
            return f"Nothing so early: the first pictures are of step {reader.snapshots[0]:,}."
        if not self.live:
            return "This run has no pictures."
        every = reader.config.training.every if reader.config is not None else 1
        return f"The first pictures come after {every} epoch{'s' * (every != 1)}" + (
            "; s takes some now." if self.asking is not None else "."
        )

    def _draw_bare(self) -> None:
        width, height = self._bare.size
        if width:
            self._bare.show(bare.rows(self.job, width, height, self.bench.look))

    def _redraw(self) -> None:
        """Everything again: another theme, or the view was out of sight."""
        for pane in self._drawn:
            pane.redraw()
        self.lay_out()
        self.tick()

    def card(self) -> list[str]:
        """The lines that matter most, for a window too small for the view."""
        width, look = self.app.size.width, self.bench.look
        if self.reader is None:
            return ["".join(part.text for part in row).strip() for row in bare.rows(self.job, width, 1, look)]
        return status.card(self._standing(), tuple(self.reader.metrics)[:_CARD], width, look)

    def copied(self) -> tuple[str, str]:
        """The path, value or table of the pane in focus; else the path of the run."""
        if self.reader is None:
            return "", ""
        folder, pane = self.reader.folder, self.front
        chart = self._loss.copied
        if pane is self._loss and chart:
            return chart, "value"
        if pane is self._numbers and self._numbers.table:
            return self._numbers.table, "table"
        if pane is self._worth:
            return self._worth.markdown, "table"
        path: Path | None = getattr(pane, "path", None) if isinstance(pane, PicturePane | LatentPane) else None
        if path is not None:
            return str(path.absolute()), "path of the picture"
        return str((folder.log_file if pane is self._log else folder.path).absolute()), "path"

    def do_rows_up(self) -> None:
        """Older lines of the log, or rows of the evaluation further up."""
        self._scroll(-1)

    def do_rows_down(self) -> None:
        """Newer lines of the log, or rows further down."""
        self._scroll(1)

    def _scroll(self, pages: int) -> None:
        if self.front is self._worth:
            self._worth.scroll_by(pages)
        else:
            self._log.scroll_by(-pages)

    def do_pane_log(self) -> None:
        """To the log."""
        self.show_pane("log")

    def why_not(self, command: Command) -> str:
        """Why a command cannot be given now; "" where it can."""
        if command.id == "pane_reconstructions" and self.reader is not None and self.absent(self._rebuilt):
            return "This model cannot rebuild an image: it has no reconstructions."
        if command.id == "pane_evaluation" and self.reader is not None and self.absent(self._worth):
            return self.reader.evaluation_problem or "This run was not measured yet: m does it once it is done."
        if command.id == "pane_latent" and self.reader is not None and self.absent(self._latent):
            return "This model cannot encode an image: it has no latent space to show."
        return super().why_not(command)
