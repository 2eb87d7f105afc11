"""CIFAR-10 from its folder and its archive, and no pickle opened that is not the published one."""

import errno
import hashlib
import http.server
import io
import pickle
import tarfile
import threading
from pathlib import Path

import numpy as np
import pytest

from models.base import ImageShape
from models.errors import InputError
from workbench.data import cifar
from workbench.data.catalogue import CIFAR_ARCHIVE, CIFAR_FILES, CIFAR_FOLDER
from workbench.data.load import load


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six batches of ten images, and torchvision told their checksums."""
    from torchvision.datasets import CIFAR10

    rng = np.random.Generator(np.random.PCG64(0))

    def batch() -> bytes:
        pixels = rng.integers(0, 256, (10, 3072)).astype(np.uint8)
        return pickle.dumps({"data": pixels, "labels": list(range(10))}, 2)

    content = {name: batch() for name in CIFAR_FILES}
    sums = [[name, hashlib.md5(stored).hexdigest()] for name, stored in content.items()]
    monkeypatch.setattr(CIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(CIFAR10, "test_list", sums[5:])
    return content


def in_folder(place: Path, batches: dict[str, bytes]) -> Path:
    folder = place / CIFAR_FOLDER
    folder.mkdir(parents=True)
    for name, content in batches.items():
        (folder / name).write_bytes(content)
    return folder


def in_archive(place: Path, batches: dict[str, bytes]) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place / CIFAR_ARCHIVE, "w:gz") as tar:
        for name, content in {"readme.html": b"hello", **dict(reversed(batches.items()))}.items():
            member = tarfile.TarInfo(f"{CIFAR_FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return place / CIFAR_ARCHIVE


def test_folder_and_archive_are_the_same_set(
    batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_folder(tmp_path / "a", batches)
    in_archive(tmp_path / "b" / "cifar10", batches)
    a, b = (load("cifar10", data_dir=tmp_path / name) for name in "ab")
    assert a.shape == ImageShape(3, 32)
    assert (len(a.train), len(a.test)) == (50, 10)
    assert a.classes[3] == "cat"
    assert a.fingerprint == b.fingerprint
    first = pickle.loads(batches["data_batch_1"])
    assert a.train.images[0].numpy().tobytes() == first["data"][0].tobytes()
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["cifar10"]  # nothing written there

    def refuse(_: Path) -> None:
        raise AssertionError("unpacked twice")

    monkeypatch.setattr(cifar, "_members", refuse)
    assert load("cifar10", data_dir=tmp_path / "b").fingerprint == b.fingerprint


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("import workbench.data; workbench.data.OWNED = True",)


@pytest.mark.parametrize("packed", [False, True])
def test_a_pickle_that_is_not_the_published_one_is_never_opened(
    batches: dict[str, bytes], tmp_path: Path, packed: bool
) -> None:
    import workbench.data

    source = (in_archive if packed else in_folder)(tmp_path, batches | {"data_batch_2": pickle.dumps(Evil())})
    with pytest.raises(InputError, match="checksum of data_batch_2 is not that of CIFAR-10") as caught:
        load("cifar10", data_dir=tmp_path)
    assert str(source) in str(caught.value)
    assert not hasattr(workbench.data, "OWNED")


def test_a_damaged_archive_is_named(batches: dict[str, bytes], tmp_path: Path) -> None:
    archive = in_archive(tmp_path, batches)
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"cifar-10-python\.tar\.gz is damaged"):
        load("cifar10", data_dir=tmp_path)
    archive = in_archive(tmp_path, dict(list(batches.items())[:5]))
    with pytest.raises(InputError, match="test_batch is not in it"):
        load("cifar10", data_dir=tmp_path)


def test_a_download_is_unpacked(batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import CIFAR10

    archive = in_archive(tmp_path / "served", batches)
    content = archive.read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)  # no length given

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(content).hexdigest())
    try:
        images = load("cifar10", data_dir=tmp_path / "data")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(images.train) == 50
    kept = sorted(path.name for path in (tmp_path / "data" / "cifar10").rglob("*") if path.is_file())
    assert kept == sorted(CIFAR_FILES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"GNU.sparse.map": "0,x"},
        {"size": "many"},
        {"GNU.sparse.map": "99999999999999999999,1"},
        {"size": "99999999999"},
    ],
    ids=str,
)
def test_an_archive_that_says_nonsense_of_its_members(
    wrong: dict[str, str], batches: dict[str, bytes], tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / CIFAR_ARCHIVE, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"{CIFAR_FOLDER}/{name}")
            member.size, member.pax_headers = len(content), wrong
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(InputError, match=r"cannot be used: .* Replace it"):
        load("cifar10", data_dir=tmp_path)


def test_a_disk_that_fills_while_unpacking(
    batches: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive stays, and the set is read from it."""
    in_archive(tmp_path / "cifar10", batches)
    real = Path.write_bytes

    def write(path: Path, content: bytes) -> int:
        if "data_batch_3" in path.name:
            real(path, content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space left"):
        cifar.unpack(tmp_path / "cifar10")
    assert not list(tmp_path.rglob("*.part"))
    assert len(load("cifar10", data_dir=tmp_path).train) == 50
