"""Keep what libraries print off the screen.

C code (CUDA, NCCL, OpenMP) writes to the file descriptors 1 and 2 and knows of no screen. While the workbench
is open both lead to a file; Textual draws through a copy of the terminal's own descriptor.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def apart() -> Iterator[Path]:
    """Give the terminal to Textual alone. Yields the file that catches everything else; empty, it is removed."""
    handle, name = tempfile.mkstemp(prefix="genbench-output-", suffix=".log")
    caught = Path(name)
    kept = {number: os.dup(number) for number in (1, 2)}
    originals = sys.__stdout__, sys.__stderr__
    _flush()
    # Textual draws on sys.__stderr__, which a person may have sent to a file, and asks sys.__stdout__ for the size.
    terminal = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding)
    try:
        for number in kept:
            os.dup2(handle, number)
        sys.__stdout__ = sys.__stderr__ = terminal  # type: ignore[misc]
        yield caught
    finally:
        with suppress(OSError, ValueError):
            terminal.close()
        sys.__stdout__, sys.__stderr__ = originals  # type: ignore[misc]
        _flush()
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(handle)
        with suppress(OSError):
            if not caught.stat().st_size:
                caught.unlink()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
