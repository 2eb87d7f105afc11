"""A batch that several processes share in equal parts: what must be of the whole batch nevertheless.

The trainer averages gradients; a model averages what it keeps besides. So N processes with parts of B/N images
train as one with B, up to the order in which floats are added. For one process alone nothing here does anything.

Shapes: B images in this process's part, C channels.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


@dataclass(frozen=True)
class Part:
    """One process's part of a batch: the `index`-th of `count` equal ones."""

    index: int = 0
    count: int = 1

    def of(self, whole: Tensor) -> Tensor:
        """(count * B, ...) -> (B, ...): the rows of this part."""
        size = len(whole) // self.count
        return whole[self.index * size : (self.index + 1) * size]


WHOLE = Part()


def is_shared() -> bool:
    """Whether other processes have a part of the batch."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def of_whole_batch(*means: Tensor) -> tuple[Tensor, ...]:
    """Means over this process's part of a batch -> means over the whole of it, differentiably.

    One message for all of them. Every process must call it at the same place.
    """
    if not is_shared():
        return means
    whole = _Sum.apply(torch.cat([mean.flatten() for mean in means])) / dist.get_world_size()
    parts = whole.split([mean.numel() for mean in means])
    return tuple(part.view_as(mean) for part, mean in zip(parts, means, strict=True))


class _Sum(torch.autograd.Function):
    """The sum over all processes. What each of them makes of it depends on every addend."""

    @staticmethod
    def forward(ctx: Any, ours: Tensor) -> Tensor:
        return _summed(ours)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _summed(gradient)


def _summed(ours: Tensor) -> Tensor:
    whole = ours.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(whole)
    return whole


class _OfTheWholeBatch(nn.modules.batchnorm._BatchNorm):
    """Batch norm in training by the moments of the whole batch; else what torch makes of it.

    torch's SyncBatchNorm would do on GPUs; on the CPU it refuses.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and is_shared()):
            return super().forward(x)
        with torch.autocast(x.device.type, enabled=False):
            return self._normalised(x.float()).to(x.dtype)                     # B, C, ...

    def _normalised(self, x: Tensor) -> Tensor:
        others = [0, *range(2, x.dim())]
        mean = x.mean(others).double()                                         # C; a variance as a difference of
        square = x.var(others, correction=0).double() + mean.square()          # C; moments needs the digits
        mean, square = of_whole_batch(mean, square)
        mean, variance = mean.float(), (square - mean.square()).float()        # C each
        self._follow(mean.detach(), variance.detach(), dist.get_world_size() * x.numel() // x.shape[1])
        shape = [1, -1, *(1 for _ in others[1:])]
        scale = self.weight * torch.rsqrt(variance + self.eps)                 # C
        return (x - mean.view(shape)) * scale.view(shape) + self.bias.view(shape)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """The running statistics, of which that of the variance is unbiased: `count` numbers gave these moments."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)


class BatchNorm1d(_OfTheWholeBatch, nn.BatchNorm1d):
    """Batch norm of (B, C)."""


class BatchNorm2d(_OfTheWholeBatch, nn.BatchNorm2d):
    """Batch norm of (B, C, H, W)."""
