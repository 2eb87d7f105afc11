"""Points in a plane as characters: the latent space, readable without colour.

Shapes: `N` points, `K` classes, `R C` rows and columns of cells.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.cells import cell_len, set_cell_size
from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.terminal.renderers import dots, segments

Points = NDArray[np.float64]
Whole = NDArray[np.int64]

_TAILS = 0.005  # share of the points at either end of an axis that may be far out without setting the limits
_FAR = 0.5  # of the spread of the others: further out, a point stands at the border instead
_HEAPS = ".:+*#@"  # without braille: 1, 2, 4, 8, 16, 32 or more points in a cell
_GAP = "   "  # between the points and a legend beside them
_LONGEST = 14  # cells of a class name in the legend
_SPARE = string.ascii_lowercase + string.digits + string.ascii_uppercase


@dataclass(frozen=True)
class Cloud:
    """Points in cells, and what became of those that are not where they belong."""

    rows: Rows
    shown: int
    outside: int  # of those shown: far from the others, drawn at the border
    dropped: int  # not finite


@dataclass(frozen=True)
class _Window:
    """The part of the plane that the cells show, with one scale for both directions."""

    middle: Points  # (2,)
    unit: float  # of the plane in the width of a cell; a cell is twice as high
    columns: int
    rows: int

    def reach(self, axis: int) -> str:
        """From where to where the centres of the cells go."""
        half = self.unit * ((self.columns - 1) / 2 if axis == 0 else self.rows - 1)
        return f"{self.middle[axis] - half:.3g} to {self.middle[axis] + half:.3g}"


def scatter(
    points: NDArray[np.floating],
    labels: NDArray[np.integer] | None,
    classes: Sequence[str],
    columns: int,
    rows: int,
    look: Look,
    *,
    axes: tuple[str, str] | None = None,
) -> Cloud:
    """The points, (N, 2), in columns x rows cells, each with the mark of the class that most of its points have.

    `classes` names the labels, (N,); without labels, dots show how dense the points lie. Below stand a legend with
    counts, and a line with the names of the `axes`, their ranges, and how many points are not where they belong.
    """
    finite = np.isfinite(points).all(axis=1)
    kept = points[finite].astype(np.float64)
    low, high = _limits(kept)
    outside = int(((kept < low) | (kept > high)).any(axis=1).sum())
    dropped = len(points) - len(kept)
    if columns < 1 or rows < 1:
        return Cloud([], 0, 0, dropped)

    captioned = rows >= 4 and (axes is not None or outside > 0 or dropped > 0)
    below: Rows = []
    beside: Rows = []
    if labels is not None:
        groups = labels[finite].astype(np.int64)
        names = [*classes, *map(str, range(len(classes), groups.max(initial=-1) + 1))]
        below, beside = _legend(groups, names, columns, rows - captioned, look)
    width = columns - (_width(beside[0]) if beside else 0)
    window = _window(low, high, width, rows - len(below) - captioned)
    places = _places(kept, window)
    drawn = _density(places, window, look) if labels is None else _majority(places, groups, names, window, look)
    if beside:
        drawn = [[*row, *entry] for row, entry in zip(drawn, beside, strict=True)]
    caption = [_caption(window, axes, outside, dropped, columns, look)] if captioned else []
    return Cloud([*drawn, *below, *caption], len(kept), outside, dropped)


def marks(names: Sequence[str]) -> tuple[str, ...]:
    """A character for each class: its name where that is one, else a letter of it that is still free."""
    if all(len(name) == 1 and name.isascii() and name.isalnum() for name in names):
        return tuple(names)
    found: list[str] = []
    for name in names:
        letters = (letter for letter in name.lower() if letter.isascii() and letter.isalnum())
        found.append(next((mark for mark in (*letters, *_SPARE) if mark not in found), "*"))
    return tuple(found)


def _limits(points: Points) -> tuple[Points, Points]:
    """The ends of both axes: those of all points but a few that are far out."""
    if not len(points):
        return np.zeros(2), np.zeros(2)
    low, high = np.quantile(points, [_TAILS, 1 - _TAILS], axis=0)
    slack = _FAR * (high - low)
    near = (points >= low - slack) & (points <= high + slack)
    return np.where(near, points, np.inf).min(axis=0), np.where(near, points, -np.inf).max(axis=0)


def _window(low: Points, high: Points, columns: int, rows: int) -> _Window:
    middle, spread = low / 2 + high / 2, high - low
    unit = max(spread[0] / max(columns - 1, 1), spread[1] / (2 * max(rows - 1, 1)))
    # All points in one place: one unit each way, or what the precision of large numbers allows.
    unit = max(float(unit), 1e-9 * float(np.abs(middle).max())) or 2 / columns
    return _Window(middle, unit, columns, rows)


def _places(points: Points, window: _Window) -> Points:
    """Columns and rows in fractions of a cell from the centre of the upper left one, (N, 2), none off the cells."""
    across, up = ((points - window.middle) / window.unit).T
    last = window.columns - 1, window.rows - 1
    return np.stack([across + last[0] / 2, last[1] / 2 - up / 2], axis=1).clip(0, last)


def _majority(places: Points, groups: Whole, names: Sequence[str], window: _Window, look: Look) -> Rows:
    column, row = np.rint(places).astype(np.int64).T
    heaps, counts = np.unique((row * window.columns + column) * max(len(names), 1) + groups, return_counts=True)
    cell, group = np.divmod(heaps, max(len(names), 1))
    order = np.lexsort((-group, counts))  # the last one written to a cell stays: the largest, of equals the first
    keys = np.zeros(window.rows * window.columns, dtype=np.int64)
    keys[cell[order]] = 1 + group[order]
    styles = [look.text, *(look.series[i % len(look.series)] for i in range(len(names)))]
    grid = keys.reshape(window.rows, window.columns)
    return segments(np.array([" ", *marks(names)])[grid], grid, styles.__getitem__)


def _density(places: Points, window: _Window, look: Look) -> Rows:
    """A dot where there are points, eight to a cell; in ASCII a character with more ink for more points."""
    down, across = (4, 2) if look.unicode else (1, 1)
    column, row = np.floor((places + 0.5) * (across, down)).astype(np.int64).T
    shape = window.rows * down, window.columns * across
    counts = np.bincount(row * shape[1] + column, minlength=shape[0] * shape[1]).reshape(shape)
    ink = np.frexp(counts)[1].clip(0, len(_HEAPS))  # 1 + the power of two below
    signs = dots(counts > 0) if look.unicode else np.array([" ", *_HEAPS])[ink]
    return segments(signs, np.zeros(signs.shape, dtype=np.int64), lambda _: look.series[0])


def _legend(groups: Whole, names: Sequence[str], columns: int, rows: int, look: Look) -> tuple[Rows, Rows]:
    """Marks, names and counts of the classes that are there: rows to stand below the points, or else beside them.

    Beside, if all fit and the points keep a square; the shape of the pane decides, not what the points look like,
    so that it stays in its place throughout a run. Below, without counts or in part where room is short.
    """
    counts = np.bincount(groups, minlength=len(names))
    signs = marks(names)
    full: Rows = []
    short: Rows = []
    for i in np.flatnonzero(counts)[: columns * rows].tolist():
        name = [] if names[i] == signs[i] else [Segment(f" {_clean(names[i], look)}", look.text)]
        short.append([Segment(signs[i], look.series[i % len(look.series)]), *name])
        full.append([*short[-1], Segment(f" {counts[i]}", look.dim)])
    for entries in (full, short):
        width = max(map(_width, entries), default=0)
        if entries and len(entries) <= rows and columns - width - len(_GAP) >= 2 * rows:
            numbers = -1 if entries is full else columns
            return [], [_flush(entry, numbers, width) for entry in entries + [[]] * (rows - len(entries))]
    most = rows // 6
    named = [entry for entry in short if len(entry) > 1]
    wrapped = [_wrapped(entries, columns) for entries in (full, named)]
    return next((lines for lines in wrapped if len(lines) <= most), wrapped[-1][:most]), []


def _flush(entry: Row, numbers: int, width: int) -> Row:
    """An entry of the legend beside the points; from the segment `numbers` on, flush right."""
    return [Segment(_GAP), *entry[:numbers], Segment(" " * (width - _width(entry))), *entry[numbers:]]


def _wrapped(entries: Sequence[Row], columns: int) -> Rows:
    """Entries side by side, two cells apart, in rows of exactly that many cells."""
    rows: Rows = []
    free = 0
    for entry in entries:
        width = _width(entry)
        if rows and width + 2 <= free:
            rows[-1] += [Segment("  "), *entry]
            free -= width + 2
        elif width <= columns:
            rows.append([*entry])
            free = columns - width
    return [[*row, Segment(" " * (columns - _width(row)))] for row in rows]


def _caption(
    window: _Window, axes: tuple[str, str] | None, outside: int, dropped: int, columns: int, look: Look
) -> Row:
    """The longest wording for which there is room."""
    notes = [f"{outside} at the border"] * (outside > 0) + [f"{dropped} not finite"] * (dropped > 0)
    x, y = [_clean(name, look, columns) for name in axes or ()] or ("", "")
    near = [_clean(name, look) for name in (x, y)]
    right, up = ("→", "↑") if look.unicode else (">", "^")
    full = [f"{right} {x} {window.reach(0)}", f"{up} {y} {window.reach(1)}"] if axes else []
    short = [f"{right} {x}", f"{up} {y}"] if axes else []
    cut = [f"{right} {near[0]}", f"{up} {near[1]}"] if axes else []
    wordings = ["   ".join([*names, *notes]) for names in (full, short, cut, [])]
    text = next((words for words in wordings if words and cell_len(words) <= columns), wordings[-1])
    return [Segment(set_cell_size(text, columns), look.dim)]


def _clean(name: str, look: Look, longest: int = _LONGEST) -> str:
    """A name that moves no cursor and is not too long."""
    text = "".join(c if c.isprintable() and (look.unicode or c.isascii()) else "?" for c in name)
    cut = set_cell_size(text, longest - 1) + ("…" if look.unicode else ".")
    return text if cell_len(text) <= longest else cut


def _width(row: Row) -> int:
    return sum(segment.cell_length for segment in row)
