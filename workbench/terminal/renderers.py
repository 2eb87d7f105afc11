"""From dots to cells: half blocks, braille and ASCII.

Shapes: `R C` rows and columns of cells, each of `down` by `across` dots. A canvas is (R * down, C * across, 3)
bytes; a mask beside it has the dots that belong to an image. All else is left as the screen has it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from workbench.terminal.capability import Renderer
from workbench.terminal.look import Row, Rows

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Cell:
    """How a renderer divides a cell."""

    across: int  # dots
    down: int
    align: tuple[int, int]  # images begin at multiples of this many dots, down and across
    tall: int  # height of a dot in widths
    legible: int  # dots; no image is reduced further where fewer of them fit the pane


CELLS: dict[Renderer, Cell] = {
    "half": Cell(1, 2, (1, 1), 1, 11),  # each half has a colour of its own: any dot may begin an image
    "braille": Cell(2, 4, (4, 2), 1, 20),
    "ascii": Cell(1, 1, (1, 1), 2, 14),
}

RAMP = " .:-=+*#%@"  # from no ink to most, as even as ASCII gets

_PACK = np.array([1 << 16, 1 << 8, 1])  # a colour as one number
_NOTHING = 1 << 24  # in its place: a dot outside any image
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of U+2800, down and across
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
_SOFTNESS = 0.6  # of full dithering; less is a hard threshold. At this, strokes stay whole and photos keep tones
_DEEP = 120  # the strongest channel of an ink that is read on a light ground
_HUELESS = 64  # below this, what hue a colour has is noise, and is not brought out

_CUBE = np.array([0, 95, 135, 175, 215, 255])  # the levels of the 256 colours' cube
_GREYS = np.array([0, *range(8, 239, 10), 255])  # and of its greys
# Bytes that rich turns into exactly these greys; it rounds luminance to 26 steps.
_ASKED = np.rint(np.arange(26) * 10.2).astype(np.int64)


def half_blocks(canvas: Bytes, mask: Mask, palette: bool) -> Rows:
    """Two colours a cell. `palette`: in those of the 256 that come nearest."""
    colours = _of_palette(canvas) if palette else _rounded(canvas)
    packed = np.where(mask, colours @ _PACK, _NOTHING)
    top, bottom = packed[0::2], packed[1::2]
    signs = np.where(top == bottom, " ", np.where(top == _NOTHING, "▄", "▀"))
    return segments(signs, top << 25 | bottom, lambda key: _halves(key >> 25, key & (1 << 25) - 1))


def braille(canvas: Bytes, mask: Mask, light: bool, style: Style | None) -> Rows:
    """A dot where the image is bright, or dark on a light ground. Without a style, in the image's own colours."""
    bright = _brightness(canvas, light)
    steps = np.tile(_BAYER, (bright.shape[0] // 4, -(-bright.shape[1] // 4)))[:, : bright.shape[1]]
    threshold = 255 * (0.5 + _SOFTNESS * ((steps + 0.5) / 16 - 0.5))
    signs = dots((bright > threshold) & mask)
    return _inked(signs, canvas, mask, CELLS["braille"], light, style)


def ascii_ramp(canvas: Bytes, mask: Mask, light: bool, style: Style | None) -> Rows:
    """A character a cell, with more ink where the image is bright, or dark on a light ground. Colours as above."""
    levels = _brightness(canvas, light) * len(RAMP) // 256
    signs = np.where(mask, np.array(list(RAMP))[levels], " ")
    return _inked(signs, canvas, mask, CELLS["ascii"], light, style)


def dots(on: Mask) -> NDArray[np.str_]:
    """Braille characters for dots, (4R, 2C) -> (R, C); a blank where there are none."""
    height, width = on.shape
    codes = (on.reshape(height // 4, 4, width // 2, 2) * _BITS[:, None, :]).sum(axis=(1, 3))
    # Some fonts draw the empty braille pattern as eight hollow dots.
    return np.where(codes, codes + 0x2800, ord(" ")).astype(np.uint32).view("U1")


def segments(signs: NDArray[np.str_], keys: Whole, style_of: Callable[[int], Style]) -> Rows:
    """Rows of characters, (R, C), cut where the key of the style, (R, C), changes."""
    return [_row("".join(line), key, style_of) for line, key in zip(signs.tolist(), keys, strict=True)]


def _row(text: str, keys: Whole, style_of: Callable[[int], Style]) -> Row:
    starts = [0, *(np.flatnonzero(np.diff(keys)) + 1).tolist()]
    ends = [*starts[1:], len(text)]
    styles = map(style_of, keys[starts].tolist())
    return [Segment(text[start:end], style) for start, end, style in zip(starts, ends, styles, strict=True)]


def _inked(
    signs: NDArray[np.str_], canvas: Bytes, mask: Mask, cell: Cell, light: bool, style: Style | None
) -> Rows:
    """In one style, or each cell in the hue of the image there; how bright it is, the amount of ink says."""
    if style is not None:
        return segments(signs, np.zeros(signs.shape, dtype=np.int64), lambda _: style)
    blocks = (signs.shape[0], cell.down, signs.shape[1], cell.across)
    share = mask.reshape(*blocks, 1)
    mean = (canvas.reshape(*blocks, 3) * share).sum(axis=(1, 3)) / np.maximum(share.sum(axis=(1, 3)), 1)
    full = mean * (_DEEP if light else 255) / np.maximum(mean.max(axis=2, keepdims=True), _HUELESS)
    keys = (full.astype(np.int64) >> 4) * 17 @ _PACK
    return segments(signs, np.where(signs == " ", _NOTHING, keys), lambda key: _halves(key, _NOTHING))


def _brightness(canvas: Bytes, light: bool) -> Whole:
    """Luminance in bytes, of the negative on a light ground."""
    grey = (canvas @ np.array([299, 587, 114]) + 500) // 1000
    return 255 - grey if light else grey


def _rounded(canvas: Bytes) -> Whole:
    """64 levels a channel: no eye sees it, and neighbours that now agree are sent as one."""
    level = canvas.astype(np.int64) >> 2
    return level << 2 | level >> 4


def _of_palette(canvas: Bytes) -> Whole:
    """The nearest of the 240 fixed colours, asked for by the bytes that rich maps to it."""
    wanted = canvas.astype(np.int64)
    cube = _CUBE[_nearest(_CUBE)[wanted]]
    grey = _nearest(_GREYS)[(wanted.sum(axis=2) + 1) // 3]
    closer = ((cube - wanted) ** 2).sum(axis=2) < ((_GREYS[grey][..., None] - wanted) ** 2).sum(axis=2)
    coloured = closer & (np.ptp(cube, axis=2) > 0)  # the cube's own greys rich would turn into others
    return np.where(coloured[..., None], cube, _ASKED[grey][..., None])


def _nearest(levels: Whole) -> Whole:
    """For each byte, the index of the level that comes nearest."""
    return np.abs(np.arange(256)[:, None] - levels).argmin(axis=1)


@lru_cache(maxsize=8192)
def _halves(top: int, bottom: int) -> Style:
    if _NOTHING in {top, bottom}:
        only = min(top, bottom)
        return Style() if only == _NOTHING else Style.from_color(_colour(only))
    return Style.from_color(None if top == bottom else _colour(top), _colour(bottom))


@lru_cache(maxsize=8192)
def _colour(packed: int) -> Color:
    return Color.from_rgb(packed >> 16, packed >> 8 & 255, packed & 255)
