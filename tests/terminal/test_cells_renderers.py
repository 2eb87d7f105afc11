"""Cells say what the pixels say: small cases worked out by hand, and colours as the terminal receives them."""

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.color import ColorSystem
from rich.style import Style

from workbench.terminal.capability import Colours, Renderer
from workbench.terminal.look import Look, Rows, text_of
from workbench.terminal.pictures import grid
from workbench.terminal.renderers import RAMP

Bytes = NDArray[np.uint8]
LOOK = Look(text=Style(color="#123456"))
CHECKER = np.array([[255, 0], [0, 255]], dtype=np.uint8)[None, None]


def rows_of(image: Bytes, columns: int, rows: int, renderer: Renderer, light: bool = False) -> Rows:
    """One image, (C, H, W), in a pane."""
    return grid(image[None], columns, rows, renderer, LOOK, light=light).rows


def colours_of(rows: Rows) -> list[tuple[str, str | None, str | None]]:
    """Every segment with its two colours."""
    return [
        (segment.text, style.color and style.color.name, style.bgcolor and style.bgcolor.name)
        for row in rows for segment in row for style in (segment.style or Style(),)
    ]  # fmt: skip


def test_a_checker_in_half_blocks() -> None:
    drawn = grid(CHECKER, 2, 1, "half", LOOK)
    assert colours_of(drawn.rows) == [("▀", "#ffffff", "#000000"), ("▀", "#000000", "#ffffff")]
    assert (drawn.shown, drawn.scale) == (1, "1:1")


@pytest.mark.parametrize(("light", "dots"), [(False, 0x01 | 0x10), (True, 0x08 | 0x02)])
def test_a_checker_in_braille(light: bool, dots: int) -> None:
    drawn = grid(CHECKER, 1, 1, "braille", LOOK, light=light)
    assert text_of(drawn.rows) == chr(0x2800 + dots)
    assert drawn.rows[0][0].style == LOOK.text


def test_a_checker_in_ascii_is_grey_and_stripes_are_not() -> None:
    assert text_of(grid(CHECKER, 2, 1, "ascii", LOOK).rows) == "++", "a character is as high as two pixels"
    stripes = np.array([[255, 0], [255, 0]], dtype=np.uint8)[None]
    assert text_of(rows_of(stripes, 2, 1, "ascii")) == "@ "
    assert text_of(rows_of(stripes, 2, 1, "ascii", light=True)) == " @"


def test_the_ramp_goes_evenly_from_dark_to_bright() -> None:
    ramp = np.linspace(0, 255, 60).round().astype(np.uint8)
    line = text_of(rows_of(np.broadcast_to(ramp, (1, 60, 60)), 60, 30, "ascii")).splitlines()[0]
    assert "".join(dict.fromkeys(line)) == RAMP
    assert {line.count(sign) for sign in RAMP} <= {5, 6, 7}
    assert RAMP.isascii()


@pytest.mark.parametrize("light", [False, True])
def test_dots_are_as_many_as_the_image_is_bright(light: bool) -> None:
    counts = []
    for level in (0, 64, 96, 128, 160, 192, 255):
        image = np.full((1, 16, 16), level, dtype=np.uint8)
        text = text_of(rows_of(image, 8, 4, "braille", light))
        counts.append(sum((ord(sign) - 0x2800).bit_count() for sign in text if sign not in " \n"))
    assert counts == sorted(counts, reverse=light)
    assert {counts[0], counts[-1]} == {0, 256}
    assert counts[3] == 128


def test_half_blocks_leave_what_is_no_image_to_the_screen() -> None:
    images = np.full((2, 3, 5, 5), 255, dtype=np.uint8)
    rows = grid(images, 11, 3, "half", LOOK).rows
    assert text_of(rows) == "\n".join([" " * 11, " " * 11, "▀▀▀▀▀ ▀▀▀▀▀"])
    assert colours_of(rows[:1]) == [(" " * 5, None, "#ffffff"), (" ", None, None), (" " * 5, None, "#ffffff")]
    assert colours_of(rows[2:]) == [("▀" * 5, "#ffffff", None), (" ", None, None), ("▀" * 5, "#ffffff", None)]


@pytest.mark.parametrize("system", ["truecolor", "256"])
def test_greys_arrive_as_they_are(system: Colours) -> None:
    """In truecolour within 3 of 255; with 256 colours, each as the nearest of the palette's greys."""
    levels = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    rows = grid(levels, 16, 8, "half", LOOK, colours=system).rows
    palette = np.array([0, *range(8, 239, 10), 255])
    for y, row in enumerate(rows):
        x = 0
        for segment in row:
            assert segment.style is not None
            for _ in segment.text:
                for half, colour in ((0, segment.style.color or segment.style.bgcolor), (1, segment.style.bgcolor)):
                    wanted = 16 * (2 * y + half) + x
                    assert colour is not None
                    if system == "truecolor":
                        assert colour.triplet is not None
                        assert max(abs(part - wanted) for part in colour.triplet) <= 3
                    else:
                        sent = colour.downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
                        assert len(set(sent)) == 1
                        assert abs(sent[0] - wanted) == np.abs(palette - wanted).min()
                x += 1


def test_with_256_colours_each_is_the_nearest_of_the_palette() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (3, 24, 24), dtype=np.uint8)
    steps = [0, 95, 135, 175, 215, 255]
    palette = np.array(
        [(r, g, b) for r in steps for g in steps for b in steps] + [(v, v, v) for v in range(8, 239, 10)]
    )
    rows = grid(image[None], 24, 12, "half", LOOK, colours="256").rows
    for y, row in enumerate(rows):
        styles = [segment.style for segment in row for _ in segment.text]
        for x, style in enumerate(styles):
            assert style is not None
            assert style.bgcolor is not None
            sent = np.array(style.bgcolor.downgrade(ColorSystem.EIGHT_BIT).get_truecolor())
            wanted = image[:, 2 * y + 1, x].astype(int)
            best = ((palette - wanted) ** 2).sum(axis=1).min()
            assert ((sent - wanted) ** 2).sum() <= best + 80, (wanted, sent)


@pytest.mark.parametrize("renderer", ["braille", "ascii"])
def test_one_ink_takes_the_hue_of_colour_images_where_there_are_colours(renderer: Renderer) -> None:
    red = np.zeros((1, 3, 8, 8), dtype=np.uint8)
    red[:, 0] = 200
    assert {colour for _, colour, _ in colours_of(grid(red, 4, 2, renderer, LOOK, light=True).rows)} == {"#770000"}
    for colours in ("16", "none"):
        plain = grid(red, 4, 2, renderer, LOOK, light=True, colours=colours).rows
        assert {colour for _, colour, _ in colours_of(plain)} == {"#123456"}


@pytest.mark.parametrize("renderer", ["braille", "ascii"])
def test_grey_images_stay_in_the_ink_of_the_theme_even_where_that_is_the_terminals_own(renderer: Renderer) -> None:
    grey = np.full((1, 1, 8, 8), 200, dtype=np.uint8)
    assert {ink for _, ink, _ in colours_of(grid(grey, 4, 2, renderer, Look()).rows)} == {None}


def test_equal_neighbours_are_one_segment() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (6, 3, 16, 16), dtype=np.uint8)
    noise[:, :, 4:9] = 0
    for renderer in ("half", "braille", "ascii"):
        for row in grid(noise, 60, 16, renderer, LOOK).rows:
            assert all(a.style != b.style for a, b in pairwise(row))
