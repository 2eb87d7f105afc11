"""The steps of a run, one after another: images and noise of the step, the model's own algorithm, the average."""

from collections.abc import Callable

import torch

from models.base import Batch
from models.sharing import WHOLE
from workbench.config import TrainingSettings
from workbench.data.imageset import ImageSet
from workbench.training.devices import Machine
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser
from workbench.training.order import seed_for
from workbench.training.state import TrainingState
from workbench.training.supply import Supply
from workbench.training.team import Team


class Steps:
    """Takes steps on this process's part of each batch, and meters them."""

    def __init__(
        self, state: TrainingState, images: ImageSet, settings: TrainingSettings, machine: Machine, team: Team,
        hurried: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`hurried` says that whoever stops the run does not wait long for other processes."""
        self._state, self._images, self._machine, self._team = state, images, machine, team
        self._whole = images.binarise == "dynamic"  # drawn as one process draws it, all of it
        self._supply = Supply(images.train, settings, machine.device, WHOLE if self._whole else team.part)
        self.order = self._supply.order
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
        pixels, labels = self._supply.batch(step)
        self._noise.manual_seed(seed_for(self._seed, "noise", step))
        seen, part = self._images.seen(pixels, self._noise), self._team.part
        if self._whole:
            seen, labels = part.of(seen), None if labels is None else part.of(labels)
        return Batch(seen, labels, step, self._noise, part)

    def close(self) -> None:
        """Fetch no more images."""
        self._supply.close()

    def precision(self) -> torch.autocast:
        """What networks compute in."""
        # No cache of cast weights: a model may use a network again after its optimizer has moved it.
        return torch.autocast(
            self._machine.device.type, torch.bfloat16, enabled=self._machine.autocast, cache_enabled=False
        )
