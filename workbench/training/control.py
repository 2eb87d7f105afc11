"""What may be asked of a training run: pause, resume, stop, and pictures or a checkpoint now."""

import threading
from typing import Literal

from workbench.runs.requests import Request

WAKE_SECONDS = 0.5
Wanted = Literal["pictures", "checkpoint"]


class Control:
    """Set from any thread; the trainer looks at it between steps."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopping = False
        self._wanted: set[Wanted] = set()
        self.hurried = False  # whoever stops it does not wait for pictures

    def pause(self) -> None:
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def stop(self, hurried: bool = False) -> None:
        """Finish the step, save, and end; also a paused run. `hurried` leaves the final pictures out."""
        self.hurried = self.hurried or hurried
        self._set(paused=False, stopping=True)

    def ask(self, wanted: Wanted) -> None:
        """Have pictures or a checkpoint made at the next step; a paused run makes them at once."""
        with self._changed:
            self._wanted.add(wanted)
            self._changed.notify_all()

    def obey(self, request: Request) -> None:
        """Do what another process asks for."""
        match request:
            case "pause":
                self.pause()
            case "resume":
                self.resume()
            case "stop":
                self.stop()
            case "pictures" | "checkpoint":
                self.ask(request)

    @property
    def stopping(self) -> bool:
        return self._stopping

    @property
    def paused(self) -> bool:
        return self._paused

    def wait_while_paused(self) -> None:
        """Until training may go on, or something is asked for, or for a moment.

        Not for ever: where another thread takes a signal, only a main thread that wakes runs its handler.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._paused or self._wanted, timeout=WAKE_SECONDS)

    def requests(self) -> set[Wanted]:
        """Take what was asked for since the last call."""
        with self._changed:
            taken, self._wanted = self._wanted, set()
        return taken

    def _set(self, paused: bool, stopping: bool = False) -> None:
        with self._changed:
            self._paused = paused and not self._stopping
            self._stopping = self._stopping or stopping
            self._changed.notify_all()
