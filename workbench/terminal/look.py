"""What cells may look like: the colours of the theme and the characters the terminal has."""

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style

Row = list[Segment]
Rows = list[Row]  # every row covers the same number of cells

_PLAIN = Style()
_DIM, _BOLD, _RED = Style(dim=True), Style(bold=True), Style(color="red")
_MARKS, _MARKS_ASCII = "●◆■○◇□★☆", "*ox#@%&$"  # eight, as there are colours
_FOUR = tuple(Style(color=name) for name in ("blue", "yellow", "magenta", "green"))


@dataclass(frozen=True)
class Look:
    """The colours of the theme, in roles, and whether the terminal has more than ASCII."""

    text: Style = _PLAIN
    dim: Style = _DIM
    accent: Style = _BOLD
    bad: Style = _RED
    series: tuple[Style, ...] = _FOUR
    unicode: bool = True

    def mark(self, index: int) -> str:
        """The sign of a series, which tells it from others without its colour."""
        marks = _MARKS if self.unicode else _MARKS_ASCII
        return marks[index % len(marks)]


def text_of(rows: Rows) -> str:
    """The characters alone, a line a row."""
    return "\n".join("".join(segment.text for segment in row) for row in rows)
