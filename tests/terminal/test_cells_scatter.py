"""Clouds of points: each in its place, each class with a mark, and nothing left out in silence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.style import Style

from tests.command import check_golden
from workbench.terminal.look import Look, text_of
from workbench.terminal.scatter import marks, scatter

LOOK = Look(series=tuple(Style(color=f"color({n})") for n in range(1, 9)))
ASCII = Look(series=LOOK.series, unicode=False)
DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip


def rosette(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Ten classes, each a round heap on a circle; the same on every machine."""
    i = np.arange(count)
    turn, radius = i // 10 * 2.39996, np.sqrt(i // 10 / (count / 10))
    heap = 2 * np.pi * (i % 10) / 10
    x = 3 * np.cos(heap) + radius * np.cos(turn)
    y = 3 * np.sin(heap) + radius * np.sin(turn)
    return np.stack([x, y], axis=1).astype(np.float32), i % 10


def at(*points: tuple[float, float]) -> NDArray[np.float32]:
    return np.array(points, dtype=np.float32).reshape(-1, 2)


@settings(max_examples=150)
@given(
    columns=st.integers(0, 120), rows=st.integers(0, 40), count=st.sampled_from([0, 1, 2, 50]),
    classes=st.sampled_from([(), DIGITS, CLOTHES, tuple(map(str, range(80))), ("猫", "\x1b[2J", "犬 " * 20)]),
    labelled=st.booleans(), look=st.sampled_from([LOOK, ASCII]), axes=st.sampled_from([None, ("z1", "z2")]),
    scale=st.sampled_from([0.0, 1.0, 1e-30, 1e30]), bad=st.booleans(),
)  # fmt: skip
def test_no_size_and_no_points_leave_the_pane(
    columns: int, rows: int, count: int, classes: tuple[str, ...], labelled: bool, look: Look,
    axes: tuple[str, str] | None, scale: float, bad: bool,
) -> None:  # fmt: skip
    points = (np.random.default_rng(count).normal(size=(count, 2)) * scale).astype(np.float32)
    points[: bad * 2] = np.nan
    labels = np.arange(count) % (len(classes) or 5) if labelled else None
    drawn = scatter(points, labels, classes, columns, rows, look, axes=axes)
    assert len(drawn.rows) == (rows if columns else 0)
    assert all(sum(cell_len(segment.text) for segment in row) == columns for row in drawn.rows)
    assert drawn.dropped == (min(2, count) if bad else 0)
    assert drawn.shown == (count - drawn.dropped if columns and rows else 0)
    text = text_of(drawn.rows)
    assert text.replace("\n", "").isprintable()
    assert look.unicode or text.isascii()


def test_a_cell_shows_its_majority_and_of_equals_the_first() -> None:
    corners = at((0, 0), (0, 0), (0, 0), (2, 0), (2, 0), (2, 4), (0, 4))
    labels = np.array([1, 0, 1, 3, 2, 4, 5])
    text = text_of(scatter(corners, labels, DIGITS, 3, 3, LOOK).rows)
    assert text == "5 4\n   \n1 2"


def test_marks_and_colours_say_the_same() -> None:
    rows = scatter(at((0, 0), (1, 0), (2, 0)), np.array([0, 1, 9]), DIGITS, 3, 1, LOOK).rows
    assert [(segment.text, segment.style) for segment in rows[0]] == [
        ("0", LOOK.series[0]), ("1", LOOK.series[1]), ("9", LOOK.series[1]),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [3, 40, 400])
def test_a_circle_is_round_on_the_screen(count: int) -> None:
    turn = np.linspace(0, 2 * np.pi, count * 4, endpoint=False)
    points = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 1e3 + 5e3
    for pane in ((80, 20), (30, 30)):
        field = np.array(
            [list(line) for line in text_of(scatter(points, None, (), *pane, ASCII).rows).splitlines()]
        )
        across, down = np.nonzero((field != " ").any(axis=0))[0], np.nonzero((field != " ").any(axis=1))[0]
        assert np.ptp(across) == pytest.approx(2 * np.ptp(down), abs=2)


def test_what_is_not_where_it_belongs_is_said() -> None:
    points, labels = rosette(1000)
    points[0], points[1], points[2] = (9e9, 0.0), (np.nan, 0.0), (0.0, -np.inf)
    drawn = scatter(points, labels, DIGITS, 70, 20, LOOK)
    assert (drawn.shown, drawn.outside, drawn.dropped) == (998, 1, 2)
    assert text_of(drawn.rows).splitlines()[-1].rstrip() == "1 at the border   2 not finite"
    rest = scatter(points[3:], labels[3:], DIGITS, 70, 19, LOOK)
    assert (rest.outside, rest.dropped) == (0, 0)
    inside, alone = (text_of(it.rows).splitlines()[:19] for it in (drawn, rest))
    changed = [
        (a, b) for one, other in zip(inside, alone, strict=True) for a, b in zip(one, other, strict=True) if a != b
    ]
    assert ("0", " ") in changed
    assert len([pair for pair in changed if not pair[0].isdigit() or not pair[1].isdigit()]) <= 3, "the limits stay"


def test_one_point_stands_in_the_middle_and_none_leaves_the_pane_empty() -> None:
    assert text_of(scatter(at((1e8, -3.0)), np.array([7]), DIGITS, 5, 3, LOOK).rows) == "     \n  7  \n     "
    empty = scatter(at(), np.zeros(0, dtype=int), DIGITS, 60, 10, LOOK, axes=("z1", "z2"))
    assert text_of(empty.rows).splitlines()[:9] == [" " * 60] * 9
    assert empty.shown == 0


def test_the_legend_counts_and_gives_way() -> None:
    points, labels = rosette(400)
    wide = text_of(scatter(points, labels, CLOTHES, 70, 16, LOOK).rows).splitlines()
    assert [line[-18:] for line in wide[:2]] == ["  t T-shirt/top 40", "  r Trouser     40"]
    tall = text_of(scatter(points, labels, DIGITS, 40, 30, LOOK).rows)
    assert tall.splitlines()[-2] == "0 40  1 40  2 40  3 40  4 40  5 40  6 40"
    assert tall.splitlines()[-1].rstrip() == "7 40  8 40  9 40"
    small = text_of(scatter(points, labels, CLOTHES, 20, 5, LOOK).rows)
    assert "T-shirt" not in small
    assert set(small) <= set(marks(CLOTHES)) | {" ", "\n"}


def test_classes_have_marks_of_their_own() -> None:
    assert marks(DIGITS) == DIGITS
    assert "".join(marks(CLOTHES)) == "trpdcshnba"
    many = marks([f"class {n}" for n in range(80)])
    assert len(set(many[:62])) == 62
    assert set(many[62:]) == {"*"}
    assert marks(("猫", "犬")) == ("a", "b")


def test_labels_beyond_the_names_are_shown_by_number() -> None:
    assert text_of(scatter(at((0, 0), (1, 0)), np.array([0, 1]), ("0",), 2, 1, LOOK).rows) == "01"


def test_without_labels_ink_says_how_dense_the_points_lie() -> None:
    points = at(*[(0.0, 0.0)] * 40, *[(1.0, 0.0)] * 4, (2.0, 0.0))
    assert text_of(scatter(points, None, (), 3, 1, ASCII).rows) == "@+."
    dots = text_of(scatter(at((0, 0), (1, 1)), None, (), 2, 1, LOOK).rows)
    assert all(0x2800 < ord(sign) <= 0x28FF for sign in dots)


def test_drawing_is_deterministic_and_leaves_the_points_alone() -> None:
    points, labels = rosette(500)
    before = points.copy()
    points.setflags(write=False)
    assert scatter(points, labels, DIGITS, 58, 16, LOOK) == scatter(points, labels, DIGITS, 58, 16, LOOK)
    assert np.array_equal(points, before)


def test_clouds_in_characters() -> None:
    points, labels = rosette(2000)
    parts = [
        scatter(points, labels, DIGITS, 58, 16, LOOK, axes=("PC 1", "PC 2")),
        scatter(points, labels, CLOTHES, 40, 24, ASCII, axes=("z1", "z2")),
        scatter(points, None, (), 58, 12, LOOK),
        scatter(points, None, (), 58, 12, ASCII),
    ]
    check_golden("cells-scatter", "\n\n".join(text_of(part.rows) for part in parts))
