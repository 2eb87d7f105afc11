"""This process's place among those that torchrun started to train one run. Knows no torch.

torchrun, and every launcher that keeps to its contract, says so in the environment.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from models.errors import InputError

_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Place:
    """The `index`-th of `count` processes, and the `local`-th of the `here` on this machine."""

    index: int = 0
    count: int = 1
    local: int = 0
    here: int = 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that decides, speaks and writes."""
        return self.index == 0


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """Where this process stands; a process alone where no launcher says otherwise."""
    if any(name not in environment for name in _NEEDED):
        return Place()
    here = environment.get("LOCAL_WORLD_SIZE", environment["WORLD_SIZE"])
    try:
        found = Place(
            int(environment["RANK"]), int(environment["WORLD_SIZE"]), int(environment["LOCAL_RANK"]), int(here)
        )
    except ValueError:
        found = Place(-1)
    if not (0 <= found.index < found.count and 0 <= found.local < found.here):
        raise InputError(
            "RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE do not name a process among several. "
            "Start genbench with torchrun, or without these variables."
        )
    return found


def silence() -> None:
    """Let nothing that this process or a library prints reach anybody: one process speaks for all."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
