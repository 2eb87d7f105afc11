"""Pictures are decoded into a store: by threads where they are few, by processes of our own where they are many.

The processes are fresh ones (`decode_worker`) that import neither torch nor anything of the application, and end
when the pipe to them does: also where this process was killed. Each takes a batch at a time.
"""

import json
import os
import queue
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.cores import available_cores
from workbench.data.store import TODO, Store

Progress = Callable[[str, int, int], None]  # as in `imageset`
Decode = Callable[[Path, int, int], NDArray[np.uint8]]

MANY = 1000  # pictures from which starting processes pays
_BATCH = 64  # pictures a process is given at a time: what a kill may cost each of them
_BETWEEN = 256  # pictures between two words of progress of threads
_WHAT = "decoding images"
_HOME = Path(__file__).resolve().parents[2]  # where the package `workbench` is


class Task(NamedTuple):
    """Which files become the pictures of a store, by position."""

    root: Path
    names: Sequence[str]  # paths below the root

    def path(self, index: int) -> Path:
        """The file of one picture."""
        return Path(self.root, self.names[index])


def fill(store: Store, task: Task, decode: Decode, progress: Progress) -> None:
    """Decode what a store has not got yet. Whatever `progress` raises ends it; nothing that is done is lost."""
    todo = store.rows(TODO).tolist()
    done = store.layout.pictures - len(todo)
    progress(_WHAT, done, store.layout.pictures)
    crew = _hired(store, task) if len(todo) >= MANY else None
    with closing(_by_processes(crew, todo) if crew else _by_threads(store, task, todo, decode)) as batches:
        for count in batches:
            done += count
            progress(_WHAT, done, store.layout.pictures)


def attempt(store: Store, index: int, path: Path, decode: Decode) -> None:
    """Decode one file into its place, or note that it cannot be."""
    try:
        picture = decode(path, store.layout.size, store.layout.channels)
    except Exception as error:  # noqa: BLE001  decoders raise anything on garbled bytes
        store.fail(index, error)
    else:
        store.put(index, picture)


def _by_threads(store: Store, task: Task, todo: Sequence[int], decode: Decode) -> Generator[int, None, None]:
    with warnings.catch_warnings(), ThreadPoolExecutor(min(16, available_cores())) as pool:
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters it raises
        for start in range(0, len(todo), _BETWEEN):
            batch = todo[start : start + _BETWEEN]
            list(pool.map(lambda index: attempt(store, index, task.path(index), decode), batch))
            yield len(batch)


def _by_processes(crew: "Crew", todo: Sequence[int]) -> Generator[int, None, None]:
    batches = [todo[start : start + _BATCH] for start in range(0, len(todo), _BATCH)]
    with ThreadPoolExecutor(crew.size) as pool:
        try:
            # As they end: one process may start late, and what the others do meanwhile is to be told.
            for done in as_completed([pool.submit(crew.decode, batch) for batch in batches]):
                yield done.result()
        finally:
            crew.dismiss()
            pool.shutdown(wait=False, cancel_futures=True)


def _hired(store: Store, task: Task) -> "Crew | None":
    """A crew; None where there can be none: a store in memory is this process's alone."""
    if store.path is None:
        return None
    crew = Crew(store.path, store, task)
    try:
        crew.hire()
    except OSError:  # no process can be started, perhaps for want of memory
        crew.dismiss()
        return None
    except BaseException:  # interrupted
        crew.dismiss()
        raise
    return crew


class Crew:
    """Processes that decode, one for each core."""

    def __init__(self, path: Path, store: Store, task: Task) -> None:
        self.size = available_cores()
        self._path, self._store, self._task = path, store, task
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._all: list[Worker] = []
        self._dismissed = False

    def hire(self) -> None:
        """Start the processes. Raises OSError where one cannot be started."""
        for _ in range(self.size):
            self._idle.put(self._hire())

    def decode(self, batch: Sequence[int]) -> int:
        """Decode a batch, in one of the processes. Returns how many pictures that were."""
        worker = self._idle.get()
        if not worker.decode(batch):
            # A process died: of a decoder that crashes, or for want of memory. One by one the file is found.
            for index in batch:
                if self._store.states[index] == TODO and not self._dismissed:
                    worker = worker if worker.alive else self._hire()
                    if not worker.decode([index]):
                        self._store.fail(index, None)
        self._idle.put(worker if worker.alive or self._dismissed else self._hire())
        return len(batch)

    def dismiss(self) -> None:
        """End all processes at once."""
        self._dismissed = True
        for worker in self._all:
            worker.end()

    def _hire(self) -> "Worker":
        worker = Worker(self._path, self._task)
        self._all.append(worker)
        return worker


class Worker:
    """One process and the pipes to it: a line of JSON for a batch, a line back when it is done."""

    def __init__(self, store: Path, task: Task) -> None:
        self._task = task
        self.alive = True  # as far as is known: the system tells a little later than the pipe
        beside = os.environ.get("PYTHONPATH")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.data.decode_worker", str(store), str(task.root)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={
                **os.environ, "PYTHONPATH": f"{_HOME}{os.pathsep}{beside}" if beside else str(_HOME),
                "OPENBLAS_NUM_THREADS": "1",
            },
            process_group=0 if os.name == "posix" else None,  # Ctrl+C is this process's alone to answer
        )  # fmt: skip

    def decode(self, batch: Sequence[int]) -> bool:
        """Whether a batch was decoded; False where the process has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        line = json.dumps([[index, self._task.names[index]] for index in batch])
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
            self.alive = bool(self._process.stdout.readline())
        except (OSError, ValueError):
            self.alive = False
        return self.alive

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError, ValueError):
                assert pipe is not None
                pipe.close()
