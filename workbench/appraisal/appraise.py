"""Measure all that a model can be measured by: one part after the other, while there is time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import metadata

import torch

from models.base import Bounded, Encodes, Reconstructs
from workbench.appraisal import generation, own, structure
from workbench.appraisal.clock import CancelledError, OutOfTimeError
from workbench.appraisal.subject import SEED, Subject
from workbench.runs.evaluations import Evaluation, Measured
from workbench.training import devices

Part = Callable[[Subject], Iterator[Measured]]

# (name, what it measures, what a model has to be able to), in this order, so that what is cheap and what a model is
# known by is there when time is up.
PARTS: tuple[tuple[str, Part, type], ...] = (
    ("held-out numbers", own.held_out, object),
    ("reconstruction", own.reconstruction, Reconstructs),
    ("likelihood", own.likelihood, Bounded),
    ("latent structure", structure.latent, Encodes),
    ("generation", generation.generation, object),
    ("importance-weighted bound", own.bound, Bounded),
)


def appraise(subject: Subject, step: int, weights: str) -> Evaluation:
    """Every measure that fits the model, in float32, with numbers of float64 statistics.

    What there is no time for is left out and said in the notes. The same model and images give the same numbers.
    """
    measured: list[Measured] = []
    notes: list[str] = []
    products = devices.products_of(devices.best_products(subject.device))  # those of no run: all are measured alike
    parts = [(what, part) for what, part, ability in PARTS if isinstance(subject.model, ability)]
    with products, torch.inference_mode(), torch.autocast(subject.device.type, enabled=False):
        for what, part in parts:
            try:
                subject.clock.turn_to(what)
                _collect(part(subject), measured)
            except (OutOfTimeError, CancelledError) as stop:
                why = "measuring was cancelled" if isinstance(stop, CancelledError) else _out_of_time(subject)
                left = "was" if what == parts[-1][0] else "and what follows were"
                notes.append(f"{what.capitalize()} {left} left out: {why}.")
                break
    return Evaluation(
        step, weights, ", ".join(subject.samplers), subject.effort, SEED, round(subject.clock.seconds, 3),
        tuple(measured), _machine(subject), tuple(notes),
    )  # fmt: skip


def _collect(numbers: Iterator[Measured], found: list[Measured]) -> None:
    """Add the numbers, each with what it cost, as they come: what is there when time is up stays."""
    begin = time.monotonic()
    for one in numbers:
        now = time.monotonic()
        found.append(replace(one, seconds=round(now - begin, 3)))
        begin = now


def _out_of_time(subject: Subject) -> str:
    return f"the time budget of {subject.clock.budget:g} s was used up"


def _machine(subject: Subject) -> dict[str, str | int]:
    versions = {name: metadata.version(name) for name in ("torch", "torchmetrics", "scikit-learn")}
    return {
        "device": str(subject.device), "precision": "float32", "threads": torch.get_num_threads(),
        "products": devices.best_products(subject.device), **versions,
    }  # fmt: skip
