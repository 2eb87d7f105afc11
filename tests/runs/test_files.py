"""Writing that cannot be half done, reading that survives what was half done."""

import errno
import itertools
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from tests.failing_disk import Disk
from workbench.runs import files, reading


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    files.write(path, b"one")
    files.write(path, b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in path.parent.iterdir()] == ["state.json"]


ERRORS = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ESTALE, errno.EINTR, 0]
MOMENTARY = {errno.EIO, errno.ESTALE, errno.EINTR, 0}
ONCE_OR_EVER = pytest.mark.parametrize("ever", [False, True], ids=["once", "from then on"])
OLD, NEW = b'{"a": 1}\n', b'{"b": 2}\n'
ACTIONS: dict[str, tuple[Callable[[Path], object], bytes]] = {
    "write": (lambda path: files.write(path, NEW), NEW),
    "write in a new folder": (lambda path: files.write(path, NEW), NEW),
    "write_json": (lambda path: files.write_json(path, {"b": 2}), b'{\n  "b": 2\n}\n'),
    "append": (lambda path: files.append(path, NEW), OLD + NEW),
    "append to a torn line": (lambda path: files.append(path, NEW), OLD[:-1] + b"\n" + NEW),
    "append after": (lambda path: files.append(path, NEW, after=4), OLD[:4] + b"\n" + NEW),
}


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PAUSES", (0.0,) * 3)


@ONCE_OR_EVER
@pytest.mark.parametrize("error", ERRORS, ids=lambda code: errno.errorcode.get(code, "short write"))
@pytest.mark.parametrize("action", ACTIONS)
def test_whatever_call_fails_there_is_the_old_or_the_new(
    action: str, error: int, ever: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, new = ACTIONS[action]
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of them here, and no power cut
    old = {"write in a new folder": None, "append to a torn line": OLD[:-1]}.get(action, OLD)
    for number in itertools.count(1):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        path = folder / "inner" / "x" if old is None else folder / "x"
        if old is not None:
            path.write_bytes(old)
        disk = Disk(lambda call, at=number: call >= at if ever else call == at, error)  # type: ignore[misc]
        raised = None
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", disk)
            try:
                act(path)
            except files.DiskError as caught:
                raised = caught
        assert open_files(folder) == []
        found = path.read_bytes() if path.exists() else None
        # A file that was cut back to what is known to be good is as good as the old one.
        assert found in {new, old} or (action == "append after" and found == OLD[:4])
        assert [file.name for file in folder.rglob("*") if file.is_file() and file != path] == []
        if raised is None:
            assert found == new
        else:
            assert raised.errno == (error or errno.ENOSPC)
            assert ever or error not in MOMENTARY
            assert str(raised).startswith(f"{path} could not be written: ")
        if number > len(disk.calls):  # none of them failed
            assert raised is None
            break


def open_files(folder: Path) -> list[str]:
    """What this process has open below a folder; nothing where the system does not tell."""
    links = Path("/proc/self/fd")
    found = []
    for link in links.iterdir() if links.is_dir() else ():
        with suppress(OSError):
            found.append(str(link.readlink()))
    return [path for path in found if path.startswith(f"{folder}/")]


def test_what_lasts_a_moment_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(files, "PAUSES", (0.05, 0.2, 0.5))
    monkeypatch.setattr("workbench.runs.files.time.sleep", waited.append)
    for error, tries in ((errno.EIO, 4), (errno.ESTALE, 4), (errno.EBUSY, 4), (errno.ENOSPC, 1), (errno.EROFS, 1)):
        waited.clear()
        disk = Disk(lambda _: True, error)
        monkeypatch.setattr(files, "os", disk)
        with pytest.raises(files.DiskError) as caught:
            files.write(tmp_path / "x", b"1")
        assert (caught.value.errno, disk.calls.count("open")) == (error, tries)
        assert waited == [0.05, 0.2, 0.5][: tries - 1]


def test_what_an_append_could_not_take_back_is_cut_off_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.jsonl"
    length = files.append(path, OLD)
    assert length == path.stat().st_size
    with monkeypatch.context() as patch:  # all of it is written, and then neither the end nor the way back works
        patch.setattr(files, "PAUSES", ())
        patch.setattr(files, "os", Disk(lambda call: call >= 6, errno.EIO, undo=False))
        with pytest.raises(files.DiskError):
            files.append(path, NEW)
    assert path.read_bytes() == OLD + NEW
    assert files.append(path, NEW, after=length) == len(OLD + NEW)
    assert path.read_bytes() == OLD + NEW


def test_what_is_tried_again_is_there_once_though_nothing_could_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "metrics.jsonl"
    files.append(path, OLD)
    disk = Disk(lambda call: call in {6, 7}, errno.EIO, undo=False)  # the end of the first try, and the way back
    monkeypatch.setattr(files, "os", disk)
    files.append(path, NEW)
    assert disk.calls[4:8] == ["write", "close", "truncate", "open"]
    assert path.read_bytes() == OLD + NEW


def test_a_file_that_was_removed_is_not_filled_up_with_zeros(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert files.append(path, NEW, after=1000) == len(NEW)
    assert path.read_bytes() == NEW


def test_the_file_is_on_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(files, "os", disk)
    files.write(tmp_path / "x", b"1")
    assert disk.calls == ["open", "write", "fsync", "close", "replace", "open", "fsync", "close"]


def test_a_disk_that_cannot_be_told_to_hurry_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unknown)
    files.write(tmp_path / "x", b"1")
    files.sync(tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_a_removed_folder_stays_removed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    attempts: list[Callable[[], object]] = [
        lambda: files.write(run / "samples" / "final.png", b"1"),
        lambda: files.write(run / "summary.png", b"1", new_folder=False),
        lambda: files.write_json(run / "state.json", {}),
        lambda: files.append_text(run / "log.txt", "a\n"),
    ]
    for attempt in attempts:
        with pytest.raises(files.DiskError, match=re.escape(f"could not be written: the folder {run} is gone")):
            attempt()
    assert not run.exists()
    files.sync(run / "metrics.jsonl")  # nothing to do


def test_a_failure_is_a_sentence_with_the_room_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said(error: int, data: bytes = b"1") -> str:
        disk = Disk(lambda call: call == 2, error)
        disk.statvfs = lambda _: os.statvfs_result((4096, 4096, 99, 3, 3, 99, 9, 9, 0, 255))  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", disk)
            with pytest.raises(files.DiskError) as caught:
                files.write(tmp_path / "x", data)
        assert caught.value.strerror == os.strerror(error)
        return str(caught.value).removeprefix(f"{tmp_path / 'x'} could not be written: ")

    full = said(errno.ENOSPC, bytes(13_000_000))
    assert full == "no space left on the device (free: 13 kB, needed: 13 MB)"
    assert said(errno.EDQUOT) == "the disk quota is used up"
    assert said(errno.EROFS) == "the file system is read-only"
    assert said(errno.EACCES) == "permission denied"
    assert said(errno.EFBIG) == "it would be larger than a file may be here"
    assert said(errno.EMFILE) == "too many open files"


def test_leftovers_of_killed_processes_go(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    gone = [f".state.json.{dead.pid}-1.tmp", f"checkpoints/.step-000000001.safetensors.{os.getpid()}-3.tmp"]
    kept = ["state.json", ".lock", f"samples/.final.png.{os.getppid()}-1.tmp", ".mine.tmp", "1-1.tmp"]
    for name in (*gone, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    files.remove_leftovers(tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()} == set(kept)
    files.remove_leftovers(tmp_path / "nowhere")


def test_a_killed_write_leaves_what_the_next_start_removes(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(OLD)
    script = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from workbench.runs import files\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGTERM)\n"
        "files.write(Path(sys.argv[1]), b'new')\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "state.json")], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    files.remove_leftovers(tmp_path)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [OLD]


def test_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    contents = [bytes([letter]) * 100_000 for letter in b"abcd"]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(files.write, [path] * 20, contents * 5))
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_are_not_unicode_are_written(tmp_path: Path) -> None:
    strange = os.fsdecode(b"caf\xe9")
    files.write_json(tmp_path / "x.json", {"command": strange})
    files.append_line(tmp_path / "x.jsonl", {"command": strange})
    files.append_text(tmp_path / "x.txt", f"{strange}\n")
    for name in ("x.json", "x.jsonl"):
        assert json.loads((tmp_path / name).read_text(encoding="utf-8")) == {"command": strange}


def test_json_is_strict(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1.5, "β": "ü"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": 1.5, "β": "ü"}
    with pytest.raises(ValueError, match="Out of range float"):
        files.write_json(path, {"a": math.nan})
    assert reading.read_json(path)["a"] == 1.5


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
        reading.read_json(path)
    assert str(path) in str(caught.value)


def test_lines_survive_what_a_kill_leaves(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert list(reading.read_lines(path)) == []
    files.append_line(path, {"step": 1})
    files.append_line(path, {"step": 2})
    whole = path.read_bytes()
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        read = [record["step"] for record in reading.read_lines(path)]
        assert read == [1, 2][: len(read)]
        files.append_line(path, {"step": 3})  # the torn line is closed, and costs no other
        assert [record["step"] for record in reading.read_lines(path)] == [*read, 3]


def test_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n\n[1]\n"x"\n\xff\xfe\n{"step": \n{"step": 2}\n{"st')
    assert [record["step"] for record in reading.read_lines(path)] == [1, 2]


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
