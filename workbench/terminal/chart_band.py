"""The band between the least and the most, as characters: a light texture, so that a line on it stands out."""

import numpy as np
from numpy.typing import NDArray

from workbench.terminal.chart_frame import Frame

Numbers = NDArray[np.float64]

_BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # bits of the dots of a cell


def texture(low: Numbers, high: Numbers, frame: Frame) -> list[str]:
    """The canvas with a band, row by row from the top; the edges are in dots, column by column, NaN where none is.

    Every other dot, so that it is told from a line without colour and a spike one dot wide is still seen.
    """
    with np.errstate(invalid="ignore"):
        seen = (high >= 0) & (low <= frame.height - 1)
    bottom = np.floor(np.where(seen, low, 0.0).clip(0, frame.height - 1) + 0.5)
    top = np.floor(np.where(seen, high, -1.0).clip(-1, frame.height - 1) + 0.5)
    dots = np.arange(frame.height - 1, -1, -1)[:, None]
    x = np.arange(frame.width)
    drawn = (dots >= bottom) & (dots <= top)
    if frame.up == 1:
        return ["".join(row) for row in np.where(drawn, ".", " ")]
    drawn &= (dots + x) % 2 == 0
    cells = drawn.reshape(frame.rows, frame.up, frame.columns, frame.across)
    codes = np.einsum("rucd,ud->rc", cells, _BRAILLE)
    return ["".join(map(chr, row)) for row in np.where(codes > 0, codes + 0x2800, 0x20).tolist()]
