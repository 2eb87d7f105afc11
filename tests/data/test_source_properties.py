"""Any bytes at all, as a source of images: a set of the right shape, or a sentence."""

import gzip
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from models.base import ImageShape
from models.errors import InputError
from workbench.data.catalogue import CIFAR_ARCHIVE, SUFFIXES
from workbench.data.idx import read_idx
from workbench.data.load import load

HEADS = st.builds(
    lambda head, sizes: head + struct.pack(f">{len(sizes)}I", *sizes),
    st.sampled_from([b"\0\0\x08\x01", b"\0\0\x08\x03", b"\0\0\x0d\x03"]),
    st.lists(st.one_of(st.integers(0, 6), st.integers(0, 2**32 - 1)), max_size=4),
)
FILES = st.builds(lambda *parts: b"".join(parts), st.one_of(st.just(b""), HEADS), st.binary(max_size=200))


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example; a fixture would be shared by all of them."""
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


@given(FILES, st.sampled_from([1, 3]), st.booleans())
@settings(max_examples=150)
def test_any_bytes_as_an_idx_file(content: bytes, dimensions: int, zipped: bool) -> None:
    with folder() as place:
        path = place / "file"
        path.write_bytes(gzip.compress(content, 1) if zipped else content)
        try:
            values = read_idx(path, dimensions)
        except InputError:
            return
        assert values.dtype == torch.uint8
        assert struct.pack(f">{dimensions}I", *values.shape) == content[4 : 4 + 4 * dimensions]
        assert values.numpy().tobytes() == content[4 + 4 * dimensions :]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3).filter(lambda sizes: len(sizes) != 2), st.data())
@settings(max_examples=60)
def test_no_beginning_of_an_idx_file_is_taken_for_the_whole(sizes: list[int], data: st.DataObject) -> None:
    values = torch.arange(torch.Size(sizes).numel(), dtype=torch.uint8).view(sizes)
    whole = struct.pack(f">BBBB{len(sizes)}I", 0, 0, 8, len(sizes), *sizes) + values.numpy().tobytes()
    with folder() as place:
        path = place / "file"
        for content in (whole, gzip.compress(whole, mtime=0)):
            path.write_bytes(content)
            assert torch.equal(read_idx(path, len(sizes)), values)
            path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
            with pytest.raises(InputError, match="cannot be read as an IDX file"):
                read_idx(path, len(sizes))


def formats() -> dict[str, bytes]:
    """One valid picture for each suffix."""
    made = {}
    with folder() as place:
        for suffix in SUFFIXES:
            Image.effect_noise((9, 7), 60).convert("RGB").save(place / f"x{suffix}")
            made[suffix] = (place / f"x{suffix}").read_bytes()
    return made


VALID = formats()


@given(st.sampled_from(SUFFIXES), st.data())
@settings(max_examples=80)
def test_any_bytes_as_a_picture_of_a_folder(suffix: str, data: st.DataObject) -> None:
    """One damaged picture among three: it is taken, or left out and named."""
    whole = VALID[suffix]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    content = whole[:start] + data.draw(st.binary(max_size=30)) + whole[end:]
    with folder() as place:
        for n in range(3):
            (place / f"{n}.png").write_bytes(VALID[".png"])
        (place / f"x{suffix}").write_bytes(content)
        images = load(f"folder:{place}", data_dir=place / "data", image_size=8, channels=3)
    assert images.shape == ImageShape(3, 8)
    assert images.train.images.dtype == torch.uint8
    assert len(images.train) + len(images.test) == 4 - len(images.notices)
    assert all(f"1 of 4 images could not be read and was left out: x{suffix}" in text for text in images.notices)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(gzip.compress)))
@settings(max_examples=60)
def test_any_bytes_as_the_archive_of_cifar10(content: bytes) -> None:
    with folder() as place:
        (place / CIFAR_ARCHIVE).write_bytes(content)
        with pytest.raises(InputError, match="cannot be used"):
            load("cifar10", data_dir=place)


@given(st.data())
@settings(max_examples=60)
def test_a_cache_with_one_wrong_byte_is_not_used(data: st.DataObject) -> None:
    with folder() as place:
        pictures, cached = place / "pictures", place / "data"
        pictures.mkdir()
        for n in range(3):
            (pictures / f"{n}.png").write_bytes(VALID[".png"])
        (pictures / "broken.png").touch()
        first = load(f"folder:{pictures}", data_dir=cached, image_size=8)
        (kept,) = (cached / "decoded").iterdir()
        content = bytearray(kept.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        kept.write_bytes(content)
        again = load(f"folder:{pictures}", data_dir=cached, image_size=8)
    assert again.fingerprint == first.fingerprint
    assert again.notices == first.notices
