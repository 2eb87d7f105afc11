"""Keep the garbage collector from stopping the screen.

A full collection walks through every object there is. With torch, scikit-learn and matplotlib imported that is a
fifth of a second, every few seconds. What modules bring stays for good, so there is nothing to be found among it.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Import large modules: collecting garbage meanwhile finds none and takes long."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class Garbage:
    """Tells the collector which objects to pass over."""

    def __init__(self) -> None:
        self._modules = 0

    def pass_over_modules(self) -> None:
        """Set aside what is there now, if modules were imported since the last call."""
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            gc.freeze()

    def take_back(self) -> None:
        """Leave all to the collector again, as it must be when the process ends."""
        gc.unfreeze()
