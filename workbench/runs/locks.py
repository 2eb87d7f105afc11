"""Who may write a file of a run: one process at a time, known by name to the others."""

import errno
import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path

import filelock

_WRITER = re.compile(r"process \d+ on \S+")
_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK}  # of some network drives


class HeldError(Exception):
    """Another one has the lock; its text says who, as far as that is known."""


class NoLocksError(Exception):
    """The disk knows no locks."""


class Lock:
    """A lock that is gone with its process; its file says who has it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        # Not of a thread: a run is prepared in one thread and may end in another.
        self._lock = filelock.FileLock(file, thread_local=False, fallback_to_soft=False)

    def take(self) -> None:
        """Have it. Raises `HeldError`, `NoLocksError`, or `OSError` where its file cannot be written."""
        try:
            if self._lock.is_locked:  # by this very object: a second one as any other
                raise filelock.Timeout(self._lock.lock_file)
            self._lock.acquire(timeout=0)
            self.file.write_text(f"process {os.getpid()} on {socket.gethostname()}\n", encoding="utf-8")
        except filelock.Timeout:
            raise HeldError(self.holder()) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            raise NoLocksError from None

    def holder(self) -> str:
        """Who has it: "process 4711 on host"."""
        for pause in (0.05, 0.2, None):  # who has just got the lock has not said so yet
            with suppress(OSError, ValueError):
                said = self.file.read_text(encoding="utf-8").strip()
                if _WRITER.fullmatch(said):
                    return said
            if pause is not None:
                time.sleep(pause)
        return "another process"

    def release(self) -> None:
        """Let another process have it."""
        self._lock.release()
