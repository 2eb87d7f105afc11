"""What the view says while there are too few runs to compare."""

from collections.abc import Sequence

from rich.segment import Segment

from workbench.terminal.look import Look, Rows
from workbench.ui.words import said


def rows(marked: Sequence[str], width: int, height: int, look: Look) -> Rows:
    """Words in the middle of the view."""
    if marked:
        title = f"One run is marked: {said(marked[0], look.unicode)}"
        keys = [
            ("3", "go to the list of runs"),
            ("Space", "mark another one to compare it with"),
            ("4", "come back"),
        ]
    else:
        title = "No runs are marked to be compared."
        keys = [("3", "go to the list of runs"), ("Space", "mark two of them, or up to eight"), ("4", "come back")]
    lines: Rows = [[Segment(title, look.accent)], []]
    lines += [[Segment(f"{key:>5}  ", look.accent), Segment(text, look.dim)] for key, text in keys]
    wide = max(sum(part.cell_length for part in line) for line in lines)
    margin = Segment(" " * max(0, (width - wide) // 2))
    above: Rows = [[] for _ in range(max(0, (height - len(lines)) // 2 - 1))]
    return [*above, *([margin, *line] for line in lines)]
