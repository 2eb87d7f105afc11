"""Matplotlib without its global state: a figure measured in pixels, and the way from there to Pillow.

At 72 dots per inch a point is a pixel. Neither pyplot nor rcParams is used: every property is given to the artist
itself, so that several threads may draw at once and a user's matplotlibrc changes nothing.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from workbench.figures.palette import FAINT, GREY, PAPER, RULE
from workbench.figures.text import MINUS, font, power, printable, shorten

LABEL = 13
TICK = 12

DOT = {"marker": "o", "linestyle": "None", "markeredgewidth": 0, "antialiased": True}
LEADER = {"arrowstyle": "-", "linewidth": 1, "shrinkA": 0, "shrinkB": 0, "antialiased": True, "sketch_params": None}

_FAMILY = "DejaVu Sans"
_UNKNOWN = "\u25af"  # stands for a character that the typeface lacks, about which matplotlib would warn


def new_figure(width: int, height: int) -> Any:
    """A `Figure` of exactly this many pixels, its canvas that of Agg."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # The thousandth keeps the division from losing the last pixel.
    size = ((width + 0.001) / 72, (height + 0.001) / 72)
    style: dict[str, Any] = {"facecolor": PAPER, "frameon": True, "layout": "none"}
    figure = Figure(size, dpi=72, **style)
    FigureCanvasAgg(figure)
    return figure


def to_image(figure: Any) -> Image.Image:
    """The picture of a figure."""
    for artist in figure.findobj():
        artist.set_sketch_params(None)
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")


def dress(ax: Any, sides: tuple[str, ...], grid: str) -> None:
    """Paper, a quiet grid (`x`, `y` or `both`), hairlines at these sides, and round ticks below and at the left."""
    from matplotlib.ticker import ScalarFormatter

    ax.set(facecolor=PAPER, axisbelow=True)
    ax.minorticks_off()
    ax.grid(visible=False, axis="both")
    ax.grid(visible=True, axis=grid, color=RULE, linewidth=1, linestyle="-", alpha=1)
    for side, spine in ax.spines.items():
        spine.set(visible=side in sides, color=FAINT, linewidth=1, linestyle="-")
    ax.tick_params(bottom=True, left=True, top=False, right=False, direction="out", width=1, color=FAINT)
    ax.tick_params(labelbottom=True, labelleft=True, labeltop=False, labelright=False, labelrotation=0)
    ax.tick_params(labelsize=TICK, labelcolor=GREY, labelfontfamily=_FAMILY)
    ax.tick_params(axis="y", length=0, pad=8)
    ax.tick_params(axis="x", length=4 if grid == "y" else 0, pad=5 if grid == "y" else 9)
    for axis in (ax.xaxis, ax.yaxis):
        formatter = ScalarFormatter(useOffset=False, useMathText=False)
        formatter.set_powerlimits((-4, 6))
        axis.set_major_formatter(formatter)
        axis.offsetText.set_visible(False)  # see `scaled`
        axis.get_major_ticks(1)[0].label1.set_fontweight("normal")  # that of all: later ticks copy the first


def round_ticks(most: int, whole: bool = False) -> Any:
    """A locator of round ticks, of whole ones where asked."""
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole)


def scaled(name: str, axis: Any) -> str:
    """The name of an axis, with the power of ten that its tick labels leave out."""
    formatter = axis.get_major_formatter()
    formatter.set_locs(axis.get_majorticklocs())
    factor = formatter.get_offset().replace(MINUS, "-")
    return f"{name} ({power(float(factor), 0)[1:]})".lstrip() if factor else name


def words(size: int, colour: str, bold: bool = False, across: str = "left", up: str = "baseline") -> dict[str, Any]:
    """How a text is set: the properties of matplotlib's `Text`, and where its anchor lies."""
    type_face = {"family": _FAMILY, "size": size, "weight": "bold" if bold else "normal", "style": "normal"}
    return {**type_face, "color": colour, "ha": across, "va": up, "parse_math": False, "usetex": False}


def write(ax: Any, text: str, corner: tuple[float, float], offset: tuple[float, float], **style: Any) -> Any:
    """Set a text so many pixels from a corner of the axes, (0, 0) being the lower left."""
    return ax.annotate(text, corner, offset, xycoords="axes fraction", textcoords="offset points", **style)


def fitted(text: str, size: int, width: float, bold: bool = False, middle: bool = False) -> str:
    """As much of the text as fits the width, in characters that the typeface has."""
    drawable = "".join(letter if ord(letter) in _characters() else _UNKNOWN for letter in printable(text))
    return shorten(drawable, font(size, bold), int(width), middle)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    regular, bold = (get_font(str(font(LABEL, bold).path)).get_charmap() for bold in (False, True))
    return frozenset(regular) & frozenset(bold)
