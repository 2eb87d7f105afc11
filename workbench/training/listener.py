"""Hears what other processes ask of the run that trains here, and shows them that it lives."""

import os
import threading
import time
from contextlib import AbstractContextManager, suppress

from workbench.runs import requests
from workbench.runs.folder import RunFolder
from workbench.training.control import Control

POLL_SECONDS = 0.2
BEAT_SECONDS = 10.0


class Listener(AbstractContextManager["Listener"]):
    """A thread of its own, so that a paused run and one that draws for a minute hear and live as well."""

    def __init__(self, folder: RunFolder, control: Control) -> None:
        self._folder, self._control = folder, control
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="listener", daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _listen(self) -> None:
        beaten = time.monotonic()
        while not self._over.wait(POLL_SECONDS):
            for request in requests.take(self._folder):
                self._control.obey(request)
            if time.monotonic() - beaten >= BEAT_SECONDS:
                beaten = time.monotonic()
                with suppress(OSError):  # a disk that cannot be written now may be again
                    os.utime(self._folder.state_file)
