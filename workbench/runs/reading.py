"""Reading what a file of a run may hold: all of it, or a sentence that names the file. Never a wait, never a flood.

A run folder lies where other programs, a full disk and a person's editor can reach it. So a pipe is not waited
for, what is far larger than genbench writes is not read, and JSON is taken only as strict as it was written.
"""

import io
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from models.errors import InputError

MOST_JSON = 1 << 24  # bytes
LONGEST_LINE = 1 << 20  # bytes
_DEEPEST = 32  # lists and objects in each other
_LARGEST = 1 << 64  # a seed is below 2**63
# What moves a cursor, and half characters, but for those that stand for a byte of a path that is not UTF-8.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udc7f\udd00-\udfff]")


def opened(path: Path) -> BinaryIO:
    """Open a file to read it. Raises `OSError`, also where it is a folder, a pipe or a device."""
    # Without O_NONBLOCK a pipe is waited for until somebody writes into it.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(None, "it is no file")
    return io.open(descriptor, "rb")  # noqa: UP020 (there is no path to open)


def contents(path: Path, most: int) -> bytes:
    """All of a file. Raises `InputError` where it is missing, cannot be read or is larger than `most`."""
    try:
        with opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most:
                raise InputError(f"{path} cannot be read: with {size:,} bytes it is none that genbench wrote.")
            return file.read(most)
    except FileNotFoundError:
        raise InputError(f"{path} is missing.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object. Raises `InputError` naming the file when it is missing or damaged."""
    try:
        value = plain(json.loads(contents(path, MOST_JSON)))
    except (ValueError, RecursionError):
        raise InputError(f"{path} cannot be read: it is not JSON.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} should hold a JSON object; it holds a {type(value).__name__}.")
    return value


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one a line. A missing file has none; a damaged line is passed over."""
    try:
        with opened(path) as file:
            while line := file.readline(LONGEST_LINE):
                try:
                    record = plain(json.loads(line))
                except (ValueError, RecursionError):
                    continue
                if isinstance(record, dict):
                    yield record
    except OSError:
        return


def plain(value: Any, depth: int = 0) -> Any:
    """A JSON value as genbench writes them, without what would move a cursor. Raises `ValueError` for any other."""
    if isinstance(value, str):
        return _UNSEEN.sub("\ufffd", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError("a number beyond all bounds")
    if depth > _DEEPEST:
        raise ValueError("too many lists and objects in each other")
    if isinstance(value, list):
        return [plain(inner, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {plain(name): plain(inner, depth + 1) for name, inner in value.items()}
    return value
