"""The decoded pictures of a folder: from the cache, from what an interrupted start has left, or decoded now.

Of one folder, size and number of channels only the latest state is kept, as one file. While it is made it has
another name, and whoever comes meanwhile, waits. Where it cannot be kept, pictures are decoded into memory.
"""

import contextlib
import errno
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import FileLock, Timeout

from models.errors import InputError
from workbench.data.catalogue import printable
from workbench.data.decoding import Decode, Progress, Task, attempt, fill
from workbench.data.store import BROKEN, CLOSED, COLOUR, GREY, TODO, Layout, Store

SHARE = 0.5  # of the free memory that pictures without a place on the disk may take
_WAIT = 0.2  # seconds between two looks whether another process is done
_PART = 4096  # pictures copied at a time


class Wanted(NamedTuple):
    """Pictures of a folder, and what makes them others: `source` names them, `state` changes with any file."""

    task: Task
    size: int
    channels: int | None  # None: 1 if every picture is grey, else 3
    source: str
    state: Iterable[str]

    @property
    def layout(self) -> Layout:
        """What is decoded; a set of grey pictures becomes smaller afterwards."""
        return Layout(len(self.task.names), self.channels or 3, self.size)


def decoded(home: Path, wanted: Wanted, decode: Decode, progress: Progress) -> tuple[Store, str]:
    """The pictures, and a sentence where they could not be kept in the folder `home`.

    Raises `InputError` where more than half of them cannot be read, or where there is no room for them.
    """
    name = _digest([wanted.source])[:16]
    place = home / f"{name}-{_digest(wanted.state)[:24]}.pixels"
    try:
        if (found := _whole(place, wanted)) is None or not _still_closed(found, wanted, decode):
            home.mkdir(parents=True, exist_ok=True)
            with _locked(place.with_name(f".{place.name}.lock"), progress):
                found = _made(place, wanted, decode, progress)
                _remove_others(place, name)
    except OSError as error:
        return _without_a_file(home, wanted, decode, progress, error)
    return found, ""


def _whole(place: Path, wanted: Wanted) -> Store | None:
    """What is kept, if it is whole; damage is a reason to make it again, not to complain."""
    try:
        found = Store.open(place)
        kind = (found.layout.pictures, found.layout.size) == (wanted.layout.pictures, wanted.size)
        return found if kind and found.layout.channels in (wanted.channels or 1, 3) and found.is_whole() else None
    except (OSError, ValueError):
        return None


def _still_closed(found: Store, wanted: Wanted, decode: Decode) -> bool:
    """Whether the files that could not be opened when the others were decoded, still cannot be."""
    trial = Store.in_memory(wanted.layout._replace(pictures=1))
    for index in found.rows(CLOSED).tolist():
        attempt(trial, 0, wanted.task.path(index), decode)
        if trial.states[0] != CLOSED:
            return False
    return True


def _made(place: Path, wanted: Wanted, decode: Decode, progress: Progress) -> Store:
    """The pictures in their file: decoded, or what another process has made while this one waited."""
    part = place.with_name(f".{place.name}.part")
    if (found := _whole(place, wanted)) is not None:
        if _still_closed(found, wanted, decode):
            return found
        if found.layout == wanted.layout:
            place.replace(part)  # only those that were closed are decoded
    place.unlink(missing_ok=True)
    store = _begun(part, wanted.layout)
    fill(store, wanted.task, decode, progress)
    try:
        check_enough(store, wanted, decode)
    except InputError:
        part.unlink()
        raise
    if wanted.channels is None and not len(store.rows(COLOUR)):
        grey = _only_grey(store, place.with_name(f".{place.name}.grey"))
        part.unlink()
        store = grey
    store.seal(place)
    return Store.open(place)


def _begun(part: Path, layout: Layout) -> Store:
    """What was done when an earlier start ended, or nothing. Only pictures that are what was decoded count.

    A power cut may keep a state and lose the pixels, so all of them are looked at: about 1 s a GB.
    """
    try:
        store = Store.open(part, writable=True)
    except (OSError, ValueError):
        return Store.create(part, layout)
    if store.layout != layout or store.states.max() > CLOSED:
        return Store.create(part, layout)
    store.states[store.damaged(range(layout.pictures))] = TODO
    store.states[store.rows(CLOSED)] = TODO
    return store


def check_enough(store: Store, wanted: Wanted, decode: Decode) -> None:
    """Raise `InputError` where more than half of the pictures are broken, with what is wrong with the first."""
    broken = store.rows(BROKEN, CLOSED)
    if 2 * len(broken) <= store.layout.pictures:
        return
    first, said = int(broken[0]), ""
    try:
        decode(wanted.task.path(first), wanted.size, wanted.layout.channels)
    except Exception as error:  # noqa: BLE001  decoders raise anything on garbled bytes
        said = f" ({printable(str(error))})"
    raise InputError(
        f"{len(broken)} of the {store.layout.pictures} images in {printable(str(wanted.task.root))} cannot be "
        f"read, the first is {printable(wanted.task.names[first])}{said}. Replace or remove the broken ones."
    )


def _only_grey(store: Store, path: Path | None) -> Store:
    """The same pictures with one channel."""
    layout = store.layout._replace(channels=1)
    made = Store.in_memory(layout) if path is None else Store.create(path, layout)
    for index in store.rows(GREY).tolist():
        made.put(index, store.pixels[index, :1])
    made.states[:] = store.states
    return made


def _without_a_file(
    home: Path, wanted: Wanted, decode: Decode, progress: Progress, error: OSError
) -> tuple[Store, str]:
    """Decode into memory, where there is enough of it."""
    needed, free = wanted.layout.bytes, psutil.virtual_memory().available
    why = (error.strerror or str(error)).lower()
    kept = f"The decoded images ({_gigabytes(needed)}) cannot be kept in {printable(str(home))}: {why}"
    if needed > SHARE * free:
        raise InputError(
            f"{kept}, and {_gigabytes(free)} of free memory are too few to do without. "
            "Make room there, or give another --data-dir or a smaller --image-size."
        )
    store = Store.in_memory(wanted.layout)
    fill(store, wanted.task, decode, progress)
    check_enough(store, wanted, decode)
    if wanted.channels is None and not len(store.rows(COLOUR)):
        store = _only_grey(store, None)
    said = f"{kept}. They are decoded anew at each start until there is room, or another --data-dir."
    return store, said if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


@contextlib.contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    """One process decodes, the others wait, and can be interrupted. What it made tells that it is done."""
    lock, patience = FileLock(path), 0.0
    while True:
        try:
            lock.acquire(timeout=patience)
            break
        except Timeout:
            patience = _WAIT
            progress("waiting for another process to decode the images", 0, 0)
    try:
        yield
    finally:
        lock.release()


def _remove_others(place: Path, name: str) -> None:
    """Earlier states of the same pictures, whole ones and begun ones, and the lock that nobody needs any more."""
    for pattern in (f"{name}-*", f".{name}-*"):
        for old in place.parent.glob(pattern):
            if old != place:
                with contextlib.suppress(OSError):
                    old.unlink()


def _digest(words: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "surrogateescape") + b"\0")
    return digest.hexdigest()
