"""Checkpoints: two are kept, each verifies, none executes anything."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from models.errors import InputError
from workbench.runs import checkpoint
from workbench.runs.checkpoint import Checkpoint
from workbench.runs.folder import RunFolder

PICKLE_MARKS = (b"\x80\x02", b"\x80\x04", b"PK\x03\x04")


def some(step: int) -> Checkpoint:
    tensors = {
        "model/w": torch.arange(6, dtype=torch.float32).reshape(2, 3) + step,
        "model/count": torch.tensor(step),
        "average/half": torch.ones(3, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 4),
    }
    return Checkpoint(step, tensors, {"seconds": 1.5, "optimizers": {"model": [{"lr": 1e-3, "params": [0]}]}})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    (tmp_path / "run").mkdir()
    return RunFolder(tmp_path / "run")


def test_what_is_saved_is_what_is_loaded(folder: RunFolder) -> None:
    path = checkpoint.save(folder, some(7))
    assert path.name == "step-000000007.safetensors"
    loaded = checkpoint.load(path)
    assert (loaded.step, loaded.facts) == (7, some(7).facts)
    for name, tensor in some(7).tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        assert torch.equal(loaded.tensors[name], tensor)


def test_the_newest_two_are_kept(folder: RunFolder) -> None:
    for step in (1, 20, 3, 1000):
        checkpoint.save(folder, some(step))
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == [
        "step-000000020.safetensors", "step-000001000.safetensors",
    ]  # fmt: skip
    assert checkpoint.latest(folder)[0].step == 1000


def test_a_failing_disk_costs_no_earlier_checkpoint(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in (1, 2):
        checkpoint.save(folder, some(step))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="no space left"):
        checkpoint.save(folder, some(3))
    assert len(list(folder.checkpoints.iterdir())) == 2
    assert checkpoint.latest(folder)[0].step == 2


def test_a_truncated_file_is_never_taken_for_a_whole_one(folder: RunFolder) -> None:
    checkpoint.save(folder, some(1))
    path = checkpoint.save(folder, some(2))
    whole = path.read_bytes()
    for length in {0, 1, 7, 8, 9, len(whole) - 1, *range(0, len(whole), 37)}:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="is no readable checkpoint"):
            checkpoint.load(path)
        found, broken = checkpoint.latest(folder)
        assert (found.step, len(broken)) == (1, 1)


def test_a_changed_bit_is_found(folder: RunFolder) -> None:
    path = checkpoint.save(folder, some(2))
    whole = path.read_bytes()
    (header,) = struct.unpack("<Q", whole[:8])
    for position in range(8 + header, len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        with pytest.raises(InputError, match="is damaged: its content does not match its checksum"):
            checkpoint.load(path)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({}, "has checkpoint format None; this genbench reads 2"),
        ({"format": "1"}, "has checkpoint format '1'; this genbench reads 2"),
        ({"format": "2"}, "is damaged"),
        ({"format": "2", "sha256": "right"}, "lacks its step or its facts"),
        ({"format": "2", "sha256": "right", "step": "x", "facts": "{}"}, "lacks its step or its facts"),
        ({"format": "2", "sha256": "right", "step": "3", "facts": "{"}, "lacks its step or its facts"),
    ],
)
def test_another_header_is_refused(header: dict[str, str], words: str, tmp_path: Path) -> None:
    tensors = {"w": torch.ones(3)}
    right = {name: checkpoint._digest(header, tensors) if text == "right" else text for name, text in header.items()}
    path = tmp_path / "step-000000003.safetensors"
    path.write_bytes(save(tensors, right))
    with pytest.raises(InputError) as caught:
        checkpoint.load(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_pickle_is_refused_and_not_executed(tmp_path: Path) -> None:
    path = tmp_path / "step-000000003.safetensors"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (str(tmp_path / "executed"),))

    torch.save({"w": torch.ones(3), "trap": Trap()}, path)
    with pytest.raises(InputError, match="is in torch's own format, which can run code"):
        checkpoint.load(path)
    assert not (tmp_path / "executed").exists()


def test_nothing_is_pickled(folder: RunFolder) -> None:
    path = checkpoint.save(folder, some(2))
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert all(isinstance(value, str) for value in header["__metadata__"].values())
    assert not any(mark in content[: 8 + length] for mark in PICKLE_MARKS)


def test_without_a_checkpoint_there_is_a_sentence(folder: RunFolder) -> None:
    with pytest.raises(InputError, match="run has no checkpoint: it was not trained as far"):
        checkpoint.latest(folder)
    for step in (1, 2):
        checkpoint.save(folder, some(step)).write_bytes(b"")
    with pytest.raises(InputError, match=r"No checkpoint of run can be read\. .*step-000000002"):
        checkpoint.latest(folder)


def test_a_damaged_one_does_not_count_among_the_newest_two(folder: RunFolder) -> None:
    for step in (1, 2):
        checkpoint.save(folder, some(step))
    path = folder.checkpoints / "step-000000002.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    checkpoint.save(folder, some(3))
    good = [p.name for p in folder.checkpoints.iterdir() if checkpoint._is_good(p)]
    assert sorted(good) == ["step-000000001.safetensors", "step-000000003.safetensors"]
