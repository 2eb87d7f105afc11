"""Time, progress and the way out of a long measurement."""

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]  # (what is measured, how much is done, of how much; 0 unknown)


class OutOfTimeError(Exception):
    """The time budget is used up: what is measured by now is kept, the rest left out."""


class CancelledError(Exception):
    """Somebody wants to leave: what is measured by now is kept, the rest left out."""


class Clock:
    """Asked between pieces of work, it says how far the work is, and raises where there is no time for another."""

    def __init__(
        self, budget: float | None = None, cancelled: Callable[[], bool] = lambda: False,
        progress: Progress | None = None,
    ) -> None:  # fmt: skip
        """`budget` in seconds from now; None is without end."""
        self.budget, self._cancelled, self._progress = budget, cancelled, progress
        self._began = time.monotonic()
        self._what = ""

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began

    def turn_to(self, what: str) -> None:
        """Another piece of work begins, and the one before is whole."""
        if self._what and self._progress is not None:
            self._progress(self._what, 1, 1)
        self._what = what
        self(0, 0)

    def __call__(self, done: int = 0, total: int = 0) -> None:
        """Say how far the work is. Raises as `check` does."""
        self.check()
        if self._progress is not None:
            self._progress(self._what, done, total)

    def check(self) -> None:
        """Raise `CancelledError` or `OutOfTimeError` where the work is to end here."""
        if self._cancelled():
            raise CancelledError
        if self.budget is not None and self.seconds > self.budget:
            raise OutOfTimeError

    def pass_of(self, at: int, passes: int) -> Callable[[int, int], None]:
        """To be asked in one of several passes over the same images, so that what is done only grows."""

        def ask(done: int, total: int) -> None:
            self(at * total + done, passes * total)

        return ask
