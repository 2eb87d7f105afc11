"""How many CPU threads a model is fastest with, found by trying: a fraction of a second before a run begins."""

import copy
import time
from dataclasses import replace

import torch

from models.base import Batch
from workbench.config import TrainingSettings
from workbench.data.imageset import Split, to_unit
from workbench.training.devices import Machine, computing_on
from workbench.training.minimise import Minimiser
from workbench.training.state import Model, TrainingState

SECONDS = 0.4  # for all trials
ROUNDS = 12
WORTH = 1.1  # more threads are taken where they are at least so many times as fast: they disturb others


def measure_threads(machine: Machine, model: Model, images: Split, settings: TrainingSettings) -> Machine:
    """The same machine with the number of threads that `model` trains fastest with, where that is ours to choose.

    Steps of a copy are timed, so the model, its optimizers and all random numbers of the run stay as they are.
    """
    if machine.threads_from:
        return machine
    try:
        seconds = _seconds(machine, model, images, settings.batch_size)
    except RuntimeError:  # what fails here, for want of memory say, fails in the run, where it is told
        return replace(machine, threads_from="all there are")
    best = 1
    for threads, taken in seconds.items():
        if taken * WORTH <= seconds[best]:
            best = threads
    other = 1 if best > 1 else max(seconds)
    gain = seconds[other] / seconds[best]
    return replace(machine, threads=best, threads_from=f"measured: {gain:.2f} times as fast as with {other}")


def _seconds(machine: Machine, model: Model, images: Split, size: int) -> dict[int, float]:
    """The shortest step by number of threads, tried in turns so that a busy moment is nobody's alone."""
    copied = TrainingState(copy.deepcopy(model).train(), averaging=0)
    minimise = Minimiser(copied, machine.device, None)
    noise = torch.Generator(machine.device).manual_seed(0)
    pixels = images.take(torch.arange(min(len(images), size))).pixels

    def step(size: int) -> float:
        labels = None if images.labels is None else images.labels[:size]
        batch = Batch(to_unit(pixels[:size]), labels, 0, noise)
        begin = time.perf_counter()
        copied.model.training_step(batch, minimise)
        return time.perf_counter() - begin

    best: dict[int, float] = {}
    with (
        computing_on(machine),
        torch.autocast("cpu", torch.bfloat16, enabled=machine.autocast, cache_enabled=False),
    ):
        first = min(step(size), step(size))
        size = max(2, min(size, round(size * SECONDS / 8 / first)))  # large models show it with fewer images too
        begin = time.perf_counter()
        for round_ in range(ROUNDS):
            for threads in _counts(machine.threads):
                torch.set_num_threads(threads)
                taken = step(size)
                if round_:  # the first one starts the threads
                    best[threads] = min(taken, best.get(threads, taken))
            if best and time.perf_counter() - begin > SECONDS:
                break
    return best


def _counts(most: int) -> list[int]:
    """1, 2, 4, ... and `most`."""
    return sorted({most, *(2**n for n in range(most.bit_length()) if 2**n <= most)})
