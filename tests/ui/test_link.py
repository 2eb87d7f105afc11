"""The way to the terminal: all of it arrives, a stalled one holds nobody up, a lost one is no error."""

import os
import select
import threading
from collections.abc import Iterator

import pytest

from workbench.ui import link
from workbench.ui.link import Link

pty = pytest.importorskip("pty", reason="needs the terminals of Unix")

Ends = tuple[int, Link]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ends]:
    """The other end of a terminal, and a link to it that is soon out of patience."""
    monkeypatch.setattr(link, "PATIENCE", 0.1)
    ours, theirs = pty.openpty()
    opened = Link(theirs, "utf-8")
    yield ours, opened
    opened.close()
    os.close(theirs)


def read_all(descriptor: int) -> bytes:
    """What there is to read now."""
    got = b""
    while select.select([descriptor], [], [], 0.05)[0]:
        got += os.read(descriptor, 65536)
    return got


def test_all_that_is_written_arrives(ends: Ends) -> None:
    ours, terminal = ends
    text = "⣿ä|" * 40_000
    writer = threading.Thread(target=terminal.write, args=(text,))
    writer.start()
    assert read_all(ours).decode() == text
    writer.join()
    assert not terminal.stalled
    assert not terminal.is_back(), "it was never away"
    os.close(ours)


def test_a_stalled_terminal_holds_nobody_up_and_comes_back(ends: Ends) -> None:
    ours, terminal = ends
    assert terminal.write("x" * 1_000_000) == 1_000_000
    assert terminal.stalled
    terminal.write("dropped")
    assert not terminal.is_back()
    assert b"dropped" not in read_all(ours)
    assert terminal.is_back()
    assert not terminal.stalled
    terminal.write("here again")
    assert read_all(ours).endswith(b"\x18here again")
    os.close(ours)


def test_a_lost_terminal_is_no_error(ends: Ends) -> None:
    ours, terminal = ends
    os.close(ours)
    terminal.write("nobody reads this")
    assert terminal.stalled
    assert not terminal.is_back()


def test_the_shell_s_own_descriptor_goes_on_waiting() -> None:
    ours, theirs = pty.openpty()
    with Link(theirs, "utf-8") as terminal:
        assert os.get_blocking(theirs)
        assert terminal.isatty()
    os.close(ours)
    os.close(theirs)


def test_what_is_written_after_a_stall_arrives_without_anybody_asking(ends: Ends) -> None:
    ours, terminal = ends
    terminal.write("x" * 1_000_000)
    assert terminal.stalled
    read_all(ours)
    terminal.write("\x1b[?1049l")  # a person leaves: the terminal must be theirs again
    assert read_all(ours).endswith(b"\x1b[?1049l")
    assert terminal.is_back(), "there is something to draw anew"
    os.close(ours)


def test_a_terminal_that_missed_how_the_screen_ended_is_told_again(ends: Ends) -> None:
    ours, terminal = ends
    terminal.write("x" * 1_000_000 + "\x1b[?2004l\x1b[?1049l")
    read_all(ours)
    terminal.close()
    said = read_all(ours)
    assert b"\x1b[?2004l" in said
    assert b"\x1b[?1049l" in said
    os.close(ours)
