"""Variants of one training in turns, in one process: so many steps of the one, as many of the next, again."""

import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from limits import seconds, steps_of

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.harness import trainer
from workbench import session
from workbench.config import resolve
from workbench.session import Session
from workbench.training import devices
from workbench.training.state import TrainingState

WARM = 5  # steps before the first that counts: optimizers make their moments, and a GPU records one


class Variant(NamedTuple):
    """Settings as text, and what is done to the run before its first step."""

    given: Mapping[str, str]
    prepare: Callable[[Session], None] = lambda run: None


class Found(NamedTuple):
    """What a variant gave."""

    seconds: list[float]  # a step, round by round
    unreplayed: str  # why a GPU was given the step's kernels one by one, in words


def in_turns(model: str, variants: Mapping[str, Variant], rounds: int, steps: int) -> dict[str, Found]:
    """Train each variant `rounds` times `steps` steps."""
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        trainers, found = {}, {}
        for name, variant in variants.items():
            run = session.begin(resolve(model, variant.given), Path(folder), name)
            variant.prepare(run)
            trainers[name], found[name] = trainer(run), list[float]()
        for training in trainers.values():
            training.state.model.train()
        for again in range(rounds + 1):
            for name, training in trainers.items():
                with devices.computing_on(training.machine):
                    act = partial(steps_of, training, steps if again else WARM)
                    taken = seconds(training.machine.device, act, 1) / steps
                training.report()
                if again:
                    found[name].append(taken)
        return {name: Found(times, trainers[name].unreplayed) for name, times in found.items()}


def laid_out(layout: torch.memory_format, run: Session) -> None:
    """Let a run's images and weights lie in memory so."""
    model = run.state.model.to(memory_format=layout)
    run.state = TrainingState(model, run.config.training.averaging)
