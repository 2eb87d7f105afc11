"""One run folder: its name, its state, its lock, and how runs are found."""

import json
import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models.errors import InputError
from models.metric import Metric
from tests.harness import begin, small_config, train
from workbench.runs import listing
from workbench.runs.folder import FORMAT, RunFolder
from workbench.runs.state import State

FACTS = {"fingerprint": "0" * 16, "channels": 1, "size": 8}
METRICS = {
    "loss": Metric("nats per image", "All of it.", "lower", "Loss"),
    "kl": Metric("nats per image", "A part of it."),
}


def made(runs: Path, name: str) -> RunFolder:
    folder = RunFolder.create(runs, small_config(), name)
    folder.write_config(small_config(), FACTS, METRICS)
    folder.write_state(State("running"))
    return folder


def test_names_never_collide(tmp_path: Path) -> None:
    config = small_config()
    with ThreadPoolExecutor(16) as pool:
        folders = list(pool.map(lambda _: RunFolder.create(tmp_path / "runs", config), range(50)))
    assert len({folder.path for folder in folders}) == 50
    assert all("-vae-digits" in folder.name for folder in folders)


def test_one_of_many_gets_a_name(tmp_path: Path) -> None:
    def attempt(_: int) -> bool:
        try:
            RunFolder.create(tmp_path, small_config(), "mine")
        except InputError as error:
            refusals.append(str(error))
            return False
        return True

    refusals: list[str] = []
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(20))) == 1
    assert set(refusals) == {f"{tmp_path / 'mine'} exists already. Choose another --name, or --resume it."}


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "a\\b", "c:d", "a\nb", "a\0b", "\x1b[31m", "x" * 256, ".a"]
)
def test_names_that_no_folder_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="A run's name becomes a folder's name"):
        RunFolder.create(tmp_path / "runs", small_config(), name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(InputError, match="runs"):
        RunFolder.create(tmp_path / "runs", small_config())
    with pytest.raises(InputError, match="Runs cannot be written to"):
        RunFolder.create(tmp_path / "runs" / "deeper", small_config())


@pytest.mark.parametrize("found", [0, 2, "1", None])
def test_another_format_is_refused_by_name(found: object, tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    values = json.loads(folder.config_file.read_text())
    folder.config_file.write_text(json.dumps(values | {"format": found}))
    with pytest.raises(InputError, match=f"has format {found!r}; this genbench reads format {FORMAT}"):
        RunFolder.open(folder.path)


def test_the_configuration_reads_back(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    assert RunFolder.open(folder.path).config() == small_config()
    assert folder.images() == FACTS
    assert list(folder.metrics().items()) == list(METRICS.items())
    folder.write_config(small_config(), {"size": 8}, METRICS)
    with pytest.raises(InputError, match="does not say which images"):
        folder.images()


def test_state_reads_back_with_the_process_that_wrote_it(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    folder.write_state(State("running", 7, 1.5, 2.5, 99.0, 100, {"loss": 3.0, "kl": float("nan")}))
    state = folder.state()
    assert (state.status, state.step, state.steps_total, state.metrics) == (
        "running",
        7,
        100,
        {"loss": 3.0, "kl": None},
    )
    assert (state.pid, state.host) == (os.getpid(), socket.gethostname())
    assert json.loads(folder.state_file.read_text())["notices"] == ["metrics.kl is nan"]


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_run_whose_process_is_gone_is_interrupted(status: str, tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    written = json.loads(folder.state_file.read_text()) | {"status": status}
    for change, expected in (
        ({}, status),
        ({"pid": gone.pid}, "interrupted"),
        ({"pid_started": 1.0}, "interrupted"),  # the number was given to another process
        ({"pid": -1}, "interrupted"),
        ({"pid": gone.pid, "host": "another"}, status),  # who could say
        ({"pid": gone.pid, "status": "done"}, "done"),
    ):
        folder.state_file.write_text(json.dumps(written | change))
        assert folder.state().status == expected, change


def test_a_state_that_says_nothing_is_refused(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    for text in ("{}", "[]", "", '{"step": 3}'):
        folder.state_file.write_text(text)
        with pytest.raises(InputError, match=r"state\.json"):
            folder.state()
    folder.state_file.write_text('{"status": "done", "added later": 1}')
    assert folder.state().status == "done"


def test_the_lock_is_of_one_process_and_goes_with_it(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    code = (
        "import sys; from pathlib import Path; from workbench.runs.folder import RunFolder;"
        "f = RunFolder(Path(sys.argv[1])); f.lock(); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(InputError, match="mine is being written by process"):
            folder.lock()
        holder.kill()
        holder.wait()
    folder.lock()
    folder.unlock()


def test_a_run_that_is_written_cannot_be_deleted(tmp_path: Path) -> None:
    prepared = begin(tmp_path, "vae", "mine", steps="3")
    for folder in (RunFolder(tmp_path / "mine"), prepared.folder):  # a list's object, and the writer's own
        with pytest.raises(InputError, match=f"mine is being written by process {os.getpid()} on .* Watch it instead"):
            folder.remove()
        with pytest.raises(InputError, match="mine is being written"):
            folder.lock()
    train(prepared)
    assert prepared.folder.state().status == "done"
    RunFolder(tmp_path / "mine").remove()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"There is no run at .*mine any more"):
        prepared.folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_may_be_given_back_by_another_thread(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(folder.lock).result()
    folder.unlock()
    RunFolder(folder.path).lock()


def test_a_deletion_that_fails_leaves_a_whole_run_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = made(tmp_path, "mine")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", denied)
        with pytest.raises(InputError, match=r"mine cannot be deleted \(Permission denied\)"):
            folder.remove()
    assert folder.config() == small_config()
    monkeypatch.setattr(shutil, "rmtree", denied)
    with pytest.raises(InputError, match=r"mine is deleted, but .*\.deleted-\w+ is left of it \(Permission denied"):
        folder.remove()
    assert list(listing.runs(tmp_path)) == []


def test_tags_are_short_words(tmp_path: Path) -> None:
    folder = made(tmp_path, "mine")
    assert folder.tags() == ()
    folder.set_tags(["paper", "β-1.0", "paper"])
    assert RunFolder(folder.path).tags() == ("paper", "β-1.0")
    for word in ("", "two words", "a:b", "!a", "x" * 31, "a\n"):
        with pytest.raises(InputError, match="cannot be a tag: use 1 to 30 letters"):
            folder.set_tags(["good", word])
    assert folder.tags() == ("paper", "β-1.0")
    for damaged in ("", "[]", '{"tags": 3}', '{"tags": [1, null]}'):
        folder.tags_file.write_text(damaged)
        assert folder.tags() == ()
    folder.set_tags([])
    assert folder.tags() == ()


def test_find_takes_a_name_a_part_and_a_path(tmp_path: Path) -> None:
    for name in ("20260101-vae-digits", "20260102-vae-mnist", "20260103-gan-mnist", "gan"):
        made(tmp_path, name)
    (tmp_path / "not-a-run").mkdir()
    (tmp_path / "README").write_text("")
    assert [folder.name for folder in listing.runs(tmp_path)] == [
        "gan", "20260103-gan-mnist", "20260102-vae-mnist", "20260101-vae-digits",
    ]  # fmt: skip
    for asked, found in (
        ("20260102-vae-mnist", "20260102-vae-mnist"),
        ("20260103", "20260103-gan-mnist"),
        ("digits", "20260101-vae-digits"),
        ("gan", "gan"),  # a whole name wins over a part of another
        (str(tmp_path / "20260102-vae-mnist"), "20260102-vae-mnist"),
    ):
        assert listing.find(asked, tmp_path).name == found
    for asked, words in (
        ("vae", "'vae' could be any of 2 runs: 20260102-vae-mnist, 20260101-vae-digits"),
        ("", "There is no run ''"),
        ("not-a-run", "There is no run 'not-a-run'"),
        ("20260103-gan-mnits", "Did you mean '20260103-gan-mnist'?"),
    ):
        with pytest.raises(InputError) as caught:
            listing.find(asked, tmp_path)
        assert words in str(caught.value)
    assert list(listing.runs(tmp_path / "nowhere")) == []


def test_a_refused_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunFolder, "write_environment", full)
    with pytest.raises(InputError, match="No space left"):
        begin(tmp_path / "runs", "vae", "mine")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_finished_run_holds_what_it_should(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", "mine", steps="7")
    train(run)
    assert sorted(path.name for path in run.folder.path.iterdir() if path.name != ".lock") == [
        "checkpoints", "config.json", "environment.json", "log.txt", "metrics.jsonl", "state.json",
    ]  # fmt: skip
    log = run.folder.log_file.read_text().splitlines()
    assert log[0].endswith("training from step 0 to 7 on cpu, float32, "
                           f"{sum(p.numel() for p in run.state.model.parameters()):,} parameters")  # fmt: skip
    assert "done" in log[-1]
    lines = run.folder.metrics_file.read_text().splitlines()
    strict = [json.loads(line, parse_constant=pytest.fail) for line in lines]
    assert {line["split"] for line in strict} == {"train", "test"}
