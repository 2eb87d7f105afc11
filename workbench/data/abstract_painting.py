"""The painter's tools behind the set `abstract`: harmonious palettes and a canvas in unit coordinates.

Everything is painted in OKLab (Ottosson, 2020), a colour space in which equal steps look equally large:
a blend of two inks passes through the colour one expects between them, never through mud. Only the finished
picture becomes sRGB.

Nothing here knows the resolution except the canvas. It measures in units of the picture's side, x to the
right and y downwards, and turns a signed distance (negative inside a shape) into the share of a pixel that
the shape covers, so that the same picture can be painted at any size.

Shapes: `H W` the picture, `K` a number of inks or shapes.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# The painter's wheel, on which yellow faces violet, orange blue and red green: places on it, in degrees, for
# yellow, orange, red, violet, blue, green and yellow again, and the hue of OKLCH at each. A screen has far
# more greens than a painter uses; here they take no more room than the others.
WHEEL = ((0.0, 50.0, 100.0, 175.0, 230.0, 300.0, 360.0), (95.0, 60.0, 25.0, -50.0, -103.0, -200.0, -265.0))

# Where the five inks stand on the wheel, counted from the root. Each scheme keeps a family and adds a guest.
SCHEMES = {
    "analogous": (-50.0, -25.0, 0.0, 25.0, 50.0),
    "complementary": (-25.0, 0.0, 25.0, 170.0, 190.0),
    "split": (-15.0, 0.0, 15.0, 150.0, 210.0),
    "triad": (-12.0, 0.0, 12.0, 120.0, 240.0),
    "accent": (-30.0, -15.0, 0.0, 15.0, 180.0),
}

# Lightness from the darkest ink to the lightest, and the range of chroma.
MOODS = {
    "pastel": (0.58, 0.93, 0.06, 0.13),
    "vivid": (0.42, 0.88, 0.14, 0.22),
    "deep": (0.27, 0.78, 0.10, 0.20),
    "muted": (0.33, 0.86, 0.05, 0.11),
}

# The width over which paint bleeds into its neighbour, at any size: brushes leave no razor edges, and edges as
# sharp as a pixel are what a discriminator learns first.
EDGE = 0.016

_LAB_TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_CONE_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def linear_rgb(lab: Array) -> Array:
    """Light intensities of OKLab colours, channels first; outside [0, 1] where no screen can show them."""
    cone = np.tensordot(_LAB_TO_CONE, lab, axes=1)
    intensity: Array = np.tensordot(_CONE_TO_RGB, cone * cone * cone, axes=1)
    return intensity


def to_srgb(lab: Array) -> NDArray[np.uint8]:
    """A picture in OKLab as the bytes of an sRGB image, channels first."""
    light = np.clip(linear_rgb(lab), 0.0, 1.0)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255.0).astype(np.uint8)


def from_lch(lightness: Array, chroma: Array, hue: Array) -> Array:
    """Colours `K 3` in OKLab from OKLCH, hue in degrees, with chroma lowered to what a screen can show."""
    angle = np.deg2rad(hue)
    fade = np.linspace(1.0, 0.0, 21)[:, None]  # 21 1
    radius = fade * chroma  # 21 K
    level = np.broadcast_to(lightness, radius.shape)
    trial = np.stack([level, radius * np.cos(angle), radius * np.sin(angle)])  # 3 21 K
    light = linear_rgb(trial)  # 3 21 K
    shown = ((light > -1e-3) & (light < 1.001)).all(axis=0)
    first = shown.argmax(axis=0)  # the least fading that will do
    colours: Array = trial[:, first, np.arange(len(hue))].T
    return colours


@dataclass(frozen=True)
class Palette:
    """One ground and five inks in OKLab, inks from dark to light."""

    ground: Array  # 3
    inks: Array  # 5 3

    @property
    def night(self) -> bool:
        """Whether the ground is darker than most inks."""
        return bool(self.ground[0] < 0.5)

    @property
    def warmest(self) -> Array:
        """The ink that leans most to orange, which lies at (0.6, 0.8) in the plane of hues."""
        ink: Array = self.inks[int(np.argmax(self.inks[:, 1:] @ np.array([0.6, 0.8])))]
        return ink

    def shuffled(self, rng: np.random.Generator, count: int) -> Array:
        """`count` inks `count 3` in random order, neighbours never alike."""
        return _in_turn(self.inks, rng, count)

    def figures(self, rng: np.random.Generator, count: int) -> Array:
        """The same for what stands on the ground: without the ink that would be lost on it."""
        return _in_turn(self.inks[1:] if self.night else self.inks[:4], rng, count)


def _in_turn(inks: Array, rng: np.random.Generator, count: int) -> Array:
    return inks[np.resize(rng.permutation(len(inks)), count)]


def near(hue: Array, centre: float, width: float) -> Array:
    """How close hues are to a centre, all in degrees: 1 there, falling to nothing over about two widths."""
    apart = (hue - centre + 180.0) % 360.0 - 180.0
    closeness: Array = np.exp(-((apart / width) ** 2))
    return closeness


def mix_palette(rng: np.random.Generator) -> Palette:
    """A palette of a random scheme and mood, on paper, on a night or on a quiet tint of the same family."""
    scheme = tuple(SCHEMES.values())[rng.integers(len(SCHEMES))]
    darkest, lightest, dull, bright = tuple(MOODS.values())[rng.integers(len(MOODS))]
    place = rng.uniform(0.0, 360.0) + np.array(scheme) + rng.normal(0.0, 4.0, 5)
    hue = np.interp(place % 360.0, *WHEEL)
    # The natural order of colours: yellow is light and blue is dark. Inks that follow it look at ease.
    hue = hue[np.argsort(np.cos(np.deg2rad(hue - 95.0)) + rng.normal(0.0, 0.35, 5))]
    lightness = np.linspace(darkest, lightest, 5) + rng.normal(0.0, 0.02, 5)
    # A yellow that must be dark turns to olive mud; painters reach for umber, so the hue leans to orange.
    yellow = near(hue, 105.0, 32.0)
    lightness = np.minimum(lightness + 0.05 * yellow, 0.95)
    hue = hue - 40.0 * yellow * np.clip((0.82 - lightness) / 0.35, 0.0, 1.0)
    chroma = rng.uniform(dull, bright, 5) * (1.0 - 0.35 * near(hue, 130.0, 35.0))  # no paint is neon green
    inks = from_lch(lightness, chroma, hue)
    kind = rng.random()
    if kind < 0.55:
        ground = from_lch(rng.uniform(0.92, 0.97, 1), rng.uniform(0.01, 0.03, 1), hue[-1:])
    elif kind < 0.8:
        ground = from_lch(rng.uniform(0.19, 0.27, 1), rng.uniform(0.03, 0.06, 1), hue[:1])
    else:
        ground = from_lch(rng.uniform(0.80, 0.88, 1), rng.uniform(0.04, 0.08, 1), hue[3:4])
    return Palette(ground[0], inks)


@lru_cache(maxsize=64)
def spline_basis(size: int, cells: int) -> Array:
    """Weights `size cells+3` of the uniform cubic B-splines over `cells` cells, at the pixel centres."""
    place = (np.arange(size) + 0.5) * cells / size
    cell = place.astype(np.int64)
    t = place - cell
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    basis = np.zeros((size, cells + 3))
    for k in range(4):
        basis[np.arange(size), cell + k] = weights[k]
    basis.setflags(write=False)
    return basis


class Canvas:
    """The coordinates of a square picture and the ways to put colour on it."""

    def __init__(self, size: int) -> None:
        centres = (np.arange(size) + 0.5) / size
        self.size = size
        self.x, self.y = np.meshgrid(centres, centres)  # H W each

    def cover(self, distance: Array, softness: float = 0.0) -> Array:
        """How much of each pixel lies inside, from the signed distance; `softness` widens the edge."""
        inside = np.clip(0.5 - distance / (EDGE + softness + 1.0 / self.size), 0.0, 1.0)
        return inside if softness == 0.0 else inside * inside * (3.0 - 2.0 * inside)

    def turned(self, angle: float, x: float = 0.5, y: float = 0.5) -> tuple[Array, Array]:
        """Coordinates along and across the direction `angle` (radians), from the point (x, y)."""
        dx, dy = self.x - x, self.y - y
        cos, sin = np.cos(angle), np.sin(angle)
        return dx * cos + dy * sin, dy * cos - dx * sin

    def clouds(self, rng: np.random.Generator, cells: int) -> Array:
        """Smooth noise of unit variance `H W`, with features about as wide as a cell."""
        basis = spline_basis(self.size, cells)
        return basis @ rng.normal(0.0, 2.1, (cells + 3, cells + 3)) @ basis.T

    def profile(self, rng: np.random.Generator, cells: int) -> Array:
        """Smooth noise of unit variance along x `W`."""
        return spline_basis(self.size, cells) @ rng.normal(0.0, 1.45, cells + 3)

    def wash(self, colour: Array) -> Array:
        """A picture `3 H W` of one colour."""
        return np.repeat(colour, self.size**2).reshape(3, self.size, self.size)


def paint(picture: Array, colour: Array, mask: Array) -> None:
    """Lay a colour (`3`, or a picture `3 H W`) over the picture where the mask `H W` says, in place."""
    ink = colour if colour.ndim == 3 else colour[:, None, None]
    picture += mask * (ink - picture)


def ramp(colours: Array, t: Array) -> Array:
    """The picture `3 H W` that runs through the colours `K 3` as t `H W` goes from 0 to 1."""
    place = np.clip(t, 0.0, 1.0) * (len(colours) - 1)
    step = np.minimum(place.astype(np.int64), len(colours) - 2)
    part = place - step
    start = colours.T[:, step]  # 3 H W
    return start + part * (colours.T[:, step + 1] - start)


def steps(colours: Array, masks: Array) -> Array:
    """The picture `3 H W` whose k-th mask `K-1 H W` replaces colour k by colour k + 1."""
    change = np.diff(colours, axis=0).T  # 3 K-1
    picture: Array = colours[0][:, None, None] + np.tensordot(change, masks, axes=1)
    return picture
