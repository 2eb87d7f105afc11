"""What is asked of one run, in whatever process it trains: through its folder. The screen answers at once."""

import time
from typing import Literal

from workbench.runs import requests
from workbench.runs.folder import RunFolder
from workbench.runs.state import State

PATIENCE = 10.0  # seconds that a run may take to do what it was asked, before it counts as unheard


class Asking:
    """Asks a run, and knows what it was asked a moment ago. Each request raises `InputError` where it cannot."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._writer: tuple[int, float, str] | None = None
        self._seen = False  # whether it is paused, as it says
        self._wish: bool | None = None  # whether it should be
        self._wished_at = 0.0
        self.stopping = False

    def see(self, state: State) -> None:
        """What the run says of itself; one that another process has taken over was asked nothing yet."""
        writer = state.pid, state.pid_started, state.host
        if self._writer not in {None, writer}:
            self._wish, self.stopping = None, False
        self._writer, self._seen = writer, state.status == "paused"
        if self._wish == self._seen or time.monotonic() - self._wished_at > PATIENCE:
            self._wish = None

    @property
    def paused(self) -> bool:
        """Whether it stands still, or is about to."""
        return self._seen if self._wish is None else self._wish

    def pause(self) -> None:
        """Hold training after this step."""
        self._set("pause", True)

    def resume(self) -> None:
        """Go on."""
        self._set("resume", False)

    def _set(self, request: Literal["pause", "resume"], paused: bool) -> None:
        requests.ask(self._folder, request)
        self._wish, self._wished_at = paused, time.monotonic()

    def stop(self) -> None:
        """End after this step, saved, with the final pictures."""
        requests.ask(self._folder, "stop")
        self.stopping = True

    def ask(self, what: Literal["pictures", "checkpoint"]) -> None:
        """Have pictures or a checkpoint made now."""
        requests.ask(self._folder, what)
