"""Where things stand on a plot: limits, and labels that do not overlap."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.figures.axes import apart, opened, padded, robust_limits, spread


def test_a_first_step_spike_does_not_flatten_the_rest() -> None:
    x = np.linspace(0, 20, 400)
    loss = 95 + 50 * np.exp(-x / 3)
    loss[0] = 22610.0
    low, high = robust_limits([loss])
    assert low == pytest.approx(loss.min())
    assert 130 < high < 200


def test_an_ordinary_fall_is_shown_whole() -> None:
    x = np.arange(1.0, 21.0)
    test_error = 0.0054 + 0.0346 * np.exp(-(x - 1) / 2)
    assert robust_limits([test_error]) == (test_error.min(), test_error.max())
    assert robust_limits([np.array([0.040, 0.012, 0.008, 0.006, 0.0055])]) == (0.0055, 0.040)


def test_a_dip_is_treated_like_a_spike() -> None:
    values = np.linspace(1.0, 2.0, 100)
    values[50] = -1e6
    low, high = robust_limits([values])
    assert 0.5 < low < 1.1
    assert high == 2.0


def test_a_short_line_is_not_a_stray_of_a_long_one() -> None:
    train, test = np.random.default_rng(0).normal(0.1, 0.001, 2000), np.array([0.5, 0.49, 0.48])
    assert robust_limits([train, test])[1] == 0.5


def test_limits_of_little_or_nothing() -> None:
    assert all(math.isnan(value) for value in robust_limits([np.full(5, np.nan), np.empty(0)]))
    assert robust_limits([np.array([np.nan, 3.0, np.inf])]) == (3.0, 3.0)
    assert robust_limits([np.array([1.0, 1.0, 1.0, 1.0, 9.0])]) == (1.0, 9.0), "what is flat cannot be flattened"


def test_padding_starts_at_zero_where_that_is_cheap() -> None:
    assert padded(1.0, 10.0)[0] == 0.0
    assert padded(90.0, 100.0)[0] == pytest.approx(89.5)
    assert padded(-1.0, 1.0) == pytest.approx((-1.1, 1.1))


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
@settings(max_examples=100)
def test_limits_are_always_apart_and_hold_what_was_asked(low: float, extent: float) -> None:
    made = opened(low, low + extent)
    assert made[0] < made[1]
    assert made[0] <= low
    assert made[1] >= low + extent


def test_limits_around_a_constant_or_nothing() -> None:
    assert opened(3.0, 3.0) == pytest.approx((2.7, 3.3))
    assert opened(0.0, 0.0) == (-1.0, 1.0)
    assert opened(math.nan, math.nan) == opened(0.0, math.inf) == (0.0, 1.0)


@given(st.lists(st.floats(-50, 250), min_size=1, max_size=9))
@settings(max_examples=25)
def test_line_labels_never_overlap(wanted: list[float]) -> None:
    placed = spread(wanted, 17.0, 0.0, 200.0)
    assert all(-1e-6 <= place <= 200.0 + 1e-6 for place in placed)
    ordered = sorted(placed)
    assert all(b - a >= 17.0 - 1e-6 for a, b in pairwise(ordered))


def test_a_label_with_room_stays_where_it_is_wanted() -> None:
    assert spread([100.0, 20.0], 17.0, 0.0, 200.0) == pytest.approx([100.0, 20.0])
    assert spread([100.0, 102.0], 18.0, 0.0, 200.0) == pytest.approx([92.0, 110.0])
    assert spread([50.0, 50.0], 18.0, 0.0, 200.0) == pytest.approx([59.0, 41.0]), "of equal ones, the first above"
    assert len(spread([], 17.0, 0.0, 200.0)) == 0
    crowded = spread([5.0] * 30, 17.0, 0.0, 200.0)
    assert (min(crowded), max(crowded)) == pytest.approx((0.0, 200.0))


@given(st.lists(st.tuples(st.floats(-100, 800), st.floats(-100, 800)), min_size=1, max_size=20))
@settings(max_examples=10)
def test_class_names_never_overlap_and_stay_inside(centres: list[tuple[float, float]]) -> None:
    size, low, high = np.array([116, 20]), np.array([50, 30]), np.array([770, 750])
    placed = apart(centres, [size] * len(centres), low, high)
    assert (placed - size / 2 >= low).all()
    assert (placed + size / 2 <= high).all()
    assert all((np.abs(a - b) >= size).any() for a, b in combinations(placed, 2))


def test_names_in_a_box_too_small_for_them_are_still_placed() -> None:
    assert len(apart([(5.0, 5.0)] * 4, [(100, 20)] * 4, (0, 0), (60, 30))) == 4
    assert apart(np.empty((0, 2)), [], (0, 0), (60, 30)).shape == (0, 2)
