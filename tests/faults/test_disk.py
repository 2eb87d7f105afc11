"""A disk that is full, read-only, gone or broken: what was good stays good, and training goes on."""

import errno
import itertools
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.failing_disk import Disk
from workbench.runs import files
from workbench.runs.folder import RunFolder
from workbench.runs.history import History, Record, Split
from workbench.training import recorder as recording
from workbench.training.events import Evaluated, Event, Finished, Notice, Progress, Started
from workbench.training.recorder import Recorder


def record(step: int, split: Split = "train") -> Record:
    return Record(step, step * 16, step / 6, step / 10, split, {"loss": 1 / step})


def progress(step: int) -> Progress:
    return Progress(record(step), 100.0, 1.0)


EVENTS: list[Event] = [
    Started(0, 4, 6, "cpu", "float32", 1), progress(1), Notice(1, "A notice."), progress(2),
    Evaluated(record(2, "test")), progress(3), progress(4), Finished("done", 4),
]  # fmt: skip


def written(folder: RunFolder) -> list[tuple[str, int]]:
    """The lines of the metrics, each of them whole."""
    if not folder.metrics_file.exists():
        return []
    text = folder.metrics_file.read_text(encoding="utf-8")
    assert text.endswith("\n") or not text
    return [(line["split"], line["step"]) for line in map(json.loads, text.splitlines())]


ALL = [("train", 1), ("train", 2), ("test", 2), ("train", 3), ("train", 4)]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits before it is tried again."""
    monkeypatch.setattr(files, "PAUSES", (0.0,) * 3)
    monkeypatch.setattr(recording, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(recording, "SHARE", math.inf)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # thousands of them here, and no power cut


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("undo", [True, False], ids=["can cut back", "cannot cut back"])
@pytest.mark.parametrize(
    ("error", "lasts"), [(errno.ENOSPC, 1), (errno.ENOSPC, 40), (errno.EIO, 8), (0, 40)],
    ids=["full once", "full for long", "broken", "short writes"],
)  # fmt: skip
def test_whenever_the_disk_fails_no_line_is_lost_or_twice(
    lasts: int, undo: bool, error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for first in itertools.count(1):
        folder = RunFolder(tmp_path / f"{first}")
        folder.path.mkdir()
        disk = Disk(lambda call, first=first: first <= call < first + lasts, error, undo)  # type: ignore[misc]
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", disk)
            sink = Recorder(folder, History())
            for event in EVENTS:
                sink(event)
        assert sink.settle()
        assert written(folder) == ALL == [(r.split, r.step) for r in sink.history.records]
        assert folder.stored_state().status == "done"
        log = folder.log_file.read_text(encoding="utf-8")
        assert (
            all(log.count(text) == 1 for text in ("training from step 0", "A notice.", "step 4: done")) or not undo
        )
        if len(disk.calls) < first:
            break
        shutil.rmtree(folder.path)


@pytest.mark.usefixtures("impatient")
def test_a_full_disk_is_told_until_all_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    sink = Recorder(folder, History())
    for event in EVENTS[:2]:
        sink(event)
    assert sink.trouble == ""
    with monkeypatch.context() as patch:
        patch.setattr(files, "os", Disk(lambda _: True, errno.EDQUOT))
        seen = []
        for event in EVENTS[2:6]:
            sink(event)
            seen.append(sink.trouble)
        assert not sink.settle()
    assert len(set(seen)) == 1
    assert seen[0].startswith(f"{tmp_path / 'log.txt'} could not be written: the disk quota is used up. ")
    assert written(folder) == ALL[:1]
    sink(EVENTS[6])
    assert (sink.trouble, written(folder)) == ("", ALL)


@pytest.mark.usefixtures("impatient")
def test_the_end_of_a_run_is_tried_more_than_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Recorder(RunFolder(tmp_path), History())
    for event in EVENTS[:-1]:
        sink(event)
    monkeypatch.setattr(files, "os", Disk(lambda call: call <= 2, errno.ENOSPC))  # the log and the state
    sink(EVENTS[-1])
    assert (sink.trouble, sink.folder.stored_state().status) == ("", "done")
    assert "step 4: done" in sink.folder.log_file.read_text(encoding="utf-8")


def test_a_full_disk_is_not_tried_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(lambda _: True, errno.ENOSPC)
    monkeypatch.setattr(files, "os", disk)
    sink = Recorder(RunFolder(tmp_path), History())
    sink(EVENTS[0])
    tried = len(disk.calls)
    for step in range(1, 200):
        sink(progress(step))
    assert len(disk.calls) == tried > 0
    monkeypatch.undo()
    sink(Finished("done", 199))  # the end waits for nothing
    assert written(RunFolder(tmp_path)) == [("train", step) for step in range(1, 200)]


def test_a_step_that_is_told_again_is_written_once(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    first = Recorder(folder, History())
    first(progress(3))
    first(Evaluated(record(3, "test")))
    again = Recorder(folder, History.read(folder.metrics_file))
    for event in (
        Evaluated(record(3, "test")),
        progress(3),
        progress(2),
        progress(4),
        Evaluated(record(4, "test")),
    ):
        again(event)
    assert written(folder) == [("train", 3), ("test", 3), ("train", 4), ("test", 4)]
    assert [(r.split, r.step) for r in again.history.records] == written(folder)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is of Linux")
def test_the_full_device(tmp_path: Path) -> None:
    (tmp_path / "log.txt").symlink_to("/dev/full")
    with pytest.raises(files.DiskError, match=r"log\.txt could not be written: no space left on the device"):
        RunFolder(tmp_path).log("a line")


LIMITED = """
import json, resource, sys
from pathlib import Path
from workbench.runs import files
folder = Path(sys.argv[1])
files.write(folder / "state.json", b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
said = []
for attempt in range(40):
    try:
        files.append_line(folder / "metrics.jsonl", {"step": attempt, "padding": "x" * 50})
    except files.DiskError as error:
        said.append([attempt, error.errno, str(error)])
try:
    files.write(folder / "state.json", bytes(1001))
except files.DiskError as error:
    said.append([0, error.errno, str(error)])
print(json.dumps(said))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits")
def test_a_file_that_may_not_grow_keeps_its_whole_lines(tmp_path: Path) -> None:
    """A write across the limit is short and raises nothing; only the one after it does."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    text = (tmp_path / "metrics.jsonl").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    steps = [json.loads(line)["step"] for line in text.splitlines()]
    assert steps == list(range(len(steps)))
    assert 5 < len(steps) < 40
    assert [attempt for attempt, _, _ in said] == [*range(len(steps), 40), 0]
    assert {code for _, code, _ in said} == {errno.EFBIG}
    assert (tmp_path / "state.json").read_bytes() == b"old"
    assert {path.name for path in tmp_path.iterdir()} == {"state.json", "metrics.jsonl"}


def own_mounts() -> list[str]:
    """How to start a process that may mount; skips where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or os.name == "nt":
        pytest.skip("unshare is of Linux")
    command = [unshare, "--user", "--map-root-user", "--mount"]
    tried = subprocess.run(
        [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"this process may not mount a small disk ({tried.stderr.strip()})")
    return command


def test_training_on_disks_that_fail(tmp_path: Path) -> None:
    """One process for all scenes, since it is torch that takes the time."""
    done = subprocess.run(
        [*own_mounts(), sys.executable, "-m", "tests.faults.on_a_small_disk", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    check_files(**told["files_alone"])
    check_filled_and_freed(told["filled_and_freed"])
    check_full_to_the_end(told["full_to_the_end"])
    check_folder_removed(told["folder_removed"])
    check_pictures(told["pictures_read_only"])


def check_files(said: list[str], whole: int, lines: bool, left: list[str]) -> None:
    reasons = [text.partition(" could not be written: ")[2] for text in said]
    assert reasons == [
        "no space left on the device (free: 1 MB, needed: 3 MB)",
        "no space left on the device (free: 0 MB, needed: 4 kB)",
        "the file system is read-only",
        "the file system is read-only",
    ]
    assert (whole, lines, left) == (900_000, True, [])


def check_filled_and_freed(told: dict[str, Any]) -> None:
    assert (told["status"], told["step"], told["reason"], told["state"]) == ("done", 42, "", "done")
    assert told["then"] == told["good"] > 0  # what was good before is still there, and loads
    assert told["whole"][-1][1] >= told["good"]  # lines() fails where one is not whole
    assert told["complete"]
    assert (told["last"], told["damaged"], told["left"]) == (42, [], [])
    begins = [text for text in told["notices"] if "saving is tried again" in text and "NOTHING" not in text]
    over = [text for text in told["notices"] if "Checkpoints can be written again" in text]
    assert [len(begins), len(over)] == [1, 1]
    assert "no space left on the device (free: 0 MB" in begins[0]


def check_full_to_the_end(told: dict[str, Any]) -> None:
    assert (told["status"], told["step"]) == ("failed", 30)
    assert told["reason"].startswith("The final checkpoint is not there")
    assert 0 < told["last"] < 30
    assert [split for split, _ in told["lines"]].count("test") >= 2


def check_folder_removed(told: dict[str, Any]) -> None:
    assert (told["status"], told["back"]) == ("failed", False)
    assert "folder_removed/runs/mine is gone" in told["reason"]
    assert told["step"] == 30  # until then it could have been a network drive that comes back


def check_pictures(told: dict[str, Any]) -> None:
    assert (told["status"], told["reason"]) == ("done", "")
    (notice,) = told["notices"]
    assert "curves/curves.png could not be written: the file system is read-only" in notice
    assert told["arrays"] == 2
    assert {"latent/step-000000006.png", "latent/step-000000012.png", "summary.png"} <= set(told["drawn"])
