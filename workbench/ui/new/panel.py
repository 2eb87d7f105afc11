"""Where the images of the chosen set are shown: a panel beside the form, and a page of its own."""

import textwrap
from typing import TYPE_CHECKING, cast

from rich.markup import escape
from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from workbench.terminal.look import Rows
from workbench.ui.cells import Cells
from workbench.ui.dialogs import Once
from workbench.ui.new.preview import Preview
from workbench.ui.words import blank, fitted

if TYPE_CHECKING:
    from workbench.ui.app import Workbench


class Panel(Cells):
    """Images, or a sentence in their place. Drawn when something changes, never by the clock."""

    def __init__(self, id: str | None = None, classes: str = "pane") -> None:
        super().__init__(id=id, classes=classes)
        self._content: Preview | str = ""
        self._drawn: tuple[object, ...] = ()

    def present(self, content: Preview | str) -> None:
        """Show images, or say why there are none."""
        self._content = content
        self.redraw()

    def redraw(self) -> None:
        """Draw for the size, the theme and the renderer there are; nothing where all is as it was."""
        bench = cast("Workbench", self.app)
        width, height = self.size
        drawn = (self._content, width, height, bench.theme, bench.preferences.renderer)
        if drawn == self._drawn or not width or not height:
            return
        self._drawn = drawn
        if isinstance(self._content, str):
            lines = [line for part in self._content.split("\n") for line in textwrap.wrap(part, width)]
            self.border_title, self.border_subtitle = "Preview", ""
            self.show([[Segment(line, bench.look.dim)] for line in lines])
        else:
            self.show(self._pictures(self._content, bench))

    def _pictures(self, preview: Preview, bench: "Workbench") -> Rows:
        # NumPy, which these import, is there once a preview is.
        from workbench.terminal.pictures import grid
        from workbench.ui.pictures import RENDERERS, renderer_of

        width, height = self.size
        renderer = renderer_of(bench)
        drawn = grid(
            preview.images, width, height, renderer, bench.look,
            colours=bench.terminal.colours, light=not bench.current_theme.dark,
        )  # fmt: skip
        words = [
            f"{preview.low:.2f} to {preview.high:.2f}, mean {preview.mean:.2f}",
            drawn.scale,
            RENDERERS[renderer],
        ]
        self.border_title = f"Preview: {preview.title}".replace("[", r"\[")
        self.border_subtitle = fitted(words, width - 2, bench.unicode)
        return [[blank(width)]] * ((height - len(drawn.rows)) // 2) + drawn.rows

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        self.redraw()


class Gallery(Once, ModalScreen[None]):
    """The images over the whole window, and what is known of them. `i` draws them another way, others close."""

    SCOPED_CSS = False
    DEFAULT_CSS = """
    Gallery { align: center middle; background: $background 60%; }
    Gallery .images { width: 90%; height: 90%; border: round $accent; padding: 0 2; background: $surface; }
    .-ascii Gallery .images { border: ascii $foreground; }
    Gallery Panel { height: 1fr; margin-bottom: 1; }
    Gallery Static { height: auto; color: $text-muted; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def compose(self) -> ComposeResult:
        """The images above the facts."""
        with Vertical(classes="images") as frame:
            frame.border_title = escape(self._title)
            frame.border_subtitle = "i draws them another way, Esc closes"
            yield Panel(classes="")
            yield Static()

    @property
    def _bench(self) -> "Workbench":
        return cast("Workbench", self.app)

    def present(self, content: Preview | str) -> None:
        """Show images, or say why there are none yet."""
        self.query_one(Panel).present(content)
        self.query_one(Static).update("" if isinstance(content, str) else escape(_facts(content)))

    def on_key(self, event: events.Key) -> None:
        """Draw the images another way, or leave."""
        event.stop()
        if event.key != "i":
            self.dismiss()
            return
        from workbench.ui.pictures import next_renderer

        next_renderer(self._bench)
        self.query_one(Panel).redraw()


def _facts(preview: Preview) -> str:
    """What is known of all the images."""
    kind = "colour" if preview.images.shape[1] == 3 else "grey"
    classes = f"{len(preview.classes)} classes: {', '.join(preview.classes)}." if preview.classes else "No classes."
    return (
        f"{preview.train:,} images to train on, {preview.test:,} held out; "
        f"{preview.images.shape[3]}x{preview.images.shape[2]} pixels, {kind}. {classes}\n"
        f"Values as a model sees them: {preview.low:.2f} to {preview.high:.2f}, mean {preview.mean:.3f}."
    )
