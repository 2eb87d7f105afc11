"""Pictures of a run at full resolution: pure functions from arrays to `PIL.Image.Image`.

Nothing here knows a path, a tensor or a model. With `header=None` a function gives its picture without page and
margins, and `width` asks for another size of it: that is how the contact sheet is put together. The same input
gives the same pixels, inputs are never changed, and several threads may draw at once.
"""

from workbench.figures.clouds import scatter
from workbench.figures.comparison import Shown, comparison
from workbench.figures.grids import reconstructions, samples, strips
from workbench.figures.layout import CONTENT, Header, png
from workbench.figures.plots import Panel, Series, curves
from workbench.figures.sheet import COLUMN, summary

__all__ = [
    "COLUMN",
    "CONTENT",
    "Header",
    "Panel",
    "Series",
    "Shown",
    "comparison",
    "curves",
    "png",
    "reconstructions",
    "samples",
    "scatter",
    "strips",
    "summary",
]
