"""IDX files: the real MNIST without a network, and sentences for files that are not what they should be."""

import gzip
import os
import struct
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from models.base import ImageShape
from models.errors import InputError
from workbench.data.catalogue import IDX_FILES
from workbench.data.idx import read_idx
from workbench.data.load import load


def idx(values: torch.Tensor) -> bytes:
    head = struct.pack(f">BBBB{values.dim()}I", 0, 0, 8, values.dim(), *values.shape)
    return head + values.to(torch.uint8).numpy().tobytes()


def family(folder: Path, train: int = 30, test: int = 10, zipped: bool = False, size: int = 28) -> Path:
    """A small set in the layout of MNIST."""
    generator = torch.Generator().manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    for stem, count in zip(IDX_FILES, (train, train, test, test), strict=True):
        shape = (count, size, size) if "images" in stem else (count,)
        high = 256 if "images" in stem else 10
        content = idx(torch.randint(0, high, shape, generator=generator))
        path = folder / (stem + ".gz" * zipped)
        path.write_bytes(gzip.compress(content, 1) if zipped else content)
    return folder


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.parametrize("inside", ["", "mnist"])
@pytest.mark.usefixtures("offline")
def test_the_real_mnist_is_read_where_it_lies(shared_data: Path, inside: str) -> None:
    before = sorted(os.listdir(shared_data / "mnist"))  # noqa: PTH208  names only
    images = load("mnist", data_dir=shared_data / inside)
    assert images.shape == ImageShape(1, 28)
    assert (len(images.train), len(images.test)) == (60_000, 10_000)
    assert images.train.labels is not None
    assert images.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert images.train.pixels.float().mean().item() == pytest.approx(33.318, abs=0.001)  # 0.1307 of 255
    assert images.fingerprint == "6d621193c0120a36"
    assert sorted(os.listdir(shared_data / "mnist")) == before  # noqa: PTH208
    assert not (shared_data / "decoded").exists()
    assert not list(shared_data.glob("*.lock"))


@pytest.mark.usefixtures("offline")
def test_plain_and_gzipped_are_the_same_set(tmp_path: Path) -> None:
    family(tmp_path / "plain" / "KMNIST" / "raw")
    family(tmp_path / "zipped" / "kmnist", zipped=True)
    plain, zipped = (load("kmnist", data_dir=tmp_path / name) for name in ("plain", "zipped"))
    assert plain.fingerprint == zipped.fingerprint
    assert plain.classes[3] == "tsu"
    assert len(plain.train) == 30


@pytest.mark.usefixtures("offline")
def test_mnist_is_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    family(tmp_path)
    (tmp_path / IDX_FILES[3]).write_bytes(idx(torch.tensor([7, 2, 1, 0, 4, 1, 4, 9, 5, 9])))
    assert len(load("mnist", data_dir=tmp_path).test) == 10
    with pytest.raises(InputError, match=r"are those of mnist, not of fashion-mnist\. Use --dataset mnist"):
        load("fashion-mnist", data_dir=tmp_path)


Damage = Callable[[bytes], bytes]
DAMAGES: dict[str, tuple[Damage, str]] = {
    "cut short": (lambda content: content[:-100], "cut short"),
    "empty": (lambda _: b"", "does not begin like"),
    "cut in the head": (lambda content: content[:9], "cut short"),
    "longer": (lambda content: content + b"x", "longer than it says"),
    "another type": (lambda content: b"\0\0\x0d" + content[3:], "does not begin like"),
    "a web page": (lambda _: b"<html>not found</html>", "does not begin like"),
    "a bomb": (lambda content: content[:4] + b"\xff" * 12 + content[16:], "claims to hold"),
    "gzip cut short": (lambda content: gzip.compress(content)[:-50], "cannot be read"),
    "gzip garbled": (lambda content: gzip.compress(content)[:40] + b"\xff" * 999, "cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.usefixtures("offline")
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    path = family(tmp_path / "mnist") / IDX_FILES[0]
    damage, words = DAMAGES[name]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=words) as caught:
        load("mnist", data_dir=tmp_path)
    assert str(path) in str(caught.value)
    assert "remove it to have it fetched again" in str(caught.value)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    folder = family(tmp_path / "mnist")
    (folder / IDX_FILES[1]).write_bytes(idx(torch.zeros(29)))
    with pytest.raises(InputError, match=r"has 30 images but .* has 29 labels"):
        load("mnist", data_dir=tmp_path)
    (folder / IDX_FILES[1]).write_bytes(idx(torch.full((30,), 10)))
    with pytest.raises(InputError, match="a label above 9"):
        load("mnist", data_dir=tmp_path)
    (folder / IDX_FILES[1]).write_bytes(idx(torch.zeros(30)))
    (folder / IDX_FILES[2]).write_bytes(idx(torch.zeros(10, 14, 14)))
    with pytest.raises(InputError, match="different sizes"):
        load("mnist", data_dir=tmp_path)
    (folder / IDX_FILES[0]).write_bytes(idx(torch.zeros(30, 28, 27)))
    with pytest.raises(InputError, match="no square images"):
        load("mnist", data_dir=tmp_path)


def test_an_idx_file_read_back(tmp_path: Path) -> None:
    values = torch.arange(24, dtype=torch.uint8).view(2, 3, 4)
    (tmp_path / "x").write_bytes(idx(values))
    assert torch.equal(read_idx(tmp_path / "x", 3), values)
    with pytest.raises(InputError, match="1 dimension"):
        read_idx(tmp_path / "x", 1)
