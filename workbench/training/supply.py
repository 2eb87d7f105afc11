"""The images of each step on the device: all of them lie there, or one batch is fetched while another trains.

Which images a step sees is a function of (seed, step) alone, so where they lie changes nothing that is computed.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psutil
import torch
from torch import Tensor

from models.sharing import WHOLE, Part
from workbench.config import TrainingSettings
from workbench.data.imageset import Images, Split
from workbench.training.order import Order

SHARE = 0.5  # of a device's free memory that a set may take


class Supply:
    """The training images of one sitting, step by step."""

    def __init__(self, split: Split, settings: TrainingSettings, device: torch.device, part: Part = WHOLE) -> None:
        """`part` is this process's of each batch."""
        self._device, self._part = device, part
        resident = fits(split.images, device)
        place = device if resident else torch.device("cpu")
        self.order = Order(len(split), settings.batch_size, settings.seed, place)
        self._labels = None if split.labels is None else split.labels.to(place)
        self._pixels = split.images.to(device) if resident else None  # uint8, all of them, once
        self._ahead = None if resident else _Ahead(split.images, self._indices, pinned=device.type == "cuda")

    def batch(self, step: int) -> tuple[Tensor, Tensor | None]:
        """uint8 images (B, C, H, W) of a step, good until the next call, and their labels (B,), on the device."""
        indices = self._indices(step)
        labels = None if self._labels is None else self._labels[indices].to(self._device)
        if self._pixels is not None:
            return self._pixels.index_select(0, indices), labels  # indexing would go number by number
        assert self._ahead is not None
        return self._ahead.batch(step, self._device), labels

    def _indices(self, step: int) -> Tensor:
        return self._part.of(self.order.indices(step))

    def close(self) -> None:
        """Fetch nothing more."""
        if self._ahead is not None:
            self._ahead.close()


def fits(images: Images, device: torch.device) -> bool:
    """Whether all images may lie on a device: on a GPU where they take no more than `SHARE` of what is free.

    On a CPU those in memory are there already, and the system keeps those on the disk in what memory is free.
    """
    if device.type == "cpu":
        return isinstance(images, Tensor)
    cuda = device.type == "cuda"
    free = torch.cuda.mem_get_info(device)[0] if cuda else psutil.virtual_memory().available
    return images.nbytes <= SHARE * free


class _Ahead:
    """Two buffers in memory, one to train on and one that a thread fills for the next step."""

    def __init__(self, images: Images, indices: Callable[[int], Tensor], pinned: bool) -> None:
        self._images, self._indices = images, indices
        shape = (len(indices(0)), *images.shape[1:])
        self._buffers = [torch.empty(shape, dtype=torch.uint8, pin_memory=pinned) for _ in range(2)]
        self._copied: list[Any] = [None, None]  # events: when the device has what was in a buffer
        self._thread = ThreadPoolExecutor(1, "images ahead")
        self._step, self._next = -1, Future[Tensor]()

    def batch(self, step: int, device: torch.device) -> Tensor:
        if step != self._step:
            self._fetch(step)
        images = self._next.result()
        if device.type == "cuda":
            images = images.to(device, non_blocking=True)
            self._copied[step % 2] = torch.cuda.Event()
            self._copied[step % 2].record(torch.cuda.current_stream(device))
        else:
            images = images.to(device)
        self._fetch(step + 1)
        return images

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, step: int) -> None:
        indices = self._indices(step)  # in this thread: the order remembers its epoch
        self._step, self._next = step, self._thread.submit(self._fill, step % 2, indices)

    def _fill(self, which: int, indices: Tensor) -> Tensor:
        if self._copied[which] is not None:
            self._copied[which].synchronize()
        buffer = self._buffers[which]
        if isinstance(self._images, Tensor):
            return torch.index_select(self._images, 0, indices, out=buffer)
        return self._images.read(self._images.rows[indices.numpy()], buffer)
