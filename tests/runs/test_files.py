"""Writing that cannot be half done, reading that survives what was half done."""

import json
import math
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from workbench.runs import files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    files.write(path, b"one")
    files.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


@pytest.mark.parametrize("step", ["replace", "fsync", "write"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    files.write(path, b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "write":  # the disk is full before a byte is written
        monkeypatch.setattr(Path, "open", fail)
    else:
        monkeypatch.setattr(*((Path, "replace", fail) if step == "replace" else (os, "fsync", fail)))
    with pytest.raises(OSError, match="No space left"):
        files.write(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["state.json"]


def test_the_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        told.append("fsync")
        real_fsync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        told.append("replace")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    files.write(tmp_path / "x", b"1")
    assert told[:2] == ["fsync", "replace"]


def test_json_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1.5, "β": "ü"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1.5, "β": "ü"}
    with pytest.raises(ValueError, match="Out of range float"):
        files.write_json(path, {"a": math.nan})
    assert files.read_json(path)["a"] == 1.5


def test_what_is_not_finite_is_null_with_a_notice() -> None:
    record = {"step": 3, "metrics": {"kl": math.nan, "loss": 1.0}, "rate": math.inf, "list": [1.0, -math.inf]}
    line = files.to_line(record)
    assert json.loads(line, parse_constant=pytest.fail) == {
        "step": 3, "metrics": {"kl": None, "loss": 1.0}, "rate": None, "list": [1.0, None],
        "notices": ["metrics.kl is nan", "rate is inf", "list[1] is -inf"],
    }  # fmt: skip
    assert "notices" not in files.finite({"a": 1.0})


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "is missing"), (b"", "cannot be read"), (b'{"a": 1', "cannot be read"), (b"\xff\xfe", "cannot be read"),
     (b"[1]", "should hold a JSON object; it holds a list"), (b"3", "it holds a int")],
)  # fmt: skip
def test_a_json_file_that_is_none_is_named(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        files.read_json(path)
    assert str(path) in str(caught.value)


def test_lines_survive_what_a_kill_leaves(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert list(files.read_lines(path)) == []
    files.append_line(path, {"step": 1})
    files.append_line(path, {"step": 2})
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        read = [record["step"] for record in files.read_lines(path)]
        assert read == [1, 2][: len(read)]
        files.append_line(path, {"step": 3})  # the torn line is closed, and costs no other
        assert [record["step"] for record in files.read_lines(path)] == [*read, 3]


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n\n[1]\n"x"\n\xff\xfe\n{"step": \n{"step": 2}\n{"st')
    assert [record["step"] for record in files.read_lines(path)] == [1, 2]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_a_line_is_one_line_and_reads_back(record: dict[str, object]) -> None:
    line = files.to_line(record)
    assert line.count("\n") == 1
    assert json.loads(line) == record
