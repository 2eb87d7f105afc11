"""What a terminal can show is read from its environment, as Textual reads it, and nothing finer is offered."""

import subprocess
import sys

import pytest

from workbench.terminal.capability import Colours, Renderer, Terminal, default, detect, usable


@pytest.mark.parametrize(
    ("environ", "colours"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color", "COLORTERM": " 24bit "}, "truecolor"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "TMUX": "socket,1,0"}, "256"),
        ({"TERM": "xterm-kitty"}, "256"),
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "screen"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({}, "16"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, "none"),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "256"),
        ({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "truecolor"}, "truecolor"),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "standard"}, "16"),
        ({"TERM": "xterm-256color", "TEXTUAL_COLOR_SYSTEM": "auto"}, "256"),
        ({"TERM": "xterm", "TEXTUAL_COLOR_SYSTEM": "truecolor", "NO_COLOR": "1"}, "none"),
    ],
)
def test_colours_are_those_that_arrive(environ: dict[str, str], colours: Colours) -> None:
    assert detect(environ, "utf-8").colours == colours


@pytest.mark.parametrize("term", ["xterm-256color", "xterm-kitty", "xterm", "screen", "tmux-256color", "linux", ""])
@pytest.mark.parametrize("colorterm", ["", "truecolor", "24bit", "yes"])
def test_colours_agree_with_what_rich_would_send(term: str, colorterm: str) -> None:
    from rich.console import Console

    environ = {"TERM": term, "COLORTERM": colorterm}
    sent = Console(force_terminal=True, _environ=environ).color_system
    assert {"standard": "16"}.get(str(sent), sent) == detect(environ, "utf-8").colours


@pytest.mark.parametrize(
    ("environ", "encoding", "unicode"),
    [
        ({"LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"LANG": "de_DE.utf8"}, "UTF-8", True),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, "utf-8", True),
        ({}, "utf-8", True),
        ({"LANG": "C"}, "utf-8", False),
        ({"LC_ALL": "POSIX", "LANG": "en_US.UTF-8"}, "utf-8", False),
        ({"LC_ALL": "", "LANG": "en_US.UTF-8"}, "utf-8", True),
        ({"LANG": "en_US.UTF-8"}, "ascii", False),
        ({"LANG": "en_US.UTF-8"}, "", False),
        ({"LANG": "de_DE.ISO-8859-1"}, "iso-8859-1", False),
        ({"LANG": "en_US.UTF-8", "TERM": "linux"}, "utf-8", False),
        ({"LANG": "en_US.UTF-8", "TERM": "dumb"}, "utf-8", False),
    ],
)
def test_unicode_needs_the_encoding_the_locale_and_a_font(
    environ: dict[str, str], encoding: str, unicode: bool
) -> None:
    assert detect(environ, encoding).unicode is unicode
    assert not detect(environ, encoding, ascii_only=True).unicode


def test_dumb_terminals_and_multiplexers_are_known() -> None:
    assert detect({"TERM": "dumb"}, "utf-8").dumb
    assert not detect({}, "utf-8").dumb
    assert detect({"TERM": "xterm-256color", "TMUX": "x"}, "utf-8").tmux
    assert detect({"TERM": "screen-256color"}, "utf-8").tmux
    assert not detect({"TERM": "xterm-256color"}, "utf-8").tmux


@pytest.mark.parametrize(
    ("terminal", "names"),
    [
        (Terminal("truecolor"), ("half", "braille", "ascii")),
        (Terminal("256"), ("half", "braille", "ascii")),
        (Terminal("16"), ("braille", "ascii")),
        (Terminal("none"), ("braille", "ascii")),
        (Terminal("truecolor", unicode=False), ("ascii",)),
    ],
)
def test_renderers_are_offered_where_they_work(terminal: Terminal, names: tuple[Renderer, ...]) -> None:
    assert usable(terminal) == names
    assert default(terminal) == names[0]


def test_knowing_the_terminal_costs_nothing_before_the_first_paint() -> None:
    code = (
        "import sys; import workbench.terminal.capability;"
        "print(sorted({'numpy', 'rich', 'textual', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
