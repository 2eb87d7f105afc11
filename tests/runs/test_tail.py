"""Lines of a file that another process appends to: each once, none torn, and a replaced file from its start."""

import os
from pathlib import Path

import pytest

from workbench.runs import files, tail
from workbench.runs.tail import Part, Tail


def append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_each_line_comes_once_and_a_torn_one_later(tmp_path: Path) -> None:
    path = tmp_path / "log"
    following = Tail(path)
    assert following.read() == Part()
    append(path, "one\ntwo\nth")
    assert following.read().lines == ["one", "two"]
    assert following.read() == Part()
    append(path, "ree")
    assert following.read().lines == []
    append(path, "\n\nfünf\n")
    assert following.read() == Part(["three", "", "fünf"])


@pytest.mark.parametrize("new", ["", "a\n", "a\nb\nC\n", "a\nb\nC\nand more\n"])
def test_another_file_is_read_anew(new: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a\nb\nc\n")
    following = Tail(path)
    following.read()
    files.write(path, new.encode())
    assert following.read() == Part(new.splitlines(), anew=True)


def test_the_same_content_in_a_new_file_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a\nb\n")
    following = Tail(path)
    following.read()
    files.write(path, b"a\nb\nc\n")
    assert following.read() == Part(["c"])


def test_a_large_file_comes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "CHUNK", 16)
    path = tmp_path / "log"
    lines = [f"line {i}" + "x" * (i % 40) for i in range(60)]  # some of them longer than a part
    path.write_text("\n".join(lines) + "\ntorn")
    following, read = Tail(path), []
    while True:
        part = following.read()
        read += part.lines
        if not part.more:
            break
    assert read == lines
    assert following.read() == Part()


def test_a_file_that_is_gone_or_closed_to_us_has_no_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("a\n")
    following = Tail(path)
    following.read()
    path.unlink()
    assert following.read() == Part()
    path.mkdir()
    assert following.read() == Part()


def test_nothing_new_costs_one_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log"
    path.write_text("a\n")
    following = Tail(path)
    following.read()
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    assert following.read() == Part()
    assert tail.signature(path) == (os.stat(path).st_ino, 2, os.stat(path).st_mtime_ns)  # noqa: PTH116
