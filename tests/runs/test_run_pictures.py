"""The arrays of one moment: what is written is what is read, and a damaged file is a sentence."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from models.errors import InputError
from tests.harness import begin, train
from workbench import session
from workbench.runs import pictures
from workbench.runs.folder import RunFolder
from workbench.runs.pictures import Facts, Pictures
from workbench.training.control import Control
from workbench.training.events import Event, Snapshot

NOISE = np.random.default_rng(0)


def some(step: int, final: bool = False) -> Pictures:
    facts = Facts(step, step / 6, final, 3, "averaged weights", "Codes drawn from N(0, I).", ("z0", "z1"),
                  "Codes as they are — β = 1.", ("zero", "one"))  # fmt: skip
    samples, originals, rebuilt = (NOISE.integers(0, 256, (n, 1, 8, 8), np.uint8) for n in (16, 4, 4))
    points = NOISE.normal(size=(5, 2)).astype(np.float32)
    return Pictures(facts, samples, originals, rebuilt, points, np.array([0, 1, 0, 1, 1]))


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    folder, made = RunFolder(tmp_path), some(7, final=True)
    path = pictures.save(folder, made)
    assert path == tmp_path / "snapshots" / "step-000000007.npz"
    loaded = pictures.load(path)
    assert loaded.facts == made.facts
    for name in ("samples", "originals", "rebuilt", "points", "labels"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(made, name), strict=True)
    pictures.save(folder, Pictures(made.facts, made.samples))
    bare = pictures.load(path)
    assert (bare.originals, bare.rebuilt, bare.points, bare.labels) == (None, None, None, None)


def test_a_damaged_file_is_a_sentence_and_executes_nothing(tmp_path: Path) -> None:
    path = pictures.save(RunFolder(tmp_path), some(7))
    whole = path.read_bytes()
    for length in {0, 1, 3, len(whole) - 1, *range(0, len(whole), 97)}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="is damaged"):
            pictures.load(path)
    for position in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        try:  # a bit that no reader looks at may differ; one that matters must not
            loaded = pictures.load(path)
        except InputError:
            continue
        assert asdict(loaded.facts) == asdict(some(7).facts)
    path.unlink()
    with pytest.raises(InputError, match=r"step-000000007\.npz is missing"):
        pictures.load(path)


@pytest.mark.parametrize(
    "change",
    [{"samples": np.zeros((3, 3), np.uint8)}, {"samples": np.zeros((1, 1, 2, 2))}, {"facts": np.array("{")},
     {"facts": np.array('{"step": "x"}')}, {"points": np.array([[object()]])}, {"labels": np.array(["a"])}],
)  # fmt: skip
def test_arrays_of_another_kind_are_refused(change: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = pictures.save(RunFolder(tmp_path), some(7))
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored}
    np.savez(path, **{**arrays, **change})
    with pytest.raises(InputError, match="is damaged"):
        pictures.load(path)


def test_moments_are_found_and_dropped_by_step(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert pictures.steps(folder) == []
    for step in (1_000_000_000, 12, 6, 900):
        pictures.save(folder, some(step))
    (folder.snapshots / ".step-000000009.npz.1.tmp").touch()
    (folder.snapshots / "step-nine.npz").touch()
    assert pictures.steps(folder) == [6, 12, 900, 1_000_000_000]
    pictures.truncate(folder, 12)
    assert pictures.steps(folder) == [6, 12]


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_a_run_keeps_what_it_showed(model: str, tmp_path: Path) -> None:
    told: list[Event] = []
    run = begin(tmp_path, model, steps="12", every="1", latent="2")
    run.run([told.append], Control())
    snapshots = [event for event in told if isinstance(event, Snapshot)]
    assert pictures.steps(run.folder) == [event.step for event in snapshots] == [6, 12]
    for event in snapshots:
        kept = pictures.load(run.folder.snapshot(event.step))
        assert (kept.facts.step, kept.facts.epoch, kept.facts.final) == (event.step, event.epoch, event.final)
        np.testing.assert_array_equal(kept.samples, event.samples, strict=True)
        if model == "vae":
            np.testing.assert_array_equal(kept.points, event.codes)  # two dimensions are shown as they are
            np.testing.assert_array_equal(kept.labels, event.labels)
            assert (kept.facts.axes, len(kept.facts.classes)) == (("z0", "z1"), 10)
            assert event.reconstructions is not None
            np.testing.assert_array_equal(kept.rebuilt, event.reconstructions[1])
        else:
            assert (kept.points, kept.facts.axes, kept.facts.classes) == (None, (), ())


def test_a_resumed_run_drops_moments_after_its_checkpoint(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="6")
    train(run)
    for step in (3, 6, 11):
        pictures.save(run.folder, some(step))
    train(session.resume(run.folder, {"steps": 8}))
    assert pictures.steps(run.folder) == [3, 6]
