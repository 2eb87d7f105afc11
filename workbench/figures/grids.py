"""Images on a page: samples, reconstructions and strips, enlarged by a whole number so that pixels stay crisp.

Shapes: `N` images, `R` rows of a strip, `K` images in a row, `C H W` an image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workbench.figures.layout import CONTENT, Header, check_images, compose
from workbench.figures.palette import GREY, PAPER, RULE, rgb
from workbench.figures.text import font, line_height, shorten, width_of

Pixels = NDArray[np.uint8]

GUTTER = 3  # px between neighbours
_BETWEEN_PAIRS = 14  # px between one pair of rows and the next
_BETWEEN_STRIPS = 8
_LARGEST_TILE = 256  # px; a lone small image is not blown up to fill the page
_LABEL = 13  # px, the type size
_LABEL_GAP = 12
_WIDEST_LABEL = 150
_LABELLED = 760  # px; pairs of rows in a narrower picture go without labels


@dataclass(frozen=True)
class Grid:
    """Where each image lies inside a picture without a header; a hairline of one pixel surrounds each."""

    columns: int
    scale: int
    image: tuple[int, int]  # H, W before enlarging
    left: int = 0  # room for row labels
    top: int = 0  # room for column labels
    gaps: tuple[int, ...] = ()  # px after each row but the last; GUTTER where not given

    @property
    def tile(self) -> tuple[int, int]:
        """Height and width of an enlarged image."""
        return self.image[0] * self.scale, self.image[1] * self.scale

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """x and y of the upper left pixel of an image."""
        height, width = self.tile
        above = sum(self.gaps[index] if index < len(self.gaps) else GUTTER for index in range(row))
        return self.left + 1 + column * (width + GUTTER), self.top + 1 + row * height + above

    def size(self, rows: int) -> tuple[int, int]:
        """Width and height of the whole."""
        x, y = self.corner(rows - 1, self.columns - 1)
        return x + self.tile[1] + 1, y + self.tile[0] + 1


def samples(images: Pixels, header: Header | None, columns: int | None = None, width: int = CONTENT) -> Image.Image:
    """A grid of images, (N, C, H, W), in reading order."""
    check_images(images, "N C H W", "samples")
    if columns is not None and columns < 1:
        raise ValueError(f"samples: a grid has 1 column or more, got {columns}")
    across = min(columns or columns_for(len(images), images.shape[3], width), len(images))
    height, wide = images.shape[2:]
    grid = Grid(across, scale_for(across, wide, width), (height, wide))
    body = Image.fromarray(_mosaic(grid, [(i // across, i % across) for i in range(len(images))], images))
    return compose(body, header)


def reconstructions(
    originals: Pixels, reconstructions: Pixels, header: Header | None, width: int = CONTENT
) -> Image.Image:
    """Pairs of rows, (N, C, H, W) each: the images given to the model above what it made of them.

    A narrow picture says so in a note instead of labels, and its columns are those of `samples`.
    """
    check_images(originals, "N C H W", "originals")
    check_images(reconstructions, "N C H W", "reconstructions")
    if originals.shape != reconstructions.shape:
        raise ValueError(f"reconstructions: {reconstructions.shape} do not match originals {originals.shape}")
    count, _, height, wide = originals.shape
    labels = ("original", "reconstruction") if width >= _LABELLED else ()
    left = _room_for(labels)
    across = min(columns_for(count, wide, width - left), count)
    pairs = math.ceil(count / across)
    scale = scale_for(across, wide, width - left)
    grid = Grid(across, scale, (height, wide), left, 0, (GUTTER, _BETWEEN_PAIRS) * pairs)
    upper = [(i // across * 2, i % across) for i in range(count)]
    lower = [(row + 1, column) for row, column in upper]
    body = Image.fromarray(_mosaic(grid, upper + lower, np.concatenate([originals, reconstructions])))
    _label_rows(body, grid, labels * pairs)
    return compose(body, header, () if labels else ("Above: originals. Below each: its reconstruction.",))


def strips(
    rows: Pixels,
    header: Header | None,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    width: int = CONTENT,
) -> Image.Image:
    """Rows of images that belong together, (R, K, C, H, W): an interpolation, or one latent varied.

    `column_labels` names every column, or with two names the first column and the last.
    """
    check_images(rows, "R K C H W", "strips")
    R, K, _, height, wide = rows.shape
    if len(row_labels) not in (0, R):
        raise ValueError(f"strips: {len(row_labels)} row labels for {R} rows")
    if len(column_labels) not in (0, 2, K):
        raise ValueError(f"strips: {len(column_labels)} column labels for {K} columns; give 2 or all")
    left = _room_for(row_labels)
    top = line_height(font(_LABEL)) + 4 if any(column_labels) else 0
    grid = Grid(K, scale_for(K, wide, width - left), (height, wide), left, top, (_BETWEEN_STRIPS,) * R)
    places = [(row, column) for row in range(R) for column in range(K)]
    body = Image.fromarray(_mosaic(grid, places, rows.reshape(R * K, *rows.shape[2:])))
    _label_rows(body, grid, row_labels)
    _label_columns(body, grid, column_labels)
    return compose(body, header)


def columns_for(count: int, image_width: int, width: int = CONTENT) -> int:
    """Columns for a calm grid: eight or the square root, rather a few more than a last row with holes."""
    widest = max(1, (width + GUTTER) // (image_width + GUTTER))
    start = min(max(8, math.ceil(math.sqrt(count))), widest, count)
    full = (c for c in range(start, min(start + 4, widest) + 1) if count % c == 0)
    return next(full, start)


def scale_for(columns: int, image_width: int, width: int = CONTENT) -> int:
    """The largest whole enlargement at which the columns fit the width, and a tile stays reasonable; 1 or more."""
    room = (width - 2 + GUTTER) // columns - GUTTER
    return max(1, min(room, max(_LARGEST_TILE, image_width)) // image_width)


def _mosaic(grid: Grid, places: list[tuple[int, int]], images: Pixels) -> Pixels:
    """Paper with each image at its (row, column), each inside a hairline that holds white images together."""
    large = images.repeat(grid.scale, axis=2).repeat(grid.scale, axis=3).transpose(0, 2, 3, 1)  # (N, H, W, C)
    width, height = grid.size(1 + max(row for row, _ in places))
    canvas: Pixels = np.empty((height, width, 3), dtype=np.uint8)
    canvas[:] = rgb(PAPER)
    tall, wide = grid.tile
    for (row, column), image in zip(places, large, strict=True):
        x, y = grid.corner(row, column)
        canvas[y - 1 : y + tall + 1, x - 1 : x + wide + 1] = rgb(RULE)
        canvas[y : y + tall, x : x + wide] = image
    return canvas


def _room_for(labels: Sequence[str]) -> int:
    face = font(_LABEL)
    if not any(labels):
        return 0
    return min(max(width_of(label, face) for label in labels), _WIDEST_LABEL) + _LABEL_GAP


def _label_rows(body: Image.Image, grid: Grid, labels: Sequence[str]) -> None:
    draw, face = ImageDraw.Draw(body), font(_LABEL)
    for row, label in enumerate(labels):
        _, y = grid.corner(row, 0)
        text = shorten(label, face, grid.left - _LABEL_GAP)
        draw.text((grid.left - _LABEL_GAP, y + grid.tile[0] / 2), text, font=face, fill=GREY, anchor="rm")


def _label_columns(body: Image.Image, grid: Grid, labels: Sequence[str]) -> None:
    """Centred over their columns; two labels stand at the ends and may reach inwards."""
    draw, face = ImageDraw.Draw(body), font(_LABEL)
    wide = grid.tile[1]
    baseline = grid.top - 8
    first, last = grid.corner(0, 0)[0], grid.corner(0, grid.columns - 1)[0] + wide
    if len(labels) == 2:
        room = (last - first) // 2 - 4
        draw.text((first, baseline), shorten(labels[0], face, room), font=face, fill=GREY, anchor="ls")
        draw.text((last, baseline), shorten(labels[1], face, room), font=face, fill=GREY, anchor="rs")
        return
    for column, label in enumerate(labels):
        x, _ = grid.corner(0, column)
        text = shorten(label, face, wide + GUTTER - 4)
        draw.text((x + wide / 2, baseline), text, font=face, fill=GREY, anchor="ms")
