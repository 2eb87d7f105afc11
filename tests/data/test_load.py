"""`load`: the same shape of answer from every source, and sentences instead of tracebacks."""

from pathlib import Path

import pytest
import torch

from models.base import ImageShape
from models.errors import InputError
from workbench.data import abstract
from workbench.data.catalogue import DATASETS
from workbench.data.imageset import ImageSet
from workbench.data.load import load


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    return load("digits")


@pytest.mark.parametrize("name", ["digits", "abstract"])
def test_embedded_sets_are_what_the_catalogue_says(name: str) -> None:
    info, images = DATASETS[name], load(name)
    assert images.shape == ImageShape(info.channels, info.size)
    assert (len(images.train), len(images.test)) == (info.train, info.test)
    assert len(images.classes) == info.classes
    assert images.train.images.dtype == torch.uint8
    assert images.train.labels is not None
    assert images.train.labels.dtype == torch.int64
    assert images.train.labels.bincount().min() > 0.08 * len(images.train)
    assert images.fingerprint == load(name).fingerprint


def test_digits_are_white_strokes_on_black_at_any_size() -> None:
    for size in (8, 28, 64):
        images = load("digits", image_size=size).train.pixels
        assert images.shape[1:] == (1, size, size)
        assert images.amax(dim=(1, 2, 3)).float().quantile(0.05) > 200  # full contrast
        edge = torch.cat([images[:, :, 0], images[:, :, -1], images[:, :, :, 0], images[:, :, :, -1]])
        assert edge.float().mean() < (2 if size > 8 else 30)
        assert 0.1 < images.float().mean() / 255 < 0.3  # ink; MNIST has 0.13


def test_the_digits_never_change(digits: ImageSet) -> None:
    """The same bytes on every machine: a run's record can be compared with anybody's."""
    assert digits.fingerprint == "ca9365188b671811"


def test_abstract_is_composed_at_the_size_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def compose(count: int, size: int, seed: int) -> object:
        asked.append((count, size, seed))
        return real(40, size, seed)

    real = abstract.compose
    monkeypatch.setattr(abstract, "compose", compose)
    first = load("abstract", data_dir=tmp_path, image_size=64, seed=5)
    assert first.shape == ImageShape(3, 64)
    again = load("abstract", data_dir=tmp_path, image_size=64, seed=5)
    assert asked == [(4000, 64, 5)]  # composed once, then from the cache
    assert first.fingerprint == again.fingerprint
    assert load("abstract", data_dir=tmp_path, channels=1, seed=6).shape == ImageShape(1, 32)
    assert asked[1:] == [(4000, 32, 6)]


def test_a_limit_is_nested_and_leaves_the_test_images_alone(digits: ImageSet) -> None:
    whole, few, fewer = digits, load("digits", limit=200), load("digits", limit=50)
    assert (len(few.train), len(fewer.train)) == (200, 50)
    assert torch.equal(few.test.pixels, whole.test.pixels)
    rows = {image.numpy().tobytes() for image in few.train.pixels}
    assert all(image.numpy().tobytes() in rows for image in fewer.train.pixels)
    assert few.train.labels is not None
    assert len(few.train.labels.unique()) == 10
    assert len({whole.fingerprint, few.fingerprint, fewer.fingerprint}) == 3
    assert load("digits", limit=10**6).fingerprint == whole.fingerprint


def test_the_seed_chooses_the_held_out_images(digits: ImageSet) -> None:
    assert load("digits", seed=1).fingerprint != digits.fingerprint


def test_grey_becomes_colour() -> None:
    images = load("digits", channels=3, limit=10).train.pixels
    assert images.shape == (10, 3, 28, 28)
    assert torch.equal(images[:, 0], images[:, 2])


@pytest.mark.parametrize("size", [0, 4, 30, 132, -28])
def test_a_size_no_network_takes(size: int) -> None:
    with pytest.raises(InputError, match=f"multiple of 4 from 8 to 128; got {size}"):
        load("digits", image_size=size)


def test_channels_and_limit_out_of_range() -> None:
    with pytest.raises(InputError, match=r"1 \(grey\) or 3 \(colour\); got 2"):
        load("digits", channels=2)
    with pytest.raises(InputError, match="limit must be 1 or more; got 0"):
        load("digits", limit=0)
    with pytest.raises(InputError, match=r"no dataset 'digit'\. Did you mean 'digits'"):
        load("digit")
