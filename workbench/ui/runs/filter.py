"""The line by which the table is filtered, as it is typed."""

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.message import Message
from textual.widgets import Input, Static

from models.errors import InputError
from workbench.runs import query
from workbench.runs.listing import RunRow
from workbench.runs.query import Query


class FilterLine(Container):
    """A line for a filter, and under it what is wrong with it, or what can be asked."""

    DEFAULT_CSS = """
    FilterLine { height: auto; display: none; padding: 0 2; }
    FilterLine Horizontal { height: 1; }
    FilterLine #slash { width: 2; color: $accent; text-style: bold; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
    FilterLine #count { width: auto; padding-left: 2; color: $text-muted; }
    FilterLine #said { height: auto; padding-left: 2; color: $text-muted; display: none; }
    FilterLine.-open #said, FilterLine.-wrong #said { display: block; }
    FilterLine.-wrong #said { color: $error; }
    """

    class Changed(Message):
        """Other runs are to be shown."""

    class Kept(Message):
        """Typing has ended."""

    class Moved(Message):
        """The cursor of the table is moved while one types."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self, rows: Callable[[], Sequence[RunRow]]) -> None:
        """`rows`: the runs there are, whose settings and metrics may be asked for."""
        super().__init__()
        self._there = rows
        self.query_now = Query()

    def compose(self) -> ComposeResult:
        """The line, what it leaves of the runs, and a sentence."""
        with Horizontal():
            yield Static("/", id="slash")
            yield Input(compact=True)
            yield Static(id="count")
        yield Static(query.HELP, id="said", markup=False)

    def on_mount(self) -> None:
        """A cursor that blinks would draw twice a second for nothing."""
        self._input.cursor_blink = False

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    @property
    def text(self) -> str:
        """What is typed."""
        return self._input.value

    def open(self) -> None:
        """Begin to type, where one left off."""
        self.display = True
        self.add_class("-open")
        self.screen.set_focus(self._input)

    def close(self) -> None:
        """Show all runs again."""
        self._input.value = ""
        self._end()

    def count(self, text: str) -> None:
        """Say how many runs are left."""
        self.query_one("#count", Static).update(text)

    def _end(self) -> None:
        self.remove_class("-open")
        self.display = bool(self.text)
        self.post_message(self.Kept())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        event.stop()
        self._end()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Read the filter; one that is wrong leaves the rows as they are and says why."""
        event.stop()
        said = self.query_one("#said", Static)
        try:
            self.query_now = query.parse(event.value, self._there())
        except InputError as error:
            said.update(str(error))
            self.add_class("-wrong")
            return
        said.update(query.HELP)
        self.remove_class("-wrong")
        self.post_message(self.Changed())

    def on_key(self, event: events.Key) -> None:
        """The arrows move in the table."""
        if event.key in {"up", "down"}:
            event.stop()
            self.post_message(self.Moved(1 if event.key == "down" else -1))
