"""The page of several runs: the same noise, the same images, one model at a time; what is missing is said."""

import gc
import io
import json
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.harness import begin, train
from tests.measured import run
from workbench import figures, session, sidebyside
from workbench.comparison import compare
from workbench.figures import Header, Panel, Series, Shown
from workbench.figures.palette import COLOURS, rgb
from workbench.runs import files, pictures
from workbench.runs.folder import RunFolder
from workbench.runs.pictures import Facts, Pictures

HEADER = Header("Runs on digits", "one · two")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """Runs of each kind, one of them on other held-out images."""
    runs = tmp_path_factory.mktemp("runs")
    found = {}
    for name, model, settings in (
        ("ae", "ae", {}), ("vae", "vae", {"limit": "48"}), ("gan", "gan", {}), ("other", "ae", {"data_seed": "1"})
    ):  # fmt: skip
        prepared = begin(runs, model, name, epochs="2", every="1", **settings)
        train(prepared)
        found[name] = prepared.folder
    return found


def shown(folders: list[RunFolder], monkeypatch: pytest.MonkeyPatch) -> tuple[list[Shown], list[Panel], list[str]]:
    """What the page of these runs is drawn from."""
    told: list[tuple[list[Shown], list[Panel], list[str]]] = []
    real = figures.comparison

    def drawn(runs, panels, originals, header, notes):  # type: ignore[no-untyped-def]
        told.append((runs, panels, notes))
        return real(runs, panels, originals, header, notes)

    monkeypatch.setattr(figures, "comparison", drawn)
    with Image.open(io.BytesIO(sidebyside.picture(compare(folders), "cpu"))) as picture:
        picture.load()
        assert picture.width >= 1000
    return told[0]


def test_each_run_shows_what_it_can(trained: dict[str, RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    runs, panels, notes = shown([trained[name] for name in ("ae", "vae", "gan")], monkeypatch)
    assert [run.label for run in runs] == ["ae", "vae", "gan"]
    assert all(run.samples is not None for run in runs)
    # Another limit leaves the held-out images the same.
    assert [run.rebuilt is not None for run in runs] == [True, True, False]
    assert [run.points is not None for run in runs] == [True, True, False]
    assert notes == []
    (panel,) = [panel for panel in panels if panel.title.startswith("recon_mse")]
    assert [line.label for line in panel.series] == ["ae", "vae"]
    assert all(len(panel.series) >= 2 for panel in panels)


def test_other_held_out_images_are_left_out_and_named(
    trained: dict[str, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, _, notes = shown([trained["ae"], trained["other"]], monkeypatch)
    assert [run.rebuilt is not None for run in runs] == [True, False]
    assert notes == ["other has other held-out images, so its reconstructions are left out."]


def test_a_run_without_a_checkpoint_costs_only_itself(
    trained: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, _, notes = shown([run(tmp_path, "begun"), trained["ae"]], monkeypatch)
    assert [run.samples is not None for run in runs] == [False, True]
    assert len(notes) == 1
    assert notes[0].startswith("begun has no pictures: ")


def test_one_model_in_memory_at_a_time(trained: dict[str, RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[object]] = []
    real = session.trained_model

    def load(folder: RunFolder, device: str) -> object:
        gc.collect()
        assert [one() for one in alive if one() is not None] == []
        found = real(folder, device)
        alive.append(weakref.ref(found[0]))
        return found

    monkeypatch.setattr(session, "trained_model", load)
    shown([trained[name] for name in ("ae", "vae", "gan")], monkeypatch)
    assert len(alive) == 3


def copied(run: RunFolder, to: Path) -> RunFolder:
    """A run of its own to change."""
    return RunFolder(Path(shutil.copytree(run.path, to)))


def keep(run: RunFolder, step: int, points: NDArray[np.float64]) -> None:
    """Give a run pictures of a moment, with its codes in the plane as they are here."""
    facts = Facts(step, 1.0, False, 0, "averaged weights", "", ("PC 1", "PC 2"))
    pictures.save(run, Pictures(facts, np.zeros((1, 1, 8, 8), np.uint8), points=points.astype(np.float32)))


def test_codes_face_as_in_the_pictures_of_the_run(
    trained: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def codes() -> NDArray[np.float64]:
        ((found,), _, notes) = shown([mine], monkeypatch)
        assert notes == []
        assert found.points is not None
        return found.points

    mine = copied(trained["ae"], tmp_path / "mine")
    last = mine.state().step
    alone = codes()
    keep(mine, 1, alone)  # an early moment, which says nothing of the last
    for mirror in ((1, -1), (-1, 1), (-1, -1)):
        keep(mine, last, alone * mirror)
        assert np.allclose(codes(), alone * mirror, atol=1e-5)
    files.write(mine.snapshot(last), b"half a file")
    assert np.allclose(codes(), alone, atol=1e-5)


def evaluated_once(run: RunFolder, to: Path) -> RunFolder:
    """The run as if it had been evaluated a single time."""
    once = copied(run, to)
    lines = [json.loads(line) for line in once.metrics_file.read_text().splitlines()]
    first = next(line for line in lines if line["split"] == "test")
    kept = [line for line in lines if line["split"] == "train" or line is first]
    files.write(once.metrics_file, "".join(files.to_line(line) for line in kept).encode())
    return once


def test_a_run_with_a_single_held_out_value_is_a_dot_with_its_label(
    trained: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = evaluated_once(trained["ae"], tmp_path / "once")
    _, panels, _ = shown([trained["ae"], trained["vae"], once], monkeypatch)
    (panel,) = [panel for panel in panels if panel.title == "recon_mse, held-out"]
    assert [(line.label, len(line.x)) for line in panel.series] == [("ae", 2), ("vae", 2), ("once", 1)]
    drawn = np.asarray(figures.curves([panel], None))[:, : figures.CONTENT // 2 + 100]  # without the labels
    assert (drawn == rgb(COLOURS[2])).all(axis=2).sum() > 20


def test_lines_of_training_say_more_than_dots_alone(
    trained: dict[str, RunFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, again = (evaluated_once(trained["ae"], tmp_path / name) for name in ("once", "again"))
    _, panels, _ = shown([once, again], monkeypatch)
    assert {panel.title.rpartition(", ")[2] for panel in panels} == {"training"}
    for folder in (once, again):  # where there is nothing else, dots
        lines = folder.metrics_file.read_text().splitlines(keepends=True)
        files.write(folder.metrics_file, "".join(line for line in lines if '"test"' in line).encode())
    _, panels, _ = shown([once, again], monkeypatch)
    assert {panel.title.rpartition(", ")[2] for panel in panels} == {"held-out"}


def test_the_same_noise_for_all(trained: dict[str, RunFolder], monkeypatch: pytest.MonkeyPatch) -> None:
    once, _, _ = shown([trained["ae"]], monkeypatch)
    again, _, _ = shown([trained["gan"], trained["ae"]], monkeypatch)
    assert once[0].samples is not None
    assert again[1].samples is not None
    assert np.array_equal(once[0].samples, again[1].samples)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
@pytest.mark.parametrize("size", [8, 28, 128])
def test_any_number_of_runs_of_any_size_fits_the_page(count: int, size: int) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 1, size, size), dtype=np.uint8)
    runs = [Shown(f"run {at} " + "x" * 80 * at, "step 3", images, images[:24]) for at in range(count)]
    x = np.arange(5.0)
    panel = Panel("loss", "nats", tuple(Series(run.label, x, x + at) for at, run in enumerate(runs)))
    before = images.copy()
    page = figures.comparison(runs, [panel], images[:24], HEADER, ["A note."])
    assert 1000 <= page.width <= 2000
    assert np.array_equal(images, before)


def test_nothing_to_show_is_a_page_too() -> None:
    assert figures.comparison([Shown("a"), Shown("b")], [], None, HEADER).width > 500
    with pytest.raises(ValueError, match="expected 1 to 10 runs, got 0"):
        figures.comparison([], [], None, HEADER)
