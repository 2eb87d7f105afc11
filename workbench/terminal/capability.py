"""What the terminal can show, read from the environment alone: no query that a slow link could leave unanswered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Colours = Literal["truecolor", "256", "16", "none"]
Renderer = Literal["half", "braille", "ascii"]

_FORCED: dict[str, Colours] = {"truecolor": "truecolor", "256": "256", "standard": "16", "windows": "16"}
_NAMED: dict[str, Colours] = {"256color": "256", "kitty": "256"}  # by the end of TERM, as rich reads it


@dataclass(frozen=True)
class Terminal:
    """The terminal's abilities, as far as its environment tells."""

    colours: Colours = "truecolor"
    unicode: bool = True
    dumb: bool = False  # cannot place a cursor: no screen can be drawn
    tmux: bool = False  # inside tmux or screen, where pixel pictures flicker and leave remains


def detect(environ: Mapping[str, str], encoding: str, ascii_only: bool = False) -> Terminal:
    """Read a terminal's abilities from its environment and the encoding of standard output.

    The colours are those that Textual will send, or pictures would be drawn in colours that never arrive.
    """
    term = environ.get("TERM", "").strip().lower()
    dumb = term in {"dumb", "unknown"}
    return Terminal(
        colours="none" if dumb or environ.get("NO_COLOR") else _colours(environ, term),
        unicode=not (ascii_only or dumb) and _unicode(environ, term, encoding),
        dumb=dumb,
        tmux="TMUX" in environ or "STY" in environ or term.startswith(("tmux", "screen")),
    )


def usable(terminal: Terminal) -> tuple[Renderer, ...]:
    """The renderers worth cycling through, the finest first."""
    if not terminal.unicode:
        return ("ascii",)
    return ("half", "braille", "ascii") if terminal.colours in {"truecolor", "256"} else ("braille", "ascii")


def default(terminal: Terminal) -> Renderer:
    """The renderer to begin with."""
    return usable(terminal)[0]


def _colours(environ: Mapping[str, str], term: str) -> Colours:
    forced = _FORCED.get(environ.get("TEXTUAL_COLOR_SYSTEM", "").lower())
    if forced:
        return forced
    if environ.get("COLORTERM", "").strip().lower() in {"truecolor", "24bit"}:
        return "truecolor"
    return _NAMED.get(term.rpartition("-")[2], "16")


def _unicode(environ: Mapping[str, str], term: str, encoding: str) -> bool:
    """UTF-8 by the encoding and by the locale; Python says UTF-8 even where the locale is C."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or "utf-8"
    # The kernel's console decodes UTF-8, but its font has no braille.
    return term != "linux" and all("utf8" in name.lower().replace("-", "") for name in (encoding, locale))
