"""`folder:PATH` on trees as people have them: classes, splits, odd modes, broken files, and a second start."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models.base import ImageShape
from models.errors import InputError
from workbench.data import decode, folder
from workbench.data.load import load


def picture(path: Path, seed: int = 0, mode: str = "RGB", size: tuple[int, int] = (40, 36)) -> Path:
    """A picture of noise, saved by its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.Generator(np.random.PCG64(seed))
    noise = rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(noise).convert(mode).save(path)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Twelve pictures in two classes, at different depths and in different formats."""
    for n, suffix in enumerate((".png", ".jpg", ".JPEG", ".webp", ".gif", ".bmp")):
        picture(tmp_path / "tree" / "cats" / f"{n}{suffix}", n)
        picture(tmp_path / "tree" / "dogs" / "deep" / f"{n}{suffix}", 10 + n)
    (tmp_path / "tree" / "readme.txt").write_text("not a picture")
    (tmp_path / "tree" / ".thumbnails").mkdir()
    picture(tmp_path / "tree" / ".thumbnails" / "x.png")
    (tmp_path / "tree" / "cats" / "._0.jpg").write_bytes(b"what a Mac leaves behind")
    return tmp_path / "tree"


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded, as they are."""
    names = []
    real = decode.decode

    def note(path: Path, size: int, channels: int) -> object:
        names.append(path.name)
        return real(path, size, channels)

    monkeypatch.setattr(folder, "decode", note)
    return names


def test_real_photographs(shared_data: Path, tmp_path: Path) -> None:
    images = load(f"folder:{shared_data / 'cifar10-jpg'}", data_dir=tmp_path)
    assert images.shape == ImageShape(3, 32)
    assert (len(images.train), len(images.test)) == (3600, 400)
    assert images.classes[:3] == ("airplane", "automobile", "bird")
    assert images.title == "cifar10-jpg"
    assert images.train.labels is not None
    assert images.train.labels.bincount().min() > 330
    # A picture that already has the right size is not touched.
    first = np.asarray(Image.open(shared_data / "cifar10-jpg" / "airplane" / "0001.jpg"))
    whole = torch.cat([images.train.pixels[:400], images.test.pixels[:100]])
    assert bool((whole == torch.tensor(first).permute(2, 0, 1)).flatten(1).all(1).any())


def test_subfolders_are_classes(tree: Path, tmp_path: Path) -> None:
    images = load(f"folder:{tree}", data_dir=tmp_path)
    assert images.shape == ImageShape(3, 32)
    assert (len(images.train), len(images.test)) == (11, 1)
    assert images.classes == ("cats", "dogs")
    assert images.notices == ()
    assert images.train.labels is not None
    assert len(images.train.labels.unique()) == 2
    assert images.name == f"folder:{tree}"


def test_no_subfolders_no_labels(tmp_path: Path) -> None:
    for n in range(4):
        picture(tmp_path / "flat" / f"{n}.png", n)
    images = load(f"folder:{tmp_path / 'flat'}", data_dir=tmp_path, image_size=16)
    assert images.classes == ()
    assert images.train.labels is None
    assert images.test.labels is None
    assert images.shape == ImageShape(3, 16)


def test_pictures_beside_class_folders_are_a_class_of_their_own(tree: Path, tmp_path: Path) -> None:
    picture(tree / "loose.png")
    images = load(f"folder:{tree}", data_dir=tmp_path)
    assert images.classes == ("cats", "dogs", "tree")
    assert len(images.train) + len(images.test) == 13


def test_train_and_test_are_the_splits(tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "own" / "train", ignore=shutil.ignore_patterns("5.bmp"))
    shutil.copytree(tree / "dogs", tmp_path / "own" / "test" / "dogs")
    images = load(f"folder:{tmp_path / 'own'}", data_dir=tmp_path)
    assert (len(images.train), len(images.test)) == (10, 6)
    assert images.classes == ("cats", "dogs")
    assert images.test.labels is not None
    assert images.test.labels.tolist() == [1] * 6


def test_splits_without_classes(tmp_path: Path) -> None:
    for n in range(3):
        picture(tmp_path / "own" / "train" / f"{n}.png", n)
    picture(tmp_path / "own" / "test" / "0.png")
    images = load(f"folder:{tmp_path / 'own'}", data_dir=tmp_path)
    assert (len(images.train), len(images.test), images.classes) == (3, 1, ())
    (tmp_path / "own" / "test" / "0.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"None of the images in .*own/test can be read"):
        load(f"folder:{tmp_path / 'own'}", data_dir=tmp_path)


def test_grey_pictures_make_a_grey_set(tmp_path: Path) -> None:
    for n, mode in enumerate(("L", "1", "P")):
        picture(tmp_path / "grey" / f"{n}.png", n, "L").rename(tmp_path / "grey" / f"x{n}.png")
        Image.open(tmp_path / "grey" / f"x{n}.png").convert(mode).save(tmp_path / "grey" / f"{n}.png")
    name = f"folder:{tmp_path / 'grey'}"
    assert load(name, data_dir=tmp_path).shape.channels == 1
    assert load(name, data_dir=tmp_path, channels=3).shape.channels == 3
    picture(tmp_path / "grey" / "colour.png")
    assert load(name, data_dir=tmp_path).shape.channels == 3
    assert load(name, data_dir=tmp_path, channels=1).shape.channels == 1


def test_nothing_is_decoded_twice(tree: Path, tmp_path: Path, decoded: list[str]) -> None:
    name = f"folder:{tree}"
    first = load(name, data_dir=tmp_path / "data")
    assert len(decoded) == 12
    assert load(name, data_dir=tmp_path / "data").fingerprint == first.fingerprint
    assert len(decoded) == 12
    # A changed file, another size and another kind of pixel are other pixels.
    picture(tree / "cats" / "0.png", 99)
    assert load(name, data_dir=tmp_path / "data").fingerprint != first.fingerprint
    assert len(decoded) == 24
    load(name, data_dir=tmp_path / "data", image_size=16)
    load(name, data_dir=tmp_path / "data", channels=1)
    assert len(decoded) == 48
    kept = list((tmp_path / "data" / "decoded").iterdir())
    assert len(kept) == 3  # of the changed folder only the last state is kept


def test_a_cache_that_cannot_be_read_or_written_is_ignored(tree: Path, tmp_path: Path, decoded: list[str]) -> None:
    name = f"folder:{tree}"
    first = load(name, data_dir=tmp_path / "data")
    (kept,) = (tmp_path / "data" / "decoded").iterdir()
    kept.write_bytes(kept.read_bytes()[:1000])
    assert load(name, data_dir=tmp_path / "data").fingerprint == first.fingerprint
    assert len(decoded) == 24
    (tmp_path / "data2").mkdir()
    (tmp_path / "data2" / "decoded").touch()  # a file where the folder should be
    assert load(name, data_dir=tmp_path / "data2").fingerprint == first.fingerprint


def test_the_folder_itself_is_never_written_to(tree: Path, tmp_path: Path, decoded: list[str]) -> None:
    before = sorted(tree.rglob("*"))
    for _ in range(2):
        load(f"folder:{tree}", data_dir=tree)
    assert sorted(tree.rglob("*")) == before
    assert len(decoded) == 12  # kept in the user's own cache


def test_a_data_folder_of_somebody_else_is_never_written_to(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o555)
    load(f"folder:{tree}", data_dir=tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_few_broken_pictures_are_left_out_and_named(tmp_path: Path, decoded: list[str]) -> None:
    for n in range(20):
        picture(tmp_path / "some" / f"{n:02}.png", n)
    for n in (3, 5, 7, 9):
        path = tmp_path / "some" / f"{n:02}.png"
        path.write_bytes(path.read_bytes()[: 100 * (n - 3)])
    for _ in range(2):
        images = load(f"folder:{tmp_path / 'some'}", data_dir=tmp_path)
        assert len(images.train) + len(images.test) == 16
        assert images.notices == (
            "4 of 20 images could not be read and were left out: 03.png, 05.png, 07.png and 1 more.",
        )
    assert len(decoded) == 20


def test_a_picture_that_could_not_be_opened_is_tried_again(tmp_path: Path, decoded: list[str]) -> None:
    for n in range(4):
        picture(tmp_path / "some" / f"{n}.png", n)
    (tmp_path / "some" / "link.png").symlink_to(tmp_path / "nowhere.png")
    for _ in range(2):
        images = load(f"folder:{tmp_path / 'some'}", data_dir=tmp_path)
        assert images.notices == ("1 of 5 images could not be read and was left out: link.png.",)
    assert len(decoded) == 6  # the second time only this one


def test_a_picture_that_memory_was_too_short_for_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        picture(tmp_path / "some" / f"{n}.png", n)
    real = decode.decode

    def short(path: Path, size: int, channels: int) -> object:
        if path.name == "2.png":
            raise MemoryError
        return real(path, size, channels)

    with monkeypatch.context() as patch:
        patch.setattr(folder, "decode", short)
        assert load(f"folder:{tmp_path / 'some'}", data_dir=tmp_path).notices
    assert load(f"folder:{tmp_path / 'some'}", data_dir=tmp_path).notices == ()


def test_more_than_half_broken_is_refused(tmp_path: Path) -> None:
    for n in range(5):
        (picture if n < 2 else broken)(tmp_path / "most" / f"{n}.png")
    with pytest.raises(InputError, match=r"3 of the 5 images in .*most cannot be read, the first is 2\.png"):
        load(f"folder:{tmp_path / 'most'}", data_dir=tmp_path)


def broken(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")


def test_folders_that_cannot_be_a_set(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        InputError, match=r"empty holds no images\. Give a folder with files ending in \.png, \.jpg"
    ):
        load(f"folder:{tmp_path / 'empty'}", data_dir=tmp_path)
    picture(tmp_path / "one" / "a.png")
    with pytest.raises(InputError, match="one image only"):
        load(f"folder:{tmp_path / 'one'}", data_dir=tmp_path)
    with pytest.raises(InputError, match="no folder"):
        load(f"folder:{tmp_path / 'none'}", data_dir=tmp_path)


def test_links_are_followed_once(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "cats").symlink_to(tree / "cats")
    (tmp_path / "linked" / "the same cats").symlink_to(tree / "cats")
    (tmp_path / "linked" / "loop").symlink_to(tmp_path / "linked")
    images = load(f"folder:{tmp_path / 'linked'}", data_dir=tmp_path)
    assert len(images.train) + len(images.test) == 6
    assert images.classes == ("cats",)


def test_a_name_that_is_not_text(tmp_path: Path) -> None:
    picture(tmp_path / "odd" / "a.png")
    picture(tmp_path / "odd" / "b.png")
    try:
        Path(os.fsdecode(os.fsencode(tmp_path / "odd") + b"/\xff.png")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system takes only text")
    (notice,) = load(f"folder:{tmp_path / 'odd'}", data_dir=tmp_path).notices
    assert notice.encode().endswith(b"left out: \\udcff.png.")


def test_progress_is_told(tree: Path, tmp_path: Path) -> None:
    said: list[tuple[str, int, int]] = []
    load(f"folder:{tree}", data_dir=tmp_path, progress=lambda *words: said.append(words))
    assert said == [("decoding images", 0, 12), ("decoding images", 12, 12)]
