"""Runs whose files are cut off, replaced, missing or from the future: each is named, and the rest goes on."""

import os
import random
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from PIL import Image
from textual.pilot import Pilot

from tests import harness
from tests.command import Outcome, genbench
from tests.runs.test_run_pictures import some
from tests.ui.screen_text import text
from tests.ui.stories import settled, tell
from workbench.runs import checkpoint, damage, files, pictures
from workbench.runs.folder import RunFolder
from workbench.runs.listing import Listing
from workbench.runs.reader import RunReader
from workbench.ui.app import Workbench

Capture = pytest.CaptureFixture[str]
Damage = Callable[[Path], object]
Copy = Callable[[str], RunFolder]

KINDS = (
    "config.json", "state.json", "environment.json", "tags.json", "metrics.jsonl", "log.txt", "checkpoints",
    "snapshots", "samples", "summary.png",
)  # fmt: skip
WITHOUT = {"config.json", "state.json"}  # what a list of runs needs
SHOWN = {*WITHOUT, "tags.json"}  # what it tells
READ = {*WITHOUT, "environment.json", "metrics.jsonl", "log.txt"}  # what the screens follow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three epochs with a file of every kind."""
    run = harness.begin(tmp_path_factory.mktemp("good"), epochs="3", every="1", averaging="0")
    harness.train(run)
    run.folder.set_tags(["paper"])
    pictures.save(run.folder, some(18))
    for path in (run.folder.picture("samples", "final"), run.folder.summary_file):
        path.parent.mkdir(exist_ok=True)
        Image.new("L", (40, 40), 100).save(path)
    return run.folder.path


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Copy:
    """Makes copies of that run below `tmp_path`. Their files are the run's own: replace them, never change one."""

    def copied(name: str) -> RunFolder:
        shutil.copytree(made, tmp_path / name, copy_function=os.link)
        return RunFolder(tmp_path / name)

    return copied


def of(folder: RunFolder, kind: str) -> Path:
    """A file of a kind: the newest one."""
    path = folder.path / kind
    return max(path.iterdir()) if path.is_dir() else path


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << (27 if path.suffix in {".jsonl", ".txt"} else 30))  # lines are read, if in pieces


def content(data: bytes) -> Damage:
    """A file with this in place of what it held."""
    return lambda path: path.write_bytes(data)


DAMAGES: dict[str, Damage] = {
    "empty": content(b""),
    "garbage": content(random.Random(4).randbytes(3000)),
    "zeros": content(bytes(5000)),
    "folder": lambda path: path.mkdir(),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path.name),
    "huge": sparse,
}
if hasattr(os, "mkfifo"):
    DAMAGES["pipe"] = os.mkfifo
TEXTS: dict[str, Damage] = {
    "deep": content(b'{"format":' + b"[" * 100_000 + b"\n"),
    "deep-whole": content(b'{"format": 1, "x": ' + b"[" * 500 + b"]" * 500 + b"}\n"),
    "long-number": content(b'{"format": 1' + b"0" * 5000 + b"}\n"),
    "large-number": content(b'{"format": 1' + b"0" * 1000 + b', "step": 1' + b"0" * 400 + b"}\n"),
    "no-number": content(b'{"format": NaN, "step": NaN}\n'),
    "infinite": content(b'{"format": 1, "step": 1e400}\n'),
    "list": content(b"[1]\n"),
    "null": content(b"null\n"),
    "no-utf8": content(b'{"format": "\xff\xfe"}\n'),
}
FUTURE: dict[str, Damage] = {"future": content(b'{"format": 99, "status": "asleep", "tags": {"a": 1}}\n')}


def ways(kind: str, path: Path) -> dict[str, Damage]:
    """How a file of this kind may be damaged so that it can be told."""
    found = DAMAGES | {"half": content(path.read_bytes()[:-20])}
    if kind not in {"tags.json", "checkpoints", "snapshots", "samples", "summary.png"}:
        found["missing"] = lambda path: None
    if kind.endswith((".json", ".jsonl")):
        found |= TEXTS | (FUTURE if kind != "environment.json" else {})
    return found


def harm(folder: RunFolder, kind: str, how: Damage) -> Path:
    path = of(folder, kind)
    path.unlink()
    how(path)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_each_damage_is_named_and_the_rest_is_shown(kind: str, copy: Copy, tmp_path: Path, capsys: Capture) -> None:
    good = copy("good")
    found = ways(kind, of(good, kind))
    for way, how in found.items():
        path = harm(copy(way), kind, how)
        began = time.monotonic()
        shown = genbench(capsys, "show", tmp_path / way)
        assert time.monotonic() - began < 10
        notes = [line for line in shown.out.splitlines() if line.startswith("Note: ")]
        assert (shown.code, shown.err) == (0, ""), way
        assert any(str(path) in note for note in notes), (way, shown.out)
        assert len(notes) == 1, notes
        assert ("learning_rate" in shown.out) == (kind != "config.json")
        assert ("recon_nats" in shown.out) == (kind != "state.json")
        assert ("step 18 of 18" in shown.out) == (kind != "state.json")
    assert "Note: " not in genbench(capsys, "show", good.path).out

    listed = genbench(capsys, "runs", "--runs-dir", tmp_path)
    rows = {line.split()[0] for line in listed.out.splitlines() if not line.startswith(("Note: ", "run "))}
    assert listed.code == 0
    assert rows == {"good", *([] if kind in WITHOUT else found)}
    assert listed.out.count("Note: ") == (len(found) if kind in SHOWN else 0)
    for way in found if kind in SHOWN else ():
        assert f"Note: {tmp_path / way / kind} " in listed.out


def lengths(whole: bytes) -> list[int]:
    """Every length near both ends, and some between."""
    size = len(whole)
    return sorted({*range(min(size, 30)), *range(max(0, size - 30), size), *range(0, size, max(1, size // 30))})


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_off_at_any_length_is_named(kind: str, copy: Copy) -> None:
    folder = copy("cut")
    path = of(folder, kind)
    whole = path.read_bytes()
    unharmed = {len(whole.rstrip())}  # only the end of its line is lost
    if kind in {"metrics.jsonl", "log.txt"}:  # a file of whole lines is whole
        unharmed = {at + 1 for at, byte in enumerate(whole) if byte == 10}
    path.unlink()
    for length in lengths(whole):
        path.write_bytes(whole[:length])
        if kind in READ:
            run = RunReader(folder)
            run.poll(1.0)
            told = [*run.problems, *run.lacking()]
            assert run.config is not None or kind == "config.json"
            assert run.state is not None or kind == "state.json"
        else:
            told = [*damage.found(folder).values()]
        assert any(str(path) in sentence for sentence in told) == (length not in unharmed), length
        if kind in SHOWN:
            (row,) = Listing(folder.path.parent).rows()
            assert bool(row.problem or row.note) == (length not in unharmed)
        assert path.read_bytes() == whole[:length], "a reader writes nothing"


def test_what_only_looks_odd_is_read(copy: Copy, capsys: Capture) -> None:
    folder, later = copy("odd"), time.time() + 1e8
    for kind in ("config.json", "state.json", "environment.json", "tags.json", "metrics.jsonl"):
        path = folder.path / kind
        lines = path.read_bytes().replace(b"\n", b"\r\n")
        path.unlink()
        path.write_bytes(lines if kind == "metrics.jsonl" else b"\xef\xbb\xbf" + lines)
    state = replace(folder.stored_state(), heartbeat=later)
    files.write_json(folder.state_file, asdict(state))
    for path in folder.path.rglob("*"):
        os.utime(path, (later, later))
    shown = genbench(capsys, "show", folder.path)
    assert "Note: " not in shown.out
    assert "odd  " in genbench(capsys, "runs", "--runs-dir", folder.path.parent).out


def test_words_that_would_move_the_cursor_do_not(copy: Copy, capsys: Capture) -> None:
    folder = copy("\x1b[2J[bold]\n\u202e")
    written = folder.state_file.read_text().replace('"reason": ""', r'"reason": "\u001b]0;x\u0007\ud800 [red]"')
    folder.state_file.unlink()
    folder.state_file.write_text(written)
    for words in (("show", folder.path), ("runs", "--runs-dir", folder.path.parent)):
        done = genbench(capsys, *words)
        assert done.code == 0
        assert "[bold]" in done.out
        assert done.out.replace("\n", "").isprintable()
    assert "[red]" in genbench(capsys, "show", folder.path).out


def test_what_is_no_run_is_passed_over(copy: Copy, tmp_path: Path, capsys: Capture) -> None:
    copy("good")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "inner").mkdir()
    for number in range(2000):
        (tmp_path / f"junk-{number}").touch()
    shutil.copytree(tmp_path / "good", tmp_path / os.fsdecode(b"caf\xe9"))
    began = time.monotonic()
    listed = genbench(capsys, "runs", "--runs-dir", tmp_path)
    assert time.monotonic() - began < 2
    assert (listed.code, listed.err, len(listed.out.splitlines())) == (0, "", 3)
    assert "caf" in listed.out
    assert genbench(capsys, "show", "caf", "--runs-dir", tmp_path).code == 0
    for name in ("empty", "file", "loop", "x" * 5000):
        gone = genbench(capsys, "show", name, "--runs-dir", tmp_path)
        assert gone.code == 2
        assert "There is no run" in gone.err
    refused = genbench(capsys, "runs", "--runs-dir", tmp_path / "file")
    assert (refused.code, refused.err) == (
        2, f"genbench: {tmp_path / 'file'} is no folder that can be read. Give another --runs-dir.\n"
    )  # fmt: skip


def test_a_file_that_may_not_be_read_is_named(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = copy("closed")
    real = os.open

    def refused(path: Path, *rest: int) -> int:
        if Path(path) == folder.state_file:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest)

    monkeypatch.setattr(os, "open", refused)
    run = RunReader(folder)
    run.poll()
    assert run.problem == f"{folder.state_file} cannot be read (Permission denied)."


def test_a_run_of_which_nothing_is_left_is_refused(copy: Copy, capsys: Capture) -> None:
    folder = copy("ruin")
    for kind in KINDS:
        harm(folder, kind, content(b"?"))
    for path in folder.path.glob("*/*.png"):
        path.write_bytes(b"?") if path.stat().st_nlink == 1 else path.unlink()
    shown = genbench(capsys, "show", folder.path)
    assert (shown.code, shown.out) == (2, "")
    assert f"genbench: {folder.config_file} cannot be read: it is not JSON.\n" in shown.err
    assert f"genbench: {folder.state_file} cannot be read: it is not JSON.\n" in shown.err


def resumed(capsys: Capture, folder: RunFolder) -> Outcome:
    return genbench(capsys, "--no-ui", "--resume", folder.path, "--steps", "19")


@pytest.mark.parametrize("kind", ["state.json", "metrics.jsonl", "environment.json", "tags.json", "log.txt"])
@pytest.mark.parametrize("way", ["garbage", "missing"])
def test_a_run_goes_on_without_what_is_not_needed(kind: str, way: str, copy: Copy, capsys: Capture) -> None:
    folder = copy(way)
    harm(folder, kind, {**DAMAGES, "missing": lambda path: None}[way])
    done = resumed(capsys, folder)
    assert done.code == 0, done
    assert folder.state().step == 19
    assert RunReader(folder).poll(1.0).metrics


@pytest.mark.parametrize("kind", ["state.json", "metrics.jsonl", "environment.json", "log.txt"])
def test_what_a_run_has_lost_is_told(kind: str, copy: Copy) -> None:
    assert damage.lost(copy("good")) == []
    path = harm(copy("hurt"), kind, DAMAGES["garbage"])
    (told,) = damage.lost(RunFolder(path.parent))
    assert str(path) in told


@pytest.mark.parametrize("way", ["empty", "garbage", "folder", "loop", "huge", "half"])
def test_a_run_goes_on_from_the_last_good_checkpoint(way: str, copy: Copy, capsys: Capture) -> None:
    folder = copy(way)
    path = harm(folder, "checkpoints", ways("checkpoints", of(folder, "checkpoints"))[way])
    if way == "half":
        drawn = genbench(capsys, "sample", folder.path, "-n", "4", "--device", "cpu")
        assert drawn.code == 0, drawn
    done = resumed(capsys, folder)
    assert done.code == 0, done
    assert path.name in folder.log_file.read_text()
    assert folder.state().step == 19
    steps = [record.step for record in map(checkpoint.load, [max(folder.checkpoints.glob("*.safetensors"))])]
    assert steps == [19]


def test_without_a_good_checkpoint_or_a_configuration_it_is_refused(copy: Copy, capsys: Capture) -> None:
    torn, odd = copy("torn"), copy("odd")
    for path in torn.checkpoints.iterdir():
        path.unlink()
        path.write_bytes(b"?")
    harm(odd, "config.json", content(b"{"))
    for folder, words in ((torn, f"{of(torn, 'checkpoints')} "), (odd, f"{odd.config_file} cannot be read: ")):
        for done in (resumed(capsys, folder), genbench(capsys, "sample", folder.path, "--device", "cpu")):
            assert done.code == 2
            assert words in done.err
            assert done.err.count("\n") == 1


def test_the_workbench_opens_a_folder_of_broken_runs(copy: Copy, tmp_path: Path) -> None:
    for kind, way in (("config.json", "deep"), ("state.json", "garbage"), ("environment.json", "list"),
                      ("metrics.jsonl", "garbage"), ("log.txt", "folder"), ("snapshots", "zeros")):  # fmt: skip
        harm(copy(kind), kind, {**DAMAGES, **TEXTS}[way])
    copy("[bold]\x1b[2Jcaf\udce9")
    copy("from-the-future")
    for path in (tmp_path / "from-the-future").rglob("*"):
        os.utime(path, (4e9, 4e9))

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        total = len(Listing(tmp_path).rows())
        assert f"{total} runs" in text(bench)
        await pilot.press("o", "o", "home")
        seen = []
        for _ in range(total):
            await pilot.press("enter")
            await settled(bench, pilot)
            seen.append(text(bench))
            await pilot.press("3", "space", "down")
        await pilot.press("4")
        await settled(bench, pilot)
        assert "Differences" in text(bench)
        for words in ("config.json cannot be read", "state.json cannot be read", "metrics.jsonl is damaged"):
            assert any(words in " ".join(shown.split()) for shown in seen), words

    tell(story, tmp_path)
