"""A disk of which any call can fail."""

import os
from collections.abc import Callable
from typing import Any


class Disk:
    """Stands in for `os` in `workbench.runs.files`: counts the calls that reach the disk; `fails` says which fail.

    `error` is the errno they fail with; 0 makes them short writes. Without `undo` nothing can be taken back either.
    """

    CALLS = frozenset({"open", "close", "write", "read", "lseek", "fsync", "replace", "mkdir", "ftruncate"})
    UNDOING = frozenset({"unlink", "truncate"})

    def __init__(
        self, fails: Callable[[int], bool] = lambda number: False, error: int = 0, undo: bool = True
    ) -> None:
        self.fails, self.error, self.undo = fails, error, undo
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in self.CALLS and (name not in self.UNDOING or self.undo):
            return real

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            if not self.fails(len(self.calls)):
                return real(*arguments)
            if not self.error:  # a short write; all other calls work
                return real(arguments[0], arguments[1][:-1]) if name == "write" else real(*arguments)
            if name == "close":  # the descriptor is gone all the same
                real(*arguments)
            raise OSError(self.error, os.strerror(self.error))

        return call
