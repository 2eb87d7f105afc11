"""Servers, disks and processes that do not keep their word: never a damaged set, always a sentence."""

import errno
import gzip
import hashlib
import http.server
import io
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from models.errors import InputError
from workbench.data import fetch
from workbench.data.catalogue import CIFAR_ARCHIVE, IDX_FILES
from workbench.data.load import load

Reply = Callable[["Server"], object]
CONTENT = bytes(range(256)) * 40  # what the published archive is said to be


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as `reply` does, and counts how often it is asked."""

    reply: Reply
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        type(self).reply(self)

    def log_message(self, *_: object) -> None:
        pass

    def head(self, status: int, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Server]]:
    """The only server that has CIFAR-10; its archive is CONTENT."""
    from torchvision.datasets import CIFAR10

    handler = type("Handler", (Server,), {"asked": []})
    http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http_server.block_on_close = False
    thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{http_server.server_port}/cifar.tar.gz")
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(CONTENT).hexdigest())
    yield handler
    http_server.shutdown()
    http_server.server_close()
    thread.join()


def truncating(to: Server) -> None:
    to.head(200, Content_Length=len(CONTENT))
    to.wfile.write(CONTENT[:5000])


def truncating_in_chunks(to: Server) -> None:
    to.protocol_version = "HTTP/1.1"
    to.head(200, Transfer_Encoding="chunked", Connection="close")
    to.wfile.write(b"1000\r\n" + CONTENT[:100])


def stalling(to: Server) -> None:
    to.head(200, Content_Length=len(CONTENT))
    to.wfile.write(CONTENT[:100])
    to.wfile.flush()
    threading.Event().wait(1)


def claiming_less(to: Server) -> None:
    to.head(200, Content_Length=100)
    to.wfile.write(CONTENT)


def claiming_nonsense(to: Server) -> None:
    to.head(200, Content_Length="many")
    to.wfile.write(CONTENT[:100])


def endless(to: Server) -> None:
    to.head(200)
    try:
        for _ in range(2000):
            to.wfile.write(bytes(1 << 16))
    except ConnectionError:
        return


REPLIES: dict[str, tuple[Reply, str]] = {
    "cut short": (truncating, "the connection ended after 5,000 of 10,240 bytes"),
    "cut short in chunks": (truncating_in_chunks, "the connection ended before the file did"),
    "stalling": (stalling, "timed out"),
    "less than it has": (claiming_less, "wrong checksum"),
    "no number as its length": (claiming_nonsense, "wrong checksum"),
    "a log-in page": (lambda to: to.head(200, Content_Type="text/html; charset=utf-8"), "a web page came instead"),
    "busy": (lambda to: to.head(503), "HTTP Error 503: Service Unavailable"),
    "a circle": (lambda to: to.head(302, Location=to.path), "infinite loop"),
    "to nowhere": (lambda to: to.head(302, Location="http://[::bad/x"), "Invalid IPv6"),
    "to a file of ours": (lambda to: to.head(302, Location="file:///etc/passwd"), "is not allowed"),
    "not HTTP": (lambda to: None, "closed connection without response"),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_server_that_does_not_keep_its_word(
    name: str, server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply, words = REPLIES[name]
    if server.reply is stalling:
        monkeypatch.setattr(fetch, "_TIMEOUT", 0.3)
    with pytest.raises(InputError, match="could not be downloaded") as caught:
        load("cifar10", data_dir=tmp_path / "data")
    message = str(caught.value)
    assert words in message
    assert "\n" not in message
    assert f"/cifar.tar.gz). Put {CIFAR_ARCHIVE} into {tmp_path / 'data' / 'cifar10'} yourself" in message
    assert not list(tmp_path.rglob("*cifar-10*"))


def test_a_server_that_never_ends(server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.reply = endless
    from workbench.data import catalogue

    info = catalogue.DATASETS["cifar10"]
    small = type(info)(**{**vars(info), "megabytes": 1})
    monkeypatch.setitem(catalogue.DATASETS, "cifar10", small)
    with pytest.raises(InputError, match="far more bytes came than the set has"):
        load("cifar10", data_dir=tmp_path / "data")
    assert not list(tmp_path.rglob("*cifar-10*"))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_is_full(
    number: int, server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply = lambda to: to.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT)

    class Full(io.FileIO):
        def write(self, *_: object) -> int:
            raise OSError(number, errno.errorcode[number])

    real = Path.open

    def opened(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        return Full(path, "wb") if path.name.endswith(".part") else real(path, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", opened)
    data = tmp_path / "data"
    with pytest.raises(InputError) as caught:
        load("cifar10", data_dir=data)
    assert str(caught.value) == (
        f"cifar10 could not be kept in {data / 'cifar10'}: {errno.errorcode[number]}. "
        "It takes about 170 MB. Make room there, or give another --data-dir."
    )
    assert not data.exists()


def test_half_a_file_of_a_killed_process_is_not_used(server: type[Server], tmp_path: Path) -> None:
    """The next try starts anew, and what it fetched is what was published."""
    server.reply = lambda to: to.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT)
    folder = tmp_path / "data" / "cifar10"
    folder.mkdir(parents=True)
    half = folder / f".{CIFAR_ARCHIVE}.part"
    half.write_bytes(b"\xff" * 20_000)
    said: list[tuple[str, int, int]] = []
    with pytest.raises(InputError, match="is damaged"):  # CONTENT is no archive: it came whole and was looked into
        load("cifar10", data_dir=tmp_path / "data", progress=lambda *words: said.append(words))
    assert said[-1] == (f"downloading {CIFAR_ARCHIVE}", len(CONTENT), 0)
    assert not half.exists()
    assert (folder / CIFAR_ARCHIVE).read_bytes() == CONTENT


def test_the_right_checksum_of_a_wrong_file(
    server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Published so, or a set that was replaced by another: the reader looks for itself."""
    from torchvision import datasets

    server.reply = lambda to: to.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + CONTENT)
    address = datasets.CIFAR10.url.removesuffix("cifar.tar.gz")
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [address])
    named = [(f"{stem}.gz", hashlib.md5(CONTENT).hexdigest()) for stem in IDX_FILES]
    monkeypatch.setattr(datasets.KMNIST, "resources", named)
    with pytest.raises(InputError, match=r"train-images.*\.gz cannot be read as an IDX file .*does not begin like"):
        load("kmnist", data_dir=tmp_path)
    assert len(server.asked) == 4


def test_two_at_once_fetch_once(server: type[Server], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision import datasets

    images = struct.pack(">BBBB3I", 0, 0, 8, 3, 10, 8, 8) + bytes(640)
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 10) + bytes(10)
    files = {f"/{stem}.gz": gzip.compress(images if "images" in stem else labels) for stem in IDX_FILES}
    server.reply = lambda to: to.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + files[to.path])
    monkeypatch.setattr(datasets.KMNIST, "mirrors", [datasets.CIFAR10.url.removesuffix("/cifar.tar.gz") + "/"])
    sums = [(f"{stem}.gz", hashlib.md5(files[f"/{stem}.gz"]).hexdigest()) for stem in IDX_FILES]
    monkeypatch.setattr(datasets.KMNIST, "resources", sums)
    with ThreadPoolExecutor(4) as pool:
        sets = list(pool.map(lambda _: load("kmnist", data_dir=tmp_path / "data"), range(4)))
    assert len({images.fingerprint for images in sets}) == 1
    assert sorted(server.asked) == sorted(files)


def test_a_data_folder_that_cannot_be_followed(server: type[Server], tmp_path: Path) -> None:
    """A link to itself, and a name that no system takes."""
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for data in (tmp_path / "loop", tmp_path / "loop" / "below", tmp_path / ("x" * 300)):
        with pytest.raises(InputError, match="could not be downloaded"):
            load("cifar10", data_dir=data)
        Image.new("L", (8, 8)).save(tmp_path / "a.png")
        Image.new("L", (8, 8)).save(tmp_path / "b.png")
        assert len(load(f"folder:{tmp_path}", data_dir=data).train) == 1
    assert server.asked == []
