"""What may be asked of a training run: pause, resume, stop, and a picture or a checkpoint now."""

import threading
from typing import Literal

Request = Literal["pictures", "checkpoint"]


class Control:
    """Set from any thread; the trainer looks at it between steps."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self._lock = threading.Lock()
        self._requests: set[Request] = set()

    def pause(self) -> None:
        self._go.clear()

    def resume(self) -> None:
        self._go.set()

    def stop(self) -> None:
        """Finish the step, save, and end; also a paused run."""
        self._stop.set()
        self._go.set()

    def ask(self, request: Request) -> None:
        with self._lock:
            self._requests.add(request)

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    @property
    def paused(self) -> bool:
        return not self._go.is_set()

    def wait_while_paused(self) -> None:
        self._go.wait()

    def requests(self) -> set[Request]:
        """Take what was asked for since the last call."""
        with self._lock:
            taken, self._requests = self._requests, set()
        return taken
