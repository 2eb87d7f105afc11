"""Downloads from a real server on this machine: whole files with the right checksum, or a sentence."""

import functools
import gzip
import hashlib
import http.server
import math
import random
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from models.errors import InputError
from workbench.data.catalogue import IDX_FILES, find, is_present
from workbench.data.fetch import torchvision_class
from workbench.data.load import load


def family(folder: Path) -> Path:
    """30 + 10 images of noise in the layout of MNIST, gzipped."""
    folder.mkdir(parents=True, exist_ok=True)
    dice = random.Random(0)
    for stem, count in zip(IDX_FILES, (30, 30, 10, 10), strict=True):
        shape = (count, 28, 28) if "images" in stem else (count,)
        values = bytes(dice.randrange(256 if "images" in stem else 10) for _ in range(math.prod(shape)))
        content = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape) + values
        (folder / f"{stem}.gz").write_bytes(gzip.compress(content, 1))
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder served as the only mirror of kmnist, with the checksums of what is in it."""
    from torchvision import datasets

    folder = family(tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    names = [f"{stem}.gz" for stem in IDX_FILES]
    sums = [hashlib.md5((folder / name).read_bytes()).hexdigest() for name in names]
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(datasets.KMNIST, "resources", list(zip(names, sums, strict=True)))
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def left_in(folder: Path) -> list[str]:
    """Every file below a folder but the lock."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_a_set_is_fetched_once(mirror: Path, tmp_path: Path) -> None:
    data, said = tmp_path / "data", []
    assert not is_present(find("kmnist"), data)
    images = load("kmnist", data_dir=data, progress=lambda *words: said.append(words))
    assert (len(images.train), len(images.test)) == (30, 10)
    assert left_in(data) == sorted(f"{stem}.gz" for stem in IDX_FILES)
    assert is_present(find("kmnist"), data)
    size = (mirror / f"{IDX_FILES[0]}.gz").stat().st_size
    assert said[0][0] == f"downloading {IDX_FILES[0]}.gz"
    assert (f"downloading {IDX_FILES[0]}.gz", size, size) in said
    for path in mirror.iterdir():
        path.unlink()
    assert load("kmnist", data_dir=data).fingerprint == images.fingerprint


def test_a_wrong_checksum_leaves_nothing(mirror: Path, tmp_path: Path) -> None:
    path = mirror / f"{IDX_FILES[0]}.gz"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match="wrong checksum") as caught:
        load("kmnist", data_dir=tmp_path / "data")
    assert left_in(tmp_path / "data") == []
    assert not (tmp_path / "data" / "kmnist").exists()
    for words in (
        "kmnist could not be downloaded",
        str(tmp_path / "data" / "kmnist"),
        "--dataset digits",
        path.name,
    ):
        assert words in str(caught.value)


def test_a_download_goes_on_where_it_failed(mirror: Path, tmp_path: Path) -> None:
    last = mirror / f"{IDX_FILES[3]}.gz"
    content = last.read_bytes()
    last.unlink()
    with pytest.raises(InputError, match="HTTP Error 404"):
        load("kmnist", data_dir=tmp_path / "data")
    assert len(left_in(tmp_path / "data")) == 3
    last.write_bytes(content)
    said: set[str] = set()
    load("kmnist", data_dir=tmp_path / "data", progress=lambda what, *_: said.add(what))
    assert said == {f"downloading {last.name}"}


def test_a_second_mirror_is_tried(mirror: Path, tmp_path: Path) -> None:
    cls = torchvision_class(find("kmnist"))
    cls.mirrors = ["http://127.0.0.1:9/", *cls.mirrors]  # port 9 discards, here it refuses
    assert len(load("kmnist", data_dir=tmp_path / "data").train) == 30


def test_a_server_that_refuses(mirror: Path, tmp_path: Path) -> None:
    torchvision_class(find("kmnist")).mirrors = ["http://127.0.0.1:9/"]
    with pytest.raises(InputError, match=r"Connection refused \(from http://127\.0\.0\.1:9/train-images"):
        load("kmnist", data_dir=tmp_path / "data")


def test_a_data_folder_that_cannot_be_made(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"Not a directory|File exists"):
        load("kmnist", data_dir=tmp_path / "file" / "data")


def test_a_read_only_data_folder_is_left_alone(mirror: Path, tmp_path: Path) -> None:
    """By root as well: nothing stops root but us."""
    (tmp_path / "data").mkdir(mode=0o555)
    for data in (tmp_path / "data", tmp_path / "data" / "deeper"):
        with pytest.raises(InputError, match=f"could not be downloaded: {data} is read-only"):
            load("kmnist", data_dir=data)
    assert list((tmp_path / "data").iterdir()) == []


def test_one_process_fetches_and_the_other_waits(mirror: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    lock = FileLock(data / "kmnist.lock", thread_local=False)
    lock.acquire()
    said: list[str] = []

    def listen(what: str, *_: int) -> None:
        said.append(what)
        if what.startswith("waiting"):
            family(data / "kmnist")  # what the other process fetched
            lock.release()

    assert len(load("kmnist", data_dir=data, progress=listen).train) == 30
    assert said == ["waiting for another process to fetch kmnist"]


@pytest.mark.parametrize(
    "trouble", [ImportError("no module"), RuntimeError("operator torchvision::nms does not exist")]
)
def test_a_torchvision_that_does_not_fit(
    trouble: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "torchvision":
                raise trouble

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(InputError, match="pip install --force-reinstall torch torchvision") as caught:
        load("kmnist", data_dir=tmp_path)
    assert str(trouble) in str(caught.value)
    family(tmp_path / "kmnist")
    assert len(load("kmnist", data_dir=tmp_path).train) == 30  # what is on disk needs no torchvision
