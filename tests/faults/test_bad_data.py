"""Pictures and files as the world has them: shown right, left out and named, or refused in a sentence."""

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import InputError
from tests.command import TINY, genbench
from workbench.data.idx import read_idx
from workbench.data.load import load

Colour = tuple[int, int, int]
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int, height: int, bits: int, kind: int, row: bytes, *, rows: int | None = None, more: bytes = b""
) -> bytes:
    """A PNG of equal rows, also such as no library would write."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + row) * (height if rows is None else rows)))
    return b"\x89PNG\r\n\x1a\n" + head + more + pixels + chunk(b"IEND", b"")


def animated(path: Path) -> None:
    first, second = Image.new("RGB", (9, 9), RED), Image.new("RGB", (9, 9), BLUE)
    first.save(path, save_all=True, append_images=[second], lossless=True)


def upside_down(path: Path) -> None:
    picture = Image.new("RGB", (8, 8), BLUE)
    picture.paste(RED, (0, 4, 8, 8))
    exif = Image.Exif()
    exif[0x0112] = 3
    picture.save(path, exif=exif)


def cut(path: Path) -> None:
    Image.effect_noise((99, 99), 60).save(path)
    os.truncate(path, 2000)


def palette(path: Path) -> None:
    picture = Image.new("P", (9, 9), 1)
    picture.putpalette([255, 0, 0, 0, 0, 0])
    picture.save(path, transparency=1)


# What lies in a folder, and the colour that its top row must come out as.
SHOWN: dict[str, tuple[Callable[[Path], object], Colour]] = {
    "cmyk.jpg": (lambda path: Image.new("CMYK", (9, 9), (0, 255, 255, 0)).save(path, quality=95), RED),
    "grey-16.png": (lambda path: Image.fromarray(np.full((9, 9), 0x8080, np.uint16)).save(path), (128, 128, 128)),
    "colour-16.png": (
        lambda path: path.write_bytes(png(8, 8, 16, 2, b"\x80\x00\x40\x00\xff\xff" * 8)), (128, 64, 255),
    ),
    "clear-palette.png": (palette, WHITE),
    "clear-palette.gif": (palette, WHITE),
    "animated.gif": (animated, RED),
    "animated.webp": (animated, RED),
    "animated.png": (animated, RED),
    "upside-down.png": (upside_down, RED),
    "upside-down.webp": (upside_down, RED),
    "damaged-exif.png": (
        lambda path: path.write_bytes(png(8, 8, 8, 2, b"\xff\0\0" * 8, more=chunk(b"eXIf", b"garbage!"))), RED,
    ),
    "wide.png": (lambda path: path.write_bytes(png(100_000, 1, 8, 0, b"\x80" * 100_000)), (128, 128, 128)),
    "tall.png": (lambda path: path.write_bytes(png(1, 100_000, 8, 0, b"\x80")), (128, 128, 128)),
    "really-a-jpeg.png": (lambda path: Image.new("RGB", (9, 9), RED).save(path, "JPEG", quality=95), RED),
}  # fmt: skip

LEFT_OUT: dict[str, Callable[[Path], object]] = {
    "bomb.png": lambda path: path.write_bytes(png(100_000, 100_000, 8, 2, b"", rows=1)),
    "cut.jpg": cut,
    "empty.png": lambda path: path.touch(),
    "flat.png": lambda path: path.write_bytes(png(0, 5, 8, 2, b"")),
    "gone.png": lambda path: path.symlink_to("nowhere.png"),
    "loop.png": lambda path: path.symlink_to(path.name),
    "nothing.png": lambda path: path.write_bytes(png(0, 0, 8, 2, b"")),
    "pipe.png": os.mkfifo,
    "script.png": lambda path: path.write_text("#!/bin/sh\necho a text file called .png\n"),
}


@pytest.mark.filterwarnings("error")
def test_a_folder_of_odd_pictures(tmp_path: Path) -> None:
    """Each lies in a folder of its own, so that its class tells which it is."""
    root = tmp_path / "odd"
    for name, make in {**{name: make for name, (make, _) in SHOWN.items()}, **LEFT_OUT}.items():
        (root / f"in-{name}").mkdir(parents=True)
        make(root / f"in-{name}" / name)
    images = load(f"folder:{root}", data_dir=tmp_path / "data", image_size=8)
    assert images.classes == tuple(sorted(f"in-{name}" for name in SHOWN))
    for split in (images.train, images.test):
        assert split.labels is not None
        for pixels, label in zip(split.pixels, split.labels.tolist(), strict=True):
            name = images.classes[label].removeprefix("in-")
            top = pixels[:, 0].float().mean(1)
            assert top.tolist() == pytest.approx(SHOWN[name][1], abs=3), name
    first = ", ".join(f"in-{name}/{name}" for name in sorted(LEFT_OUT)[:3])
    assert images.notices == (
        f"{len(LEFT_OUT)} of {len(SHOWN) + len(LEFT_OUT)} images could not be read and were left out: "
        f"{first} and {len(LEFT_OUT) - 3} more.",
    )


def test_only_what_cannot_be_read(tmp_path: Path) -> None:
    for name, make in LEFT_OUT.items():
        make(tmp_path / name)
    with pytest.raises(
        InputError, match=r"9 of the 9 images in .* cannot be read, the first is bomb\.png \(.*exceeds limit"
    ):
        load(f"folder:{tmp_path}", data_dir=tmp_path / "data")


NAMES = (b"\x1b[2Jgone\n.png", b"caf\xe9.png", b"\xff\xfe.png")


def odd_names(root: Path) -> None:
    """Readable pictures in a folder whose name is no text, and unreadable ones with names that are none either."""
    try:
        here = Path(os.fsdecode(os.fsencode(root) + b"/stra\xdfe"))
        here.mkdir(parents=True)
    except OSError:
        pytest.skip("this file system takes only text")
    for n in range(20):
        Image.new("RGB", (8, 8), (12 * n, 0, 0)).save(here / f"{n}.png")
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(root) + b"/" + name)).write_bytes(b"no picture")


def test_names_that_are_not_text_are_told_escaped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On the console, in the log, in the record, and for whoever asks the run later."""
    monkeypatch.chdir(tmp_path)
    odd_names(tmp_path / "named")
    done = genbench(
        capsys, "--no-ui", *TINY, "--dataset", "folder:named", "--batch-size", "4", "--steps", "3", "--name", "x"
    )
    assert done.code == 0
    names = r"\x1b[2Jgone\n.png, caf\udce9.png, \udcff\udcfe.png"
    notice = f"3 of 23 images could not be read and were left out: {names}."
    assert f"Note: {notice}\n" in done.out
    run = tmp_path / "runs" / "x"
    assert notice in (run / "log.txt").read_bytes().decode()
    assert json.loads((run / "config.json").read_bytes().decode())["images"]["classes"] == ["stra\\udcdfe"]
    assert genbench(capsys, "show", "x").code == 0
    again = genbench(capsys, "--no-ui", "--resume", "x", "--steps", "5")
    assert again.code == 0
    assert notice in again.out


def test_a_folder_whose_path_is_not_text(tmp_path: Path) -> None:
    odd_names(tmp_path / "named")
    inside = Path(os.fsdecode(os.fsencode(tmp_path) + b"/named/stra\xdfe"))
    for _ in range(2):
        images = load(f"folder:{inside}", data_dir=Path(os.fsdecode(os.fsencode(tmp_path) + b"/data\xff")))
        assert images.title == "stra\\udcdfe"
        assert len(images.train) + len(images.test) == 20
    with pytest.raises(InputError, match=r"There is no folder .*stra\\udcdfe\.\.\. Give"):
        load(f"folder:{inside}..")


AS_ANYBODY = """
import json, sys
from pathlib import Path
from models.errors import InputError
from workbench.data.load import load
def answer(name, data):
    try:
        return load(name, data_dir=Path(data)).notices
    except InputError as error:
        return str(error)
print(json.dumps([answer(*pair) for pair in json.loads(sys.argv[1])]))
"""


def test_what_may_not_be_read(tmp_path: Path) -> None:
    """Asked in a process that permissions bind: root without the right to override them."""
    bound = [] if os.geteuid() else ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    if bound and not shutil.which("setpriv"):
        pytest.skip("nothing here takes root's rights away")
    for n in range(4):
        for place in ("picture", "below/a", "below/shut", "shut"):
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 50 * n).save(tmp_path / place / f"{n}.png")
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    for stem in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / "data" / "mnist" / f"{stem}-ubyte").touch(mode=0)
    shut = [tmp_path / "picture" / "2.png", tmp_path / "below" / "shut", tmp_path / "shut"]
    asked = [("folder:picture", "data"), ("folder:below", "data"), ("folder:shut", "data"), ("mnist", "data"),
             ("kmnist", "shut"), ("kmnist", "shut/below"), ("folder:below/a", "shut/below")]  # fmt: skip
    for path in shut:
        path.chmod(0)
    try:
        done = subprocess.run(
            [*bound, sys.executable, "-c", AS_ANYBODY, json.dumps(asked)],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
    finally:
        for path in shut:
            path.chmod(0o700)
    assert done.stderr == ""
    picture, below, root, idx, closed, deeper, beside = json.loads(done.stdout)
    assert picture == ["1 of 4 images could not be read and was left out: 2.png."]
    for path, said in ((shut[1], below), (shut[2], root)):
        assert said == f"{path} cannot be opened (Permission denied). Make it readable, or move it away."
    assert "train-images-idx3-ubyte cannot be read as an IDX file ([Errno 13] Permission denied" in idx
    for said in (closed, deeper):
        assert said.startswith("kmnist could not be downloaded: ")
        assert "--data-dir" in said
    assert beside == []


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_head_that_claims_a_billion_costs_no_memory(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    head = struct.pack(">BBBB3I", 0, 0, 8, 3, 1_000_000, 28, 28)
    (tmp_path / "x").write_bytes(pack(head + bytes(1000)))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="it is cut short"):
            read_idx(tmp_path / "x", 3)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
