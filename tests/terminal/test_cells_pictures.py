"""Grids of images use the pane well, keep every image whole and in its place, and never leave the pane."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.color import Color
from rich.style import Style

from tests.command import check_golden
from workbench.data.load import load
from workbench.terminal.capability import Renderer
from workbench.terminal.look import Look, Rows, text_of
from workbench.terminal.pictures import Drawn, grid

Bytes = NDArray[np.uint8]
LOOK = Look()
RENDERERS: tuple[Renderer, ...] = ("half", "braille", "ascii")
NOTHING = -1


def noise(*shape: int) -> Bytes:
    """Images that are all different."""
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(scope="module")
def digits() -> Bytes:
    images: Bytes = load("digits").test.pixels[:64].numpy()
    return images


def seen(rows: Rows) -> NDArray[np.int64]:
    """The red of every half of every cell, (2R, C); NOTHING where the screen shows through."""
    picture = []
    for row in rows:
        top: list[int] = []
        bottom: list[int] = []
        for segment in row:
            style = segment.style or Style()
            ink, ground = (_red(colour) for colour in (style.color, style.bgcolor))
            for sign in segment.text:
                top.append({"▀": ink, " ": ground, "▄": NOTHING}[sign])
                bottom.append({"▀": ground, " ": ground, "▄": ink}[sign])
        picture += [top, bottom]
    return np.array(picture)


def _red(colour: Color | None) -> int:
    return NOTHING if colour is None else colour.get_truecolor()[0]


def check_fits(drawn: Drawn, columns: int, rows: int) -> None:
    assert len(drawn.rows) <= rows
    assert all(sum(cell_len(segment.text) for segment in row) == columns for row in drawn.rows)


@settings(max_examples=150)
@given(
    renderer=st.sampled_from(RENDERERS), columns=st.integers(1, 130), rows=st.integers(1, 50),
    count=st.integers(0, 30), channels=st.sampled_from([1, 3]), height=st.sampled_from([1, 3, 8, 28, 33, 128]),
    width=st.sampled_from([1, 2, 8, 28, 32, 128]), paired=st.booleans(), light=st.booleans(),
    asked=st.one_of(st.none(), st.integers(1, 9)),
)  # fmt: skip
def test_no_size_leaves_the_pane(
    renderer: Renderer, columns: int, rows: int, count: int, channels: int, height: int, width: int,
    paired: bool, light: bool, asked: int | None,
) -> None:  # fmt: skip
    images = noise(count, channels, height, width)
    twins = 255 - images if paired else None
    drawn = grid(images, columns, rows, renderer, LOOK, paired=twins, light=light, rows_of_images=asked)
    check_fits(drawn, columns, rows)
    assert drawn.shown == min(count, drawn.across * drawn.down)
    assert (drawn.shown == 0) == (drawn.rows == []) == (drawn.scale == "")
    assert text_of(drawn.rows).isascii() or renderer != "ascii"


def test_every_image_is_in_its_place_and_none_touches_another() -> None:
    images = noise(12, 1, 28, 28)
    drawn = grid(images, 118, 46, "half", LOOK)
    assert (drawn.shown, drawn.scale, drawn.across, drawn.down) == (12, "1:1", 4, 3)
    dots = seen(drawn.rows)
    left = (118 - (4 * 29 - 1)) // 2
    expected = np.full((3 * 29 - 1, 118), NOTHING)
    for i, image in enumerate(images):
        y, x = i // 4 * 29, left + i % 4 * 29
        expected[y : y + 28, x : x + 28] = image[0]
    assert ((dots == NOTHING) == (expected == NOTHING)).all()
    assert np.abs(dots - expected).max() <= 3


def test_what_the_model_made_stands_below_its_image() -> None:
    images = noise(9, 1, 12, 12)
    twins = 255 - images
    drawn = grid(images, 70, 30, "half", LOOK, paired=twins, rows_of_images=2)
    assert (drawn.shown, drawn.scale, drawn.across, drawn.down) == (9, "1:1", 5, 2)
    dots = seen(drawn.rows)
    left = int((dots[0] != NOTHING).argmax())
    for i in range(9):
        y, x = i // 5 * 28, left + i % 5 * 13
        assert np.abs(dots[y : y + 12, x : x + 12] - images[i, 0]).max() <= 3
        assert np.abs(dots[y + 13 : y + 25, x : x + 12] - twins[i, 0]).max() <= 3
    assert (dots[25:28] == NOTHING).all(), "pairs are further from each other than their halves are"


def test_a_reduced_image_is_the_mean_over_its_areas() -> None:
    image = noise(1, 1, 28, 28)
    drawn = grid(image, 14, 7, "half", LOOK)
    assert drawn.scale == "1:2"
    mean = image[0, 0].reshape(14, 2, 14, 2).mean(axis=(1, 3))
    assert np.abs(seen(drawn.rows) - mean).max() <= 3.5
    black = grid(np.zeros((1, 1, 28, 28), dtype=np.uint8), 13, 8, "half", LOOK)
    white = grid(np.full((1, 1, 28, 28), 255, dtype=np.uint8), 13, 8, "half", LOOK)
    assert black.scale == white.scale == "1:2.2"
    assert set(seen(black.rows).ravel().tolist()) == {0, NOTHING}
    assert set(seen(white.rows).ravel().tolist()) == {255, NOTHING}


@pytest.mark.parametrize(
    ("renderer", "size", "pane", "expected"),
    [
        ("half", 28, (118, 30), ("1:1", 4, 2)),
        ("half", 28, (200, 60), ("1:1", 6, 4)),
        ("half", 28, (58, 16), ("1:2.2", 4, 2)),
        ("half", 32, (40, 12), ("1:2.9", 3, 2)),
        ("half", 8, (58, 16), ("1:1", 6, 3)),
        ("half", 128, (118, 30), ("1:4.6", 4, 2)),
        ("braille", 28, (58, 16), ("1:1", 3, 2)),
        ("braille", 28, (118, 30), ("1:1", 7, 3)),
        ("ascii", 28, (118, 30), ("1:1", 4, 2)),
        ("ascii", 28, (58, 16), ("1:2", 3, 2)),
        ("ascii", 28, (56, 14), ("1:2.2", 4, 2)),
    ],
)
def test_panes_of_the_screen_are_used_well(
    renderer: Renderer, size: int, pane: tuple[int, int], expected: tuple[str, int, int]
) -> None:
    drawn = grid(noise(64, 1, size, size), *pane, renderer, LOOK)
    assert (drawn.scale, drawn.across, drawn.down) == expected


def test_small_images_are_enlarged_only_when_all_are_shown() -> None:
    assert grid(noise(4, 1, 8, 8), 60, 20, "half", LOOK).scale == "2:1"
    assert grid(noise(2, 1, 8, 8), 60, 20, "half", LOOK).scale == "3:1"
    assert grid(noise(64, 1, 8, 8), 60, 20, "half", LOOK).scale == "1:1"


def test_asking_for_rows_goes_from_few_large_images_to_many_small_ones_and_round_again() -> None:
    images = noise(64, 1, 28, 28)
    for renderer in RENDERERS:
        steps = [grid(images, 58, 16, renderer, LOOK, rows_of_images=asked) for asked in range(1, 8)]
        most = max(drawn.down for drawn in steps)
        assert most >= 3
        assert [drawn.down for drawn in steps] == [1 + i % most for i in range(7)]
        shown = [drawn.shown for drawn in steps[:most]]
        assert shown == sorted(set(shown))


def test_drawing_is_deterministic_and_leaves_the_images_alone() -> None:
    images = noise(20, 3, 32, 32)
    before = images.copy()
    images.setflags(write=False)
    for renderer in RENDERERS:
        assert grid(images, 58, 16, renderer, LOOK) == grid(images, 58, 16, renderer, LOOK)
    assert np.array_equal(images, before)


@pytest.mark.parametrize("renderer", ["braille", "ascii"])
def test_digits_in_characters(renderer: Renderer, digits: Bytes) -> None:
    drawn = grid(digits, 58, 16, renderer, LOOK)
    light = grid(digits, 58, 16, renderer, LOOK, light=True)
    wide = grid(digits[3:6], 58, 30, renderer, LOOK, paired=digits[6:9])
    parts = [f"{text_of(part.rows)}\n{part.shown} images, {part.scale}" for part in (drawn, light, wide)]
    check_golden(f"cells-digits-{renderer}", "\n\n".join(parts))
