"""A pane of images, and the commands for how they are drawn: for any view that shows what a model makes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from workbench.terminal import capability
from workbench.terminal import pictures as drawing
from workbench.terminal.capability import Renderer
from workbench.terminal.look import Look, Rows
from workbench.ui.panes import DrawnPane
from workbench.ui.view import View
from workbench.ui.words import blank, fitted

if TYPE_CHECKING:
    from workbench.ui.app import Workbench

Images = NDArray[np.uint8]  # (N, C, H, W)
RENDERERS = {"half": "half blocks", "braille": "braille", "ascii": "letters", "pixels": "pixels"}
_PIXELS = "pixels"  # beside the renderers of cells, where the terminal has them


class PicturePane(DrawnPane):
    """Images in cells, with a caption that says what they are. Drawn when they change, never by the clock."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.rows_of_images: int | None = None  # None: as many as look good
        self.path: Path | None = None  # the same picture at full resolution
        self._empty = ""
        self._images: Images | None = None
        self._paired: Images | None = None
        self._words: tuple[str, ...] = ()
        self._exact: Any = None  # the widget that shows pixels

    @property
    def bench(self) -> "Workbench":
        """The application."""
        return cast("Workbench", self.app)

    def show_nothing(self, why: str) -> None:
        """Say why there are no images."""
        if self._images is not None or why != self._empty:
            self._images, self._paired, self.path, self._empty = None, None, None, why
            self.redraw()

    def show_images(
        self, images: Images | None, paired: Images | None, words: Sequence[str], path: Path | None = None
    ) -> None:
        """Draw these images, each with its pair below it; `words` are the caption, the most important first."""
        same = images is self._images and paired is self._paired
        if not same or (tuple(words), path) != (self._words, self.path):
            self._images, self._paired, self._words, self.path = images, paired, tuple(words), path
            self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw the images."""
        bench = self.bench
        if self._images is None:
            self._show_pixels(None)
            self.show_words(self._empty, width, look)
            return
        if bench.pixels is not None and bench.preferences.renderer == _PIXELS:
            self._show_pixels(self._images)
            self.show([])
            self._say(RENDERERS[_PIXELS], "", width, look)
            return
        self._show_pixels(None)
        renderer = renderer_of(bench)
        drawn = drawing.grid(
            self._images, width, height, renderer, look, paired=self._paired, colours=bench.terminal.colours,
            light=not bench.current_theme.dark, rows_of_images=self.rows_of_images,
        )  # fmt: skip
        above = (height - len(drawn.rows)) // 2
        rows: Rows = [[blank(width)]] * above + drawn.rows
        self.show(rows)
        self._say(RENDERERS[renderer], drawn.scale or "too small a pane for these images", width, look)

    def _say(self, renderer: str, scale: str, width: int, look: Look) -> None:
        words = [*self._words, scale, renderer]
        self.say(self.title, fitted([word for word in words if word], width - 2, look.unicode))

    def _show_pixels(self, images: Images | None) -> None:
        """Show images by the terminal's own means, all of them; None takes them away."""
        if images is None:
            if self._exact is not None:
                self._exact.display = False
            return
        from workbench import figures

        paired = self._paired
        picture = figures.samples(images, None) if paired is None else figures.reconstructions(images, paired, None)
        if self._exact is None:
            assert self.bench.pixels is not None
            self._exact = self.bench.pixels()
            self._exact.styles.width = self._exact.styles.height = (
                "auto"  # as large as fits, in its own proportions
            )
            self.mount(self._exact)
        self._exact.image = picture
        self._exact.display = True
        self._exact.refresh(layout=True)


def within_run(path: Path | None) -> str:
    """Where a picture of a run lies in its folder: samples/step-000000480.png."""
    return f"{path.parent.name}/{path.name}" if path is not None else ""


def renderer_of(bench: "Workbench") -> Renderer:
    """How images are drawn in cells: as a person chose, where this terminal can, else the finest it has."""
    usable = capability.usable(bench.terminal)
    return next((name for name in usable if name == bench.preferences.renderer), capability.default(bench.terminal))


def next_renderer(bench: "Workbench") -> None:
    """Draw images the next way this terminal can, from now on."""
    usable = [*capability.usable(bench.terminal), *([_PIXELS] if bench.pixels is not None else [])]
    now = bench.preferences.renderer if bench.preferences.renderer in usable else renderer_of(bench)
    renderer = usable[(usable.index(now) + 1) % len(usable)]
    bench.remember(renderer=renderer)
    bench.say(f"Images as {RENDERERS[renderer]}, {usable.index(renderer) + 1} of {len(usable)}.")


class Picturing(View):
    """Answers the commands for how images are drawn, for a view with picture panes."""

    def do_renderer(self) -> None:
        """Draw images the next way this terminal can."""
        next_renderer(self.bench)
        for pane in self.query(PicturePane):
            pane.redraw()

    def do_grid(self) -> None:
        """One row of images more; past the most that fit it begins again at one, of large ones."""
        panes = list(self.query(PicturePane))
        focused = [pane for pane in panes if pane.has_focus]
        for pane in focused or panes:
            pane.rows_of_images = (pane.rows_of_images or 0) + 1
            pane.redraw()
