"""Grids of images in cells, as large and as many as a pane holds.

Shapes: `N` images, `C H W` an image in bytes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from workbench.terminal.capability import Colours, Renderer
from workbench.terminal.layout import Layout, arrange, up
from workbench.terminal.look import Look, Rows
from workbench.terminal.renderers import CELLS, Bytes, Cell, Mask, ascii_ramp, braille, half_blocks


@dataclass(frozen=True)
class Drawn:
    """A picture in cells and what its caption has to say."""

    rows: Rows  # as many as the images need
    shown: int  # images, or pairs of them
    scale: str  # "1:1", "2:1" enlarged, "1:2.2" reduced
    across: int  # images in a row
    down: int  # rows of images, or of pairs


def grid(
    images: Bytes,
    columns: int,
    rows: int,
    renderer: Renderer,
    look: Look,
    *,
    paired: Bytes | None = None,
    light: bool = False,
    colours: Colours = "truecolor",
    rows_of_images: int | None = None,
) -> Drawn:
    """As many images, (N, C, H, W), as look good in columns x rows cells, in reading order.

    paired           what the model made of each image, drawn below it
    light            the theme's ground is light: where there is one ink only, it stands for dark
    rows_of_images   fewer and larger, or more and smaller; past the most that fit it begins again at one
    """
    cell, (count, channels, height, width) = CELLS[renderer], images.shape
    layout = arrange(count, (height, width), (rows, columns), cell, paired is not None, rows_of_images)
    if layout is None:
        return Drawn([], 0, "", 0, 0)
    shown = min(count, layout.across * layout.down)
    lines = [images[:shown]] if paired is None else [images[:shown], paired[:shown]]
    canvas, mask = _mosaic(layout, cell, lines)
    if renderer == "half":
        drawn = half_blocks(canvas, mask, colours == "256")
    else:
        ink = None if channels == 3 and colours in {"truecolor", "256"} else look.text
        drawn = (braille if renderer == "braille" else ascii_ramp)(canvas, mask, light, ink)
    return Drawn(_centred(drawn, columns), shown, _scale(layout.tile[1], width), layout.across, layout.down)


def _mosaic(layout: Layout, cell: Cell, lines: list[Bytes]) -> tuple[Bytes, Mask]:
    """The dots of whole cells with each image in its place, and which dots belong to an image."""
    (tall, wide), (pitch_y, pitch_x) = layout.tile, layout.pitch
    height = (layout.down - 1) * layout.block + (len(lines) - 1) * pitch_y + tall
    width = (layout.across - 1) * pitch_x + wide
    canvas = np.zeros((up(height, cell.down), up(width, cell.across), 3), dtype=np.uint8)
    mask = np.zeros(canvas.shape[:2], dtype=np.bool_)
    for line, images in enumerate(lines):
        for i, image in enumerate(_resized(images, tall, wide)):
            y, x = i // layout.across * layout.block + line * pitch_y, i % layout.across * pitch_x
            canvas[y : y + tall, x : x + wide] = image
            mask[y : y + tall, x : x + wide] = True
    return canvas, mask


def _resized(images: Bytes, height: int, width: int) -> Bytes:
    """Every dot the mean over its area, (N, C, H, W) -> (N, height, width, C)."""
    down, across = _overlaps(images.shape[2], height), _overlaps(images.shape[3], width)
    # Whole numbers below 2^53, so that the bytes are the same on every machine.
    sums = down @ images.astype(np.float64) @ across.T
    area = images.shape[2] * images.shape[3]
    return ((sums + area // 2) // area).astype(np.uint8).transpose(0, 2, 3, 1)


def _overlaps(before: int, after: int) -> NDArray[np.float64]:
    """How much of each pixel before lies in each one after, (after, before); a row's sum is `before`."""
    old, new = np.arange(before) * after, np.arange(after)[:, None] * before
    shared = np.minimum(old + after, new + before) - np.maximum(old, new)
    return shared.clip(0).astype(np.float64)


def _centred(drawn: Rows, columns: int) -> Rows:
    """Rows of exactly that many cells."""
    spare = columns - sum(len(segment.text) for segment in drawn[0])
    left, right = Segment(" " * (spare // 2)), Segment(" " * (spare - spare // 2))
    return [[segment for segment in (left, *row, right) if segment.text] for row in drawn]


def _scale(size: int, own: int) -> str:
    return f"{size // own}:1" if size >= own else f"1:{own / size:.2g}"
