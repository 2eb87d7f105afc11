"""The steps of a run, one after another: images and noise of the step, the model's own algorithm, the average."""

from collections.abc import Callable

import torch
from torch import Tensor

from models.base import Batch
from models.sharing import WHOLE
from workbench.config import TrainingSettings
from workbench.data.imageset import ImageSet
from workbench.training.devices import Machine
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser
from workbench.training.order import seed_for
from workbench.training.replay import CudaGraph, Graph, Replay, Watch
from workbench.training.state import TrainingState
from workbench.training.supply import Supply
from workbench.training.team import Team


class Steps:
    """Takes steps on this process's part of each batch, and meters them."""

    def __init__(
        self, state: TrainingState, images: ImageSet, settings: TrainingSettings, machine: Machine, team: Team,
        hurried: Callable[[], bool] = lambda: False, graph: Graph | None = None,
    ) -> None:  # fmt: skip
        """`hurried` says that whoever stops the run does not wait long for other processes.

        `graph` records and replays steps; on a GPU one is made where the settings have it.
        """
        self._state, self._images, self._machine, self._team = state, images, machine, team
        self._whole = images.binarise == "dynamic"  # drawn as one process draws it, all of it
        self._supply = Supply(images.train, settings, machine.device, WHOLE if self._whole else team.part)
        self.order = self._supply.order
        self._seed, self._noise = settings.seed, torch.Generator(machine.device)
        self.minimise = Minimiser(state, machine.device, settings.clip, team)
        self.meter = Meter(lambda rows: team.mean(rows, hurried))
        wanted = machine.device.type == "cuda" and settings.cuda_graphs
        self._unreplayed = "processes exchange their gradients in it" if wanted and team.many else ""
        if graph is None and wanted and not team.many:
            graph = CudaGraph(machine.device, self._noise, state.optimizers.values())
        self._replay: Replay | None = None
        if graph is not None:
            self._replay = Replay(self._work, self._seed_noise, state, self.minimise.bad, graph)

    def take(self) -> None:
        """One step of the model's own algorithm, with the images and the noise of this step."""
        step = self._state.step
        pixels, labels = self._supply.batch(step)
        self._seed_noise(step)
        row = self._work(pixels, labels, step) if self._replay is None else self._replay.take(pixels, labels, step)
        self._state.step += 1
        self._state.average_weights()
        self.meter.add(row)

    def batch(self, step: int) -> Batch:
        """What this process sees at a step."""
        pixels, labels = self._supply.batch(step)
        self._seed_noise(step)
        return self.seen(pixels, labels, step)

    def seen(self, pixels: Tensor, labels: Tensor | None, step: int) -> Batch:
        """The batch of a step as the model sees it, the noise being seeded."""
        seen, part = self._images.seen(pixels, self._noise), self._team.part
        if self._whole:
            seen, labels = part.of(seen), None if labels is None else part.of(labels)
        return Batch(seen, labels, step, self._noise, part)

    @property
    def trouble(self) -> str:
        """Why a GPU is given each kernel of a step by itself, in words; "" where it is not, or not known yet."""
        return self._replay.trouble if self._replay else self._unreplayed

    def _work(self, images: Tensor, labels: Tensor | None, step: int, watch: Watch | None = None) -> Tensor:
        """All that a step has the device do once the noise is seeded, but for the average: its metrics, a row."""
        batch = self.seen(images, labels, step)
        batch = watch.noticing(batch) if watch else batch
        with self.precision():
            terms = self._state.model.training_step(batch, self.minimise)
        return self.meter.row(terms, self.minimise.flags)

    def _seed_noise(self, step: int, anew: bool = False) -> None:
        if anew:
            self._noise = torch.Generator(self._machine.device)
        self._noise.manual_seed(seed_for(self._seed, "noise", step))

    def close(self) -> None:
        """Fetch no more images."""
        self._supply.close()
        self.forget()

    def forget(self) -> None:
        """Leave the memory that a recording holds."""
        self._replay = None

    def precision(self) -> torch.autocast:
        """What networks compute in."""
        # No cache of cast weights: a model may use a network again after its optimizer has moved it.
        return torch.autocast(
            self._machine.device.type, torch.bfloat16, enabled=self._machine.autocast, cache_enabled=False
        )
