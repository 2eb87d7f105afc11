"""What a run would need to go on: weights, their average, optimizers, the step."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from models.base import GenerativeModel
from models.errors import InputError
from workbench.runs.checkpoint import Checkpoint

Model = GenerativeModel[Any]
Moments = dict[int, dict[str, Tensor]]  # what an optimizer remembers, by parameter and name


class TrainingState:
    """A model in training, and an exponential average of its weights (Polyak averaging) for looking at it."""

    def __init__(self, model: Model, averaging: float) -> None:
        self.model = model
        self.optimizers = model.optimizers()
        self.step = 0
        self.evaluated = -1  # the step of the last evaluation
        self.rank: float | None = None  # how good it was found there: smaller is better
        self.seconds_before = 0.0  # of earlier sittings
        self._decay = averaging
        self._average = copy.deepcopy(model).eval() if averaging else None
        self._pairs = (_floats(self._average), _floats(model)) if self._average is not None else ([], [])

    def average_weights(self) -> None:
        """Move the average towards the weights; faster early on, so that it does not remember the start."""
        if self._average is None:
            return
        decay = min(self._decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(*self._pairs, 1 - decay)

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
        facts: dict[str, Any] = {
            "seconds": round(seconds, 3), "evaluated": self.evaluated, "optimizers": {},
            "rank": self.rank if self.evaluated == self.step else None,
        }  # fmt: skip
        for which, optimizer in self.optimizers.items():
            written = optimizer.state_dict()
            facts["optimizers"][which] = written["param_groups"]
            for index, values in written["state"].items():
                tensors |= {f"optimizer/{which}/{index}/{name}": value for name, value in values.items()}
        floats = {name: tensor for name, tensor in tensors.items() if tensor.is_floating_point()}
        finite = torch.stack([t.isfinite().all().to(self._device) for t in floats.values()]).tolist()
        if not all(finite):
            raise FloatingPointError(list(floats)[finite.index(False)])
        return Checkpoint(self.step, tensors, facts)

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def restore(self, checkpoint: Checkpoint, *, own_rates: bool = False) -> None:
        """Become what was saved. `own_rates` keeps the optimizers' own learning rates and the like, not the saved.

        Raises `InputError` where the checkpoint is of another architecture.
        """
        parts: dict[str, dict[str, Tensor]] = {"model": {}, "average": {}, "optimizer": {}}
        for name, tensor in checkpoint.tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = tensor
        try:
            _check_architecture(self.model.state_dict(), parts["model"])
            self.model.load_state_dict(parts["model"])
            if self._average is not None:
                # A run that averaged no weights until now has an average that begins with them.
                self._average.load_state_dict(parts["average"] or parts["model"])
            for which, optimizer in self.optimizers.items():
                groups = (
                    optimizer.state_dict() if own_rates else {"param_groups": checkpoint.facts["optimizers"][which]}
                )
                moments = _laid_out(optimizer, _moments(which, parts["optimizer"]))
                optimizer.load_state_dict({"state": moments, "param_groups": groups["param_groups"]})
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise InputError(
                "The checkpoint is of another architecture than these settings make "
                f"({str(error).splitlines()[-1].strip().rstrip('.')}). Keep the settings of the network."
            ) from None
        self.step = checkpoint.step
        self.evaluated = int(checkpoint.facts.get("evaluated", -1))
        self.rank = checkpoint.facts.get("rank")
        self.seconds_before = float(checkpoint.facts.get("seconds", 0.0))


def _check_architecture(ours: Mapping[str, Tensor], saved: Mapping[str, Tensor]) -> None:
    """Raise `ValueError` naming the first tensor that is not there, or of another shape."""
    for name in (*ours, *saved):
        here, there = (_shape(tensors.get(name)) for tensors in (ours, saved))
        if here != there:
            raise ValueError(f"{name} is {there} there and {here} here")


def _shape(tensor: Tensor | None) -> str:
    return "missing" if tensor is None else str(tuple(tensor.shape))


def _moments(which: str, tensors: dict[str, Tensor]) -> Moments:
    """What one optimizer remembers of each of its parameters."""
    state: Moments = {}
    for name, tensor in tensors.items():
        optimizer, index, key = name.split("/")
        if optimizer == which:
            state.setdefault(int(index), {})[key] = tensor
    return state


def _laid_out(optimizer: torch.optim.Optimizer, moments: Moments) -> Moments:
    """Moments as they lie in memory beside their parameters, which fused optimizers rely on.

    torch looks at neither: raises `ValueError` where a moment is not of its parameter's shape.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {
        index: {name: _beside(parameters[index], f"{name} of parameter {index}", v) for name, v in values.items()}
        for index, values in moments.items()
    }


def _beside(parameter: Tensor, name: str, value: Tensor) -> Tensor:
    if not value.dim():
        return value
    if value.shape != parameter.shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}")
    return torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)


def _floats(module: nn.Module) -> list[Tensor]:
    """Parameters and running statistics; counters are not averaged."""
    return [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
