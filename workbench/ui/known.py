"""Which runs of the folder are there, whoever trains them: looked for in a thread, since a disk may be slow."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.ui.states import LIVE

if TYPE_CHECKING:
    from workbench.runs.listing import Listing, RunRow

LOOK_SECONDS = 5.0  # between two looks
FIRST_SECONDS = 0.1  # for what is shown at once


class Known:
    """The runs as the last look found them. What was read of a run is not read again."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._listing: Listing | None = None
        self._one_at_a_time = threading.Lock()
        self._looked_at = -LOOK_SECONDS
        self._thread: threading.Thread | None = None
        self.found: list[RunRow] | None = None  # newest name first; None before the first look

    def rows(self, meanwhile: Callable[[list["RunRow"]], None] | None = None) -> list["RunRow"]:
        """Look now, and wait for it. Of thousands that were never read, `meanwhile` hears the newest at once."""
        from workbench.runs.listing import Listing

        budget, whole = FIRST_SECONDS, False
        while not whole:
            with self._one_at_a_time:
                self._listing = self._listing or Listing(self._runs_dir)
                self.found = rows = self._listing.rows(budget)
                whole = self._listing.whole
            if not whole and meanwhile:
                meanwhile(rows)
            budget *= 3  # what is known is looked at again each time
        return rows

    def look(self) -> None:
        """Look in the background, unless that was done a moment ago or is still being done."""
        busy = self._thread is not None and self._thread.is_alive()
        if not busy and time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._looked_at = time.monotonic()
            self._thread = threading.Thread(target=self._look, name="looking for runs", daemon=True)
            self._thread.start()

    def _look(self) -> None:
        with suppress(OSError):
            self.rows()

    @property
    def live(self) -> list["RunRow"]:
        """Those that somebody trains, the newest first."""
        rows = [row for row in self.found or () if row.status in LIVE]
        return sorted(rows, key=lambda row: row.started, reverse=True)

    @property
    def interrupted(self) -> list["RunRow"]:
        """Those whose process is gone."""
        return [row for row in self.found or () if row.status == "interrupted"]
