"""What the trainer tells: plain data, never a tensor or a module."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.runs.history import Record

Images = NDArray[np.uint8]  # (..., C, H, W)
End = Literal["done", "stopped", "diverged", "failed"]


@dataclass(frozen=True)
class Started:
    """Training begins, or goes on, at `step`."""

    step: int
    steps_total: int
    steps_per_epoch: int
    device: str
    precision: str
    parameters: int


@dataclass(frozen=True)
class Progress:
    """The means of the steps since the last of these; `images_per_second` leaves pictures and saving out."""

    record: Record
    images_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Evaluated:
    """The metrics on the held-out images."""

    record: Record


@dataclass(frozen=True)
class Snapshot:
    """What the model can show at one moment. A part that it cannot show is None."""

    step: int
    epoch: float
    final: bool
    samples: Images  # (N, C, H, W)
    codes_from: str = ""  # what samples are drawn from, in a sentence
    reconstructions: tuple[Images, Images] | None = None  # originals, rebuilt: (N, C, H, W) each
    codes: NDArray[np.float32] | None = None  # (N, D) of held-out images
    labels: NDArray[np.int64] | None = None  # (N,) of the codes
    interpolation: Images | None = None  # (R, K, C, H, W): R paths of K images
    traversal: Images | None = None  # (R, K, C, H, W): one row a latent dimension
    traversed: tuple[int, ...] = ()  # the R dimensions


@dataclass(frozen=True)
class Saved:
    """A checkpoint is on disk."""

    step: int
    path: Path


@dataclass(frozen=True)
class Notice:
    """Something a person should know, in a sentence."""

    step: int
    text: str


@dataclass(frozen=True)
class Paused:
    """Training waits (True) or goes on (False)."""

    step: int
    paused: bool


@dataclass(frozen=True)
class Finished:
    """Training has ended, after `seconds` of wall time over all sittings.

    `reason` says why, in a sentence, where it is not simply done.
    """

    status: End
    step: int
    reason: str = ""
    seconds: float = field(default=0.0, compare=False)


class LeftOutError(Exception):
    """A sink could not do all of its work this time, and says so in a sentence. It stays."""


class Keeper(Protocol):
    """The sink that keeps the run: what cannot be written waits there."""

    trouble: str  # why something waits, in a sentence; "" where all is written

    def __call__(self, event: "Event") -> None:
        """Take what happened."""

    def settle(self) -> bool:
        """Write all that waits now; whether that was possible."""


Event = Started | Progress | Evaluated | Snapshot | Saved | Notice | Paused | Finished
Sink = Callable[[Event], None]
