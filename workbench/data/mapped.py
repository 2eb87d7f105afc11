"""Images that stay on the disk: rows of a memory map, read when they are asked for.

Shapes: N images, C channels, H = W.
"""

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.data.store import Store

PART = 32 << 20  # bytes of images read at a time where a whole set is walked through


@dataclass(frozen=True, eq=False)
class Mapped:
    """Some images of a store, in some order, asked for like those of a uint8 tensor (N, C, H, W).

    A slice is again a view, and reads nothing; one or several indices, `split` and `to` read.
    """

    store: Store
    rows: NDArray[np.int64]  # (N,)
    look: "Callable[[Tensor, NDArray[np.int64]], Tensor] | None" = None  # what is made of pixels and their rows
    word: str = ""  # its name: part of what the images are
    dtype: torch.dtype = field(default=torch.uint8, init=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> torch.Size:
        """(N, C, H, W)."""
        return torch.Size((len(self.rows), *self.store.pixels.shape[1:]))

    @property
    def device(self) -> torch.device:
        """Where what is read is."""
        return torch.device("cpu")

    @property
    def nbytes(self) -> int:
        """What all of them would take in memory."""
        return len(self.rows) * self.store.layout.picture

    @overload
    def __getitem__(self, which: slice) -> "Mapped": ...
    @overload
    def __getitem__(self, which: "Tensor | int") -> Tensor: ...
    def __getitem__(self, which: "Tensor | int | slice") -> "Tensor | Mapped":
        if isinstance(which, slice):
            return replace(self, rows=self.rows[which])
        if isinstance(which, int):
            return self.read(self.rows[which : which + 1 or None])[0]
        return self.read(self.rows[which.cpu().numpy()])

    def take(self, indices: Tensor) -> "Mapped":
        """The images at `indices` (int64, 1-D), in that order, without reading them."""
        return replace(self, rows=self.rows[indices.numpy()])

    def split(self, size: int) -> Iterator[Tensor]:
        """All of them, `size` at a time."""
        for start in range(0, len(self.rows), size):
            yield self.read(self.rows[start : start + size])

    def parts(self) -> Iterator[Tensor]:
        """All of them, as many at a time as take `PART` bytes."""
        return self.split(max(1, PART // self.store.layout.picture))

    def to(self, device: torch.device) -> Tensor:
        """All of them on a device; on the way there in parts."""
        there = torch.empty(self.shape, dtype=torch.uint8, device=device)
        start = 0
        for part in self.parts():
            there[start : start + len(part)] = part
            start += len(part)
        return there

    def read(self, rows: NDArray[np.int64], out: Tensor | None = None) -> Tensor:
        """The pixels of rows of the store, into `out` where it is given. Safe in any thread."""
        there = torch.empty((len(rows), *self.shape[1:]), dtype=torch.uint8) if out is None else out[: len(rows)]
        self._expect(rows)
        np.take(self.store.pixels, rows, axis=0, out=there.numpy(), mode="clip")  # without this mode it buffers
        if self.look is not None:
            there.copy_(self.look(there, rows))
        return there

    def _expect(self, rows: NDArray[np.int64]) -> None:
        """Tell the system what will be read: the disk then fetches all of it at once, and nothing else.

        Page faults alone wait for one image after another, and each of them reads megabytes around it, which a
        memory smaller than the set throws away unseen.
        """
        if self.store.path is None or not hasattr(mmap, "MADV_WILLNEED"):
            return
        for start, end in self.store.stretches(np.sort(rows)):
            self.store.memory.madvise(mmap.MADV_WILLNEED, start, end - start)

    def digest(self) -> bytes:
        """Bytes that change with any pixel, without reading them: the prints of the images, in order."""
        return self.word.encode() + self.store.prints[self.rows].tobytes()

    def seen_as(self, word: str, look: "Callable[[Tensor, NDArray[np.int64]], Tensor]") -> "Mapped":
        """The same images, looked at in a way that `word` names: pixels (B, C, H, W) and rows (B,) -> pixels."""
        return replace(self, look=look, word=word)
