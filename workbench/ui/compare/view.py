"""Several runs side by side: curves on one another, pictures beside one another, numbers and settings in tables."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

import models
from models.errors import InputError
from workbench.runs.folder import RunFolder
from workbench.runs.history import Split
from workbench.runs.reader import Changed, RunReader
from workbench.ui.bindings import Command
from workbench.ui.cells import Cells, Pane
from workbench.ui.charts import ChartPane
from workbench.ui.compare import bare, legend
from workbench.ui.compare.evaluated import NOT_YET, caption, evaluation_table, to_be_measured
from workbench.ui.compare.grids import CodesPane, GridsPane, RebuiltPane
from workbench.ui.compare.members import Member, name_them
from workbench.ui.compare.moments import Moments
from workbench.ui.compare.numbers import WORDS, metrics_table, panels, settings_table, usual_split
from workbench.ui.compare.tables import TablePane
from workbench.ui.panes import Paned
from workbench.ui.pictures import Picturing
from workbench.ui.watch.export import Exporting, stamped
from workbench.units import number

_BUDGET = 0.02  # seconds of reading in one look, for all runs together
_SOON = 0.02  # until the next look, while there is more to read
_LEAST = 2  # runs


class Compare(Paned, Picturing, Moments, Exporting):
    """The marked runs, read from their folders as they grow, or the words that say how to mark them."""

    name_in_keys = "compare"
    SCOPED_CSS = False
    DEFAULT_CSS = """
    Compare { layout: vertical; }
    Compare #legend { height: auto; }
    Compare #names { height: 1; display: none; }
    Compare #bare { height: 1fr; display: none; }
    Compare .column { width: 1fr; height: 1fr; }
    Compare .pane { width: 1fr; height: 1fr; }
    Compare #tables { max-height: 45%; }
    Compare.-worth #left { width: 3fr; }
    Compare.-worth #right { width: 2fr; }
    Compare.-one #names { display: block; }
    Compare.-one #tables { max-height: 100%; }
    Compare.-bare #bare { display: block; }
    Compare.-bare #legend, Compare.-bare #names { display: none; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="-bare")
        self.members: list[Member] = []
        self._chosen: Split | None = None  # once a person has chosen
        self._in_turn: list[Member] = []  # the order in which they are read
        self._behind = self._news = False
        self._loss = ChartPane(empty="These runs have no numbers yet.")
        self._samples, self._rebuilt, self._codes = GridsPane(), RebuiltPane(), CodesPane()
        self.beside = self._samples, self._rebuilt, self._codes
        self._abilities: frozenset[str] = frozenset()  # of any of the runs
        self._evaluation = TablePane("V", "eValuation", "evaluation", NOT_YET)
        self._metrics = TablePane("M", "Metrics", "metrics", "No numbers yet.")
        self._settings = TablePane("D", "Differences", "differences", "These runs have the same settings.")
        self._tables = self._evaluation, self._metrics, self._settings
        self._all = Vertical(id="all", classes="column")
        self._legend, self._bare = Cells(id="legend"), Cells(id="bare")

    def compose(self) -> ComposeResult:
        """Curves and pictures above, tables below; or words."""
        yield self._legend
        yield Cells(id="names")
        yield self._bare
        with self._all:
            with Horizontal(id="large", classes="column"):
                yield self._loss
                yield from self.beside
            with Horizontal(id="tables", classes="column"):
                with Vertical(id="left", classes="column"):
                    yield self._evaluation
                    yield self._metrics
                with Vertical(id="right", classes="column"):
                    yield self._settings

    def on_mount(self) -> None:
        """Charts as they were drawn last time, without bands, which hide one another."""
        self.dress_charts()
        self._loss.looking = replace(self._loss.looking, band=False)
        self.app.theme_changed_signal.subscribe(self, lambda _: self._draw_all())

    @property
    def places(self) -> list[list[Pane]]:
        """Pictures share a place, and so do the numbers: those of the evaluation first, once there are any."""
        numbers: list[Pane] = [self._evaluation, self._metrics]
        return [list(self.beside), numbers if self._evaluation.table.rows else numbers[::-1]]

    def absent(self, pane: Pane) -> bool:
        """Reconstructions and codes are for models that have them."""
        if pane is self._rebuilt:
            return "Reconstructs" not in self._abilities
        return pane is self._codes and "Encodes" not in self._abilities

    def lay_out(self, front: Pane | None = None) -> None:
        """Show the panes for the room there is; none while there is nothing to compare."""
        if not self.has_class("-bare"):
            super().lay_out(front)
            self._fit_tables()

    # Which runs.

    def entered(self) -> None:
        """Take up the runs that are marked now; those that were here already go on."""
        known = {member.name: member for member in self.members}
        before = list(known)
        self.members = [self._member(name, number, known) for name, number in self.bench.marked.numbers.items()]
        self._in_turn = list(self.members)
        enough = len(self.members) >= _LEAST
        self.set_class(not enough, "-bare")
        self._all.display = enough
        if [member.name for member in self.members] != before:
            self._loss.forget()
            self.forget_pictures()
        self.tick()
        self._draw_all()
        if enough:
            self.lay_out()
            if self.pane_in_focus() == "" and self.front is not None:
                self.front.focus(scroll_visible=False)

    def _member(self, name: str, number: int, known: dict[str, Member]) -> Member:
        reader = known[name].reader if name in known else RunReader(RunFolder(self.bench.runs_dir / name))
        return Member(number, reader)

    # News.

    def tick(self) -> None:
        """Look for news of every run; where there is none this costs a few calls of `stat` each."""
        if not self.has_class("-bare"):
            self._read_on(draw=True)

    def _read_on(self, draw: bool) -> None:
        """Read on; what is read of a long history between two ticks is not drawn before the second."""
        changed = self._poll()
        if any(it.config for it in changed):
            name_them(self.members)
            self._learn()
            self._settings.show_table(settings_table(self.members), self.members)
        behind = any(it.behind for it in changed)
        self._news |= any(it.config or it.metrics or it.snapshots for it in changed)
        if self._news and (draw or not behind):
            self._news = False
            self._show_curves()
            self._show_numbers()
        if any(it.config or it.evaluation or it.state for it in changed):
            self._show_evaluation()
        if any(it.config or it.snapshots for it in changed):
            self.show_moment()
        if any(it.state or it.config for it in changed):
            self._draw_legend()
        if behind and not self._behind:
            self._behind = True
            self.set_timer(_SOON, self._go_on)

    def _poll(self) -> list[Changed]:
        """Read of one run after the other until time is up; the next look begins with the one that has to wait."""
        until = time.monotonic() + _BUDGET
        changed = []
        for count, member in enumerate(self._in_turn, 1):
            changed.append(member.reader.poll(until - time.monotonic()))
            if time.monotonic() >= until and count < len(self._in_turn):
                self._in_turn = [*self._in_turn[count:], *self._in_turn[:count]]
                return [*changed, Changed(behind=True)]
        return changed

    def _go_on(self) -> None:
        self._behind = False
        if not self.has_class("-bare"):
            self._read_on(draw=False)

    # What is shown.

    @property
    def split(self) -> Split:
        """Whether held-out numbers are shown or those of training, in charts and tables alike."""
        return self._chosen or usual_split(self.members)

    def _show_curves(self) -> None:
        steps = sorted({step for member in self.members for step in member.reader.snapshots})
        self._loss.show_panels(panels(self.members, self.split), steps)

    def _fit_tables(self) -> None:
        """The tables as high as their rows, the rest to curves and pictures; a table alone has all the room."""
        rows = max(table.height for table in self._tables)
        self.query_one("#tables").styles.height = "1fr" if self.has_class("-one") else rows + 2  # the frame

    def _show_numbers(self) -> None:
        steps = self.steps
        table = metrics_table(self.members, self.split, steps)
        when = "at the cursor" if steps is not None else "newest"
        few = "" if self._chosen or self.split == "test" else "few held-out numbers yet"
        self._metrics.show_table(table, self.members, (WORDS[self.split], few, when))
        self._fit_tables()

    def _show_evaluation(self) -> None:
        before = bool(self._evaluation.table.rows)
        self._evaluation.show_table(evaluation_table(self.members), self.members, caption(self.members))
        self._fit_tables()
        if before != bool(self._evaluation.table.rows):
            self.toggle_class("-worth")  # intervals and names of measures are long
            self.lay_out()

    def _learn(self) -> None:
        """What the models of the runs can show decides which panes there are."""
        before, found = self._abilities, set[str]()
        for name in {it.reader.config.model_name for it in self.members if it.reader.config is not None}:
            with suppress(InputError):
                found |= models.abilities(name)
        self._abilities = frozenset(found)
        if before != self._abilities:
            self.lay_out()

    def moved(self) -> None:
        """Everything that belongs to a moment goes with the cursor."""
        self.show_moment()
        self._show_numbers()

    def _draw_legend(self) -> None:
        if self.members:
            most = 4 if self.app.size.height >= 30 else 2
            rows = legend.rows(self.members, self.app.size.width, most, self.bench.look)
            self._legend.styles.height = len(rows)
            self._legend.show(rows)

    def _draw_all(self) -> None:
        """Everything again: other runs, another theme or size, or the view was out of sight."""
        if self.has_class("-bare"):
            names = list(self.bench.marked.numbers)
            self._bare.show(bare.rows(names, self.app.size.width, self.app.size.height - 2, self.bench.look))
            return
        name_them(self.members)
        self._learn()
        self._draw_legend()
        self._show_evaluation()
        self._settings.show_table(settings_table(self.members), self.members)
        self._show_curves()
        self.moved()

    def on_resize(self, event: events.Resize) -> None:
        """Another size has room for other words."""
        if self.has_class("-bare"):
            self._draw_all()
        else:
            self._draw_legend()

    def card(self) -> list[str]:
        """Each run with the number it is known by."""
        if self.has_class("-bare"):
            return [
                "".join(part.text for part in row)
                for row in bare.rows(list(self.bench.marked.numbers), 1, 1, self.bench.look)
            ]
        lines = [f"{len(self.members)} runs compared, {WORDS[self.split]}", ""]
        for member in self.members:
            key = next(iter(member.reader.metrics), "")
            value = member.value(key, self.split, None)
            lines.append(f"{self.bench.look.mark(member.number)} {member.label}  {key} {number(value)}")
        return lines

    # Commands.

    def why_not(self, command: Command) -> str:
        """There have to be two runs."""
        if self.has_class("-bare") and command.group in {"Charts", "Pictures", "Panes", "Tables", "Compare"}:
            return "There is nothing to compare yet: 3 lists the runs, Space marks them."
        if command.id == "pane_reconstructions" and self.absent(self._rebuilt):
            return "None of these models can rebuild an image: there are no reconstructions."
        if command.id == "pane_latent" and self.absent(self._codes):
            return "None of these models can encode an image: there is no latent space to show."
        if command.id == "measure" and not self.to_measure():
            return "Each of these runs is measured in full already, or still trained."
        return ""

    def to_measure(self) -> list[RunFolder]:
        """Those that nobody trains, and that were not measured in full since."""
        return [member.reader.folder for member in self.members if to_be_measured(member)]

    def do_pane_differences(self) -> None:
        """Go to the settings."""
        self.show_pane("differences")

    @property
    def _table(self) -> TablePane:
        """The table in front; that of the numbers in sight from elsewhere."""
        return next((pane for pane in self._tables if pane is self.front), self._numbers_in_sight)

    @property
    def _numbers_in_sight(self) -> TablePane:
        worth = self._evaluation
        return worth if worth.table.rows and not self._metrics.display else self._metrics

    def do_rows_up(self) -> None:
        """Rows of the table further up."""
        self._table.scroll_by(-1)

    def do_rows_down(self) -> None:
        """Rows of the table further down."""
        self._table.scroll_by(1)

    def do_band(self) -> None:
        """With the least and the most of single steps, or without; for now, and not for charts of one run."""
        self._loss.looking = replace(self._loss.looking, band=not self._loss.looking.band)
        self._loss.redraw()

    def do_split(self) -> None:
        """Held-out numbers, or those of training."""
        self._chosen = "train" if self.split == "test" else "test"
        active = self._loss.active
        self._show_curves()
        self._loss.choose(active - self._loss.active)
        self._show_numbers()
        self.bench.say(f"Numbers and curves: {WORDS[self.split]}.")

    @property
    def subject(self) -> str:
        """The runs, by their short names."""
        return ", ".join(member.label for member in self.members)

    def place_for(self, name: str) -> Path:
        """What is of several runs lies beside them."""
        return self.bench.runs_dir / f"compare-{name}"

    def offers(self) -> list[tuple[str, str, str]]:
        """The chart, the screen, and the tables."""
        tables = [("t", "the tables as Markdown", "tables")] if any(it.markdown for it in self._tables) else []
        return [*tables, *super().offers()]

    def write_out(self, answer: str | None) -> None:
        """Write what was asked for."""
        if answer != "tables":
            super().write_out(answer)
            return
        names = "\n".join(f"- {member.label}: {member.name}" for member in self.members)
        text = "\n\n".join(filter(None, (names, *(it.markdown for it in self._tables))))
        self.write(self.place_for(stamped("tables", "md")), f"{text}\n".encode())

    def copied(self) -> tuple[str, str]:
        """The table in focus as Markdown; that of the numbers from elsewhere."""
        return self._table.markdown, "table"
