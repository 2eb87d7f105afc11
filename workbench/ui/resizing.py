"""A window that is being dragged tells a new size many times a second; this draws it when it rests."""

import time

from textual import events
from textual.app import App
from textual.timer import Timer

REST_SECONDS = 0.15
AT_LEAST_SECONDS = 3.0  # between two drawings while the sizes go on changing


class Resizing(App[int]):
    """An application that draws the first and the last of many sizes, and few between.

    Each costs the time of a hundred keys, and takes it from what trains on the same cores.
    """

    def __init__(self) -> None:
        super().__init__()
        self._resting: Timer | None = None  # runs from a size to the moment at which it counts as the last
        self._waiting: events.Resize | None = None
        self._drawn_at = 0.0

    async def on_event(self, event: events.Event) -> None:
        """Hold a size back that follows another one at once."""
        if not isinstance(event, events.Resize):
            await super().on_event(event)
        elif self._resting is None:
            await self._draw_size(event)
        else:
            self._waiting = event
            if time.monotonic() - self._drawn_at < AT_LEAST_SECONDS:
                self._resting.reset()

    async def _draw_size(self, event: events.Resize) -> None:
        self._drawn_at = time.monotonic()
        self._resting = self.set_timer(REST_SECONDS, self._rested)
        await super().on_event(event)

    async def _rested(self) -> None:
        self._resting = None
        event, self._waiting = self._waiting, None
        if event is not None:
            await self._draw_size(event)
