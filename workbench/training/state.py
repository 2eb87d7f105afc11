"""What a run would need to go on: weights, their average, optimizers, the step."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from models.base import GenerativeModel
from models.errors import InputError
from workbench.runs.checkpoint import Checkpoint

Model = GenerativeModel[Any]


class TrainingState:
    """A model in training, and an exponential average of its weights (Polyak averaging) for looking at it."""

    def __init__(self, model: Model, averaging: float) -> None:
        self.model = model
        self.optimizers = model.optimizers()
        self.step = 0
        self.seconds_before = 0.0  # of earlier sittings
        self._decay = averaging
        self._average = copy.deepcopy(model).eval() if averaging else None

    def average_weights(self) -> None:
        """Move the average towards the weights; faster early on, so that it does not remember the start."""
        if self._average is None:
            return
        decay = min(self._decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            ours, theirs = _floats(self._average), _floats(self.model)
            torch._foreach_lerp_(ours, theirs, 1 - decay)

    @property
    def shown(self) -> Model:
        """The model that evaluation and pictures use: the averaged one, where weights are averaged."""
        return self._average or self.model

    @contextmanager
    def for_looking(self) -> Iterator[Model]:
        """`shown` in evaluation mode and without gradients; training goes on as if it had not been used."""
        try:
            with torch.inference_mode():
                yield self.shown.eval()
        finally:
            self.model.train()

    def to_checkpoint(self, seconds: float) -> Checkpoint:
        """Everything, as named tensors and JSON facts.

        Raises `FloatingPointError` naming a weight that is not finite: such a state is not worth keeping.
        """
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self._average is not None:
            tensors |= {f"average/{name}": tensor for name, tensor in self._average.state_dict().items()}
        facts: dict[str, Any] = {"seconds": round(seconds, 3), "optimizers": {}}
        for which, optimizer in self.optimizers.items():
            written = optimizer.state_dict()
            facts["optimizers"][which] = written["param_groups"]
            for index, values in written["state"].items():
                tensors |= {f"optimizer/{which}/{index}/{name}": value for name, value in values.items()}
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise FloatingPointError(name)
        return Checkpoint(self.step, tensors, facts)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Become what was saved. Raises `InputError` where the checkpoint is of another architecture."""
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        try:
            self.model.load_state_dict(parts["model"])
            if self._average is not None:
                self._average.load_state_dict(parts["average"])
            for which, optimizer in self.optimizers.items():
                optimizer.load_state_dict(_optimizer_state(which, parts["optimizer"], checkpoint.facts))
        except (RuntimeError, ValueError, KeyError) as error:
            raise InputError(
                "The checkpoint is of another architecture or other settings than the run's config.json says "
                f"({str(error).splitlines()[0]})."
            ) from None
        self.step = checkpoint.step
        self.seconds_before = float(checkpoint.facts.get("seconds", 0.0))


def _optimizer_state(which: str, tensors: dict[str, Tensor], facts: Any) -> dict[str, Any]:
    """Put one optimizer's `state_dict` together again."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        optimizer, index, key = name.split("/")
        if optimizer == which:
            state.setdefault(int(index), {})[key] = tensor
    return {"state": state, "param_groups": facts["optimizers"][which]}


def _floats(module: nn.Module) -> list[Tensor]:
    """Parameters and running statistics; counters are not averaged."""
    return [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
