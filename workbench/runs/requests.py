"""What one process asks of a run that another one trains: a file a request, below the run's folder.

`requests/00001790000000000000000-4711-pause` says all in its name. Whoever trains the run takes the files in the
order of their names and removes them. So a request works on every system, across hosts that share the folder,
and outlives whoever made it.
"""

import os
import time
from contextlib import suppress
from typing import Literal, get_args

from models.errors import InputError
from workbench.runs import files
from workbench.runs.folder import RunFolder

Request = Literal["pause", "resume", "stop", "pictures", "checkpoint"]
_KNOWN: frozenset[Request] = frozenset(get_args(Request))


def ask(folder: RunFolder, request: Request) -> None:
    """Ask the run for something. Raises `InputError` where the folder cannot be written."""
    path = folder.requests / f"{time.time_ns():023d}-{os.getpid()}-{request}"
    try:
        files.write(path, b"")
    except OSError as error:
        raise InputError(f"{folder.name} cannot be asked: {error}.") from None


def take(folder: RunFolder) -> list[Request]:
    """What was asked for since the last call, oldest first. What cannot be removed does not count."""
    try:
        paths = sorted(path for path in folder.requests.iterdir() if not path.name.startswith("."))
    except OSError:  # usually there is no such folder, since nothing was ever asked
        return []
    taken: list[Request] = []
    for path in paths:
        with suppress(OSError):
            path.unlink()
            word = path.name.rpartition("-")[2]
            taken += [known for known in _KNOWN if known == word]
    return taken
