"""Samples, reconstructions and strips: every pixel is where it should be, nothing is resampled."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.figures import COLUMN, CONTENT, Header, reconstructions, samples, strips
from workbench.figures.grids import GUTTER, Grid, columns_for, scale_for
from workbench.figures.layout import MARGIN
from workbench.figures.palette import PAPER, rgb

HEADER = Header("VAE on digits", "samples at step 1 800, epoch 150 · seed 0", "A caption.")


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def enlarged(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """(C, H, W) as (H, W, 3), each pixel a square."""
    colour = np.broadcast_to(image, (3, *image.shape[1:])).transpose(1, 2, 0)
    return np.kron(colour, np.ones((scale, scale, 1), dtype=np.uint8))


def tile(picture: Image.Image, grid: Grid, row: int, column: int) -> NDArray[np.uint8]:
    x, y = grid.corner(row, column)
    height, width = grid.tile
    return np.asarray(picture)[y : y + height, x : x + width]


@pytest.mark.parametrize(
    ("count", "channels", "size"), [(64, 1, 28), (64, 3, 32), (10, 3, 64), (3, 3, 128), (1, 1, 8)]
)
def test_each_sample_is_an_exact_enlargement(count: int, channels: int, size: int) -> None:
    images = noise(count, channels, size, size)
    picture = samples(images, header=None)
    columns = columns_for(count, size)
    grid = Grid(columns, scale_for(columns, size), (size, size))
    assert picture.size == grid.size(-(-count // columns))
    for i, image in enumerate(images):
        assert np.array_equal(tile(picture, grid, i // columns, i % columns), enlarged(image, grid.scale))


def test_gutters_are_even_and_hairlines_part_white_images_from_the_paper() -> None:
    picture = np.asarray(samples(np.full((4, 1, 16, 16), 255, dtype=np.uint8), None, columns=2))
    grid = Grid(2, scale_for(2, 16), (16, 16))
    (x0, y0), (x1, y1) = grid.corner(0, 0), grid.corner(1, 1)
    assert x1 - x0 == y1 - y0 == grid.tile[0] + GUTTER
    assert tuple(picture[y0, x1 - 2]) == rgb(PAPER)
    assert tuple(picture[y0, x1 - 1]) != tuple(picture[y0, x1]) == (255, 255, 255)


def test_the_page_holds_the_bare_picture_at_its_margin() -> None:
    images = noise(64, 1, 28, 28)
    bare, page = np.asarray(samples(images, None)), np.asarray(samples(images, HEADER))
    height, width = bare.shape[:2]
    assert page.shape[1] == width + 2 * MARGIN
    tops = [y for y in range(page.shape[0] - height) if np.array_equal(page[y, MARGIN : MARGIN + width], bare[0])]
    assert any(np.array_equal(page[y : y + height, MARGIN : MARGIN + width], bare) for y in tops)


def test_reconstructions_lie_under_their_originals() -> None:
    originals, rebuilt = noise(20, 1, 28, 28), 255 - noise(20, 1, 28, 28)
    picture = reconstructions(originals, rebuilt, None, width=COLUMN)
    columns = columns_for(20, 28, COLUMN)
    grid = Grid(columns, scale_for(columns, 28, COLUMN), (28, 28), gaps=(GUTTER, 14) * 3)
    for i in range(20):
        row, column = 2 * (i // columns), i % columns
        assert np.array_equal(tile(picture, grid, row, column), enlarged(originals[i], grid.scale))
        assert np.array_equal(tile(picture, grid, row + 1, column), enlarged(rebuilt[i], grid.scale))


def test_labels_take_room_of_their_own() -> None:
    rows = noise(3, 5, 1, 28, 28)
    bare = np.asarray(strips(rows, None))
    labelled = np.asarray(strips(rows, None, ("z7", "z12", "z3"), ("-3", "-1.5", "0", "+1.5", "+3")))
    height, width = bare.shape[:2]
    assert np.array_equal(labelled[-height:, -width:], bare)
    assert (labelled[:-height] != rgb(PAPER)).any(), "column labels are drawn above"
    assert (labelled[:, :-width] != rgb(PAPER)).any(), "row labels are drawn at the left"


def test_two_column_labels_stand_at_the_ends() -> None:
    picture = np.asarray(strips(noise(2, 10, 3, 32, 32), None, column_labels=("image A", "image B")))
    above = (picture[:16] != rgb(PAPER)).any(axis=(0, 2)).nonzero()[0]
    assert above[0] < 5
    assert above[-1] > picture.shape[1] - 6
    assert not ((above > 80) & (above < picture.shape[1] - 80)).any()


@pytest.mark.parametrize("size", [8, 16, 20, 28, 32, 48, 64, 96, 128])
@pytest.mark.parametrize("width", [COLUMN, CONTENT])
def test_an_automatic_grid_fits_its_width(size: int, width: int) -> None:
    for count in (1, 2, 3, 7, 16, 36, 64, 100, 1000):
        columns = columns_for(count, size, width)
        grid = Grid(columns, scale_for(columns, size, width), (size, size))
        assert 1 <= columns <= count
        assert grid.size(1)[0] <= width + 2  # px: the hairlines around the outermost images at scale 1


@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_the_usual_grid_of_64_is_of_a_good_size(size: int) -> None:
    width, height = samples(noise(64, 1, size, size), HEADER).size
    assert 900 <= width <= CONTENT + 2 * MARGIN
    assert height < 1250


def test_36_images_fill_their_rows() -> None:
    assert columns_for(36, 28) == 9
    assert columns_for(64, 28) == 8
    assert columns_for(3, 128) == 3


def test_drawing_is_deterministic_and_leaves_its_input_alone() -> None:
    images = noise(12, 3, 32, 32)
    before = images.copy()
    images.setflags(write=False)
    ways: list[Callable[[], Image.Image]] = [
        lambda: samples(images, HEADER),
        lambda: reconstructions(images, images, HEADER),
        lambda: strips(images.reshape(3, 4, 3, 32, 32), HEADER, ("a", "b", "c"), ("A", "B")),
    ]
    for draw in ways:
        assert draw().tobytes() == draw().tobytes()
    assert np.array_equal(images, before)


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: samples(np.zeros((4, 1, 8, 8), dtype=np.float32), HEADER), "uint8"),
        (lambda: samples(noise(4, 8, 8), HEADER), r"\(N C H W\)"),
        (lambda: samples(noise(4, 2, 8, 8), HEADER), "1 or 3 channels"),
        (lambda: samples(noise(0, 1, 8, 8), HEADER), "nothing to draw"),
        (lambda: samples(noise(4, 1, 8, 8), HEADER, columns=0), "1 column or more"),
        (lambda: reconstructions(noise(4, 1, 8, 8), noise(3, 1, 8, 8), HEADER), "do not match"),
        (lambda: strips(noise(4, 1, 8, 8), HEADER), r"\(R K C H W\)"),
        (lambda: strips(noise(2, 4, 1, 8, 8), HEADER, row_labels=("one",)), "1 row labels for 2 rows"),
        (lambda: strips(noise(2, 4, 1, 8, 8), HEADER, column_labels=("a", "b", "c")), "3 column labels"),
    ],
)
def test_a_wrong_array_is_our_own_mistake(draw: Callable[[], Image.Image], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        draw()
