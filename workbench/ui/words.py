"""Words in rows of cells: shortened where there is no room, never wrapped by themselves."""

import re
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment

_PLAIN = str.maketrans({"·": "|", "–": "-", "−": "-", "…": "~", "×": "x", "²": "2",
                        "●": "*", "◆": "o", "▴": "^", "▲": "^", "▼": "v", "✗": "X",
                        "↑": "^", "↓": "v", "≠": "!", "±": "+-"})  # fmt: skip
_STAMP = re.compile(r"^\d{8}-\d{6}-")


def unstamped(name: str) -> str:
    """A run's name without the time at its beginning."""
    return _STAMP.sub("", name)


def said(text: str, unicode: bool) -> str:
    """A text from a file as it may stand in a cell: nothing moves the cursor, and plain ASCII where need be."""
    kept = "".join(character if character.isprintable() else " " for character in text)
    return kept if unicode else kept.translate(_PLAIN).encode("ascii", "replace").decode()


def fitted(parts: Sequence[str], width: int, unicode: bool) -> str:
    """As many parts as fit, the most important first; the first one is shortened rather than left out."""
    between = " · " if unicode else " | "
    text = ""
    for part in parts:
        longer = f"{text}{between}{part}" if text else shortened(part, width, unicode)
        if cell_len(longer) <= width:
            text = longer
    return text


def shortened(text: str, width: int, unicode: bool) -> str:
    """The text, or its beginning with a sign that it goes on."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, max(width - 1, 0)) + ("…" if unicode else "~") if width > 0 else ""


def padded(text: str, width: int, right: bool = False) -> str:
    """The text in so many cells, at their left or right; a character may take two."""
    gap = " " * (width - cell_len(text))
    return gap + text if right else text + gap


def blank(width: int) -> Segment:
    """Empty cells."""
    return Segment(" " * max(width, 0))
