"""What the view says where there is nothing to watch: no run, one being prepared, one that could not begin."""

import textwrap
from collections.abc import Sequence

from rich.segment import Segment

from workbench.terminal.look import Look, Row, Rows
from workbench.ui.job import Job
from workbench.ui.words import said

_WIDEST = 76  # columns of a sentence


def rows(job: Job | None, width: int, height: int, look: Look) -> Rows:
    """Words in the middle of the view, headed by what they are about."""
    style = look.text
    keys: Sequence[tuple[str, str]]
    if job is None:
        title, sentence = "No run is open.", ""
        keys = [("1", "choose a model and images; s starts it"), ("3", "open a run that is there already")]
    elif job.error:
        title, sentence, style = f"{job.title} could not begin.", job.error, look.bad
        keys = [("1", "back to the form, where the settings are as they were"), ("3", "open another run")]
    else:
        title, sentence = job.title, job.stage or "Starting ..."
        keys = [("X", "stop it before it begins")]
    lines: Rows = [[Segment(said(title, look.unicode), look.accent)], []]
    for line in said_lines(sentence, min(width - 4, _WIDEST), look):
        lines.append([Segment(line, style)])
    if sentence:
        lines.append([])
    lines += [[Segment(f"{key}  ", look.accent), Segment(text, look.dim)] for key, text in keys]
    wide = max(sum(part.cell_length for part in line) for line in lines)
    margin = Segment(" " * max(0, (width - wide) // 2))
    above: list[Row] = [[] for _ in range(max(0, (height - len(lines)) // 2 - 1))]
    return [*above, *([margin, *line] for line in lines)]


def said_lines(text: str, width: int, look: Look) -> list[str]:
    """A text of one or more lines, wrapped."""
    return [
        line
        for part in text.splitlines()
        for line in textwrap.wrap(said(part, look.unicode), max(width, 20), break_on_hyphens=False)
    ]
