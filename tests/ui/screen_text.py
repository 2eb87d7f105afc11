"""What stands on the workbench's screen, as characters."""

from textual.app import App


def text(app: App[int]) -> str:
    """The screen line by line, as a person would read it."""
    width, height = app.size
    console = app.console
    strips = app.screen._compositor.render_strips(app.size)  # what is sent to the terminal, before colours
    assert console is not None
    assert len(strips) == height
    return "\n".join(strip.text[:width].rstrip() for strip in strips)
