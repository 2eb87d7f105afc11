"""Axes: limits that a stray cannot ruin, ticks that are round and apart, labels that are short."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.runs.trace import AXES, Axis
from workbench.terminal.chart_axes import limits, x_ticks, y_ticks
from workbench.terminal.chart_labels import clock, ticks


def test_a_few_strays_do_not_set_the_scale_but_a_stretch_of_them_does() -> None:
    curve = np.sin(np.arange(200.0))
    few, many = curve.copy(), curve.copy()
    few[50:60], many[50:90] = 1000.0, 1000.0
    assert limits([few], log=False) == pytest.approx(limits([curve], log=False), abs=0.01)
    ends = limits([many], log=False)
    assert ends is not None
    assert ends[1] > 1000


def test_each_curve_counts_for_itself() -> None:
    """A line of another height is no stray, however few its points are."""
    ends = limits([np.sin(np.arange(200.0)), np.array([50.0, 51.0])], log=False)
    assert ends is not None
    assert ends[1] > 51


def test_zero_is_the_lower_end_where_that_costs_little() -> None:
    low, _ = limits([np.linspace(0.1, 1.0, 9)], log=False) or (9.0, 9.0)
    assert low == 0.0
    low, _ = limits([np.linspace(90.0, 100.0, 9)], log=False) or (0.0, 0.0)
    assert low > 80
    low, _ = limits([np.linspace(-1.0, 1.0, 9)], log=False) or (0.0, 0.0)
    assert low < -1


@pytest.mark.parametrize("value", [0.0, 5.0, -5.0, 1e9, 1e-12])
def test_a_constant_has_room_about_it(value: float) -> None:
    low, high = limits([np.full(7, value)], log=False) or (0.0, 0.0)
    assert low <= value < high
    assert high - low <= 1.0 + abs(value)


def test_nothing_has_no_limits() -> None:
    assert limits([], log=False) is None
    assert limits([np.empty(0)], log=True) is None


@settings(max_examples=200)
@given(st.floats(-1e9, 1e9), st.floats(1e-9, 1e9), st.integers(2, 60))
def test_ticks_of_the_y_axis_are_few_round_and_all_different(low: float, span: float, rows: int) -> None:
    span = max(span, abs(low) * 1e-6)
    marks = y_ticks(low, low + span, rows, log=False)
    positions, labels = zip(*marks, strict=True)
    assert 1 <= len(marks) <= max(2, (rows + 1) // 2)
    assert len(set(labels)) == len(labels)
    assert all(low - span * 1e-6 <= place <= low + span * 1.000001 for place in positions)
    steps = [b - a for a, b in pairwise(positions)]
    assert not steps or max(steps) == pytest.approx(min(steps), rel=1e-3)


@settings(max_examples=200)
@given(st.floats(-290, 290), st.floats(1e-3, 500), st.integers(2, 60))
def test_ticks_of_a_log_axis_lie_on_it_and_rise(low: float, span: float, rows: int) -> None:
    high = min(low + span, 300.0)
    marks = y_ticks(low, high, rows, log=True)
    places = [place for place, _ in marks]
    assert places == sorted(set(places))
    assert all(low - 1e-6 <= place <= high + 1e-6 for place in places)
    assert len(marks) <= max(3, rows)


@settings(max_examples=200)
@given(st.floats(0, 1e7), st.floats(1e-3, 1e8), st.integers(8, 200), st.sampled_from(AXES))
def test_labels_of_the_x_axis_have_room(low: float, span: float, columns: int, axis: Axis) -> None:
    span = max(span, low * 1e-6)
    marks = x_ticks(low, low + span, columns, axis)
    places = [(place - low) / span * (columns - 1) for place, _ in marks]
    for (left, right), (a, b) in zip(pairwise(places), pairwise(label for _, label in marks), strict=True):
        assert right - left > (len(a) + len(b)) / 2 + 1


def labels_of(low: float, high: float, columns: int, axis: Axis) -> str:
    """The labels of an x axis in a line."""
    return " ".join(label for _, label in x_ticks(low, high, columns, axis))


def test_the_x_axis_reads_as_people_count() -> None:
    assert labels_of(0, 720, 60, "step") == "0 100 200 300 400 500 600 700"
    assert labels_of(0, 9380, 50, "step") == "0 2k 4k 6k 8k"
    assert labels_of(0, 3, 50, "step") == "0 1 2 3"
    assert labels_of(0, 1.2e6, 50, "step") == "0 0.2M 0.4M 0.6M 0.8M 1M 1.2M"
    assert labels_of(0, 2, 40, "epoch") == "0 0.5 1 1.5 2"
    assert labels_of(0, 90, 60, "time") == "0 0:15 0:30 0:45 1:00 1:15 1:30"
    assert labels_of(0, 1500, 60, "time") == "0 5m 10m 15m 20m 25m"
    assert labels_of(0, 5400, 50, "time") == "0 15m 30m 45m 1h00 1h15 1h30"
    assert labels_of(0, 20000, 60, "time") == "0 1h 2h 3h 4h 5h"
    assert labels_of(0, 4e5, 60, "time") == "0 1d 2d 3d 4d"
    assert labels_of(0, 1, 60, "time") == "0 0.2s 0.4s 0.6s 0.8s 1.0s"


def test_ticks_are_written_the_short_way_and_alike() -> None:
    assert ticks([0.05, 0.1, 0.15], 0.05) == ["0.05", "0.10", "0.15"]
    assert ticks([0.0, 500.0, 1000.0, 1500.0], 500.0) == ["0", "500", "1000", "1500"]
    assert ticks([0.0, 5000.0, 10000.0], 5000.0) == ["0", "5k", "10k"]
    assert ticks([-2e-12, 0.0, 2e-12], 2e-12) == ["-2e-12", "0", "2e-12"]
    assert ticks([1e9, 1.5e9], 5e8) == ["1.0G", "1.5G"]
    assert ticks([1000000.0, 1000002.0], 2.0) == ["1000000", "1000002"]
    assert ticks([], 1.0) == []


def test_times_are_short() -> None:
    assert [clock(7384, step) for step in (0.5, 5, 60, 3600, 86400)] == ["7384.0s", "2h03:04", "2h03", "2h", "0d"]
