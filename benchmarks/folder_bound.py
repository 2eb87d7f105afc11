"""A process with a bound on its memory, page cache included, where the system lets us set one."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_FILES = (
    (_GROUPS, "memory.max"),
    (_GROUPS / "memory", "memory.limit_in_bytes"),
)  # version 2, version 1


@contextmanager
def bounded(limit: int) -> Iterator[Sequence[str] | None]:
    """What to put before a command so that it has `limit` bytes; None where nothing here can bound it."""
    group = next(filter(None, (_group(parent, file, limit) for parent, file in _FILES)), None)
    if group is None:
        scope = ["systemd-run", "--user", "--scope", "--quiet", "-p", f"MemoryMax={limit}"]
        there = shutil.which(scope[0]) is not None
        there = there and not subprocess.run([*scope, "true"], capture_output=True, check=False).returncode
        yield scope if there else None
        return
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$0" "$@"']
    finally:
        _remove(group)


def _group(parent: Path, file: str, limit: int) -> Path | None:
    """A new control group; None where there are none of this kind, or not for us."""
    group = parent / f"genbench-{os.getpid()}"
    with suppress(OSError):
        group.mkdir()
        if (group / file).exists():
            (group / file).write_text(str(limit))
            return group
    _remove(group)
    return None


def _remove(group: Path) -> None:
    for _ in range(50):  # a process that has just ended is in it for a moment still
        with suppress(OSError):
            group.rmdir()
        if not group.exists():
            return
        time.sleep(0.02)
