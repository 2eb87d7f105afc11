"""The pane of the settings, with one line of typing, which is there only while it is needed."""

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.message import Message
from textual.widgets import Input

from workbench.terminal.look import Look
from workbench.ui.new.form import Field, Form
from workbench.ui.new.lines import FormPane, ground
from workbench.ui.new.table import table
from workbench.units import dataset_title


class Line(Input):
    """The value that is being typed."""

    class Left(Message):
        """The person is done with the line: the value to be taken, if one is, and how many rows to go on."""

        def __init__(self, text: str | None, move: int = 0) -> None:
            super().__init__()
            self.text, self.move = text, move

    TAKE: ClassVar[dict[str, int]] = {"enter": 0, "tab": 1, "down": 1, "shift+tab": -1, "up": -1}

    def on_key(self, event: events.Key) -> None:
        """Keys that end the typing; all others are the line's."""
        if event.key in self.TAKE or event.key == "escape":
            event.stop()
            event.prevent_default()
            text = self.value.strip() if event.key in self.TAKE else None
            self.post_message(self.Left(text, self.TAKE.get(event.key, 0)))

    def on_blur(self) -> None:
        """Whoever goes elsewhere with the mouse leaves the value as it was."""
        self.post_message(self.Left(None))


class Settings(FormPane):
    """All settings of the form. The row with the cursor is always in sight."""

    title = "Settings"
    letter = "S"
    name_in_keys = "settings"

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.fields: list[Field] = []
        self.cursor = 0
        self._top = 0

    @property
    def field(self) -> Field:
        """The one under the cursor."""
        return self.fields[self.cursor]

    @property
    def line(self) -> Line | None:
        """The line of typing, if one is open."""
        found = self.query(Line)
        return found.first() if found else None

    def move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + by, len(self.fields) - 1))

    async def open(self) -> None:
        """Put a line of typing over the value under the cursor."""
        line = Line(self.field.value, compact=True)
        await self.mount(line)
        self.screen.set_focus(line)  # now: `focus` would do so after the next key

    async def close(self) -> None:
        """Take the line of typing away again."""
        if self.has_focus_within:
            self.screen.set_focus(self)
        await self.query(Line).remove()

    def draw(self, form: Form, look: Look) -> None:
        """Show the form."""
        at = self.field.name if self.fields else ""
        self.fields = form.fields()
        self.cursor = next((i for i, field in enumerate(self.fields) if field.name == at), 0)
        line = self.line
        shown = list(self.fields)
        if line is not None:
            shown[self.cursor] = replace(self.field, error=form.with_draft(self.field.name, line.value))
        here = ground(self.app) if self.has_focus or line is not None else None
        names = {"model": form.model, "data": dataset_title(form.dataset)}
        drawn = table(shown, names, self.cursor, line is not None, self.size.width, look, here)
        height = max(self.size.height, 1)
        self._top = max(min(self._top, drawn.start, len(drawn.rows) - height), drawn.end - height, 0)
        self.show(drawn.rows[self._top : self._top + height])
        if line is not None:
            line.styles.offset = drawn.column + 2, drawn.line - self._top
            line.styles.width = max(self.size.width - drawn.column - 3, 8)
