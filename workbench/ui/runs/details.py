"""What there is to know of the run under the cursor, beside what the table has no room for."""

import os
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from rich.segment import Segment
from rich.style import Style

from models.errors import InputError
from models.metric import Metric
from workbench.config import differing
from workbench.runs.listing import RunRow
from workbench.terminal.look import Look, Row, Rows
from workbench.ui.panes import DrawnPane
from workbench.ui.runs.columns import progress, state
from workbench.ui.words import blank, said, shortened
from workbench.units import age, duration, number, plain

if TYPE_CHECKING:
    from workbench.runs.pictures import Pictures
    from workbench.ui.app import Workbench

_SIDE_BY_SIDE = 100  # columns from which the parts stand beside each other
_PICTURE_LEAST = 9  # rows


@dataclass(frozen=True)
class Details:
    """What takes a while to find out: read in a thread."""

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    settings: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # that differ: value, default
    notes: tuple[str, ...] = ()
    writer: str = ""  # who writes it, or did
    size: int = 0  # bytes
    pictures: "Pictures | None" = None  # the newest


def read(row: RunRow) -> Details:
    """Look into the run's folder. What cannot be read is left out."""
    folder = row.folder
    found: dict[str, Any] = {"size": size_of(folder.path)}
    with suppress(InputError):
        found["metrics"] = folder.metrics()
        found["settings"] = differing(folder.config())
    with suppress(InputError):
        stored = folder.stored_state()
        found |= {"notes": stored.notes, "writer": f"process {stored.pid} on {stored.host}" if stored.pid else ""}
    with suppress(InputError):
        from workbench.runs import pictures

        steps = pictures.steps(folder)
        found["pictures"] = pictures.load(folder.snapshot(steps[-1])) if steps else None
    return Details(**found)


def size_of(path: Path) -> int:
    """Bytes below a folder."""
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).lstat().st_size
    return total


def size(count: int) -> str:
    """Bytes as a person reads them: 340 kB, 3.4 MB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} bytes"


class DetailsPane(DrawnPane):
    """The parts side by side where there is room, else one below the other."""

    title = "This run"
    name_in_keys = "details"

    def __init__(self) -> None:
        super().__init__()
        self._row: RunRow | None = None
        self._details: Details | None = None
        self._here, self._now = False, 0.0

    def fill(self, row: RunRow | None, details: Details | None, here: bool, now: float) -> None:
        """Show a run; what is not read yet follows."""
        self._row, self._details, self._here, self._now = row, details, here, now
        self.redraw()

    def draw(self, width: int, height: int, look: Look) -> None:
        """Draw what is known."""
        row, details = self._row, self._details or Details()
        if row is None:
            self.say(self.title)
            self.show([])
            return
        self.say(shortened(said(row.name, look.unicode), width - 4, look.unicode))
        wide = width >= _SIDE_BY_SIDE
        widths = [width * 60 // 100, width - width * 60 // 100] if wide else [width, width]
        parts = [
            _numbers(row, details, widths[0] - 2 * wide, look),
            _settings(details, widths[1], look) if self._details and not row.problem else [],
        ]
        below = [_beside(parts, widths)] if wide else parts
        rows = [line for part in (self._facts(row, details, width, look), *below) if part for line in [*part, []]]
        room = height - len(rows)
        if room >= _PICTURE_LEAST:
            rows += self._picture(details, width, room, look)
        if len(rows) > height and any(rows[height:]):
            rows = [*rows[: height - 1], [Segment("…" if look.unicode else "...", look.dim)]]
        self.show(rows)

    def _facts(self, row: RunRow, details: Details, width: int, look: Look) -> Rows:
        bad = row.status in {"failed", "diverged", "broken"}
        rows: Rows = [[Segment(state(row, self._here, look.unicode), look.bad if bad else look.accent)]]
        rows += _wrapped(row.problem or row.reason, width, look.bad, look)
        if not row.problem:
            steps = f"step {row.step:,}" if "epoch" in progress(row) else ""
            took = f"{duration(row.seconds)} in training"
            heard = f"last heard {age(self._now - row.heartbeat)} ago" if row.heartbeat else ""
            facts = filter(None, (progress(row), steps, took, heard, details.writer))
            rows += _wrapped(", ".join(facts), width, look.text, look)
        for note in (*details.notes, row.note):
            rows += _wrapped(note, width, look.text, look)
        rows += _wrapped(f"tags: {' '.join(row.tags)}" if row.tags else "", width, look.text, look)
        used = f"{size(details.size)} in " if details.size else ""
        return rows + _wrapped(f"{used}{row.folder.path}", width, look.dim, look)

    def _picture(self, details: Details, width: int, height: int, look: Look) -> Rows:
        if details.pictures is None:
            return []
        from workbench.terminal import pictures
        from workbench.ui.pictures import renderer_of

        bench = cast("Workbench", self.app)
        drawn = pictures.grid(
            details.pictures.samples, width, height - 1, renderer_of(bench), look,
            light=not bench.current_theme.dark, colours=bench.terminal.colours,
        )  # fmt: skip
        return [[Segment(f"samples at step {details.pictures.facts.step:,}", look.dim)], *drawn.rows]


def _numbers(row: RunRow, details: Details, width: int, look: Look) -> Rows:
    """The metrics that the run ended with, each with its unit; the one it is known by first."""
    names = list(dict.fromkeys([*details.metrics, *(name.removeprefix("train_") for name in row.metrics)]))
    if not row.metrics:
        return [[Segment("No numbers yet.", look.dim)]] if not row.problem else []
    longest = min(max(map(len, names)), 18)
    rows: Rows = [[Segment(f"{'':<{longest}}{'held-out':>10}{'training mean':>15}", look.dim)]]
    for name in names:
        metric = details.metrics.get(name)
        cells = f"{number(row.metrics.get(name)):>10}{number(row.metrics.get(f'train_{name}')):>15}"
        unit = shortened(metric.unit if metric else "", max(0, width - longest - len(cells) - 2), look.unicode)
        bright = look.accent if name == row.key else look.text
        rows.append([
            Segment(f"{shortened(name, longest, look.unicode):<{longest}}", look.text),
            Segment(cells, bright), Segment(f"  {unit}", look.dim),
        ])  # fmt: skip
    return rows


def _settings(details: Details, width: int, look: Look) -> Rows:
    """The settings that are not the defaults, with what the default is."""
    if not details.settings:
        return [[Segment("All settings are the defaults.", look.dim)]]
    longest = max(len(name) for name in details.settings)
    rows: Rows = [[Segment("changed settings (default)", look.dim)]]
    for name, (value, usual) in details.settings.items():
        text = shortened(plain(value), max(4, width - longest - 2), look.unicode)
        rest = f" ({plain(usual)})"
        fits = longest + 2 + len(text) + len(rest) <= width
        rows.append([Segment(f"{name:<{longest}}  {text}", look.text), Segment(rest if fits else "", look.dim)])
    return rows


def _wrapped(text: str, width: int, style: Style, look: Look) -> Rows:
    return [
        [Segment(line, style)]
        for line in textwrap.wrap(said(text, look.unicode), max(width, 8), break_on_hyphens=False)
    ]


def _beside(parts: list[Rows], widths: list[int]) -> Rows:
    """The parts in columns."""
    rows: Rows = []
    for index in range(max(map(len, parts))):
        line: Row = []
        for part, width in zip(parts, widths, strict=True):
            cells = part[index] if index < len(part) else []
            line += [*cells, blank(width - sum(cell.cell_length for cell in cells))]
        rows.append(line)
    return rows
