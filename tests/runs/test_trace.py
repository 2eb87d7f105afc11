"""What a trace tells about a stretch of itself is what looking at every record tells."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.runs.pyramid import Pyramid
from workbench.runs.trace import AXES, Axis, Point, Trace

Numbers = NDArray[np.float64]


def records(count: int, seed: int = 0) -> Numbers:
    """Noisy records with NaN and missing edges here and there."""
    random = np.random.default_rng(seed)
    step = np.cumsum(random.integers(1, 9, count)).astype(float)
    value = random.normal(0.0, 3.0, count)
    low, high = value - random.exponential(1.0, count), value + random.exponential(1.0, count)
    value[random.random(count) < 0.05] = math.nan
    low[random.random(count) < 0.05] = math.nan
    high[random.random(count) < 0.05] = math.inf
    return np.stack([step, step / 100, step / 7 + 3, value, low, high], axis=1)


@settings(max_examples=60)
@given(st.integers(1, 20_000), st.integers(0, 99), st.lists(st.floats(0, 1), min_size=2, max_size=40))
def test_a_pyramid_folds_any_stretches_as_numpy_does(count: int, seed: int, shares: list[float]) -> None:
    values = np.random.default_rng(seed).normal(size=count)
    cuts = np.sort(np.floor(np.array(shares) * count).astype(np.intp))
    starts, ends = cuts[:-1], cuts[1:]
    for fold, nothing in ((np.minimum, math.inf), (np.maximum, -math.inf), (np.add, 0.0)):
        pyramid = Pyramid(fold, nothing)
        for part in np.array_split(values, 1 + seed % 5):
            pyramid.extend(part)
        naive = [fold.reduce(values[a:b], initial=nothing) for a, b in zip(starts, ends, strict=True)]
        np.testing.assert_allclose(pyramid.over(starts, ends), naive, atol=1e-9)


@settings(max_examples=40)
@given(
    st.integers(0, 5000), st.integers(0, 99), st.sampled_from(AXES), st.floats(-0.2, 1.0), st.floats(0.01, 1.2),
    st.integers(1, 200), st.sampled_from([0.0, 0.6, 0.99]),
)  # fmt: skip
def test_a_window_is_what_looking_at_every_record_gives(
    count: int, seed: int, axis: Axis, start: float, width: float, columns: int, smoothing: float
) -> None:
    rows = records(count, seed)
    trace = Trace(rows)
    x = rows[:, AXES.index(axis)]
    span = x[-1] if count else 1.0
    low, high = start * span, (start + width) * span
    window = trace.window(axis, low, high, columns, smoothing)
    half = (high - low) / max(1, columns - 1) / 2
    edges = np.linspace(low - half, high + half, columns + 1)
    lines = [trace.smoothed(index, smoothing) for index in range(count)]
    filled = [np.where(np.isfinite(rows[:, at]), rows[:, at], rows[:, 3]) for at in (4, 5)]
    for column in range(columns):
        inside = (x >= edges[column]) & (x < edges[column + 1])
        finite = inside & ~np.isnan(rows[:, 3])
        assert window.bad[column] == (inside & np.isnan(rows[:, 3])).any()
        mean = np.mean(np.array(lines)[finite]) if finite.any() else math.nan
        np.testing.assert_allclose(window.mean[column], mean, atol=1e-9)
        for edge, fold, ours in zip(filled, (np.min, np.max), (window.low, window.high), strict=True):
            known = edge[inside & ~np.isnan(edge)]
            np.testing.assert_equal(ours[column], fold(known) if len(known) else math.nan)


@pytest.mark.parametrize("weight", [0.1, 0.6, 0.9, 0.99, 0.999])
def test_smoothing_is_tensorboards_average_whatever_the_pieces(weight: float) -> None:
    rows = records(3000)
    rows[0, 3] = 1e9  # a spike is forgotten at the pace of the average, not at that of rounding
    naive, total, count = [], 0.0, 0
    for value in rows[:, 3]:
        if math.isnan(value):
            naive.append(math.nan)
            continue
        total, count = weight * total + (1 - weight) * value, count + 1
        naive.append(total / (1 - weight**count))
    whole, pieces = Trace(rows), Trace()
    for part in np.array_split(rows, [1, 2, 10, 64, 65, 1000]):
        pieces.extend(part)
        if len(pieces):
            pieces.smoothed(-1, weight)
    for trace in (whole, pieces):
        np.testing.assert_allclose([trace.smoothed(i, weight) for i in range(3000)], naive, rtol=1e-9)


def test_a_trace_that_grows_record_by_record_is_the_one_read_at_once() -> None:
    rows = records(300)
    grown = Trace()
    for row in rows:
        grown.append(*row)
    whole = Trace(rows)
    assert len(grown) == len(whole) == 300
    np.testing.assert_equal([*grown[7]], [*whole[7]])
    np.testing.assert_equal(grown.between("step", 0, 1e9), whole.between("step", 0, 1e9))


def test_records_are_found_and_given_back() -> None:
    trace = Trace([(10, 1.0, 2.0, 5.0, 4.0, 6.0), (20, 2.0, 4.0, math.nan, math.nan, math.nan)])
    trace.append(30, 3.0, 6.0, 7.0)
    assert trace[0] == Point(10, 1, 2, 5, 4, 6)
    assert trace.last == Point(30, 3, 6, 7, 7, 7)
    assert math.isnan(trace[1].value)
    assert math.isnan(trace[1].low)
    assert [trace.at(x) for x in (-5, 14, 16, 99)] == [0, 0, 1, 2]
    assert trace.at(2.9, "epoch") == 2
    assert trace.extent("time") == (2.0, 6.0)
    assert trace.convert(15, "step", "time") == 3.0
    assert [point.on(axis) for point in (trace[0],) for axis in AXES] == [10, 1, 2]
    assert trace.between("step", 10, 20).shape == (2, 6)
    assert trace.count_up_to(5.0, "step", 0, 99) == 1


def test_an_empty_trace_has_answers() -> None:
    trace = Trace()
    assert (len(trace), trace.last, trace.extent("step"), trace.at(3), trace.convert(3, "step", "time")) == (
        0, None, None, None, 3,
    )  # fmt: skip
    window = trace.window("step", 0, 1, 5, 0.9)
    assert np.isnan(window.mean).all()
    assert not window.bad.any()


def test_a_window_knows_where_its_line_comes_from_and_goes() -> None:
    trace = Trace([(step, 0, 0, step / 10, math.nan, math.nan) for step in (10, 20, 30, 40)])
    window = trace.window("step", 18, 32, 15)
    assert (window.before, window.after) == ((10, 1.0), (40, 4.0))
    assert trace.window("step", 0, 50, 51).before is None
    assert Trace([(1, 0, 0, math.nan, 0, 0), (5, 0, 0, 1, 0, 0)]).window("step", 4, 6, 3).before is None


def test_odd_files_do_not_break_a_trace() -> None:
    """Steps that run backwards, axes that are no numbers and values that only floats of 64 bits can hold."""
    rows = [(10, 1, 1, 1e308, -1e308, 1e308), (5, math.nan, math.inf, 2, 2, 2), (30, 3, 3, 3, 3, 3)]
    trace = Trace(rows * 100)
    steps = trace.between("step", 0, 1e9)[:, 0]
    assert (np.diff(steps) >= 0).all()
    window = trace.window("time", 0, 3, 20, 0.9)
    assert np.nanmax(window.mean) <= 3.0
    assert window.bad.any()
