"""Lines of a file that another process appends to."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from workbench.runs import reading

CHUNK = 1 << 18
_KNOWN_BY = 256  # bytes

Signature = tuple[int, int, int]


def signature(path: Path) -> Signature | None:
    """What changes whenever a file does: inode, size, time. None where there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 (a third of the time of Path.stat; this runs many times a second)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class Part:
    """What one reading found: whole lines without their ends."""

    lines: list[str] = field(default_factory=list)
    anew: bool = False  # the file was replaced: forget what was read before
    more: bool = False  # there is more to read now


class Tail:
    """Reads each line of a growing file once. A torn last line is not yet written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Signature | None = None
        self._offset = 0
        self.trouble = ""  # why there is a file that cannot be read
        self._before = b""  # the last bytes read: where they are no longer there, the file is another one

    @property
    def torn(self) -> bool:
        """Whether the file ended within a line when it was last read to its end."""
        return self._seen is not None and self._seen[1] > self._offset

    def read(self) -> Part:
        """The lines since the last call, at most about CHUNK bytes of them; one `stat` where there are none."""
        now = signature(self._path)
        if now is None or now == self._seen:
            self.trouble = self.trouble if now else ""
            return Part()
        try:
            with reading.opened(self._path) as file:
                file.seek(self._offset - len(self._before))
                anew = file.read(len(self._before)) != self._before
                if anew:
                    self._offset, self._before = 0, b""
                    file.seek(0)
                whole, more = _whole_lines(file)
        except OSError as error:
            self.trouble, self._seen = error.strerror or str(error), None
            return Part()
        self.trouble = ""
        self._offset += len(whole)
        self._before = (self._before + whole)[-_KNOWN_BY:]
        self._seen = None if more else now
        lines = whole.decode(errors="replace").removesuffix("\n")
        return Part(lines.split("\n") if whole else [], anew, more)


def _whole_lines(file: BinaryIO) -> tuple[bytes, bool]:
    """The next CHUNK of a file up to the last end of a line, and whether there may be more of it."""
    text = file.read(CHUNK)
    full = len(text) == CHUNK
    while full and b"\n" not in text and len(text) < reading.LONGEST_LINE:
        added = file.read(CHUNK)
        text, full = text + added, len(added) == CHUNK
    # What is longer than any line of ours comes in pieces, none of which can be read: memory has a bound.
    return text[: text.rfind(b"\n") + 1] if b"\n" in text or not full else text, full
