"""Seeds by step: the order of the images and all noise are functions of (seed, step).

So a resumed run needs no generator state to go on exactly, and looking at a run, which draws from streams of
its own, never changes it.
"""

import torch
from torch import Tensor

from workbench.config import steps_per_epoch

_STREAMS = {"weights": 1, "order": 2, "noise": 3, "evaluation": 4, "pictures": 5}
_MASK = 2**64 - 1


def seed_for(seed: int, stream: str, index: int = 0) -> int:
    """A 63-bit seed for one use of one stream: well mixed, so neighbouring steps share nothing (SplitMix64)."""
    value = seed
    for word in (_STREAMS[stream], index):
        value = (value + (word + 1) * 0x9E3779B97F4A7C15) & _MASK
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
        value ^= value >> 31
    return value >> 1


def generator(device: torch.device, seed: int, stream: str, index: int = 0) -> torch.Generator:
    """A generator of its own for one use of one stream."""
    return torch.Generator(device).manual_seed(seed_for(seed, stream, index))


class Order:
    """Which images each step sees: every epoch a new permutation, in whole batches.

    The images left over by a permutation, fewer than a batch, are not seen in that epoch.
    """

    def __init__(self, count: int, batch_size: int, seed: int, device: torch.device) -> None:
        self.batch_size = min(batch_size, count)
        self.steps_per_epoch = steps_per_epoch(count, batch_size)
        self._count, self._seed, self._device = count, seed, device
        self._epoch, self._permutation = -1, torch.empty(0)

    def indices(self, step: int) -> Tensor:
        """The images of one step: (B,) int64 on the device. Step 0 is the first."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            # Made on the CPU, where it takes a third of a millisecond, so that every device sees one order.
            cpu = generator(torch.device("cpu"), self._seed, "order", epoch)
            self._permutation = torch.randperm(self._count, generator=cpu).to(self._device)
            self._epoch = epoch
        return self._permutation[position * self.batch_size : (position + 1) * self.batch_size]
