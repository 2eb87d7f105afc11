"""A field of character cells to write on, and its rows of segments."""

from itertools import groupby

from rich.segment import Segment
from rich.style import Style

from workbench.terminal.look import Row, Rows

PLAIN = Style()


class Cells:
    """Characters and their styles, by row from the top and column; what falls outside is cut off."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.characters = [[" "] * columns for _ in range(rows)]
        self.styles = [[PLAIN] * columns for _ in range(rows)]

    def put(self, column: int, row: int, text: str, style: Style) -> None:
        """Write from a cell to the right."""
        if not 0 <= row < self.rows:
            return
        for place, character in enumerate(text, column):
            if 0 <= place < self.columns:
                self.characters[row][place] = character
                self.styles[row][place] = style

    def put_behind(self, column: int, row: int, text: str, style: Style) -> None:
        """Write from a cell to the right, but only where nothing stands yet."""
        characters, styles = self.characters[row], self.styles[row]
        for place, character in enumerate(text, column):
            if character != " " and characters[place] == " ":
                characters[place], styles[place] = character, style

    def at(self, column: int, row: int) -> tuple[str, Style]:
        """What stands in a cell."""
        return self.characters[row][column], self.styles[row][column]

    def segments(self) -> Rows:
        """The rows; neighbours of one style are one segment."""
        return [_row(*row) for row in zip(self.characters, self.styles, strict=True)]


def _row(characters: list[str], styles: list[Style]) -> Row:
    row: Row = []
    start = 0
    for _, same in groupby(styles, key=id):
        end = start + len([*same])
        row.append(Segment("".join(characters[start:end]), styles[start]))
        start = end
    return row
