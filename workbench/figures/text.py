"""Words on pictures: one typeface, measured before it is set, so that nothing is cut off or overlaps.

Pillow sets the text of a page and measures that of the plots, which matplotlib sets (see `canvas`). The fonts are
the DejaVu Sans that ship inside matplotlib: the pictures look the same on a machine without any font.
"""

import math
import re
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

NARROW_SPACE = "\u202f"  # between thousands; it does not break
MINUS = "\u2212"
ELLIPSIS = "\u2026"

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATE = re.compile("[\ud800-\udfff]")  # how Python carries the bytes of a file name that is not UTF-8
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


@lru_cache(maxsize=64)
def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans at a size in pixels."""
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    # Basic layout: the same pixels whether or not Pillow was built with raqm.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def line_height(face: ImageFont.FreeTypeFont) -> int:
    """Pixels from one baseline to the next."""
    return round(float(face.size) * 1.4)


def printable(text: str) -> str:
    """One line of text without the control characters and half code points that a folder's name may hold."""
    return _SURROGATE.sub("\ufffd", _UNPRINTABLE.sub(" ", text)).strip()


def width_of(text: str, face: ImageFont.FreeTypeFont) -> int:
    """Pixels that the text takes on one line."""
    return math.ceil(face.getlength(printable(text)))


def shorten(text: str, face: ImageFont.FreeTypeFont, width: int, middle: bool = False) -> str:
    """The text, or as much of it as fits with an ellipsis at its end.

    `middle` keeps both ends, for names that are often told apart by their last letters.
    """
    text = printable(text)
    if width_of(text, face) <= width:
        return text
    tail = text[len(text) - _longest_count(text[::-1], face, width // 2) :].lstrip() if middle else ""
    return text[: _longest_count(text, face, width, ELLIPSIS + tail)].rstrip() + ELLIPSIS + tail


def wrap(text: str, face: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Lines no wider than `width`, broken at spaces; a word that no line can hold breaks, after a `/` say."""
    lines: list[str] = []
    line = ""
    for word in printable(text).split(" "):
        together = f"{line} {word}" if line else word
        if width_of(together, face) <= width:
            line = together
            continue
        if line:
            lines.append(line)
        while width_of(word, face) > width:
            piece = word[: _longest_count(word, face, width)]
            seam = 1 + max(piece.rfind(mark) for mark in "/_-.")
            piece = piece[:seam] if seam > len(piece) // 2 else piece
            lines.append(piece)
            word = word[len(piece) :]  # noqa: PLW2901  (what is left of the same word)
        line = word
    return [*lines, line] if line else lines


def fit(
    text: str, width: int, sizes: tuple[int, ...], bold: bool = False
) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    """The largest of the sizes at which the text stays on one line; else the smallest, wrapped."""
    text = printable(text)
    for size in sizes:
        if width_of(text, font(size, bold)) <= width:
            return font(size, bold), [text] if text else []
    face = font(sizes[-1], bold)
    return face, wrap(text, face, width)


def tidy(value: float, significant: int = 3) -> str:
    """A measured value for people: `94.5`, `0.00295`, `22 610`, `−1.2×10⁷`."""
    if not math.isfinite(value):
        return "–"
    if value == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if exponent < -4 or exponent > 6:
        return power(value, significant - 1)
    return decimal(value, max(0, significant - 1 - exponent))


def decimal(value: float, places: int) -> str:
    """Fixed places, thousands set apart from 10 000 on, a true minus, and no minus before a zero."""
    written = f"{abs(value):,.{places}f}"
    if abs(value) < 9999.5:
        written = written.replace(",", "")
    sign = MINUS if value < 0.0 and float(written.replace(",", "")) != 0.0 else ""
    return sign + written.replace(",", NARROW_SPACE)


def power(value: float, places: int) -> str:
    """A number and a power of ten: 1.2×10⁻⁵."""
    mantissa, exponent = f"{value:.{places}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa.replace('-', MINUS)}×10{str(int(exponent)).translate(_SUPERSCRIPTS)}"


def _longest_count(text: str, face: ImageFont.FreeTypeFont, width: int, ending: str = "") -> int:
    """How many first characters fit together with the ending: at least one, found by halving."""
    fits, too_long = 1, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if width_of(text[:middle] + ending, face) <= width:
            fits = middle
        else:
            too_long = middle
    return fits
