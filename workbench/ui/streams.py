"""Keep what libraries print off the screen.

C code (CUDA, NCCL, OpenMP) writes to the file descriptors 1 and 2 and knows of no screen. While the workbench
is open both lead to a file; Textual draws through a link of its own.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from workbench.ui.link import Link


@contextmanager
def apart() -> Iterator[tuple[Path, Link]]:
    """Give the terminal to Textual alone. Yields the file that catches everything else, and the terminal.

    The file is removed at the end when it is empty.
    """
    handle, name = tempfile.mkstemp(prefix="genbench-output-", suffix=".log")
    caught = Path(name)
    kept = {number: os.dup(number) for number in (1, 2)}
    originals = sys.__stdout__, sys.__stderr__
    _flush()
    # Textual draws on sys.__stderr__, which a person may have sent to a file, and asks sys.__stdout__ for the size.
    link = Link(1, sys.stdout.encoding)
    try:
        for number in kept:
            os.dup2(handle, number)
        sys.__stdout__ = sys.__stderr__ = link  # type: ignore[misc,assignment]
        yield caught, link
    finally:
        link.close()
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
