"""Points in two dimensions, coloured by class: the latent space as a picture.

Colour is never the only sign: each class is named where it is densest, the legend counts it, and from the eleventh
class on the marker changes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.figures.axes import apart
from workbench.figures.canvas import (
    LABEL,
    LEADER,
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
from workbench.figures.palette import COLOURS, GREY, INK, PAPER, readable
from workbench.figures.text import NARROW_SPACE, font, width_of

Numbers = NDArray[np.float64]

MOST_POINTS = 10_000  # drawn; more would only fill the paper
MOST_CLASSES = 20  # with a colour, a marker and a row of the legend each

_SIDE_BY_SIDE = 760  # px; narrower than this, the legend stands below
_LEGEND = 232  # px, at most
_MARK = 20  # px from a marker's left edge to its name
_ROW = 23
_COLUMN_GAP = 28
_LEFT = 52  # px beside the axes: tick labels
_HEAD = 30  # px above them: the vertical axis' name
_FOOT = 26  # px below them: tick labels and the horizontal axis' name
_MARKS = {"handlelength": 10 / LABEL, "handletextpad": 10 / LABEL}
_BLANK = {"handlelength": 0, "handletextpad": 0, "markerfirst": False}
_SPACING = 0.68  # makes rows of that height
_OUTLIERS = 0.002  # share of the points at either end of an axis that may lie outside it


@dataclass(frozen=True)
class Entry:
    """A row of the legend."""

    name: str
    count: int
    colour: str
    cross: bool  # the second marker


def scatter(
    points: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    classes: Sequence[str],
    header: Header | None,
    axes: tuple[str, str],
    width: int = CONTENT,
) -> Image.Image:
    """The points, (N, 2), in the colours of their labels, (N,); `classes` names them, `axes` the two directions."""
    points = np.asarray(points, dtype=np.float64)
    labels = _check(points, labels, classes)
    notes: list[str] = []
    known = np.isfinite(points).all(axis=1)
    if not known.all():
        notes.append(f"{_points_are(int((~known).sum()))} not finite and left out.")
    points, labels = points[known], labels[known] if labels is not None else None

    entries = legend(labels, classes)
    if labels is not None and not entries:
        notes.append(f"{len(classes)} classes, coloured by index from dark (0) to light ({len(classes) - 1}).")
    figure, ax = _arrange(width, entries)
    _points(ax, points, labels, len(classes), bool(entries))
    _scale(ax, points, axes)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    beyond = int(((points < (left, low)) | (points > (right, high))).any(axis=1).sum())
    if beyond:
        notes.append(f"{_points_are(beyond)} outside the axes.")
    if len(points) > MOST_POINTS:
        notes.append(f"{_count(MOST_POINTS)} of {_count(len(points))} points are drawn.")

    if labels is not None and entries:
        _names(ax, points, labels, entries)
    if not len(points):
        write(ax, "no points yet", (0.5, 0.5), (0, 0), **words(LABEL, GREY, across="center", up="center"))
    return compose(to_image(figure), header, notes)


def legend(labels: NDArray[np.int64] | None, classes: Sequence[str]) -> list[Entry]:
    """A row per class with its count; none without labels, or with more classes than the eye can tell apart."""
    if labels is None or len(classes) > MOST_CLASSES:
        return []
    counts = np.bincount(labels, minlength=len(classes))
    return [
        Entry(name, int(counts[i]), COLOURS[i % len(COLOURS)], i >= len(COLOURS)) for i, name in enumerate(classes)
    ]


def _check(
    points: NDArray[np.float64], labels: NDArray[np.int64] | None, classes: Sequence[str]
) -> NDArray[np.int64] | None:
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"scatter: expected points of the shape (N, 2), got {points.shape}")
    if labels is None or (len(labels) == 0 and len(points)):  # a set without labels, said in either way
        return None
    if labels.shape != (len(points),):
        raise ValueError(f"scatter: labels of the shape {labels.shape} for {len(points)} points")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"scatter: labels are whole numbers, got {labels.dtype}")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < len(classes):
        raise ValueError(f"scatter: labels from {labels.min()} to {labels.max()} for {len(classes)} classes")
    return labels.astype(np.int64)


def _arrange(width: int, entries: list[Entry]) -> tuple[Any, Any]:
    """A figure with the legend in place, beside the axes or below them, and these."""
    beside, row = width >= _SIDE_BY_SIDE, _row_width(entries)
    columns = 1 if beside else min(max(1, width // (row + _COLUMN_GAP)), max(1, len(entries)))
    rows = math.ceil(len(entries) / columns)
    across = width - _LEFT - 1 - (row + 31 if beside and entries else 0)
    down = max(min(720, across), rows * _ROW) if beside else min(420, across)
    below = _FOOT + (14 + rows * _ROW if entries and not beside else 0)
    height = _HEAD + down + below
    figure = new_figure(width, height)
    ax = figure.add_axes((_LEFT / width, below / height, across / width, down / height))
    top = below + down - 4 if beside else rows * _ROW - 4
    for i in range(columns if entries else 0):
        left = width - row if beside else i * (row + _COLUMN_GAP)
        _legend(figure, entries[i * rows : (i + 1) * rows], left, top, row)
    return figure, ax


def _row_width(entries: list[Entry]) -> int:
    """Marker, name and count of the widest row."""
    face = font(LABEL)
    names = max((width_of(entry.name, face) for entry in entries), default=0)
    counts = max((width_of(_count(entry.count), face) for entry in entries), default=0)
    return min(_MARK + names + 18 + counts, _LEGEND)


def _legend(figure: Any, entries: list[Entry], left: int, top: int, width: int) -> None:
    """Markers and names from this upper left corner on, their counts flush right."""
    from matplotlib.lines import Line2D
    from matplotlib.transforms import IdentityTransform

    counts = [_count(entry.count) for entry in entries]
    rooms = [width - _MARK - width_of(count, font(LABEL)) - 10 for count in counts]
    names = [fitted(entry.name, LABEL, room, middle=True) for entry, room in zip(entries, rooms, strict=True)]
    marks = [Line2D([], [], color=entry.colour, linestyle="None", **_mark(entry.cross, 10.0)) for entry in entries]
    blank = [Line2D([], [], linestyle="None", marker="None") for _ in entries]
    style = {"bbox_transform": IdentityTransform(), "frameon": False, "borderpad": 0, "borderaxespad": 0}
    style |= {"fontsize": LABEL, "labelspacing": _SPACING, "handleheight": 0.7, "numpoints": 1, "ncols": 1}
    one = figure.legend(marks, names, loc="upper left", bbox_to_anchor=(left, top), **style, **_MARKS)
    other = figure.legend(blank, counts, loc="upper right", bbox_to_anchor=(left + width, top), **style, **_BLANK)
    for entry, name, count in zip(entries, one.get_texts(), other.get_texts(), strict=True):
        name.set(**words(LABEL, INK if entry.count else GREY))
        count.set(**words(LABEL, GREY))


def _mark(cross: bool, diameter: float) -> dict[str, Any]:
    """The marker of the first ten classes, or that of the second, told from it without colour."""
    thin = {"marker": "x", "markersize": 0.8 * diameter, "markeredgewidth": 1.3}
    return thin if cross else {"marker": "o", "markersize": diameter, "markeredgewidth": 0}


def _window(points: Numbers) -> tuple[Numbers, float]:
    """The middle and half the side of a square around all points but far outliers."""
    if not len(points):
        return np.zeros(2), 1.0
    inner = np.quantile(points, [_OUTLIERS, 1.0 - _OUTLIERS], axis=0)
    outer = np.stack([points.min(axis=0), points.max(axis=0)])
    slack = 0.25 * (inner[1] - inner[0])
    low = np.where(outer[0] < inner[0] - slack, inner[0], outer[0])
    high = np.where(outer[1] > inner[1] + slack, inner[1], outer[1])
    middle = (low + high) / 2
    # Points in one place, or all but: one unit each way, or what the precision of large numbers allows.
    return middle, max(float((high - low).max()) * 0.53, 5e-4 * float(np.abs(middle).max())) or 1.0


def _scale(ax: Any, points: Numbers, names: tuple[str, str]) -> None:
    """Limits with one scale for both directions, so that distances are true, squares that show it, axes' names."""
    from matplotlib.ticker import MultipleLocator, NullLocator

    dress(ax, sides=("left", "right", "top", "bottom"), grid="both")
    middle, half = _window(points)
    ax.set_xlim(middle[0] - half, middle[0] + half, auto=True)  # that is, `apply_aspect` may widen them
    ax.set_ylim(middle[1] - half, middle[1] + half, auto=True)
    ax.set_aspect("equal", adjustable="datalim")
    ax.apply_aspect()
    step = np.diff(round_ticks(6).tick_values(*ax.get_xlim()))[0]
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MultipleLocator(step) if len(points) else NullLocator())
    missing = max(0.0, 2 - ax.get_tightbbox().x0) / ax.figure.bbox.width  # room for the longest tick label
    x, y, width, height = ax.get_position().bounds
    ax.set_position((x + missing, y, width - missing, height))
    ax.apply_aspect()
    upwards = fitted(scaled(names[1], ax.yaxis), LABEL, ax.bbox.width)
    across = fitted(scaled(names[0], ax.xaxis), LABEL, ax.bbox.width / 2)
    write(ax, upwards, (0, 1), (0, 10), **words(LABEL, INK))
    name = write(ax, across, (1, 0), (0, -18), **words(LABEL, INK, across="right"))
    free = name.get_window_extent().x0 - 10  # tick labels end where the axis' name begins
    for label in ax.get_xticklabels():
        label.set_visible(label.get_window_extent().x1 <= free)


def _points(ax: Any, points: Numbers, labels: NDArray[np.int64] | None, classes: int, named: bool) -> None:
    """The points in a fixed shuffle, so that no class covers another by coming later."""
    order = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
    groups = np.zeros(len(order), dtype=np.int64) if labels is None else labels[order]
    shades = COLOURS * 2 if named or labels is None else [shade(i, classes) for i in range(classes)]
    colours = np.array(shades, dtype=np.str_)[groups]
    cross = (groups >= len(COLOURS)) & named
    size = float(np.clip(230.0 / math.sqrt(max(len(order), 1)), 3.4, 8.0))
    for mine, style in ((~cross, _mark(False, size)), (cross, _mark(True, 1.2 * size))):
        x, y = points[order[mine]].T
        shape, area, line = style["marker"], style["markersize"] ** 2, style["markeredgewidth"]
        ax.scatter(
            x, y, s=area, marker=shape, linewidths=line, color=colours[mine], alpha=0.6 if labels is None else 0.8
        )


def shade(index: int, count: int) -> str:
    """A colour for one of many classes: matplotlib's viridis without its palest end."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return str(to_hex(colormaps["viridis"](0.92 * index / max(1, count - 1))))


def _names(ax: Any, points: Numbers, labels: NDArray[np.int64], entries: list[Entry]) -> None:
    """Each class' name at its median, in a halo of paper, moved aside where two would touch."""
    from matplotlib.patheffects import withStroke

    size = 18 if all(len(entry.name) <= 2 for entry in entries) else LABEL
    present = [i for i, entry in enumerate(entries) if entry.count]
    names = [fitted(entries[i].name, size, 116, bold=True, middle=True) for i in present]
    medians = np.array([np.median(points[labels == i], axis=0) for i in present]).reshape(-1, 2)
    centres = np.clip(ax.transData.transform(medians), ax.bbox.min, ax.bbox.max)
    centres[:, 1] += [16.0 if entries[i].count < 5 else 0.0 for i in present]  # few points, that a name would hide
    sizes = [(width_of(name, font(size, bold=True)) + 8, size + 6) for name in names]
    places = apart(centres, sizes, ax.bbox.min + 2, ax.bbox.max - 2)
    for i, name, centre, place in zip(present, names, centres, places, strict=True):
        moved = math.dist(centre, place) > 1.5 * (size + 6)
        style = words(size, readable(entries[i].colour), bold=True, across="center", up="center")
        leader = {**LEADER, "color": GREY} if moved else None
        label = ax.annotate(name, centre, place, "figure pixels", "figure pixels", leader, **style)
        label.set_path_effects([withStroke(linewidth=6, foreground=PAPER)])


def _count(number: int) -> str:
    return f"{number:,}".replace(",", NARROW_SPACE)


def _points_are(number: int) -> str:
    return "1 point is" if number == 1 else f"{_count(number)} points are"
