"""The samples of several runs side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment

from workbench.runs.pictures import Pictures
from workbench.terminal import pictures as drawing
from workbench.terminal.look import Look, Row, Rows
from workbench.ui.compare.members import Member
from workbench.ui.pictures import RENDERERS, PicturePane, renderer_of
from workbench.ui.words import blank, fitted, said, shortened

_GAP = 2


@dataclass(frozen=True)
class Grid:
    """What one run shows at a moment."""

    member: Member
    pictures: Pictures | None
    words: str = ""  # why there are none


class GridsPane(PicturePane):
    """A grid of samples for each run, headed by its sign, its short name and the step."""

    letter, title, name_in_keys = "S", "Samples", "samples"

    def __init__(self) -> None:
        super().__init__()
        self._grids: Sequence[Grid] = ()

    def show_grids(self, grids: Sequence[Grid]) -> None:
        """Draw the samples of these runs."""
        self._grids = tuple(grids)
        self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """As many beside one another as makes the grids largest."""
        count = len(self._grids)
        if not count:
            return
        steps = {grid.pictures.facts.step for grid in self._grids if grid.pictures}
        across = max(range(1, count + 1), key=lambda n: _smaller_side(width, height, n, -(-count // n)))
        down = -(-count // across)
        wide = (width - _GAP * (across - 1)) // across
        rows: Rows = []
        scales = set()
        for first in range(0, count, across):
            parts = []
            for grid in self._grids[first : first + across]:
                lines, scale = self._one(grid, wide, height // down, len(steps) > 1, look)
                parts.append(lines)
                scales.add(scale)
            rows += _beside(parts)
        self.show(rows)
        words = [f"step {step:,}" for step in steps] if len(steps) == 1 else []
        words += [RENDERERS[renderer_of(self.bench)], *sorted(scales - {""})]
        seeds = {grid.pictures.facts.seed for grid in self._grids if grid.pictures}
        words += [f"seed {seed}" for seed in seeds] if len(seeds) == 1 else []
        self.say(self.title, fitted(words, width - 2, look.unicode))

    def _one(self, grid: Grid, width: int, height: int, with_step: bool, look: Look) -> tuple[Rows, str]:
        """A heading and the images below it, in exactly so many rows; and how large they are drawn."""
        member = grid.member
        step = f"  step {grid.pictures.facts.step:,}" if grid.pictures and with_step else ""
        label = shortened(said(member.label, look.unicode), max(0, width - 2 - len(step)), look.unicode)
        head: Row = [
            Segment(f"{look.mark(member.number)} {label}", look.series[member.number % len(look.series)]),
            Segment(shortened(step, width - 2 - cell_len(label), look.unicode), look.dim),
        ]
        rows: Rows = [_filled(head, width)]
        scale = ""
        if grid.pictures is None:
            rows.append(
                _filled([Segment(shortened(said(grid.words, look.unicode), width, look.unicode), look.dim)], width)
            )
        else:
            drawn = drawing.grid(
                grid.pictures.samples, width, height - 2, renderer_of(self.bench), look,
                colours=self.bench.terminal.colours, light=not self.bench.current_theme.dark,
                rows_of_images=self.rows_of_images,
            )  # fmt: skip
            rows += [_filled(list(row), width) for row in drawn.rows]
            scale = drawn.scale
        return [*rows, *([blank(width)] for _ in range(height - len(rows)))][:height], scale


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
