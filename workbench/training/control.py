"""What may be asked of a training run: pause, resume, stop, and a picture or a checkpoint now."""

import threading
from typing import Literal

Request = Literal["pictures", "checkpoint"]


class Control:
    """Set from any thread; the trainer looks at it between steps."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = self._stopping = False
        self._requests: set[Request] = set()

    def pause(self) -> None:
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def stop(self) -> None:
        """Finish the step, save, and end; also a paused run."""
        self._set(paused=False, stopping=True)

    def ask(self, request: Request) -> None:
        """Have pictures or a checkpoint made at the next step; a paused run makes them at once."""
        with self._changed:
            self._requests.add(request)
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        return self._stopping

    @property
    def paused(self) -> bool:
        return self._paused

    def wait_while_paused(self) -> None:
        """Until training may go on, or something is asked for."""
        with self._changed:
            self._changed.wait_for(lambda: not self._paused or self._requests)

    def requests(self) -> set[Request]:
        """Take what was asked for since the last call."""
        with self._changed:
            taken, self._requests = self._requests, set()
        return taken

    def _set(self, paused: bool, stopping: bool = False) -> None:
        with self._changed:
            self._paused = paused and not self._stopping
            self._stopping = self._stopping or stopping
            self._changed.notify_all()
