"""Arrays that grow at their end, and what lies in any stretch of them, in time that hardly grows with it."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Indices = NDArray[np.intp]

_BLOCK = 64  # values that one value of the level above stands for
_DIRECT = 128  # values a stretch, on average, up to which it is quicker to look at them all


class Column:
    """A float64 array that grows; appending costs O(new), on average over a long time."""

    def __init__(self) -> None:
        self._data = np.empty(_BLOCK)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, values: Numbers) -> None:
        """Append."""
        size = self._size + len(values)
        if size > len(self._data):
            grown = np.empty(max(size, 2 * len(self._data)))
            grown[: self._size] = self.array
            self._data = grown
        self._data[self._size : size] = values
        self._size = size

    @property
    def array(self) -> Numbers:
        """What is there: a view, which later appending leaves as it is."""
        return self._data[: self._size]


class Pyramid:
    """The least, the most or the sum of any stretch of a growing array.

    Level 0 is the array. Each value of a level above stands for 64 values of the one below, so a stretch is a few
    values at either end and whole blocks between them, which are a stretch of the level above.
    """

    def __init__(self, fold: np.ufunc, nothing: float) -> None:
        self._fold = fold  # minimum, maximum or add
        self._nothing = nothing  # what it makes of no values
        self._levels = [Column()]

    @property
    def array(self) -> Numbers:
        """The values themselves."""
        return self._levels[0].array

    def extend(self, values: Numbers, level: int = 0) -> None:
        """Append, and fold each block that this completes into a value of the level above."""
        if level == len(self._levels):
            self._levels.append(Column())
        column = self._levels[level]
        folded = len(column) // _BLOCK * _BLOCK
        column.extend(values)
        whole = column.array[folded : len(column) // _BLOCK * _BLOCK]
        if len(whole):
            self.extend(self._fold.reduce(whole.reshape(-1, _BLOCK), axis=1), level + 1)

    def over(self, starts: Indices, ends: Indices, level: int = 0) -> Numbers:
        """What lies in [start, end), for each pair; the stretches stand in order and do not overlap."""
        if ends[-1] - starts[0] <= _DIRECT * len(starts):
            return self._directly(starts, ends, level)
        first, last = -(-starts // _BLOCK), ends // _BLOCK  # the whole blocks
        head = np.minimum(ends, first * _BLOCK)
        tail = np.maximum(head, last * _BLOCK)
        blocks = self.over(first, np.maximum(first, last), level + 1)
        return self._fold(self._fold(self._few(starts, head, level), blocks), self._few(tail, ends, level))

    def _directly(self, starts: Indices, ends: Indices, level: int) -> Numbers:
        """Look at every value between the first start and the last end."""
        values = np.append(self._levels[level].array[starts[0] : ends[-1]], self._nothing)
        between = np.stack([starts, ends], axis=1).ravel() - starts[0]
        between = np.minimum(between, len(values) - 1)  # an empty stretch may lie beyond the last whole block
        return np.where(starts < ends, self._fold.reduceat(values, between)[::2], self._nothing)

    def _few(self, starts: Indices, ends: Indices, level: int) -> Numbers:
        """The same for stretches shorter than a block, wherever they lie."""
        index = starts[:, None] + np.arange(_BLOCK)
        values = self._levels[level].array.take(index, mode="clip")
        return self._fold.reduce(np.where(index < ends[:, None], values, self._nothing), axis=1)
