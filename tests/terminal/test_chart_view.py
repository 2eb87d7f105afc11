"""Zoom, pan, cursor and follow: where each move leads, and that no moves lead astray."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.runs.trace import Trace
from workbench.terminal.chart import Line, draw, extent
from workbench.terminal.look import Look
from workbench.terminal.view import View, move_cursor, on_axis, pan, pan_y, reset, x_limits, zoom, zoom_y

ALL = (10.0, 1000.0)


def test_everything_begins_at_zero_unless_it_began_late() -> None:
    assert x_limits(View(), ALL) == (0, 1000)
    assert x_limits(View(), (900.0, 1000.0)) == (900, 1000)
    assert x_limits(View(), (7.0, 7.0)) == (6.5, 7.5)


def test_zoom_keeps_the_newest_in_sight_and_follows_it() -> None:
    view = zoom(View(), 0.5, ALL)
    assert (view.x_range, view.follow) == ((500, 1000), True)
    assert x_limits(view, (10.0, 1100.0)) == (600, 1100)
    assert zoom(view, 2.0, ALL) == View()


def test_zoom_keeps_the_cursor_where_it_is_on_the_screen() -> None:
    view = zoom(View(cursor=200.0), 0.5, ALL)
    assert (view.x_range, view.follow) == ((100, 600), False)
    assert x_limits(view, (10.0, 1100.0)) == (100, 600)


def test_pan_stops_at_the_ends_and_follows_again_at_the_newest() -> None:
    view = pan(zoom(View(), 0.25, ALL), -0.5, ALL)
    assert (view.x_range, view.follow) == ((625, 875), False)
    assert pan(view, -9, ALL).x_range == (0, 250)
    end = pan(view, 9, ALL)
    assert (end.x_range, end.follow) == ((750, 1000), True)
    assert pan(View(), -1, ALL) == View()


def test_the_y_axis_zooms_about_its_middle_in_its_own_scale() -> None:
    assert zoom_y(View(), 0.5, (0.0, 8.0)).y_range == (2, 6)
    assert pan_y(View(), 0.25, (0.0, 8.0)).y_range == (2, 10)
    assert zoom_y(View(log=True), 0.5, (1.0, 1e4)).y_range == pytest.approx((10, 1000))
    assert reset(zoom_y(zoom(View(), 0.5, ALL), 0.5, (0.0, 8.0))) == View()


def test_a_log_axis_that_could_not_be_drawn_zooms_as_the_linear_one_in_its_place() -> None:
    assert zoom_y(View(log=True), 0.5, (-3.0, 1.0)).y_range == (-2, 0)
    assert pan_y(View(log=True), 0.5, (-3.0, 1.0)).y_range == (-1, 3)


def test_the_cursor_moves_by_columns_and_takes_the_view_along() -> None:
    view = move_cursor(View(), -1, (0.0, 1000.0), 101, ALL)
    assert view.cursor == 1000
    assert move_cursor(view, -5, (0.0, 1000.0), 101, ALL).cursor == 950
    assert move_cursor(view, -500, (0.0, 1000.0), 101, ALL).cursor == 10
    near = View(x_range=(500.0, 600.0), follow=False, cursor=505.0)
    moved = move_cursor(near, -10, (500.0, 600.0), 101, ALL)
    assert (moved.cursor, moved.x_range) == (495, (495, 595))


def test_another_axis_shows_the_same_moment() -> None:
    trace = Trace([(step, step / 100, step / 10, 1.0, math.nan, math.nan) for step in range(0, 1001, 10)])
    view = View(x_range=(200.0, 400.0), cursor=250.0, snapshots=(300.0,), follow=False)
    time = on_axis(view, "time", trace)
    assert (time.axis, time.x_range, time.cursor, time.snapshots) == ("time", (20, 40), 25, (30,))
    assert on_axis(time, "step", trace) == view


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["zoom", "pan", "zoom_y", "pan_y", "cursor", "log", "grow"]),
        st.sampled_from([-40.0, -1.0, 0.01, 0.5, 2.0, 50.0]),
    ),
    max_size=60,
)


@settings(max_examples=60)
@given(MOVES)
def test_no_moves_lead_astray(moves: list[tuple[str, float]]) -> None:
    """Whatever a person presses, the limits stay limits and the chart draws."""
    trace = Trace([(step, step / 9, step / 5, 2 + math.sin(step), math.nan, math.nan) for step in range(1, 90)])
    lines, view = [Line("x", trace)], View()
    for move, by in moves:
        chart = draw(lines, view, 50, 10, Look())
        whole = extent(lines, view.axis)
        assert whole is not None
        assert chart.x_limits[0] < chart.x_limits[1] <= whole[1] + 1e-6
        assert -math.inf < chart.y_limits[0] < chart.y_limits[1] < math.inf
        if move == "zoom":
            view = zoom(view, abs(by), whole)
        elif move == "pan":
            view = pan(view, by, whole)
        elif move == "zoom_y":
            view = zoom_y(view, abs(by), chart.y_limits)
        elif move == "pan_y":
            view = pan_y(view, by, chart.y_limits)
        elif move == "cursor":
            view = move_cursor(view, by, chart.x_limits, chart.columns, whole)
        elif move == "log":
            view = View(**{**vars(view), "log": not view.log})
        else:
            trace.append(whole[1] + 1, 10.0, 20.0, by)
