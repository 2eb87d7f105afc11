"""Downloads: torchvision knows the addresses and the checksums, this file moves the bytes.

torchvision's own downloader draws its bar on stderr and leaves half a file where one was cut off.
"""

import contextlib
import errno
import hashlib
import http.client
import os
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from models.errors import InputError
from workbench.data import catalogue
from workbench.data.catalogue import DatasetInfo
from workbench.data.imageset import Progress

_TIMEOUT = 30.0  # seconds without a byte
_CHUNK = 1 << 18
_TROUBLE = (OSError, http.client.HTTPException, ValueError)  # the last of what a server says: an address, a number
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


class Remote(NamedTuple):
    """A file to fetch: its name on disk, the addresses to try in order, its MD5."""

    name: str
    urls: Sequence[str]
    md5: str


def torchvision_class(info: DatasetInfo) -> Any:
    """torchvision's class for a set. Raises `InputError` with the remedy where torchvision cannot be imported."""
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        # A CPU build of torch beside the registry's torchvision fails here, with words that help nobody.
        raise InputError(
            f"torchvision, which {info.name} needs, does not fit the installed torch ({_one_line(error)}): "
            "run `python -m pip install --force-reinstall torch torchvision`, or use --dataset digits."
        ) from None
    return getattr(datasets, info.torchvision_name)


def remotes(info: DatasetInfo) -> list[Remote]:
    """The files that make up a set, as torchvision knows them."""
    cls = torchvision_class(info)
    if info.name == "cifar10":
        return [Remote(catalogue.CIFAR_ARCHIVE, [cls.url], cls.tgz_md5)]
    return [Remote(name, [mirror + name for mirror in cls.mirrors], md5) for name, md5 in cls.resources]


def fetch(info: DatasetInfo, data: Path, progress: Progress, unpack: Callable[[Path], None] | None) -> Path:
    """Download what is missing of a set into `data`/NAME and return that folder.

    One process fetches, others wait for it. A file appears under its name only when it is whole and its
    checksum is right; `unpack(folder)` then runs once. Raises `InputError` that says what failed, where to put
    which files by hand, and which set works without.
    """
    folder = data / info.name
    files = remotes(info)
    existed = os.path.exists(data)  # noqa: PTH110 (an answer also where nobody may look)
    try:
        if not catalogue.may_write(data):
            raise PermissionError(f"{data} is read-only, give another --data-dir")
        data.mkdir(parents=True, exist_ok=True)
        with _locked(data / f"{info.name}.lock", info, progress):
            if found := catalogue.located(info, data):
                return found  # the process we waited for has fetched it
            folder.mkdir(exist_ok=True)
            for file in files:
                if unpack is not None or not catalogue.either(folder, file.name.removesuffix(".gz")):
                    _fetch_one(file, folder, 2 * info.megabytes * 10**6, progress)
            if unpack is not None:
                unpack(folder)
    except _TROUBLE as error:
        with contextlib.suppress(OSError):  # folders go only if nothing is in them
            (data / f"{info.name}.lock").unlink(missing_ok=True)
            for made in [folder] if existed else [folder, data]:
                made.rmdir()
        if getattr(error, "errno", None) in _DISK:
            raise InputError(
                f"{info.name} could not be kept in {folder}: {_one_line(error)}. "
                f"It takes about {info.megabytes} MB. Make room there, or give another --data-dir."
            ) from None
        raise InputError(
            f"{info.name} could not be downloaded: {_one_line(error)}. "
            f"Put {', '.join(file.name for file in files)} into {folder} yourself, "
            "or use --dataset digits (or abstract), which needs no network."
        ) from None
    return folder


@contextlib.contextmanager
def _locked(path: Path, info: DatasetInfo, progress: Progress) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        progress(f"waiting for another process to fetch {info.name}", 0, 0)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch_one(file: Remote, folder: Path, most: int, progress: Progress) -> None:
    """Try each address in turn. Raises a ConnectionError with the first one's trouble and address.

    What the disk refuses is raised as it is: no other address helps.
    """
    failures = []
    for url in file.urls:
        try:
            return _download(url, folder / file.name, file.md5, most, progress)
        except _TROUBLE as error:
            if getattr(error, "errno", None) in _DISK:
                raise
            failures.append(f"{_one_line(error)} (from {url})")
    raise ConnectionError(failures[0])


def _download(url: str, target: Path, md5: str, most: int, progress: Progress) -> None:
    part = target.with_name(f".{target.name}.part")  # we hold the lock, so the name is ours
    digest = hashlib.md5(usedforsecurity=False)
    request = urllib.request.Request(url, headers={"User-Agent": "genbench"})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as reply, part.open("wb") as out:
            if reply.headers.get_content_type() == "text/html":
                raise OSError("a web page came instead of the file; does this network ask for a log-in?")
            done, total = 0, reply.length or 0
            while chunk := reply.read(_CHUNK):
                out.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress(f"downloading {target.name}", done, total)
                if done > most:
                    raise OSError("far more bytes came than the set has")
            out.flush()
            os.fsync(out.fileno())
        if done < total:
            raise OSError(f"the connection ended after {done:,} of {total:,} bytes")
        if digest.hexdigest() != md5:
            raise OSError("the file that came has a wrong checksum")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _one_line(error: Exception) -> str:
    """An exception in words, on one line, without a final stop."""
    reason = getattr(error, "reason", None)  # a URLError wraps what happened
    if isinstance(reason, Exception):
        return _one_line(reason)
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ended before the file did"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__
