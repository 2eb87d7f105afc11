"""Which moment of training the pictures show: the newest, or the one that the cursor on the curve is at."""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from models.errors import InputError
from workbench.runs.pictures import Pictures
from workbench.runs.reader import RunReader
from workbench.ui.charting import Charting

_AT_ONCE = 400_000  # bytes of a snapshot that is read without a thread: some milliseconds


def moment_at(snapshots: Sequence[int], step: float) -> int | None:
    """The place of the newest snapshot at or before a step."""
    place = bisect_right(snapshots, round(step)) - 1
    return place if place >= 0 else None


def _large(path: Path) -> bool:
    try:
        return path.stat().st_size > _AT_ONCE
    except OSError:
        return False


def _read(reader: RunReader, step: int) -> tuple[Pictures | None, str]:
    """The pictures of a step, or why there are none."""
    try:
        return reader.snapshot(step), ""
    except InputError as error:
        return None, str(error)


class Scrubbing(Charting):
    """Keeps the pictures with the cursor, and answers the commands that go from one to the next."""

    reader: RunReader | None = None
    shown: int | None = None  # the step whose pictures are on the screen
    _pictures: Pictures | None = None
    _reading: int | None = None  # the one that a thread is reading

    def show_pictures(self, pictures: Pictures | None, problem: str) -> None:
        """Show these pictures, or say why there are none."""

    def moved(self) -> None:
        """The cursor has moved: show its moment."""
        self.show_moment()

    @property
    def cursor_step(self) -> float | None:
        """The step that is looked back at; None while following. The end of the curve is now, infinitely late."""
        step, trace = self.charts.cursor_step, self.charts.reference
        if step is None or trace is None:
            return None
        return float("inf") if trace.last is not None and step >= trace.last.step else step

    @property
    def place(self) -> int | None:
        """Which of the snapshots is to be shown; None where there is none yet, or none so early."""
        snapshots = self.reader.snapshots if self.reader is not None else []
        if not snapshots:
            return None
        step = self.cursor_step
        return len(snapshots) - 1 if step in {None, float("inf")} else moment_at(snapshots, step or 0.0)

    def show_moment(self) -> None:
        """Show the pictures of the moment; those that take a while are read in a thread."""
        reader, place = self.reader, self.place
        if reader is None or place is None:
            self._show(None, None, "")
            return
        step = reader.snapshots[place]
        if step == self.shown:
            self._show(step, self._pictures, "")
        elif not _large(reader.folder.snapshot(step)):
            self._show(step, *_read(reader, step))
        elif self._reading is None:
            self._reading = step
            self.run_worker(lambda: self._fetch(reader, step), thread=True, exit_on_error=False)

    def forget_moment(self) -> None:
        """What was read may be another file now."""
        self.shown = self._pictures = None

    def _fetch(self, reader: RunReader, step: int) -> None:
        """Read a large snapshot; runs in a thread."""
        self.app.call_from_thread(self._fetched, reader, step, *_read(reader, step))

    def _fetched(self, reader: RunReader, step: int, pictures: Pictures | None, problem: str) -> None:
        self._reading = None
        if reader is self.reader:
            self._show(step, pictures, problem)
            self.show_moment()  # the cursor may have gone on meanwhile

    def _show(self, step: int | None, pictures: Pictures | None, problem: str) -> None:
        self.shown, self._pictures = step, pictures
        self.show_pictures(pictures, problem)

    def do_previous_snapshot(self) -> None:
        """The pictures before these; the cursor goes along."""
        self._jump(-1)

    def do_next_snapshot(self) -> None:
        """The pictures after these; past the newest, training is followed again."""
        self._jump(1)

    def _jump(self, by: int) -> None:
        if self.reader is None or not self.reader.snapshots:
            self.bench.say("There are no pictures yet.")
            return
        place = self.place
        place = (-1 if place is None else place) + by
        if place >= len(self.reader.snapshots):
            self.do_follow()
            self.bench.say("These are the newest pictures; training is followed again.")
        elif place < 0:
            self.bench.say("These are the first pictures of this run.")
        else:
            self.charts.put_cursor(self.reader.snapshots[place])
            self.moved()
