"""All writing of run files: whole files that appear at once, lines that are appended whole or not at all.

Everything that a run keeps goes through these few functions, so what happens on a full disk or a kill is
decided, and can be tested, in one place. Whoever writes gets a `DiskError` with a sentence for a person, and
finds what was there before.
"""

# Every call of the system goes through `os`, where tests let each of them fail in turn.
# ruff: noqa: PTH102, PTH105, PTH108, PTH112, PTH118

import errno
import itertools
import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil

from models.errors import InputError

PAUSES = (0.05, 0.2, 0.5)  # seconds before what may be over in a moment is tried again

_MOMENTARY = {errno.EINTR, errno.EAGAIN, errno.EBUSY, errno.EIO, errno.ESTALE}
if os.name == "nt":  # a file that somebody reads at this moment cannot be replaced there
    _MOMENTARY.add(errno.EACCES)
_NOT_OFFERED = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}  # fsync, by some network drives
_REASONS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.EIO: "the disk reports an error",
    errno.ESTALE: "the network drive has lost it (stale file handle)",
    errno.EFBIG: "it would be larger than a file may be here",
}
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would make other bytes of the ends of lines
_OURS = re.compile(r"\..+\.(\d+)-\d+\.tmp")
_count = itertools.count(1)  # threads of one process may write the same file

T = TypeVar("T")


class DiskError(OSError):
    """Something could not be written; what was there before is there still. Its text is a sentence for a person."""

    def __init__(self, error: OSError, path: Path, needed: int = 0) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.path = path
        self.sentence = f"{path} could not be written: {_reason(error, path, needed)}"

    def __str__(self) -> str:
        return self.sentence


def _reason(error: OSError, path: Path, needed: int) -> str:
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        gone = path.parent
        while not os.path.isdir(gone.parent) and gone != gone.parent:
            gone = gone.parent
        if os.path.isdir(gone):
            return "it was removed meanwhile"
        return f"{gone} is no folder" if os.path.lexists(gone) else f"the folder {gone} is gone"
    said = error.strerror or str(error)
    reason = _REASONS.get(error.errno or 0, said[:1].lower() + said[1:])
    return reason + (_room(path, needed) if error.errno == errno.ENOSPC else "")


def _room(path: Path, needed: int) -> str:
    """How much space there is, and how much it takes; "" where the system does not tell."""
    try:
        facts = os.statvfs(path.parent)
    except (OSError, AttributeError):  # Windows has none
        return ""
    free = facts.f_bavail * facts.f_frsize
    if free > needed and facts.f_files and not facts.f_favail:
        return " (it holds as many files as it can)"
    return f" (free: {_size(free)}, needed: {_size(needed)})"


def _size(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count >= 1e6 or not count else f"{math.ceil(count / 1e3)} kB"


def write(path: Path, data: bytes, *, new_folder: bool = True) -> None:
    """Replace `path` by `data`, or leave it as it was: never half a file, also after a power cut.

    The folder that holds it is made where it is missing, unless `new_folder` is False: what lies in the run folder
    itself must not bring a removed run back. Raises `DiskError`.
    """
    _patiently(path, len(data), lambda: _replace(path, data, new_folder))


def append(path: Path, data: bytes, *, after: int | None = None) -> int:
    """Append whole lines, all or none of them. Returns the length of the file then; raises `DiskError`.

    A torn line left by a kill is closed first. `after` is the length up to which the file is known to be good:
    what an earlier, failed call may have left behind that is cut off.
    """
    known = after

    def attempt() -> int:
        nonlocal known
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o666)
        start = None
        try:
            try:
                length = os.lseek(descriptor, 0, os.SEEK_END)
                if known is not None and length > known:
                    os.ftruncate(descriptor, known)
                    length = known
                start = known = length
                torn = length > 0 and not _ends_a_line(descriptor, length)
                _write_all(descriptor, b"\n" + data if torn else data)
            finally:
                os.close(descriptor)  # network drives may say only now that there was no room
        except BaseException:
            if start is not None:
                with suppress(OSError):  # the path, since a descriptor may be stale
                    os.truncate(path, start)
            raise
        return length + torn + len(data)

    return _patiently(path, len(data), attempt)


def append_text(path: Path, text: str) -> None:
    """Append lines of text, all or none of them. Raises `DiskError`."""
    append(path, text.encode("utf-8", "backslashreplace"))


def to_line(record: Mapping[str, Any]) -> str:
    """One record as one line of strict JSON."""
    return json.dumps(finite(record), allow_nan=False, ensure_ascii=False) + "\n"


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON object as one line. Raises `DiskError`."""
    append_text(path, to_line(record))


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write strict, readable JSON into a folder that exists: a number that is not finite raises `ValueError`."""
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    # A name that is not UTF-8 becomes what JSON itself writes for it.
    write(path, text.encode("utf-8", "backslashreplace"), new_folder=False)


def sync(path: Path) -> None:
    """Make what was appended to a file durable; nothing where there is no such file. Raises `DiskError`."""
    try:
        descriptor = os.open(path, (os.O_RDWR if os.name == "nt" else os.O_RDONLY) | _BINARY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise DiskError(error, path) from error
    try:  # only once: after an error a second fsync says that all is well though the data is lost
        _fsync(descriptor)
    except OSError as error:
        raise DiskError(error, path) from error
    finally:
        with suppress(OSError):
            os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left in a run folder, of those that one may remove."""
    for place, _, names in os.walk(folder):
        for name in names:
            found = _OURS.fullmatch(name)
            if found and (int(found[1]) == os.getpid() or not psutil.pid_exists(int(found[1]))):
                with suppress(OSError):
                    os.unlink(os.path.join(place, name))


def _patiently(path: Path, size: int, attempt: Callable[[], T]) -> T:
    """What `attempt` returns; all of it is tried again where the trouble may be over in a moment."""
    for pause in PAUSES:
        try:
            return attempt()
        except OSError as error:
            if error.errno not in _MOMENTARY:
                raise DiskError(error, path, size) from error
        time.sleep(pause)
    try:
        return attempt()
    except OSError as error:
        raise DiskError(error, path, size) from error


def _replace(path: Path, data: bytes, new_folder: bool) -> None:
    if new_folder and not os.path.isdir(path.parent):
        with suppress(FileExistsError):  # another thread was quicker
            os.mkdir(path.parent)
        _sync_folder(path.parent.parent)
    # Long names are shortened: the temporary one is longer still, and a name has 255 bytes.
    temporary = path.with_name(f".{path.name[:40]}.{os.getpid()}-{next(_count)}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
        try:
            _write_all(descriptor, data)
            _fsync(descriptor)
        finally:
            os.close(descriptor)  # network drives may say only now that there was no room
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def _write_all(descriptor: int, data: bytes) -> None:
    """A write may be short without an error: the next one tells why."""
    left = memoryview(data)
    while left:
        written = os.write(descriptor, left)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left = left[written:]


def _ends_a_line(descriptor: int, length: int) -> bool:
    os.lseek(descriptor, length - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _fsync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_OFFERED:
            raise


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Some systems (Windows, some network drives) cannot, and need no help from us."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        _fsync(descriptor)
    finally:
        with suppress(OSError):
            os.close(descriptor)


def finite(record: Mapping[str, Any]) -> dict[str, Any]:
    """`record` with numbers that JSON does not have as null, and their names under "notices"."""
    lost: list[str] = []

    def clean(value: Any, name: str) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            lost.append(f"{name} is {value}")
            return None
        if isinstance(value, list | tuple):
            return [clean(inner, f"{name}[{index}]") for index, inner in enumerate(value)]
        if isinstance(value, Mapping):
            return {key: clean(inner, f"{name}.{key}" if name else str(key)) for key, inner in value.items()}
        return value

    cleaned: dict[str, Any] = clean(record, "")
    return cleaned | ({"notices": lost} if lost else {})
