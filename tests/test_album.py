"""The pictures of a run: exactly the documented files, each a readable PNG, and never the end of a training."""

import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.harness import begin, train
from workbench import figures, session
from workbench.album import Album
from workbench.evaluation import projection
from workbench.runs import files
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.session import Session
from workbench.training.events import Finished, LeftOutError, Notice, Snapshot

ALWAYS = {
    "samples/step-000000006.png", "samples/step-000000012.png", "samples/final.png",
    "curves/curves.png", "interpolation/final.png", "summary.png",
}  # fmt: skip
ENCODERS = {
    "reconstructions/step-000000006.png", "reconstructions/step-000000012.png", "reconstructions/final.png",
    "latent/step-000000006.png", "latent/step-000000012.png", "latent/final.png", "traversal/final.png",
}  # fmt: skip


def pictures(run: Path) -> dict[str, tuple[int, int]]:
    """The PNGs below a run and their sizes; each is decoded to the end."""
    found = {}
    for path in run.rglob("*.png"):
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"
            assert len(picture.convert("L").getcolors(256) or []) > 1, f"{path} is blank"
            found[path.relative_to(run).as_posix()] = picture.size
    return found


@pytest.mark.parametrize(
    ("model", "latent", "expected"),
    [("vae", "4", ALWAYS | ENCODERS | {"latent/tsne.png"}), ("ae", "2", ALWAYS | ENCODERS), ("gan", "4", ALWAYS)],
)
def test_a_run_draws_the_documented_files(model: str, latent: str, expected: set[str], tmp_path: Path) -> None:
    run = begin(tmp_path, model, "mine", epochs="2", every="1", latent=latent)
    told = train(run, draw=True)
    assert [event for event in told if isinstance(event, Notice)] == []
    sizes = pictures(run.folder.path)
    assert set(sizes) == expected
    for name, (width, height) in sizes.items():
        assert 300 <= width <= 6000, name
        assert 200 <= height <= 6000, name
    assert min(sizes["summary.png"]) >= 1000
    leftovers = [path for path in run.folder.path.rglob("*") if path.suffix == ".tmp"]
    assert leftovers == []


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_pictures_that_a_kill_left_undrawn_are_made_up_for_by_the_next_sitting(model: str, tmp_path: Path) -> None:
    run = begin(tmp_path, model, "mine", epochs="2", every="1")
    train(run, draw=True)
    kinds = ("samples", "reconstructions", "latent") if model == "vae" else ("samples",)
    paths = [run.folder.picture(kind, "step-000000012") for kind in kinds]
    drawn = [path.read_bytes() for path in paths]
    for path in paths:
        path.unlink()
    train(session.resume(RunFolder(run.folder.path), {"epochs": 3}), draw=True)
    assert [path.read_bytes() for path in paths] == drawn


def break_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the picture of samples fail, as a bug in the drawing does."""

    def broken(*_: object, **__: object) -> None:
        raise ValueError("no such colour")

    monkeypatch.setattr(figures, "samples", broken)


def test_a_picture_that_cannot_be_drawn_ends_no_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_samples(monkeypatch)
    run = begin(tmp_path, "ae", epochs="2", every="1")
    told = train(run, draw=True)
    assert told[-1] == Finished("done", 12)
    (notice,) = [event for event in told if isinstance(event, Notice)]
    assert "no such colour" in notice.text
    assert "in broken" in run.folder.log_file.read_text()
    assert run.folder.state().status == "done"
    assert run.folder.snapshot(6).is_file()  # the arrays do not wait for the drawing


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, list[Snapshot], History]:
    """A run without pictures, and its two moments."""
    run = begin(tmp_path_factory.mktemp("runs"), "ae", epochs="2", every="1", latent="2")
    moments = [event for event in train(run) if isinstance(event, Snapshot)]
    return run, moments, History.read(run.folder.metrics_file)


def empty(
    trained: tuple[Session, list[Snapshot], History], hurried: Callable[[], bool] = lambda: False
) -> tuple[Album, list[Snapshot], Path]:
    """An album that has drawn nothing, the moments to draw, and its folder."""
    run, moments, history = trained
    for path in run.folder.path.iterdir():
        if path.is_dir() and path != run.folder.checkpoints:
            shutil.rmtree(path)
    run.folder.summary_file.unlink(missing_ok=True)
    album = Album(run.folder, run.config, run.images, run.state.model, history, hurried)
    return album, moments, run.folder.path


def test_a_picture_that_cannot_be_written_costs_no_other(
    trained: tuple[Session, list[Snapshot], History], monkeypatch: pytest.MonkeyPatch
) -> None:
    album, (first, last), folder = empty(trained)
    real, failing = files.write, {"curves", "snapshots"}

    def write(path: Path, data: bytes, *, new_folder: bool = True) -> None:
        if path.parent.name in failing:
            raise files.DiskError(OSError(28, "No space left on device"), path, len(data))
        real(path, data, new_folder=new_folder)

    monkeypatch.setattr(files, "write", write)
    with pytest.raises(LeftOutError, match=r"step-000000006\.npz could not be written: no space left"):
        album(first)
    assert set(pictures(folder)) == {
        f"{kind}/step-000000006.png" for kind in ("samples", "reconstructions", "latent")
    }
    album(first)  # the same trouble is told once
    failing.clear()
    album(first)
    failing.add("samples")
    with pytest.raises(LeftOutError, match="samples"):  # it was over: this is another one
        album(last)
    assert set(pictures(folder)) >= {"curves/curves.png", "summary.png", "latent/final.png"}


def test_a_drawing_that_fails_costs_no_other_and_is_told_once(
    trained: tuple[Session, list[Snapshot], History], monkeypatch: pytest.MonkeyPatch
) -> None:
    album, (first, last), folder = empty(trained)

    break_samples(monkeypatch)
    with pytest.raises(LeftOutError, match="no such colour"):
        album(first)
    album(last)
    drawn = set(pictures(folder))
    assert drawn > {"curves/curves.png", "reconstructions/step-000000006.png", "latent/final.png", "summary.png"}
    assert not any(name.startswith("samples/") for name in drawn)


def test_the_disk_is_told_before_a_drawing_that_fails(
    trained: tuple[Session, list[Snapshot], History], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thing a moment is told, and what a person can do something about comes first."""
    album, (first, _), folder = empty(trained)

    break_samples(monkeypatch)
    (folder / "latent").write_text("a file where a folder should be")
    with pytest.raises(LeftOutError, match=r"latent is no folder"):
        album(first)
    with pytest.raises(LeftOutError, match="no such colour"):
        album(first)
    album(first)
    (folder / "latent").unlink()


def test_nobody_who_is_in_a_hurry_waits_for_the_slow_picture(
    trained: tuple[Session, list[Snapshot], History], monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    hurried = [False]

    def slow(*_: object) -> None:
        hurried[0] = True
        go_on.wait(30)

    album, (_, last), folder = empty(trained, hurried=lambda: hurried[0])
    monkeypatch.setattr(projection, "tsne", slow)
    began = time.monotonic()
    album(replace(last, codes=np.zeros((180, 4), np.float32)))
    assert time.monotonic() - began < 10
    go_on.set()
    drawn = set(pictures(folder))
    assert "latent/final.png" in drawn
    assert "summary.png" not in drawn
