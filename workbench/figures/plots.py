"""Curves: one panel per quantity, each line named at its end, an axis that a spike cannot flatten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.figures.axes import opened, padded, robust_limits, spread
from workbench.figures.canvas import (
    DOT,
    LABEL,
    LEADER,
    TICK,
    dress,
    fitted,
    new_figure,
    round_ticks,
    scaled,
    to_image,
    words,
    write,
)
from workbench.figures.layout import CONTENT, Header, compose
from workbench.figures.palette import COLOURS, FAINT, GREY, INK, readable
from workbench.figures.text import font, tidy, width_of

_HEAD = 48  # px above an axis: the panel's title and its unit
_FOOT = 24  # px below it: tick labels
_BETWEEN = 34  # px between panels
_TWO_COLUMNS = 760  # px; narrower than this, panels stand under one another
_DENSE = 150  # points from which a line is drawn thinner, so that noise does not become a solid band
_GAP = 17  # px between the baselines of two line labels


@dataclass(frozen=True)
class Series:
    """One line of a panel."""

    label: str
    """`test`, `train`, `discriminator`."""
    x: NDArray[np.float64]
    """Epochs."""
    y: NDArray[np.float64]
    """NaN is a gap."""
    low: NDArray[np.float64] | None = None
    """Lower edge of a light band, and `high` its upper edge: the least and the most between two reports."""
    high: NDArray[np.float64] | None = None
    recorded: float | None = None
    """The newest value, for the label where the line is smoothed and ends elsewhere; None is where it ends."""


@dataclass(frozen=True)
class Panel:
    """One quantity over the epochs."""

    title: str
    unit: str
    """`nats per image`."""
    series: tuple[Series, ...]
    limits: tuple[float, float] | None = None
    """Ends of the vertical axis where the quantity has natural ones: (0, 1) for a probability."""


def curves(
    panels: Sequence[Panel], header: Header | None, width: int = CONTENT, colours: Mapping[str, str] | None = None
) -> Image.Image:
    """One to six panels over a common horizontal axis; the first of an odd number is the large one.

    `colours` are those of all labels, where they mean something beyond this picture.
    """
    if not 1 <= len(panels) <= 6:
        raise ValueError(f"curves: expected 1 to 6 panels, got {len(panels)}")
    for panel in panels:
        _check(panel)
    rows, heights = _arrange(len(panels), width)
    between = _FOOT + _BETWEEN // 2 + _HEAD
    height = sum(heights) + between * len(rows) - _BETWEEN // 2
    figure = new_figure(width, height)
    axes = figure.subplot_mosaic(rows, height_ratios=heights)
    epochs = _epochs(panels)
    for i, panel in enumerate(panels):
        _scale(axes[i], panel, epochs)

    left = 2 + max(round(ax.bbox.x0 - ax.get_tightbbox().x0) for ax in axes.values())
    right = _room_for_labels(panels, width)
    cell = (width - (len(rows[0]) - 1) * _BETWEEN) // len(rows[0]) - left - right
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=_FOOT / height,
        top=1 - _HEAD / height,
        wspace=(left + right + _BETWEEN) / cell,
        hspace=between * len(heights) / sum(heights),
    )
    colours = colours or _colours(panels)
    for i, panel in enumerate(panels):
        _title(axes[i], panel, left, right)
        _lines(axes[i], panel, colours)
        _label_lines(axes[i], panel, colours, right)
    return compose(to_image(figure), header)


def vertical_limits(panel: Panel) -> tuple[float, float]:
    """The panel's own limits, or such as show all of its lines and bands but for strays."""
    return opened(*(panel.limits or padded(*robust_limits(_edges(panel)))))


def outside(panel: Panel, limits: tuple[float, float]) -> str:
    """What the limits leave out, for the panel's corner: `up to 543 off scale`; empty where they show all."""
    known = np.concatenate([np.empty(0), *(edge[np.isfinite(edge)] for edge in _edges(panel))])
    parts = []
    if len(known) and known.max() > limits[1]:
        parts.append(f"▲ up to {tidy(float(known.max()))}")
    if len(known) and known.min() < limits[0]:
        parts.append(f"▼ down to {tidy(float(known.min()))}")
    return f"{', '.join(parts)} off scale" if parts else ""


def last_value(series: Series) -> tuple[float, float] | None:
    """Where the line ends, None where it never began."""
    finite = np.flatnonzero(np.isfinite(series.y) & np.isfinite(series.x))
    return (float(series.x[finite[-1]]), float(series.y[finite[-1]])) if len(finite) else None


def _check(panel: Panel) -> None:
    for series in panel.series:
        parts = (series.x, series.y, series.low, series.high)
        if any(part is not None and (part.ndim != 1 or part.shape != series.x.shape) for part in parts):
            raise ValueError(f"curves: x, y, low and high of {series.label!r} differ in shape")
        if (series.low is None) != (series.high is None):
            raise ValueError(f"curves: the band of {series.label!r} lacks an edge")


def _edges(panel: Panel) -> list[NDArray[np.float64]]:
    return [edge for s in panel.series for edge in (s.y, s.low, s.high) if edge is not None]


def _epochs(panels: Sequence[Panel]) -> tuple[float, float]:
    """The same for all panels: a run is one stretch of time. It begins at zero unless it began much later."""
    x = np.concatenate([np.empty(0), *(s.x for panel in panels for s in panel.series)])
    x = x[np.isfinite(x)]
    low, high = (float(x.min()), float(x.max())) if len(x) else (0.0, 1.0)
    if 0.0 <= low <= max(0.3 * high, 1.0):
        low = 0.0
    return opened(low, high)


def _arrange(count: int, width: int) -> tuple[list[list[int]], list[int]]:
    """Which panels stand in each row, a wide one twice, and how high the rows are."""
    if width < _TWO_COLUMNS:
        return [[i] for i in range(count)], [{1: 220, 2: 190}.get(count, 150)] * count
    if count == 1:
        return [[0]], [380]
    first = [[0, 0]] * (count % 2)
    pairs = [[i, i + 1] for i in range(count % 2, count, 2)]
    return first + pairs, [250] * len(first) + [190] * len(pairs)


def _colours(panels: Sequence[Panel]) -> dict[str, str]:
    """A colour per label: the same in every panel, and different within one."""
    chosen: dict[str, str] = {}
    for panel in panels:
        for series in panel.series:
            taken = {chosen.get(other.label) for other in panel.series}
            free = [colour for colour in COLOURS if colour not in taken] or COLOURS
            chosen.setdefault(series.label, free[0])
    return chosen


def _value(series: Series) -> str:
    if series.recorded is not None:
        return tidy(series.recorded)
    last = last_value(series)
    return tidy(last[1]) if last else "–"


def _room_for_labels(panels: Sequence[Panel], width: int) -> int:
    bold, regular = font(LABEL, bold=True), font(LABEL)
    lines = [series for panel in panels for series in panel.series]
    widest = max((width_of(line.label, bold) + 6 + width_of(_value(line), regular) for line in lines), default=0)
    return 20 + max(42, min(widest, width // 5 if width >= _TWO_COLUMNS else width // 3))  # 42: `epoch`


def _scale(ax: Any, panel: Panel, epochs: tuple[float, float]) -> None:
    dress(ax, sides=("bottom",), grid="y")
    ax.set(xlim=epochs, ylim=vertical_limits(panel))
    ax.xaxis.set_major_locator(round_ticks(8, whole=epochs[1] - epochs[0] >= 2.0))
    ax.yaxis.set_major_locator(round_ticks(5))
    if not any(np.isfinite(edge).any() for edge in _edges(panel)):
        ax.set_yticks([])


def _title(ax: Any, panel: Panel, left: int, right: int) -> None:
    """Title, unit, and what is off scale above the axes; the horizontal axis' name at its end."""
    room = left + ax.bbox.width + right
    note = outside(panel, ax.get_ylim())
    title = fitted(panel.title, 16, room, bold=True)
    unit = fitted(scaled(panel.unit, ax.yaxis), LABEL, room - (width_of(note, font(TICK)) + 16 if note else 0))
    write(ax, title, (0, 1), (-left, 31), **words(16, INK, bold=True))
    write(ax, unit, (0, 1), (-left, 13), **words(LABEL, GREY))
    write(ax, note, (1, 1), (0, 13), **words(TICK, GREY, across="right"))
    write(ax, scaled("epoch", ax.xaxis), (1, 0), (22, -18), **words(TICK, GREY))
    if not any(last_value(series) for series in panel.series):
        write(ax, "no values yet", (0.5, 0.5), (0, 0), **words(LABEL, GREY, across="center", up="center"))


def _lines(ax: Any, panel: Panel, colours: Mapping[str, str]) -> None:
    """Bands below all lines, so that none hides a line; the first series on top."""
    for series in reversed(panel.series):
        x, y, colour = series.x, series.y, colours[series.label]
        if series.low is not None and series.high is not None:
            band = {"color": colour, "alpha": 0.16, "linewidth": 0, "antialiased": True}
            ax.fill_between(x, series.low, series.high, zorder=1.5, **band)
        style = {"linestyle": "-", "linewidth": 2.0 if len(x) <= _DENSE else 1.4, "marker": "None"}
        ends = {"solid_capstyle": "round", "solid_joinstyle": "round", "antialiased": True}
        (line,) = ax.plot(x, y, color=colour, **style, **ends)
        line.set_clip_box(ax.bbox.padded(2))  # along the edge it is seen in its full width
        # A value between two gaps has no line to be seen by.
        known = np.concatenate([[False], np.isfinite(x) & np.isfinite(y), [False]])
        alone = known[1:-1] & ~known[:-2] & ~known[2:]
        ax.plot(x[alone], y[alone], color=colour, markersize=5, **DOT)


def _label_lines(ax: Any, panel: Panel, colours: Mapping[str, str], right: int) -> None:
    """Name and newest value beside each line's end, moved apart where lines end close together.

    A dot marks the end and a quiet leader runs to its label. The name tells lines apart, the colour only helps.
    """
    lasts = [last_value(series) for series in panel.series]
    low, high = ax.get_ylim()
    ends = [(last[0], min(max(last[1], low), high)) if last else (ax.get_xlim()[1], low) for last in lasts]
    pixels = ax.transData.transform(np.reshape(ends, (-1, 2)))
    edge = ax.bbox.x1
    heights = spread(pixels[:, 1], _GAP, ax.bbox.y0 + 6, ax.bbox.y1 - 4)
    for series, end, (x, _), height, last in zip(panel.series, ends, pixels, heights, lasts, strict=True):
        value, colour = _value(series), colours[series.label]
        name = fitted(series.label, LABEL, right - 20 - width_of(value, font(LABEL)), bold=True)
        bold = words(LABEL, readable(colour) if last else GREY, bold=True, up="center")
        label = ax.annotate(name, (edge + 14, height), xycoords="figure pixels", **bold)
        beside = {"xycoords": (label, "figure pixels"), "textcoords": "offset points"}
        ax.annotate(value, (1, height), (6, 0), **beside, **words(LABEL, INK, up="center"))
        if last:
            # Along the axes at the height of the value, then up or down to the label.
            bend = f"arc,angleA=180,angleB=0,armA=0,armB={edge + 3 - x:.3f}"
            leader = {**LEADER, "color": FAINT, "connectionstyle": bend, "patchA": None}
            place = {"textcoords": "figure pixels", "annotation_clip": False, "zorder": 2.1}
            ax.annotate("", end, (edge + 10, height), arrowprops=leader, **place)
            ax.plot(*end, color=colour, markersize=7, clip_on=False, zorder=3, **DOT)
