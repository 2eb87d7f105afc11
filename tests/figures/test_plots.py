"""Curves and clouds: what is drawn, in which colour, and that nothing breaks where a run has little to show."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.figures import COLUMN, CONTENT, Header, Panel, Series, curves, scatter
from workbench.figures.canvas import dress, fitted, new_figure, round_ticks, scaled, to_image, words, write
from workbench.figures.clouds import MOST_CLASSES, legend
from workbench.figures.layout import MARGIN
from workbench.figures.palette import ACCENT, COLOURS, PAPER, rgb
from workbench.figures.plots import last_value, outside, vertical_limits

HEADER = Header("VAE on digits", "curves to step 1 800, epoch 150 · seed 0")
NOTHING = np.full(5, np.nan)
EPOCHS = np.arange(1.0, 6.0)


def has(picture: Image.Image, colour: str, at_least: int = 5) -> bool:
    """Whether so many pixels are exactly of the colour."""
    return bool((np.asarray(picture) == rgb(colour)).all(axis=2).sum() >= at_least)


def falling(points: int = 200) -> Panel:
    x = np.linspace(0.1, 20.0, points)
    train = 95 + 50 * np.exp(-x / 3) + np.random.default_rng(0).normal(0, 1, points)
    train[0] = 22610.0
    test = 92 + 40 * np.exp(-EPOCHS)
    return Panel(
        "Loss", "nats per image", (Series("test", EPOCHS, test), Series("train", x, train, train - 3, train + 3))
    )


def clusters(classes: int, points: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, classes, points)
    return rng.normal(0, 3, (classes, 2))[labels] + rng.normal(0, 0.4, (points, 2)), labels


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("width", [COLUMN, CONTENT])
def test_panels_fill_the_width_they_are_given(count: int, width: int) -> None:
    assert curves([falling()] * count, HEADER, width).width == max(width, 560) + 2 * MARGIN


def test_each_series_is_drawn_in_its_colour() -> None:
    picture = curves([falling()], None)
    assert has(picture, COLOURS[0])
    assert has(picture, COLOURS[1])
    assert not has(picture, COLOURS[2])


def test_a_label_keeps_its_colour_in_every_panel() -> None:
    swapped = Panel("KL", "nats per image", falling().series[::-1])
    only = Panel("KL", "nats per image", falling().series[1:])
    assert has(curves([falling(), swapped], None), COLOURS[0])
    assert not has(curves([falling(), only], None).crop((CONTENT // 2, 0, CONTENT, 400)), COLOURS[0])


def test_the_corner_says_what_is_off_scale() -> None:
    panel = falling()
    limits = vertical_limits(panel)
    assert limits[1] < 200
    assert outside(panel, limits) == "▲ up to 22\u202f613 off scale"
    calm = Panel("Loss", "", (Series("test", EPOCHS, EPOCHS),))
    assert outside(calm, vertical_limits(calm)) == ""


def test_limits_of_the_quantity_are_kept() -> None:
    panel = Panel("D(x)", "probability", (Series("real", EPOCHS, EPOCHS / 20),), limits=(0.0, 1.0))
    assert vertical_limits(panel) == (0.0, 1.0)


def test_the_last_value_is_the_last_that_is_known() -> None:
    assert last_value(Series("test", EPOCHS, np.array([5.0, 4.0, 3.0, np.nan, np.nan]))) == (3.0, 3.0)
    assert last_value(Series("test", EPOCHS, NOTHING)) is None


def test_a_smoothed_line_is_labelled_with_what_was_recorded() -> None:
    def drawn(recorded: float | None) -> NDArray[np.uint8]:
        line = Series("training", EPOCHS, np.full(5, 112.0), recorded=recorded)
        return np.asarray(curves([Panel("Loss", "nats", (line,), limits=(0.0, 200.0))], None))

    assert np.array_equal(drawn(112.0), drawn(None)), "a line that is not smoothed ends in what was recorded"
    other = (drawn(107.0) != drawn(None)).any(axis=2).any(axis=0).nonzero()[0]
    assert len(other)
    assert other.min() > CONTENT - 60, "only the label differs; the line ends where it did"


def one(title: str, *lines: NDArray[np.float64]) -> Panel:
    """A panel with one series: its values, and perhaps a band."""
    low, high = lines[1:] if len(lines) == 3 else (None, None)
    return Panel(title, "nats", (Series("test", np.arange(len(lines[0]), dtype=float), lines[0], low, high),))


STRANGE = [
    Panel("No series", "", ()),
    one("No values", NOTHING, NOTHING, NOTHING),
    one("No points", np.empty(0)),
    one("One point", np.array([3.0])),
    one("Gaps", np.array([1.0, np.nan, 2.0, np.nan, 3.0])),
    one("Infinite", np.array([1.0, np.inf, -np.inf, 2.0, 1.0]), EPOCHS * -math.inf, EPOCHS * math.inf),
    one("Zero", np.zeros(5)),
    one("Constant", np.full(5, 1e-12)),
    one("Enormous", np.array([1e38, 1.0, 1.1, 1.2, 1.1]), np.full(5, -1e38), np.full(5, 1e38)),
    Panel("a $title$ " * 40, "unit " * 60, (Series("_label " * 30, EPOCHS, EPOCHS),)),
    Panel("Many", "nats", tuple(Series(f"series {i}", EPOCHS, EPOCHS * i) for i in range(15))),
]


@pytest.mark.parametrize(
    ("panels", "width"), [(STRANGE[:5], CONTENT), (STRANGE[5:], COLUMN), (STRANGE[5:], CONTENT)]
)
def test_curves_of_little_or_strange_values(panels: list[Panel], width: int) -> None:
    picture = np.asarray(curves(panels, HEADER, width))
    assert (picture[:, -MARGIN + 4 :] == rgb(PAPER)).all(), "no word runs into the margin"


def test_a_value_between_gaps_is_a_dot() -> None:
    gaps = Panel("Gaps", "nats", (Series("test", np.arange(5.0), np.array([1.0, np.nan, 1.0, np.nan, 1.0])),))
    drawn = (np.asarray(curves([gaps], None)) == rgb(ACCENT)).all(axis=2).any(axis=0).nonzero()[0]
    assert (np.diff(drawn) > 50).sum() >= 2, "three marks far apart"


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: curves([], HEADER), "1 to 6 panels, got 0"),
        (lambda: curves([falling()] * 7, HEADER), "1 to 6 panels, got 7"),
        (lambda: curves([Panel("", "", (Series("test", EPOCHS, EPOCHS[:3]),))], HEADER), "'test' differ in shape"),
        (lambda: curves([Panel("", "", (Series("test", EPOCHS, EPOCHS, EPOCHS),))], HEADER), "lacks an edge"),
        (lambda: scatter(np.zeros((3, 3)), None, (), HEADER, ("x", "y")), r"\(N, 2\)"),
        (lambda: scatter(np.zeros((3, 2)), np.array([0, 1]), ("a", "b"), HEADER, ("x", "y")), "for 3 points"),
        (lambda: scatter(np.zeros((2, 2)), np.array([0, 2]), ("a", "b"), HEADER, ("x", "y")), "from 0 to 2"),
        (lambda: scatter(np.zeros((1, 2)), np.array([0.5]), ("a",), HEADER, ("x", "y")), "whole numbers"),
    ],
)  # fmt: skip
def test_a_wrong_array_is_our_own_mistake(draw: Callable[[], Image.Image], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        draw()


def test_the_legend_counts_every_class_even_the_absent() -> None:
    rows = legend(np.array([0, 2, 2, 2]), ("cat", "dog", "truck"))
    assert [(row.name, row.count) for row in rows] == [("cat", 1), ("dog", 0), ("truck", 3)]
    assert legend(None, ("cat",)) == []
    assert legend(np.array([0]), [str(i) for i in range(MOST_CLASSES + 1)]) == []


def test_twenty_classes_differ_in_colour_or_marker() -> None:
    rows = legend(np.arange(20), [str(i) for i in range(20)])
    assert len({(row.colour, row.cross) for row in rows}) == 20


@pytest.mark.parametrize("classes", [20, 21])
@pytest.mark.parametrize("width", [COLUMN, CONTENT])
def test_clouds_of_few_and_many_classes(classes: int, width: int) -> None:
    points, labels = clusters(classes, 600)
    names = [f"a class with a very long name, number {i}" if i % 2 else f"c{i}" for i in range(classes)]
    picture = np.asarray(scatter(points, labels, names, HEADER, ("z1", "z2"), width))
    assert picture.shape[1] == max(width, 560) + 2 * MARGIN
    assert (picture[:, -MARGIN + 4 :] == rgb(PAPER)).all()


@pytest.mark.parametrize(
    ("points", "labels", "classes"),
    [
        (np.empty((0, 2)), np.empty(0, dtype=np.int64), ("a", "b")),
        (np.empty((0, 2)), None, ()),
        (np.array([[3.0, 4.0]]), np.array([0]), ("only",)),
        (np.full((50, 2), 7e8), np.zeros(50, dtype=np.int64), ("one place",)),
        (np.array([[0.0, 0.0], [np.nan, 1.0], [1.0, np.inf]]), np.array([0, 1, 1]), ("$a_b$", "_c")),
        (np.array([[0.0, 0.0], [1.0, 1.0], [1e30, -1e30]]), None, ()),
        (np.zeros((3, 2)), np.empty(0, dtype=np.int64), ("a",)),
    ],
    ids=["empty", "no points", "one point", "one place", "not finite", "far", "no labels"],
)
def test_clouds_of_little_or_strange_points(
    points: NDArray[np.float64], labels: NDArray[np.int64] | None, classes: tuple[str, ...]
) -> None:
    assert scatter(points, labels, classes, HEADER, ("z1", "z2")).width == CONTENT + 2 * MARGIN


def test_a_far_outlier_does_not_shrink_the_cloud() -> None:
    points, _ = clusters(1, 2000)
    far = np.concatenate([points, [[1e6, 0.0]]])
    drawn = np.asarray(scatter(far, None, (), None, ("z1", "z2"))) != rgb(PAPER)
    assert drawn.any(axis=2).mean() > 0.02


def test_no_class_hides_another() -> None:
    """Two classes on the very same places: about half of what is seen belongs to each."""
    places = np.random.default_rng(0).normal(size=(1500, 2))
    labels = np.repeat(np.array([0, 1]), 1500)
    picture = np.asarray(scatter(np.concatenate([places, places]), labels, ("a", "b"), None, ("x", "y"))).astype(
        int
    )
    plot = picture[40:700, 60:800]
    blue, orange = (np.abs(plot - rgb(colour)).sum(axis=2) < 130 for colour in COLOURS[:2])
    assert 0.6 < blue.sum() / orange.sum() < 1.6


def test_drawing_is_deterministic_and_leaves_its_input_alone() -> None:
    points, labels = clusters(12, 12_000)
    panel = falling()
    inputs = [points, labels, *(part for s in panel.series for part in (s.x, s.y))]
    before = [part.copy() for part in inputs]
    for part in inputs:
        part.setflags(write=False)
    names = [str(i) for i in range(12)]
    assert curves([panel], HEADER).tobytes() == curves([panel], HEADER).tobytes()
    first = scatter(points, labels, names, HEADER, ("z1", "z2"))
    assert first.tobytes() == scatter(points, labels, names, HEADER, ("z1", "z2")).tobytes()
    assert all(np.array_equal(a, b) for a, b in zip(inputs, before, strict=True))


@pytest.mark.parametrize("size", [(1048, 740), (541, 333), (7, 3), (1999, 1)])
def test_a_figure_has_the_size_it_was_given(size: tuple[int, int]) -> None:
    picture = to_image(new_figure(*size))
    assert picture.size == size
    assert has(picture, PAPER, size[0] * size[1])


def test_ticks_read_well() -> None:
    def labels(low: float, high: float, most: int = 5, whole: bool = False) -> tuple[list[str], str]:
        ax = new_figure(300, 300).add_axes((0.2, 0.2, 0.6, 0.6))
        dress(ax, ("left",), "y")
        ax.set_ylim(low, high)
        ax.yaxis.set_major_locator(round_ticks(most, whole))
        name = scaled("nats", ax.yaxis)
        inside = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
        return [label.get_text() for tick, label in inside if low <= tick <= high], name

    assert labels(0.0, 20.0, 8, whole=True) == (["0", "5", "10", "15", "20"], "nats")
    assert labels(-0.5, 0.5, 2) == (["−0.5", "0.0", "0.5"], "nats")
    assert labels(0.001, 0.009) == (["0.002", "0.004", "0.006", "0.008"], "nats")
    assert labels(0.0, 1.2e7, 3) == (["0.0", "0.5", "1.0"], "nats (×10⁷)")
    assert labels(0.0, 4e-6, 4) == (["0", "1", "2", "3", "4"], "nats (×10⁻⁶)")


def test_words_are_neither_formulas_nor_unknown_characters() -> None:
    figure = new_figure(300, 60)
    ax = figure.add_axes((0, 0, 1, 1))
    for i, text in enumerate(("$a^$_{", "猫と犬 \U0001f600", "a\nb\x1b", "caf\udce9")):
        write(
            ax, fitted(text, 13, 120, bold=bool(i % 2)), (0, 0), (0, 14 * i), **words(13, ACCENT, bold=bool(i % 2))
        )
    assert has(to_image(figure), ACCENT)
    assert fitted("猫 cat", 13, 120) == "▯ cat"
    assert fitted("a" * 99, 13, 50).endswith("…")


def test_tick_labels_of_a_cloud_are_not_cut_off() -> None:
    picture = np.asarray(scatter(np.array([[-4.0487, -1.13546]]), None, (), None, ("x", "y")))
    assert (picture[40:-30, :2] == rgb(PAPER)).all()
    assert (picture[40:-30, 2:60] != rgb(PAPER)).any()


def test_a_cloud_has_one_scale() -> None:
    """A circle as wide as it is high, in a plot that is not."""
    angle = np.linspace(0, 2 * math.pi, 400)
    picture = scatter(np.column_stack([np.cos(angle), np.sin(angle)]), None, (), None, ("x", "y"), width=COLUMN)
    drawn = np.asarray(picture).astype(int)
    circle = drawn[:, :, 2] - drawn[:, :, 0] > 60
    across, down = (np.ptp(np.flatnonzero(circle.any(axis=axis))) for axis in (0, 1))
    assert abs(int(across) - int(down)) <= 2
