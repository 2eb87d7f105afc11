"""The samples, reconstructions and codes of several runs side by side."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.cells import cell_len
from rich.segment import Segment

from workbench.runs.pictures import Pictures
from workbench.terminal import pictures as drawing
from workbench.terminal import scatter as scatters
from workbench.terminal.look import Look, Row, Rows
from workbench.ui.compare.members import Member
from workbench.ui.panes import DrawnPane
from workbench.ui.pictures import RENDERERS, Images, PicturePane, renderer_of
from workbench.ui.words import blank, fitted, said, shortened

_GAP = 2


@dataclass(frozen=True)
class Grid:
    """What one run shows at a moment."""

    member: Member | None  # None: the originals, which are nobody's
    pictures: Pictures | None
    words: str = ""  # why there are none


class SideBySide(DrawnPane):
    """Something of each run, headed by its sign, its short name and the step; several in a row, and in columns."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id)
        self.grids: Sequence[Grid] = ()

    def show_grids(self, grids: Sequence[Grid]) -> None:
        """Draw what these runs have."""
        self.grids = tuple(grids)
        self.redraw()

    @abstractmethod
    def one(self, grid: Grid, width: int, height: int, look: Look) -> tuple[Rows, str]:
        """What there is of one run, in at most so many rows, and a word for the caption."""

    @abstractmethod
    def words(self, pictures: Sequence[Pictures], found: Sequence[str]) -> list[str]:
        """What the caption says of all of them, with the words that were found of each."""

    def arranged(self) -> list[Grid]:
        """What is drawn, in this order."""
        return list(self.grids)

    def draw(self, width: int, height: int, look: Look) -> None:
        """As many beside one another as makes them largest."""
        grids = self.arranged()
        count = len(grids)
        if not count:
            return
        steps = {grid.pictures.facts.step for grid in grids if grid.pictures}
        across = max(range(1, count + 1), key=lambda n: _smaller_side(width, height, n, -(-count // n)))
        down = -(-count // across)
        wide = (width - _GAP * (across - 1)) // across
        rows: Rows = []
        found = set()
        for first in range(0, count, across):
            parts = []
            for grid in grids[first : first + across]:
                lines, word = self._headed(grid, wide, height // down, len(steps) > 1, look)
                parts.append(lines)
                found.add(word)
            rows += _beside(parts)
        self.show(rows)
        words = [f"step {step:,}" for step in steps] if len(steps) == 1 else []
        words += self.words([grid.pictures for grid in grids if grid.pictures], sorted(found - {""}))
        self.say(self.title, fitted(words, width - 2, look.unicode))

    def _headed(self, grid: Grid, width: int, height: int, with_step: bool, look: Look) -> tuple[Rows, str]:
        """A heading and what is below it, in exactly so many rows."""
        rows: Rows = [_filled(_head(grid, width, with_step, look), width)]
        word = ""
        if grid.pictures is None:
            text = shortened(said(grid.words, look.unicode), width, look.unicode)
            rows.append(_filled([Segment(text, look.dim)], width))
        else:
            drawn, word = self.one(grid, width, height - 2, look)
            rows += [_filled(list(row), width) for row in drawn]
        return [*rows, *([blank(width)] for _ in range(height - len(rows)))][:height], word


class GridsPane(SideBySide, PicturePane):
    """A grid of samples for each run."""

    letter, title, name_in_keys = "S", "Samples", "samples"

    def images(self, grid: Grid) -> Images | None:
        """The images that are drawn of a run."""
        return grid.pictures.samples if grid.pictures is not None else None

    def one(self, grid: Grid, width: int, height: int, look: Look) -> tuple[Rows, str]:
        """The images of one run, and how large they are drawn."""
        images = self.images(grid)
        if images is None:
            return [], ""
        drawn = drawing.grid(
            images, width, height, renderer_of(self.bench), look, colours=self.bench.terminal.colours,
            light=not self.bench.current_theme.dark, rows_of_images=self.rows_of_images,
        )  # fmt: skip
        return drawn.rows, drawn.scale

    def words(self, pictures: Sequence[Pictures], found: Sequence[str]) -> list[str]:
        """How the images are drawn, and the seed where it is the same for all."""
        seeds = {it.facts.seed for it in pictures}
        return [
            RENDERERS[renderer_of(self.bench)],
            *([f"seed {seed}" for seed in seeds] if len(seeds) == 1 else []),
        ]


class RebuiltPane(GridsPane):
    """The same held-out images for all runs: as they are, and what each run makes of them."""

    letter, title, name_in_keys = "R", "Reconstructions", "reconstructions"

    def arranged(self) -> list[Grid]:
        """The originals first, once; before each run's own where they are not the same."""
        having = [grid for grid in self.grids if grid.pictures is None or grid.pictures.originals is not None]
        found: list[Grid] = []
        last: Images | None = None
        for grid in having:
            originals = grid.pictures.originals if grid.pictures is not None else None
            if originals is not None and (last is None or not np.array_equal(originals, last)):
                last = originals
                found.append(Grid(None, grid.pictures))
            found.append(grid)
        return found

    def images(self, grid: Grid) -> Images | None:
        """The originals, or what a run made of them."""
        if grid.pictures is None:
            return None
        return grid.pictures.originals if grid.member is None else grid.pictures.rebuilt

    def words(self, pictures: Sequence[Pictures], found: Sequence[str]) -> list[str]:
        """How the images are drawn."""
        return [RENDERERS[renderer_of(self.bench)], *found]


class CodesPane(SideBySide):
    """The codes of the held-out images in the plane, each run's in its own."""

    letter, title, name_in_keys = "Z", "Latent", "latent"

    def arranged(self) -> list[Grid]:
        """The runs that have codes."""
        return [grid for grid in self.grids if grid.pictures is None or grid.pictures.points is not None]

    def one(self, grid: Grid, width: int, height: int, look: Look) -> tuple[Rows, str]:
        """The codes of one run."""
        shown = grid.pictures
        if shown is None or shown.points is None:
            return [], ""
        facts = shown.facts
        axes = (facts.axes[0], facts.axes[1]) if len(facts.axes) == 2 else None
        cloud = scatters.scatter(shown.points, shown.labels, facts.classes, width, height, look, axes=axes)
        return cloud.rows, ""

    def words(self, pictures: Sequence[Pictures], found: Sequence[str]) -> list[str]:
        """How codes became points, where it is the same for all."""
        ways = {it.facts.projection for it in pictures}
        return [*ways] if len(ways) == 1 else ["each projected in its own way"]


def _head(grid: Grid, width: int, with_step: bool, look: Look) -> Row:
    """The run and its step; or that these are the originals."""
    member = grid.member
    if member is None:
        return [Segment(shortened("originals", width, look.unicode), look.text)]
    step = f"  step {grid.pictures.facts.step:,}" if grid.pictures and with_step else ""
    label = shortened(said(member.label, look.unicode), max(0, width - 2 - len(step)), look.unicode)
    return [
        Segment(f"{look.mark(member.number)} {label}", look.series[member.number % len(look.series)]),
        Segment(shortened(step, width - 2 - cell_len(label), look.unicode), look.dim),
    ]


def _smaller_side(width: int, height: int, across: int, down: int) -> int:
    """Of the room for one grid, in dots: a cell is twice as high as wide."""
    return min(width // across - _GAP, 2 * (height // down - 2))


def _filled(row: Row, width: int) -> Row:
    return [*row, blank(width - sum(part.cell_length for part in row))]


def _beside(parts: Sequence[Rows]) -> Rows:
    rows: Rows = []
    for lines in zip(*parts, strict=True):
        row = list(lines[0])
        for line in lines[1:]:
            row += [blank(_GAP), *line]
        rows.append(row)
    return rows
