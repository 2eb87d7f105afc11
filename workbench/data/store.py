"""Decoded pictures in one file, which processes fill together, and which is mapped instead of read.

A head of 4,096 bytes (JSON), N pictures of C·S·S bytes, N prints of 16 bytes (BLAKE2b of a picture), N states of
one byte. A picture's state is written after its pixels, so a kill at any moment leaves it done or not done. A file
that is filled is sealed: its head then has a hash over prints and states. Torch is not imported here.

Shapes: N pictures, C channels, S side in pixels.
"""

import json
import mmap
import os
import random
import time
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

TODO, COLOUR, GREY, BROKEN, CLOSED = range(5)  # CLOSED: could not be opened, which may pass

CHECKED = 32 << 20  # bytes of pictures compared with their prints at each start
_HEAD, _PRINT = 4096, 16
_MAGIC = "genbench pixels 1"
_GRAIN = 2 * 10**9  # nanoseconds that every file system can keep as a time of change


class Layout(NamedTuple):
    """How many pictures of what kind."""

    pictures: int
    channels: int
    size: int

    @property
    def picture(self) -> int:
        """Bytes of one picture."""
        return self.channels * self.size * self.size

    @property
    def bytes(self) -> int:
        """Bytes of the whole file."""
        return _HEAD + self.pictures * (self.picture + _PRINT + 1)


class Store:
    """Pictures, prints and states as arrays over one memory map, in a file or in memory alone."""

    def __init__(self, memory: mmap.mmap, layout: Layout, path: Path | None) -> None:
        self.memory, self.layout, self.path = memory, layout, path
        count, channels, size = layout
        prints = _HEAD + count * layout.picture
        self.pixels: Bytes = self._array(_HEAD, count * layout.picture).reshape(count, channels, size, size)
        self.prints: Bytes = self._array(prints, count * _PRINT).reshape(count, _PRINT)
        self.states: Bytes = self._array(prints + count * _PRINT, count)

    def _array(self, start: int, length: int) -> Bytes:
        return np.frombuffer(self.memory, np.uint8, length, start)

    @classmethod
    def in_memory(cls, layout: Layout) -> "Store":
        """An empty one without a file. Raises OSError where there is no such memory."""
        return cls(mmap.mmap(-1, layout.bytes), layout, None)

    @classmethod
    def create(cls, path: Path, layout: Layout) -> "Store":
        """An empty one in a new file, all of whose space is taken at once. Raises OSError where it is not there.

        A memory map that grows into a full disk would end the process instead.
        """
        try:
            with path.open("wb") as file:
                _take_space(file.fileno(), layout.bytes)
                file.write(_head(layout._asdict()))
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return cls.open(path, writable=True)

    @classmethod
    def open(cls, path: Path, *, writable: bool = False) -> "Store":
        """The one in a file, as it is. Raises OSError, and ValueError for anything that is not one."""
        with path.open("r+b" if writable else "rb") as file:
            facts = _facts(file.read(_HEAD))
            layout = Layout(*(int(facts[name]) for name in Layout._fields))
            if min(layout) < 1 or os.fstat(file.fileno()).st_size != layout.bytes:
                raise ValueError("the file has another length than its head says")
            # Read-only maps are private ones: torch warns of arrays that cannot be written.
            access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_COPY
            return cls(mmap.mmap(file.fileno(), layout.bytes, access=access), layout, path)

    def stretches(self, rows: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Where pictures, given in rising order, lie in the file: whole pages, neighbours in one piece."""
        if not len(rows):
            return []
        breaks = np.flatnonzero(np.diff(rows) > 1)
        first, last = rows[np.append(0, breaks + 1)], rows[np.append(breaks, len(rows) - 1)]
        page = mmap.PAGESIZE
        starts = (_HEAD + first * self.layout.picture) // page * page
        ends = _HEAD + (last + 1) * self.layout.picture
        return list(zip(starts.tolist(), ends.tolist(), strict=True))

    def put(self, index: int, picture: Bytes) -> None:
        """Keep a picture, (C, S, S)."""
        grey = len(picture) == 1 or bool((picture[0] == picture[1]).all() and (picture[1] == picture[2]).all())
        self.pixels[index] = picture
        self.prints[index] = np.frombuffer(_print(self.pixels[index]), np.uint8)
        self.states[index] = GREY if grey else COLOUR

    def fail(self, index: int, error: Exception | None) -> None:
        """There is no picture. What could not be opened, or had no memory, may be there the next time."""
        passing = error is None or bool(getattr(error, "errno", None)) or isinstance(error, MemoryError)
        self.states[index] = CLOSED if passing else BROKEN

    def rows(self, *states: int) -> NDArray[np.int64]:
        """Which pictures are in one of these states."""
        return np.flatnonzero(np.isin(self.states, states))

    def damaged(self, rows: Iterable[int]) -> list[int]:
        """Those of the pictures that are not what was put there. About 1 s a GB."""
        good = (row for row in rows if self.states[row] in (COLOUR, GREY))
        return [row for row in good if _print(self.pixels[row]) != self.prints[row].tobytes()]

    def seal(self, path: Path) -> None:
        """Make the file durable under its last name, `path`. Raises OSError."""
        assert self.path is not None
        changed = time.time_ns() // _GRAIN * _GRAIN
        facts = {**self.layout._asdict(), "changed": changed, "seal": self._seal(changed)}
        self.memory[:_HEAD] = _head(facts)
        self.memory.flush()
        with self.path.open("r+b") as file:
            os.fsync(file.fileno())
        os.utime(self.path, ns=(changed, changed))
        self.path.replace(path)
        self.path = path
        _sync_folder(path.parent)

    def is_whole(self) -> bool:
        """Whether a sealed file is what was sealed.

        Prints, states and length always; pictures all of them where they are few or where the file was written to
        since, which its time of change tells, and else another stretch of them each time.
        """
        assert self.path is not None
        facts = _facts(self.memory[:_HEAD])
        if facts.get("seal") != self._seal(facts.get("changed")):
            return False
        count, some = self.layout.pictures, max(1, CHECKED // self.layout.picture)
        if some >= count or self.path.stat().st_mtime_ns != facts["changed"]:
            whole = not self.damaged(range(count))
            if whole:  # a copy of a cache is looked at as a whole only once
                _set_time(self.path, int(facts["changed"]))
            return whole
        start = random.randrange(count - some + 1)
        return not self.damaged(range(start, start + some))

    def _seal(self, changed: Any) -> str:
        digest = blake2b(repr((tuple(self.layout), changed)).encode(), digest_size=_PRINT)
        digest.update(self.prints.data)
        digest.update(self.states.data)
        return digest.hexdigest()


def _print(picture: Bytes) -> bytes:
    return blake2b(picture.data, digest_size=_PRINT).digest()


def _head(facts: dict[str, Any]) -> bytes:
    return json.dumps({"format": _MAGIC, **facts}).encode().ljust(_HEAD)


def _facts(head: bytes) -> dict[str, Any]:
    facts = json.loads(head)  # ValueError for anything else, also for what is no text
    if not isinstance(facts, dict) or facts.get("format") != _MAGIC:
        raise ValueError("it does not begin like a file of pixels")
    if not all(isinstance(facts.get(name), int) for name in Layout._fields):
        raise ValueError("its head does not say how many pictures there are")
    return facts


def _take_space(descriptor: int, length: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, length)
        return
    for start in range(0, length, 1 << 22):  # macOS and Windows
        os.write(descriptor, bytes(min(1 << 22, length - start)))
    os.lseek(descriptor, 0, os.SEEK_SET)


def _set_time(path: Path, changed: int) -> None:
    try:
        os.utime(path, ns=(changed, changed))
    except OSError:  # not ours to write to
        return


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
