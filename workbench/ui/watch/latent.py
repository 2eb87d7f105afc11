"""The latent space: codes of held-out images in the plane, each class by its own sign."""

from pathlib import Path

from workbench.runs.pictures import Pictures
from workbench.terminal import scatter as drawing
from workbench.terminal.look import Look
from workbench.ui.panes import DrawnPane
from workbench.ui.pictures import within_run
from workbench.ui.words import fitted, said


class LatentPane(DrawnPane):
    """The codes of one moment. Drawn when they change, never by the clock."""

    letter, title, name_in_keys = "Z", "Latent", "latent"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self._empty = ""
        self.path: Path | None = None  # the same picture at full resolution
        self._pictures: Pictures | None = None
        self._when: tuple[str, ...] = ()

    def show_nothing(self, why: str) -> None:
        """Say why there are no codes."""
        if self._pictures is not None or why != self._empty:
            self._pictures, self.path, self._empty = None, None, why
            self.redraw()

    def show_codes(self, pictures: Pictures, when: tuple[str, ...], path: Path) -> None:
        """Draw the codes of this moment; `when` is said first in the caption."""
        if (pictures, when, path) == (self._pictures, self._when, self.path):
            return
        self._pictures, self._when, self.path = pictures, when, path
        self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw the codes."""
        shown = self._pictures
        if shown is None or shown.points is None:
            self.show_words(self._empty, width, look)
            return
        facts = shown.facts
        axes = (facts.axes[0], facts.axes[1]) if len(facts.axes) == 2 else None
        cloud = drawing.scatter(shown.points, shown.labels, facts.classes, width, height, look, axes=axes)
        self.show(cloud.rows)
        words = [*self._when, within_run(self.path), said(facts.projection, look.unicode)]
        self.say(self.title, fitted([word for word in words if word], width - 2, look.unicode))
