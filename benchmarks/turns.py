"""genbench's trainer and another loop in turns, in one process: so many steps of the one, as many of the other.

The other loop runs in a sink of the trainer's, so both are timed by one clock, seconds apart. Reports and their
records are in our time; checkpoints and pictures come after the last turn.
"""

import copy
import math
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

import torch
from report import ranged

from workbench import session
from workbench.config import RunConfig
from workbench.training import devices
from workbench.training.control import Control
from workbench.training.events import Event, Progress
from workbench.training.state import Model, TrainingState

FOR_EVER = 10**9
QUIET = {"every": "1000000", "save_every": "86400", "evaluate": "none", "steps": str(FOR_EVER)}


@dataclass
class Pairs:
    """What the turns gave: seconds a step of both sides, and their losses at the end."""

    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    our_losses: list[float] = field(default_factory=list)  # mean of each turn
    their_losses: list[float] = field(default_factory=list)
    our_threads: int = 1
    products: str = "default"
    parameters: int = 0
    steps: int = 0

    @property
    def ratios(self) -> list[float]:
        """How many times as fast ours is, pair by pair."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def losses(self) -> tuple[float, float]:
        """The means over the second half of the turns: ours, theirs."""
        half = len(self.our_losses) // 2
        return mean(self.our_losses[half:]), mean(self.their_losses[half:])

    def cells(self) -> list[str]:
        """Ratio, milliseconds a step, losses, counts: as cells of a table."""
        ours, theirs = self.losses
        return [
            ranged(self.ratios),
            f"{1000 * median(self.theirs):.2f}", f"{1000 * median(self.ours):.2f}",
            f"{theirs:.4g}", f"{ours:.4g}", f"{self.parameters:,}", f"{self.steps:,}", str(len(self.ratios)),
        ]  # fmt: skip


HEADER = (
    "times as fast: median (range)", "theirs, ms a step", "ours", "their loss", "ours", "parameters",
    "steps of each", "pairs",
)  # fmt: skip


class Turns:
    """A sink: each time ours has done its steps, theirs does as many."""

    def __init__(
        self, theirs: Callable[[], float], pairs: int, seconds: float, most: float, threads: int, control: Control
    ) -> None:
        """`theirs` takes one step and returns its loss.

        `seconds` is the least length of one of our turns, `most` the longest of theirs.
        """
        self.found = Pairs()
        self._theirs, self._pairs, self._seconds, self._control = theirs, pairs, seconds, control
        self._most = most
        self._plain = devices.Machine(torch.device("cpu"), False, threads)
        self._done, self._seen, self._warm, self._since = 0, 0, False, time.perf_counter()
        self._sum = 0.0  # of our losses in this turn

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Progress):
            return
        now, record = time.perf_counter(), event.record
        self._sum += (record.step - self._seen) * _loss(record.metrics)
        self._seen = record.step
        if now - self._since < self._seconds or self._control.stopping:
            return
        steps = record.step - self._done
        ours, loss = (now - self._since) / steps, self._sum / steps
        theirs, their_loss = self._their_turn(steps)
        if self._warm:  # the first turn of each is for caches, threads and allocators
            self.found.ours.append(ours)
            self.found.theirs.append(theirs)
            self.found.our_losses.append(loss)
            self.found.their_losses.append(their_loss)
        self.found.steps += steps
        self._warm, self._done, self._sum = True, record.step, 0.0
        if len(self.found.ours) == self._pairs:
            self._control.stop(hurried=True)
        self._since = time.perf_counter()

    def _their_turn(self, steps: int) -> tuple[float, float]:
        with devices.computing_on(self._plain):
            begin, losses = time.perf_counter(), list[float]()
            while len(losses) < steps and time.perf_counter() - begin < self._most:
                losses.append(self._theirs())
            taken = (time.perf_counter() - begin) / len(losses)
        return taken, mean(losses)


def _loss(metrics: Mapping[str, float]) -> float:
    """What a model is trained on; of a GAN, both losses."""
    values = list(metrics.values())
    return values[0] + values[1] if "g_loss" in metrics else values[0]


def compare(
    config: RunConfig, theirs: Callable[[Model], Callable[[], float]], pairs: int, seconds: float,
    make: Callable[[session.Session], Model] | None = None, most: float = math.inf,
) -> Pairs:  # fmt: skip
    """Train `config` in turns with what `theirs` makes of a copy of its model, the same first weights.

    `make` builds another model than the configuration's, for networks that genbench does not have.
    """
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        run = session.begin(config, Path(folder), "ours")
        if make is not None:
            run.state = TrainingState(make(run), config.training.averaging)
        control = Control()
        plain = copy.deepcopy(run.state.model).to(memory_format=torch.contiguous_format)  # as everybody has it
        turns = Turns(theirs(plain.train()), pairs, seconds, most, threads, control)
        finished = run.run([turns], control)
        assert finished.status == "stopped", finished.reason
        found = turns.found
        found.our_threads, found.products = run.machine.threads, run.machine.products
        found.parameters = sum(p.numel() for p in run.state.model.parameters())
    return found
