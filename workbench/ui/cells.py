"""Widgets that show rows of cells, and repaint only the rows that changed."""

from collections.abc import Sequence

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from workbench.terminal.look import Rows


class Cells(Widget):
    """A rectangle of ready-made rows; longer ones are cut, missing ones are blank."""

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: Rows = []

    def show(self, rows: Rows) -> None:
        """Replace the rows."""
        before, self._rows = self._rows, rows
        width = self.size.width
        changed = [
            y for y in range(max(len(before), len(rows)))
            if y >= len(before) or y >= len(rows) or before[y] != rows[y]
        ]  # fmt: skip
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """One row, in the widget's own colours where it has none."""
        width = self.size.width
        base = self.rich_style
        if y >= len(self._rows):
            return Strip.blank(width, base)
        return Strip(Segment.apply_style(self._rows[y], base)).adjust_cell_length(width, base)

    @property
    def text(self) -> str:
        """What is shown, as characters."""
        return "\n".join("".join(part.text for part in row) for row in self._rows)


class Pane(Cells, can_focus=True):
    """A framed part of a view, with the capital letter that leads to it in front of its title."""

    letter = ""
    title = ""
    name_in_keys = ""  # what `Command.pane` calls it

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._said = ("", "")
        self._behind = ""  # the panes in the same place
        self.say(self.title)

    def share(self, others: Sequence["Pane"]) -> None:
        """Name the panes that this one hides behind its own title: their letters bring them to the front."""
        behind = "".join(f"[dim] │ [/][bold]{other.letter}[/][dim] {other.title}[/]" for other in others)
        if not self.app.look.unicode:  # type: ignore[attr-defined]
            behind = behind.replace("│", "|")
        if behind != self._behind:
            self._behind = behind
            (title, caption), self._said = self._said, ("", "")
            self.say(title, caption)

    def say(self, title: str, caption: str = "") -> None:
        """Put words into the frame: the title above, a caption below."""
        if self._said == (title, caption):
            return  # Textual would draw the whole pane again
        self._said = title, caption
        letter = f"[bold]{self.letter}[/] " if self.letter else ""
        self.border_title = letter + title.replace("[", r"\[") + self._behind
        self.border_subtitle = caption.replace("[", r"\[")
