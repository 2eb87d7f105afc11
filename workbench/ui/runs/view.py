"""All runs of the folder: found, filtered, sorted, and what can be done with the one under the cursor."""

import time
from collections import OrderedDict
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Container

from workbench.runs.listing import RunRow, ordered
from workbench.ui.runs.actions import Acting, count
from workbench.ui.runs.columns import COLUMNS, Column, state, titled
from workbench.ui.runs.details import Details, DetailsPane, read
from workbench.ui.runs.filter import FilterLine
from workbench.ui.runs.table import RunsTable

_TICKS = 8  # between looks at the folder: every 2 s
_KEPT = 64  # runs whose details stay in memory
_LIVE = {"running", "paused"}


class Runs(Acting):
    """The table of runs, a line to filter it by, and the details of one run."""

    name_in_keys: ClassVar[str] = "runs"
    SCOPED_CSS = False  # the rules begin at the screen, whose classes say how large it is
    DEFAULT_CSS = """
    Runs #both { height: 1fr; }
    Runs RunsTable { height: 1fr; width: 1fr; }
    Runs DetailsPane { display: none; height: 13; width: 1fr; }
    Screen.-normal Runs DetailsPane, Screen.-wide Runs DetailsPane { display: block; }
    Screen.-wide Runs #both, Screen.-low Runs #both { layout: horizontal; }
    Screen.-low Runs DetailsPane { width: 46; height: 1fr; }
    Screen.-wide Runs DetailsPane { width: 62; height: 1fr; }
    Runs.-only-table DetailsPane, Runs.-only-details RunsTable { display: none !important; }
    Runs.-only-details DetailsPane { display: block !important; height: 1fr !important; width: 1fr !important; }
    """

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._rows: list[RunRow] | None = None  # None before the first look
        self._ticks = 0
        self._looking = self._once_more = self._reading = False
        self._details: OrderedDict[str, tuple[RunRow, Details]] = OrderedDict()
        self.line = FilterLine(lambda: self._rows or [])
        self.table, self.pane = RunsTable(), DetailsPane()

    def on_mount(self) -> None:
        """Another theme has other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self._arrange())

    def compose(self) -> ComposeResult:
        """The filter, the table, the details."""
        yield self.line
        with Container(id="both"):
            yield self.table
            yield self.pane

    # What is there.

    def entered(self) -> None:
        """Look at the folder at once."""
        self.screen.set_focus(self.table)
        self.look_again()
        self._arrange()

    def tick(self) -> None:
        """Look at the folder now and then, and into the run that the cursor rests on."""
        self._ticks += 1
        if self._ticks % _TICKS == 0:
            self.look_again()
        row = self.table.row
        if row is not None and self.pane.display and not self._known(row):
            self._read(row)

    def look_again(self) -> None:
        """Find the runs in a thread: a folder may lie on a slow disk."""
        self._once_more = self._looking
        if self._looking:
            return
        self._looking = True

        def work() -> None:
            rows = None
            try:
                rows = self.bench.known.rows(lambda some: self.app.call_from_thread(self._show, some))
            finally:
                self.app.call_from_thread(self._found, rows)

        self.run_worker(work, thread=True, exit_on_error=False)

    def _found(self, rows: list[RunRow] | None) -> None:
        self._looking = False
        if self._once_more:  # something was changed after this look had begun
            self.look_again()
        if rows is None:
            return
        for name in self.bench.marked.numbers.keys() - {row.name for row in rows}:
            self.bench.marked.remove(name)
        self._show(rows)

    def _show(self, rows: list[RunRow]) -> None:
        self._rows = rows
        self._arrange()

    def _read(self, row: RunRow) -> None:
        if self._reading:
            return
        self._reading = True

        def work() -> None:
            details = Details()
            try:
                details = read(row)
            finally:
                self.app.call_from_thread(self._learnt, row, details)

        self.run_worker(work, thread=True, exit_on_error=False)

    def _learnt(self, row: RunRow, details: Details) -> None:
        self._reading = False
        self._details[row.name] = row, details
        self._details.move_to_end(row.name)
        if len(self._details) > _KEPT:
            self._details.popitem(last=False)
        self._show_details()

    def _known(self, row: RunRow) -> bool:
        return row.name in self._details and self._details[row.name][0] is row

    # What is shown.

    def _arrange(self) -> None:
        """Filter and sort what was found, and show it."""
        rows = self._rows or []
        shown = [row for row in rows if self.line.query_now.matches(row)]
        column, falls = self._order()
        self.table.fill(_sorted(shown, column, falls), rows, column, falls, self.bench.names_here(), self._why_empty())
        self.table.mark(self.bench.marked.numbers)
        counted = f"{len(shown)} of {count(len(rows))}"
        self.line.count(counted)
        self.table.name_it((counted if self.line.text else count(len(rows))) if rows else "Runs")
        self._show_details()

    def _order(self) -> tuple[Column, bool]:
        column = titled(self.bench.preferences.sort)
        return column, column.falls != self.bench.preferences.reverse

    def _why_empty(self) -> list[str]:
        if self._rows is None:
            return ["", "Looking for runs ..."]
        if self._rows:
            return ["", "No run matches this filter. Esc clears it."]
        return [
            "", f"There are no runs in {self.bench.runs_dir} yet.", "",
            "Press 1 for a new run, then s to start it.",
            "Runs that others train into this folder appear here by themselves.",
        ]  # fmt: skip

    def _show_details(self) -> None:
        row = self.table.row
        known = self._details.get(row.name) if row else None
        here = row is not None and row.name in self.bench.names_here()
        self.pane.fill(row, known[1] if known else None, here, time.time())

    def on_runs_table_moved(self) -> None:
        """The details follow the cursor."""
        self._show_details()
        self.bench.redraw_bars()

    def card(self) -> list[str]:
        """How many runs there are, and the one under the cursor."""
        row = self.table.row
        if row is None:
            return self._why_empty()[1:]
        key = f"{row.key} {row.key_value:.4g}  held-out" if row.key_value is not None else ""
        return [self.table.title, "", row.name, state(row, row.name in self.bench.names_here(), self.bench.unicode), key]

    # Commands.

    def do_filter(self) -> None:
        """Type a filter."""
        self.line.open()

    def on_filter_line_changed(self) -> None:
        """Show other runs."""
        self._arrange()

    def on_filter_line_kept(self) -> None:
        """The keys are commands again."""
        self.screen.set_focus(self.table)
        self._arrange()

    def on_filter_line_moved(self, event: FilterLine.Moved) -> None:
        """Move while a filter is typed."""
        self.table.move(event.by)

    async def do_back(self) -> None:
        """Drop the filter; without one, go to the view before."""
        if self.line.display:
            self.line.close()
        elif self.has_class("-only-details"):
            self.do_maximise()
        else:
            await self.bench.do_back()

    def do_sort(self) -> None:
        """Sort by the next column, in its own direction."""
        column, _ = self._order()
        column = COLUMNS[(COLUMNS.index(column) + 1) % len(COLUMNS)]
        self.bench.remember(sort=column.title, reverse=False)
        self._arrange()

    def do_reverse(self) -> None:
        """Reverse the order."""
        self.bench.remember(reverse=not self.bench.preferences.reverse)
        self._arrange()

    def do_up(self) -> None:
        """The row above."""
        self.table.move(-1)

    def do_down(self) -> None:
        """The row below."""
        self.table.move(1)

    def do_page_up(self) -> None:
        """As many rows up as are seen."""
        self.table.move(-self.table.page)

    def do_page_down(self) -> None:
        """As many rows down as are seen."""
        self.table.move(self.table.page)

    def do_first(self) -> None:
        """The first row."""
        self.table.go(0)

    def do_last(self) -> None:
        """The last row."""
        self.table.go(len(self.table.rows) - 1)

    def do_maximise(self) -> None:
        """The details alone, or the table alone where the details have the focus not; then both again."""
        if self.has_class("-only-details") or self.has_class("-only-table"):
            self.remove_class("-only-details", "-only-table")
            self.screen.set_focus(self.table)
            return
        details = not self.pane.display or self.pane.has_focus
        self.add_class("-only-details" if details else "-only-table")
        self.screen.set_focus(self.pane if details else self.table)

    def do_renderer(self) -> None:
        """Draw the samples among the details another way."""
        from workbench.ui.pictures import next_renderer  # imports numpy, which the table does without

        next_renderer(self.bench)
        self.pane.redraw()

    def copied(self) -> tuple[str, str]:
        """The path of the run under the cursor."""
        row = self.table.row
        return (str(row.folder.path.absolute()), "path") if row else ("", "")


def _sorted(rows: list[RunRow], column: Column, falls: bool) -> list[RunRow]:
    """By a column. Runs that are written now are all last heard of just now: they stand still, newest first."""
    found = ordered(rows, column.by, descending=falls)
    if column.by == "heartbeat":
        live = ordered((row for row in rows if row.status in _LIVE), "started", descending=falls)
        rest = [row for row in found if row.status not in _LIVE]
        return [*live, *rest] if falls else [*rest, *live]
    if column.by == "key_value":  # numbers of one meaning together
        return sorted(found, key=lambda row: (row.key_value is None, row.key))
    return found
