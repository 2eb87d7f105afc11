"""What to do where a device's memory does not suffice."""

import gc
import traceback
from collections.abc import Callable

import torch
from torch import Tensor

from models.base import Batch
from workbench.training.state import TrainingState


def is_exhausted(error: BaseException) -> bool:
    """Whether an error says that memory ran out: CUDA has a class for it, the CPU only words."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def batch_that_fits(
    state: TrainingState, batch: Callable[[int], Batch], size: int, error: BaseException
) -> int | None:
    """The first half, quarter, ... of `size` images that a step has memory for, by trying; None where none has.

    `batch(n)` gives n images. The networks' running statistics may change: the sitting is over.
    """
    traceback.clear_frames(error.__traceback__)  # they hold what the failed step had allocated
    for optimizer in state.optimizers.values():
        optimizer.zero_grad(set_to_none=True)
    while (size := size // 2) >= 2:
        _release()
        try:
            _try(state, batch(size))
            return size
        except (torch.OutOfMemoryError, RuntimeError) as again:
            if not is_exhausted(again):
                return None
            traceback.clear_frames(again.__traceback__)
    return None


def _try(state: TrainingState, batch: Batch) -> None:
    """The memory of one step, without the step."""
    moments = [  # those of optimizers that have not made a step yet
        torch.empty_like(parameter)
        for optimizer in state.optimizers.values() if not optimizer.state
        for group in optimizer.param_groups for parameter in group["params"] for _ in range(2)
    ]  # fmt: skip

    def backward(loss: Tensor, by: str = "model") -> None:
        parameters = [p for group in state.optimizers[by].param_groups for p in group["params"]]
        loss.backward(inputs=parameters)
        state.optimizers[by].zero_grad(set_to_none=True)

    state.model.training_step(batch, backward)
    del moments


def _release() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
