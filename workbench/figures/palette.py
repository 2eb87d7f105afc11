"""The colours of every picture: paper, inks, one accent, and ten colours for classes and series.

The ten were found by a search over OKLCH for the largest smallest distance between any two, seen with normal
vision and with each of the three kinds of colour blindness (Machado, Oliveira and Fernandes, 2009). No two come
closer than 0.125 in OKLab, twice what the usual ten-colour cycles keep; `tests/figures` holds that number.
Eleven to twenty classes take the same ten again with another marker, because twenty colours cannot be told apart.
"""

from functools import lru_cache

PAPER = "#fdfdfb"
INK = "#26282b"  # titles and values
GREY = "#63676d"  # details, captions and tick labels: 5.6 to 1 against the paper
FAINT = "#a3a7ac"  # leader lines and what is absent
RULE = "#e3e4e2"  # grid lines and the hairline around an image

COLOURS = (
    "#3581ef",  # blue
    "#eb670c",  # orange
    "#6e3ab6",  # violet
    "#5bd5b5",  # mint
    "#73092c",  # wine
    "#e4b900",  # gold
    "#b66a9d",  # mauve
    "#0a3e6f",  # navy
    "#b4a4ff",  # lavender
    "#8f5202",  # brown
)
ACCENT = COLOURS[0]

_READABLE = 4.5  # contrast that WCAG asks of small text


def rgb(colour: str) -> tuple[int, int, int]:
    """`#3581ef` as three bytes."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def contrast(colour: str, ground: str = PAPER) -> float:
    """Ratio of luminances as WCAG defines it, from 1 (the same) to 21 (black on white)."""
    lighter, darker = sorted((_luminance(colour), _luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=64)
def readable(colour: str) -> str:
    """The colour itself, or a darker one of its hue where text in it would be too pale for the paper."""
    red, green, blue = rgb(colour)
    for percent in range(100, 0, -2):
        darker = f"#{red * percent // 100:02x}{green * percent // 100:02x}{blue * percent // 100:02x}"
        if contrast(darker) >= _READABLE:
            return darker
    return INK


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb(colour))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
