"""Where a run stands, and whether the process that said so is still there."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import Field, TypeAdapter

SILENCE_SECONDS = 300.0  # after which a process on another host is given up; clocks differ, and drives are slow
LIVENESS_SECONDS = 2.0  # between looks at the process that writes a run: each costs more than all else

Count = Annotated[int, Field(ge=0, le=2**63)]
Amount = Annotated[float, Field(ge=0, le=1e15)]
Status = Literal["running", "paused", "done", "stopped", "diverged", "failed", "interrupted"]


@dataclass(frozen=True)
class State:
    """Where a run stands: `state.json`. "interrupted" is never written: it is a run whose process is gone."""

    status: Status
    step: Count = 0
    epoch: Amount = 0.0
    seconds: Amount = 0.0  # wall time in training, pictures included, over all sittings
    images_per_second: Amount = 0.0
    steps_total: Count = 0
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # last held-out values, and train_... ones
    reason: str = ""  # one sentence for diverged and failed
    notes: tuple[str, ...] = ()  # what a person should know: mode collapse, skipped images, ...
    pid: int = 0
    pid_started: Amount = 0.0  # when it began; a pid alone may have been given to another process
    host: str = ""
    heartbeat: Amount = 0.0  # seconds since 1970

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "State":
        """What `state.json` holds; fields of a later version are passed over. Raises `ValidationError`."""
        known = {name: written[name] for name in cls.__dataclass_fields__ if name in written}
        return _states().validate_python(known)

    def stamped(self) -> "State":
        """The same, said by this process now."""
        pid = os.getpid()
        return replace(
            self, pid=pid, pid_started=process_started(pid), host=socket.gethostname(), heartbeat=time.time()
        )  # fmt: skip


@cache
def _states() -> TypeAdapter[State]:
    return TypeAdapter(State)


def judged(state: State) -> State:
    """`state`, or interrupted where it claims a process that is gone."""
    gone = state.status in {"running", "paused"} and not _alive(state)
    return replace(state, status="interrupted") if gone else state


def _alive(state: State) -> bool:
    """Whether the process that wrote `state` still runs; of one on another host its heart must be heard."""
    if state.host != socket.gethostname():
        return time.time() - state.heartbeat < SILENCE_SECONDS
    try:
        same = abs(process_started(state.pid) - state.pid_started) < 0.02
        return same and psutil.Process(state.pid).status() != psutil.STATUS_ZOMBIE  # nobody asked how it ended
    except (psutil.Error, OSError, ValueError, IndexError):
        return False


def process_started(pid: int) -> float:
    """When a process began: seconds since the machine did, on Linux; else since 1970, by a clock that may be set."""
    try:
        ticks = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
        return int(ticks) / os.sysconf("SC_CLK_TCK")
    except FileNotFoundError:
        return float(psutil.Process(pid).create_time())
