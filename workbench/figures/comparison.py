"""Several runs on one page: curves in the same charts, what they make of the same noise and the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workbench.figures.clouds import scatter
from workbench.figures.grids import GUTTER, samples, scale_for, strips
from workbench.figures.layout import CONTENT, Header, compose, paragraph
from workbench.figures.palette import COLOURS, GREY, INK, PAPER
from workbench.figures.plots import Panel, curves
from workbench.figures.text import font, line_height, shorten

Pixels = NDArray[np.uint8]

SAMPLES = 64  # of each run, at most
MOST_RUNS = len(COLOURS)

_NARROWEST = 420  # px for one of several runs; the page grows with their number
_ACROSS = 4  # runs side by side; more stand below
_GAP = 28  # px between runs
_BELOW = 40  # px between sections
_SQUARES = range(5, 9)  # columns of a square grid of samples
_REBUILT = range(12, 17)  # images in a row of reconstructions
_LABEL = 170  # px that the rows' labels may take of those
_SWATCH = 12


@dataclass(frozen=True)
class Shown:
    """What one run has to show; None where there is no such thing."""

    label: str
    detail: str = ""
    """Small print below the label: `step 1 800 · averaged weights`."""
    samples: Pixels | None = None
    """(N, C, H, W), of the same noise for all runs."""
    rebuilt: Pixels | None = None
    """(K, C, H, W), of the same originals for all runs."""
    points: NDArray[np.float64] | None = None
    """(N, 2), codes in the plane."""
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    axes: tuple[str, str] = ("", "")


def comparison(
    runs: Sequence[Shown],
    panels: Sequence[Panel],
    originals: Pixels | None,
    header: Header,
    notes: Sequence[str] = (),
) -> Image.Image:
    """A page of at most ten runs, each in a colour of its own, in sections; what nobody has takes no room.

    `panels` name their series by the labels of the runs; `originals`, (K, C, H, W), are what `rebuilt` is of.
    """
    if not 1 <= len(runs) <= MOST_RUNS:
        raise ValueError(f"comparison: expected 1 to {MOST_RUNS} runs, got {len(runs)}")
    colours = {run.label: COLOURS[at] for at, run in enumerate(runs)}
    across = _across(len(runs))
    width = max(CONTENT, across * (_NARROWEST + _GAP) - _GAP)
    cell = (width - (across - 1) * _GAP) // across
    sections: list[tuple[str, Image.Image]] = []
    if panels:
        sections.append(("", curves(panels, None, width, colours)))
    drawn = [(run, _grid(run.samples, cell)) for run in runs if run.samples is not None]
    if drawn:
        sections.append(("Samples of the same seed", _beside(drawn, colours, width, across)))
    if (rebuilt := _reconstructions(runs, originals, width)) is not None:
        sections.append(("Reconstructions of the same held-out images", rebuilt))
    clouds = [
        (run, scatter(run.points, run.labels, run.classes, None, run.axes, cell))
        for run in runs
        if run.points is not None
    ]
    if clouds:
        sections.append(("Latent space", _beside(clouds, colours, width, across)))
    return compose(_stacked(sections, width), header, notes)


def _across(count: int) -> int:
    """How many runs stand side by side: rows as even as can be."""
    rows = -(-count // _ACROSS)
    return -(-count // rows)


def _grid(images: Pixels, width: int) -> Image.Image:
    columns = _filling(_SQUARES, images.shape[3], width)
    return samples(images[: columns * columns], None, columns, width)


def _filling(counts: range, image_width: int, width: int) -> int:
    """Of these numbers of columns the one that leaves least of the width empty; as many as fit, where none does."""
    most = max(1, (width - 2 + GUTTER) // (image_width + GUTTER))
    possible = [count for count in counts if count <= most] or [most]
    return max(possible, key=lambda count: count * (image_width * scale_for(count, image_width, width) + GUTTER))


def _reconstructions(runs: Sequence[Shown], originals: Pixels | None, width: int) -> Image.Image | None:
    """The originals above a row for each run."""
    having = [(run.label, run.rebuilt) for run in runs if run.rebuilt is not None]
    if originals is None or not having:
        return None
    count = min(_filling(_REBUILT, originals.shape[3], width - _LABEL), len(originals))
    rows = np.stack([originals[:count], *(rebuilt[:count] for _, rebuilt in having)])
    return strips(rows, None, ["original", *(label for label, _ in having)], width=width)


def _beside(
    pictures: Sequence[tuple[Shown, Image.Image]], colours: dict[str, str], width: int, across: int
) -> Image.Image:
    """Pictures of runs side by side below their labels, in rows."""
    cell = (width - (across - 1) * _GAP) // across
    rows = [pictures[at : at + across] for at in range(0, len(pictures), across)]
    head = line_height(font(15, bold=True)) + line_height(font(12)) + 6
    heights = [head + max(picture.height for _, picture in row) for row in rows]
    body = Image.new("RGB", (width, sum(heights) + _GAP * (len(rows) - 1)), PAPER)
    draw, y = ImageDraw.Draw(body), 0
    for row, height in zip(rows, heights, strict=True):
        for at, (run, picture) in enumerate(row):
            x = at * (cell + _GAP)
            draw.rectangle((x, y + 4, x + _SWATCH - 1, y + 3 + _SWATCH), fill=colours[run.label])
            face, small = font(15, bold=True), font(12)
            label = shorten(run.label, face, cell - _SWATCH - 8)
            below = paragraph(draw, (x + _SWATCH + 8, y), [label], face, INK)
            paragraph(draw, (x + _SWATCH + 8, below), [shorten(run.detail, small, cell - _SWATCH - 8)], small, GREY)
            body.paste(picture, (x, y + head))
        y += height + _GAP
    return body


def _stacked(sections: Sequence[tuple[str, Image.Image]], width: int) -> Image.Image:
    """Sections below one another, each below its title."""
    face = font(18, bold=True)
    head = line_height(face) + 10
    total = sum(picture.height + (head if title else 0) for title, picture in sections) + _BELOW * (
        len(sections) - 1
    )
    body, y = Image.new("RGB", (width, max(1, total)), PAPER), 0
    for title, picture in sections:
        if title:
            paragraph(ImageDraw.Draw(body), (0, y), [title], face, INK)
            y += head
        body.paste(picture, (0, y))
        y += picture.height + _BELOW
    return body
