"""Charts: what a person reads off them, in every size and mode, and what plotext gets to see."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plotext._figure import _figure_class
from rich.style import Style

from tests.command import check_golden
from workbench.runs.trace import AXES, Axis, Trace
from workbench.terminal.chart import Chart, Line, View, draw, extent, to_csv
from workbench.terminal.look import Look, text_of

nan = math.nan
UNICODE, ASCII = Look(), Look(unicode=False)
PLAIN = Look(Style(), Style(), Style(), Style(), (Style(),))  # NO_COLOR


def trace(values: list[float], every: int = 10) -> Trace:
    """A trace of values only."""
    return Trace([(every * i, i / 12, i * 2.5, value, nan, nan) for i, value in enumerate(values, 1)])


def loss(steps: int = 720, every: int = 6, final: float = 98.0) -> Trace:
    """A training loss that falls, wavers and spikes once, the same on every machine."""
    step = np.arange(1.0, steps + 1)
    value = final + 440 * np.exp(-step / 18) + 60 * np.exp(-step / 120) + 4 * np.sin(step * step)
    value[steps // 2] += 40
    parts = value.reshape(-1, every)
    ends = step[every - 1 :: every]
    return Trace(np.stack([ends, ends / 60, ends / 25, parts.mean(1), parts.min(1), parts.max(1)], axis=1))


def held_out(steps: int = 720, count: int = 12) -> Trace:
    """The evaluations beside it."""
    ends = np.arange(1.0, count + 1) * (steps // count)
    value = 96.5 + 440 * np.exp(-ends / 18) + 60 * np.exp(-ends / 120)
    missing = np.full(count, nan)
    return Trace(np.stack([ends, ends / 60, ends / 25, value, missing, missing], axis=1))


def pair() -> list[Line]:
    """The chart of a VAE's loss."""
    return [Line("train", loss()), Line("held-out", held_out(), "held-out", 1)]


def canvas(chart: Chart) -> list[str]:
    """The text rows."""
    return text_of(chart.rows).splitlines()


SMOOTH = View(smoothing=0.6, snapshots=tuple(range(60, 721, 60)))
SCENES = {
    "80x20": (SMOOTH, 80, 20, UNICODE),
    "58x16": (SMOOTH, 58, 16, UNICODE),
    "30x8": (SMOOTH, 30, 8, UNICODE),
    "ascii": (replace(SMOOTH, cursor=330.0), 58, 16, ASCII),
    "log": (replace(SMOOTH, log=True), 58, 16, UNICODE),
    "cursor": (replace(SMOOTH, axis="epoch", cursor=5.5, snapshots=(2.0, 4.0)), 58, 16, UNICODE),
    "zoomed": (replace(SMOOTH, x_range=(300, 420), y_range=(90, 110), follow=False), 58, 16, UNICODE),
    "time": (View(axis="time", band=False), 58, 16, UNICODE),
}


@pytest.mark.parametrize("name", SCENES)
def test_golden_of_a_loss(name: str) -> None:
    view, columns, rows, look = SCENES[name]
    check_golden(f"chart-{name}", text_of(draw(pair(), view, columns, rows, look).rows))


def test_golden_of_a_diverged_gan() -> None:
    steps = np.arange(40)
    d = [*(0.7 + 0.2 * np.sin(steps)), *[nan] * 20]
    g = [*(1.5 + steps / 40), nan, nan, *(2.5 + np.cos(steps[:18]) / 4)]
    lines = [Line("discriminator", trace(d)), Line("generator", trace(g), "training", 1)]
    check_golden("chart-nan", text_of(draw(lines, View(), 58, 16, UNICODE).rows))


def test_golden_of_the_smallest_charts() -> None:
    sizes = [(24, 5), (16, 4), (30, 3), (20, 1), (12, 1), (8, 4), (6, 1), (3, 2), (1, 1)]
    parts = [text_of(draw(pair(), SMOOTH, *size, look).rows) for look in (UNICODE, ASCII) for size in sizes]
    check_golden("chart-small", "\n\n".join(parts))


@contextmanager
def watched() -> Iterator[list[tuple[list[float], list[float]]]]:
    """The lines that plotext is given meanwhile."""
    seen: list[tuple[list[float], list[float]]] = []
    plot = _figure_class.plot

    def spy(self: object, x: list[float], y: list[float], **style: object) -> None:
        seen.append((x, y))
        plot(self, x, y, **style)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_figure_class, "plot", spy)
        yield seen


VALUES = st.one_of(
    st.floats(-5, 5), st.floats(), st.sampled_from([nan, math.inf, 0.0, 1e-12, 1e9, -1e9, 1e308, 5e-324])
)
ENDS = st.tuples(st.floats(-10, 700), st.floats(0.001, 700)).map(lambda both: (both[0], both[0] + both[1]))


@settings(max_examples=150)
@given(
    st.lists(st.lists(VALUES, max_size=60), max_size=3), st.integers(1, 200), st.integers(1, 60),
    st.booleans(), st.booleans(), st.sampled_from(AXES), st.sampled_from([0.0, 0.9]),
    st.none() | ENDS, st.none() | ENDS, st.none() | st.floats(-100, 900),
)  # fmt: skip
def test_every_size_and_every_value_draws_and_plotext_sees_finite_points_only(
    values: list[list[float]], columns: int, rows: int, unicode: bool, log: bool, axis: Axis, smoothing: float,
    x_range: tuple[float, float] | None, y_range: tuple[float, float] | None, cursor: float | None,
) -> None:  # fmt: skip
    lines = [
        Line(f"line {i}", trace(part), "held-out" if i == 1 else "training", i) for i, part in enumerate(values)
    ]
    view = View(axis, log, smoothing, True, x_range, y_range, False, cursor, (10.0, 1e6))
    with watched() as seen:
        chart = draw(lines, view, columns, rows, Look(unicode=unicode))
    assert len(chart.rows) == rows
    assert {sum(segment.cell_length for segment in row) for row in chart.rows} == {columns}
    assert unicode or text_of(chart.rows).isascii()
    for x, y in seen:
        assert np.isfinite([x, y]).all()
        assert len(x) <= 2 * columns + 2


def test_what_plotext_has_to_do_depends_neither_on_the_length_nor_on_the_noise() -> None:
    with watched() as seen:
        draw([Line("loss", loss(60_000))], View(smoothing=0.9), 60, 12, UNICODE)
    assert 100 < max(len(x) for x, _ in seen) <= 2 * 60
    wild = [Line(str(i), trace([float(n % 2) for n in range(400)]), "training", i) for i in range(2)]
    with watched() as seen:
        draw(wild, View(), 100, 30, UNICODE)
    assert sum(np.abs(np.diff(y)).sum() for _, y in seen) <= 3000


def test_a_spike_is_seen_though_it_does_not_set_the_scale() -> None:
    values = [1.0 + math.sin(i) / 10 for i in range(4000)]
    values[2500] = 500.0
    chart = draw([Line("loss", trace(values))], View(smoothing=0.9), 60, 12, UNICODE)
    assert chart.y_limits[1] < 100
    assert chart.notes == ("▲ up to 500.0",)
    top = canvas(chart)[1]
    assert top.count("▲") == 1
    assert abs(top.index("▲") - (chart.first_column + 2500 / 4000 * chart.columns)) < 2


def test_a_spike_within_the_scale_is_a_column_of_the_band() -> None:
    values = [1.0 + i / 2000 for i in range(400)]
    values[200] = 1.15
    rows = canvas(draw([Line("loss", trace(values))], View(smoothing=0.99), 65, 20, UNICODE))[:-2]
    heights = [sum(row[column] != " " for row in rows) for column in range(5, 65)]
    assert heights.index(max(heights)) in (29, 30)
    assert max(heights) >= 3 * sorted(heights)[30] / 2


def test_training_and_held_out_are_told_apart_without_colour() -> None:
    rows = canvas(draw(pair(), View(), 80, 20, PLAIN))
    assert "".join(rows[1:]).count("◆") == 12
    assert "●" not in "".join(rows[1:])
    assert rows[0].split()[:4] == ["─●─", "train", "─◆─", "held-out"]


def test_runs_that_are_compared_have_marks_of_their_own() -> None:
    lines = [Line(f"run {i}", loss(final=90 + 20 * i), "training", i) for i in range(3)]
    body = "".join(canvas(draw(lines, View(band=False), 80, 20, PLAIN))[1:])
    assert all(body.count(mark) >= 3 for mark in "●◆■")
    alone = draw([lines[2]], View(band=False), 80, 20, UNICODE)
    styles = {segment.style for row in alone.rows for segment in row}
    assert UNICODE.series[2] in styles
    assert UNICODE.series[0] not in styles


def test_a_legend_says_how_many_it_leaves_out() -> None:
    lines = [Line(f"a rather long name {i}", loss(), "training", i) for i in range(5)]
    assert "name 1  +3" in canvas(draw(lines, View(), 60, 12, UNICODE))[0]


@pytest.mark.parametrize("look", [UNICODE, PLAIN], ids=["colours", "plain"])
def test_the_cursor_reads_the_records_nearest_to_it(look: Look) -> None:
    lines = pair()
    chart = draw(lines, View(smoothing=0.6, cursor=331.0), 80, 20, look)
    train, test = chart.readings
    assert (train.label, train.point.step, test.point.step) == ("train", 330, 360)
    assert train.shown == pytest.approx(lines[0].trace.smoothed(54, 0.6))
    assert test.shown == test.point.value
    column = chart.first_column + round(331 / 720 * (chart.columns - 1))
    assert sum(row[column] in "│●" for row in canvas(chart)[1:-2]) >= 15


def test_a_line_that_ended_before_the_cursor_is_not_read() -> None:
    lines = [Line("long", loss(720)), Line("short", loss(360), "training", 1)]
    chart = draw(lines, View(cursor=600.0), 80, 20, UNICODE)
    assert [reading.label for reading in chart.readings] == ["long"]
    assert draw(lines, View(), 80, 20, UNICODE).readings == ()


def test_a_log_axis_is_refused_without_a_positive_value_and_counts_what_it_drops() -> None:
    refused = draw([Line("x", trace([-1.0, -2.0, 0.0]))], View(log=True), 60, 12, UNICODE)
    assert refused.notes == ("no value above 0 for a log axis",)
    assert refused.notes[0] in canvas(refused)[0]
    assert refused.y_limits[0] < -2
    dropped = draw([Line("x", trace([-1.0, 0.0, *range(1, 40)]))], View(log=True), 60, 12, ASCII)
    assert dropped.notes[0] == "2 values <= 0 not shown"
    assert dropped.y_limits[0] > 0


@pytest.mark.parametrize(
    ("values", "words"),
    [([], "no values yet"), ([nan] * 9, "no finite value here"), ([1.0, 2.0], "no values here")],
)
def test_an_empty_canvas_says_why(values: list[float], words: str) -> None:
    view = View(x_range=(500.0, 600.0), follow=False) if words == "no values here" else View()
    assert words in text_of(draw([Line("x", trace(values))], view, 40, 10, UNICODE).rows)


def test_a_gap_is_left_open_and_marked() -> None:
    rows = canvas(draw([Line("x", trace([5.0] * 20 + [nan] * 20 + [5.0] * 20))], View(), 65, 10, UNICODE))
    line = next(row for row in rows if "⠒" in row)
    bottom = next(row for row in rows if "✗" in row[5:] and "finite" not in row)
    middle = slice(5 + 22, 5 + 38)
    assert set(line[middle]) == {" "}
    assert set(bottom[middle]) == {"✗"}
    assert "✗" not in bottom[:24] + bottom[46:]


def test_a_line_crosses_a_window_that_holds_none_of_its_records() -> None:
    chart = draw([Line("x", held_out(), "held-out")], View(x_range=(130.0, 170.0), follow=False), 60, 12, UNICODE)
    rows = canvas(chart)[:-2]
    assert all(any(row[column] > "⠀" for row in rows) for column in range(5, 60))
    assert 105 < chart.y_limits[0] < chart.y_limits[1] < 125


def test_labels_of_the_axes_do_not_touch_and_name_the_unit() -> None:
    for axis in AXES:
        for columns in range(20, 120, 7):
            rows = canvas(draw(pair(), View(axis=axis), columns, 12, UNICODE))
            words = rows[-1].split()
            assert words[-1] == axis
            assert all(len(a) + len(b) >= 2 for a, b in pairwise(words))
            assert len(words) >= 2


def test_csv_holds_the_records_in_view() -> None:
    view = View(axis="epoch", x_range=(1.0, 2.0), follow=False)
    lines = to_csv(pair(), view).splitlines()
    assert lines[0] == "line,step,epoch,seconds,value,low,high"
    assert [line.split(",")[1] for line in lines if line.startswith("held-out")] == ["60", "120"]
    assert [line.split(",")[1] for line in lines if line.startswith("train")] == [str(s) for s in range(60, 121, 6)]
    name, step, epoch, seconds, *values = lines[1].split(",")
    record = pair()[0].trace[9]
    assert (name, int(step), float(epoch), float(seconds)) == ("train", 60, 1.0, 2.4)
    assert [float(value) for value in values] == [record.value, record.low, record.high]


def test_the_extent_is_that_of_all_lines() -> None:
    assert extent(pair(), "step") == (6, 720)
    assert extent([], "step") is None
