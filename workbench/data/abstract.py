"""`abstract`: an endless gallery of small abstract paintings, composed from a seed.

Eight kinds of composition share one way of choosing colours (`abstract_painting`), and the kind is the label.
Picture i is a function of (seed, i) alone: a larger set begins with the smaller one, and a larger size shows
the same paintings in finer detail. That makes a colour set which needs no download, is rich enough for a
small generator to learn from, and regular enough to be learnt in a few thousand steps. Lattices (grids of
panes, tiles) are absent on purpose: a small generator collapses onto them.

A composition is one function: it takes the canvas, the dice and the palette, and gives the picture `3 H W`
in OKLab. Lengths are in units of the picture's side. How often it throws the dice must not depend on the
size, or the larger picture would be another one.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.data.abstract_painting import Array, Canvas, Palette, mix_palette, paint, ramp, steps, to_srgb

Dice = np.random.Generator
Composition = Callable[[Canvas, Dice, Palette], Array]


def gradient(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """Light in haze: a slow sweep from dark inks to lighter ones, and somewhere in it a glow."""
    along, _ = canvas.turned(rng.uniform(0.0, 2.0 * np.pi))
    sweep = np.delete(palette.inks[:4], rng.integers(4), axis=0)
    picture = ramp(sweep, 0.5 + 0.8 * along + 0.08 * canvas.clouds(rng, 2))
    x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.15, 0.85), rng.uniform(0.14, 0.40)
    glow = np.exp(-((canvas.x - x) ** 2 + (canvas.y - y) ** 2) / radius**2)
    paint(picture, palette.inks[4], glow)
    picture[1:] *= 1.2  # blends of distant hues pass close to grey
    return picture


def colour_field(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """After Rothko: two or three cloudy blocks hover on a ground, their edges breathing."""
    inks = palette.shuffled(rng, 4)
    picture = canvas.wash(inks[0])
    count = int(rng.integers(2, 4))
    heights = rng.dirichlet(np.full(count, 6.0)) * 0.9
    margin, top = rng.uniform(0.06, 0.13), 0.05
    wobble = 0.010 * canvas.clouds(rng, 7)
    for ink, height in zip(inks[1:], heights, strict=False):
        middle, half = top + height / 2, height / 2 - 0.03
        box = np.maximum(np.abs(canvas.x - 0.5) - (0.5 - margin), np.abs(canvas.y - middle) - half)
        paint(picture, ink, canvas.cover(box + wobble, 0.07))
        top += height
    picture[0] += 0.022 * canvas.clouds(rng, 5)
    return picture


def bands(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """After Riley: stripes of uneven width, straight or swaying, each a little lighter on one side."""
    along, across = canvas.turned(rng.uniform(-0.5, 0.5) + np.pi / 2 * rng.integers(2))
    sway = rng.uniform(0.02, 0.09) if rng.random() < 0.6 else 0.0
    along = along + sway * np.sin(2 * np.pi * (rng.uniform(0.6, 1.6) * across + rng.random()))
    count = int(rng.integers(6, 11))
    widths = rng.dirichlet(np.full(count, 4.0)) * 1.3
    edges = np.cumsum(widths)[:-1] - 0.65
    picture = steps(palette.shuffled(rng, count), canvas.cover(edges[:, None, None] - along))
    picture[0] += 0.10 * across
    return picture


def circles(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """After Kandinsky: discs with rims and pupils, large ones first, and a few taut lines."""
    picture = canvas.wash(palette.ground)
    for _ in range(int(rng.integers(1, 4))):
        _, across = canvas.turned(rng.uniform(0.0, np.pi), rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.8))
        paint(picture, palette.figures(rng, 1)[0], canvas.cover(np.abs(across) - rng.uniform(0.012, 0.022)))
    count = int(rng.integers(4, 8))
    centres = 0.5 + rng.uniform(-0.45, 0.45, (2, count)) * np.linspace(0.7, 1.0, count)
    radii = rng.uniform(0.20, 0.30) * 0.82 ** np.arange(count)
    distance = np.hypot(canvas.x - centres[0, :, None, None], canvas.y - centres[1, :, None, None])
    inks = palette.figures(rng, count + 1)
    for k in range(count):
        paint(picture, inks[k], canvas.cover(distance[k] - radii[k]) * rng.uniform(0.75, 1.0))
        if rng.random() < 0.6:
            paint(picture, inks[k + 1], canvas.cover(distance[k] - radii[k] * rng.uniform(0.35, 0.65)))
    return picture


def rings(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """After the Delaunays: a target cut by two diameters, its colours changing places across each cut."""
    x, y = rng.uniform(0.3, 0.7, 2)
    distance = np.hypot(canvas.x - x, canvas.y - y)
    count = int(rng.integers(4, 7))
    edges = np.cumsum(rng.dirichlet(np.full(count, 8.0)))[:-1] * rng.uniform(0.55, 0.75)
    masks = canvas.cover(edges[:, None, None] - distance)
    inks = palette.shuffled(rng, count + 2)
    picture = steps(inks[:count], masks)
    angle = rng.uniform(0.0, np.pi)
    first = canvas.cover(canvas.turned(angle, x, y)[1])
    second = canvas.cover(canvas.turned(angle + rng.uniform(0.35, 0.65) * np.pi, x, y)[1])
    paint(picture, steps(inks[2:], masks), first + second - 2.0 * first * second)
    return picture


def strokes(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """A gesture: broad bent brush strokes of one temper, streaked by the bristles and ragged at the ends."""
    picture = canvas.wash(palette.ground)
    temper = rng.uniform(0.0, np.pi)
    count = int(rng.integers(6, 10))
    for ink in palette.figures(rng, count):
        x, y = rng.uniform(0.1, 0.9, 2)
        along, across = canvas.turned(temper + rng.normal(0.0, 0.4), x, y)
        across = across + rng.normal(0.0, 0.9) * along**2
        width, length = rng.uniform(0.05, 0.12), rng.uniform(0.28, 0.55)
        phase = rng.uniform(0.0, 2.0 * np.pi, 2)
        bristles = np.sin(70.0 * across + phase[0]) + np.sin(43.0 * across + phase[1])
        stroke = np.maximum(np.abs(across) - width, np.abs(along) - length - 0.03 * bristles)
        mask = canvas.cover(stroke) * (0.88 + 0.06 * bristles)
        paint(picture, ink, mask)
        picture[0] += 0.02 * mask * bristles
    return picture


def hills(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """A landscape: the sun in a clear sky, or a moon, and ridge behind ridge, paler with distance."""
    horizon = palette.inks[2] if palette.night else palette.inks[4]
    zenith = palette.ground if palette.night else palette.inks[rng.integers(1, 4)]
    picture = ramp(np.stack([zenith, horizon]), canvas.y * 1.7)
    x, y, radius = rng.uniform(0.15, 0.85), rng.uniform(0.14, 0.4), rng.uniform(0.07, 0.15)
    sun = np.hypot(canvas.x - x, canvas.y - y)
    white, gold = np.array([0.96, 0.0, 0.03]), np.maximum(palette.warmest, np.array([0.72, 0.05, 0.07]))
    disc = white if palette.night or rng.random() < 0.4 else gold
    paint(picture, disc, 0.45 * np.exp(-((sun / (2.0 * radius)) ** 2)))
    paint(picture, disc, canvas.cover(sun - radius))
    count = int(rng.integers(3, 6))
    near = 0.8 * palette.inks[0]
    for k in range(count):
        relief = (0.03 + 0.05 * k / count) * canvas.profile(rng, int(rng.integers(2, 5)))
        below = canvas.y - (0.4 + 0.48 * k / count + relief)
        slope = horizon + (k + 0.7) / (count - 0.3) * (near - horizon)
        mist = 0.8 * slope + 0.2 * horizon  # gathers in the valley, at the foot of each slope
        paint(picture, ramp(np.stack([slope, mist]), below / 0.3), canvas.cover(-below))
    return picture


def agate(canvas: Canvas, rng: Dice, palette: Palette) -> Array:
    """A cut stone: the level lines of a smooth field, filled with flat inks."""
    field = canvas.clouds(rng, 2) + 0.3 * canvas.clouds(rng, 4)
    field = (field - field.min()) / np.ptp(field)
    down, right = np.gradient(field, 1.0 / canvas.size)
    steepness = np.hypot(down, right) + 0.3  # turns heights into distances; the floor keeps plateaus calm
    edges = np.cumsum(rng.dirichlet(np.full(int(rng.integers(5, 9)), 8.0)))[:-1]
    masks = canvas.cover((edges[:, None, None] - field) / steepness)
    return steps(palette.shuffled(rng, len(edges) + 1), masks)


COMPOSITIONS: dict[str, Composition] = {
    "gradient": gradient,
    "colour field": colour_field,
    "bands": bands,
    "circles": circles,
    "rings": rings,
    "strokes": strokes,
    "hills": hills,
    "agate": agate,
}

CLASSES: tuple[str, ...] = tuple(COMPOSITIONS)


def compose(count: int, size: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Paint the first `count` pictures of a gallery: bytes `count 3 size size`, and the kind of each.

    The kinds take turns, so that any number of pictures is balanced to within one.
    """
    canvas = Canvas(size)
    pictures = np.empty((count, 3, size, size), np.uint8)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    for i, label in enumerate(labels):
        rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, i))))
        palette = mix_palette(rng)
        picture = COMPOSITIONS[CLASSES[label]](canvas, rng, palette)
        picture[0] += 0.006 * canvas.clouds(rng, 16)  # the weave of the canvas
        pictures[i] = to_srgb(picture)
    return pictures, labels
