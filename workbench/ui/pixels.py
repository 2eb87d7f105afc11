"""Pictures in real pixels: with the optional textual-image, on a terminal that has Kitty's protocol or Sixel.

It asks the terminal while it is imported, and the answer comes through standard input: so it is imported once,
before the screen is up, or not at all.
"""

from typing import Any

from workbench.terminal.capability import Terminal


def probe(terminal: Terminal) -> type[Any] | None:
    """The widget that shows an image in pixels; None where it cannot, or would leave remains, as inside tmux."""
    if terminal.tmux or not terminal.unicode:
        return None
    try:
        from textual_image import renderable, widget
    except ImportError:
        return None
    exact = renderable.Image in {renderable.TGPImage, renderable.SixelImage}
    return widget.Image if exact else None
