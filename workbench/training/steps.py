"""The steps of a run, one after another: images and noise of the step, the model's own algorithm, the average."""

from collections.abc import Callable

import torch

from models.base import Batch
from workbench.config import TrainingSettings
from workbench.data.imageset import ImageSet
from workbench.training.devices import Machine
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser
from workbench.training.order import Order, seed_for
from workbench.training.state import TrainingState
from workbench.training.team import Team


class Steps:
    """Takes steps on this process's part of each batch, and meters them."""

    def __init__(
        self, state: TrainingState, images: ImageSet, settings: TrainingSettings, machine: Machine, team: Team,
        hurried: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`hurried` says that whoever stops the run does not wait long for other processes."""
        self._state, self._images, self._machine, self._team = state, images, machine, team
        self._pixels = images.train.images.to(machine.device)  # uint8, all of them, once
        self._labels = None if images.train.labels is None else images.train.labels.to(machine.device)
        self.order = Order(len(self._pixels), settings.batch_size, settings.seed, machine.device)
        self._seed, self._noise = settings.seed, torch.Generator(machine.device)
        self.minimise = Minimiser(state, machine.device, settings.clip, team)
        self.meter = Meter(lambda rows: team.mean(rows, hurried))

    def take(self) -> None:
        """One step of the model's own algorithm, with the images and the noise of this step."""
        with self.precision():
            terms = self._state.model.training_step(self.batch(self._state.step), self.minimise)
        self._state.step += 1
        self._state.average_weights()
        self.meter.add(terms, self.minimise.flags)

    def batch(self, step: int) -> Batch:
        """What this process sees at a step."""
        whole, part = self.order.indices(step), self._team.part
        indices = part.of(whole)
        self._noise.manual_seed(seed_for(self._seed, "noise", step))
        if self._images.binarise == "dynamic":  # drawn as one process draws it, all of it
            seen = part.of(self._images.seen(self._pixels[whole], self._noise))
        else:
            seen = self._images.seen(self._pixels[indices], self._noise)
        labels = None if self._labels is None else self._labels[indices]
        return Batch(seen, labels, step, self._noise, part)

    def precision(self) -> torch.autocast:
        """What networks compute in."""
        # No cache of cast weights: a model may use a network again after its optimizer has moved it.
        return torch.autocast(
            self._machine.device.type, torch.bfloat16, enabled=self._machine.autocast, cache_enabled=False
        )
