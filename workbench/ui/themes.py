"""The colours of the screen: two themes of our own beside Textual's, and what cells take from them."""

import os
from collections.abc import Mapping

from rich.style import Style
from textual.app import App
from textual.theme import Theme

from workbench.terminal.capability import Terminal
from workbench.terminal.look import Look

# Each colour is of xterm's cube, so that 256 colours show the theme as it is meant.
DARK = Theme(
    "genbench", primary="#5fafff", secondary="#87afd7", accent="#5fafff", warning="#ffaf5f", error="#ff5f5f",
    success="#87d787", foreground="#d0d0d0", background="#121212", surface="#1c1c1c", panel="#262626", dark=True,
    variables={"border": "#444444", "border-blurred": "#444444", "block-cursor-text-style": "none"},
)  # fmt: skip
LIGHT = Theme(
    "genbench-light", primary="#005faf", secondary="#5f5f87", accent="#005faf", warning="#af5f00", error="#af0000",
    success="#005f00", foreground="#262626", background="#ffffff", surface="#f8f8f8", panel="#eeeeee", dark=False,
    variables={"border": "#b2b2b2", "border-blurred": "#b2b2b2", "block-cursor-text-style": "none"},
)  # fmt: skip
ORDER = ("genbench", "genbench-light", "nord", "gruvbox", "solarized-light", "ansi-dark", "ansi-light")

# Eight each, told apart by lightness as well as hue; blue and orange, the first two, by everybody.
_ON_DARK = ("#5fafff", "#ffaf5f", "#d787d7", "#87d787", "#ff8787", "#d7d75f", "#5fd7d7", "#afafff")
_ON_LIGHT = ("#005faf", "#af5f00", "#87005f", "#005f00", "#af0000", "#5f5f00", "#005f5f", "#5f00af")
_ANSI = ("bright_blue", "yellow", "magenta", "green", "red", "cyan", "blue", "bright_magenta")


def first(terminal: Terminal, environ: Mapping[str, str] = os.environ) -> str:
    """The theme for a terminal that nobody has chosen one for: light where it says that its ground is."""
    light = environ.get("COLORFGBG", "").rpartition(";")[2] in {"7", "15"}
    if terminal.colours == "16":
        return "ansi-light" if light else "ansi-dark"
    return "genbench-light" if light else "genbench"


def look(app: App[int], unicode: bool) -> Look:
    """The roles that charts and pictures are drawn in, in the colours of the theme that is on."""
    theme = app.current_theme
    if theme.ansi:
        series = tuple(Style(color=name) for name in _ANSI)
        dim, accent, bad = Style(color="bright_black"), Style(color="bright_blue", bold=True), Style(color="red")
        return Look(Style(), dim, accent, bad, series, unicode)
    colours = _ON_DARK if theme.dark else _ON_LIGHT
    return Look(
        Style(color=theme.foreground), Style(color="#8a8a8a" if theme.dark else "#6c6c6c"),
        Style(color=theme.primary, bold=True), Style(color=theme.error),
        tuple(Style(color=colour) for colour in colours), unicode,
    )  # fmt: skip
