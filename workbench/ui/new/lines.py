"""Pieces of rows that the panes of the form share."""

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.message import Message

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.cells import Pane
from workbench.ui.words import blank


class FormPane(Pane):
    """A pane that tells its view when it has another size."""

    class Resized(Message):
        """There is room for other rows."""

    def show(self, rows: Rows) -> None:
        """Replace the rows; while the pane is hidden those that it had stay, to be there when it is shown again."""
        if self.size.width:
            super().show(rows)

    def on_resize(self, event: events.Resize) -> None:
        """Tell it."""
        self.post_message(self.Resized())


def ground(app: App[int]) -> Style:
    """What lies under the row with the cursor."""
    return Style(bold=True) + (Style() if app.current_theme.ansi else Style(bgcolor=app.theme_variables["panel"]))


def pointer(here: bool, look: Look) -> Segment:
    """The cell in front of a row: a sign where the cursor is."""
    return Segment(("▸" if look.unicode else ">") if here else " ", look.accent)


def lit(row: Row, width: int, style: Style) -> Row:
    """A row on the cursor's ground, over its whole width."""
    room = width - sum(segment.cell_length for segment in row)
    return [Segment(part.text, (part.style or Style()) + style) for part in (*row, blank(room))]
