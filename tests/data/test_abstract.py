"""The gallery `abstract`: the same paintings every time, at every size, and every one worth a look."""

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.data.abstract import CLASSES, COMPOSITIONS, compose
from workbench.data.abstract_painting import Canvas, from_lch, linear_rgb, mix_palette, spline_basis, to_srgb

Pictures = NDArray[np.uint8]
Labels = NDArray[np.int64]


@pytest.fixture(scope="module")
def gallery() -> tuple[Pictures, Labels]:
    return compose(400, 32, 0)


def shrunk(pictures: Pictures, factor: int) -> NDArray[np.float64]:
    """Pictures in [0, 1], each block of factor × factor pixels averaged."""
    count, channels, height, width = pictures.shape
    blocks = pictures.reshape(count, channels, height // factor, factor, width // factor, factor)
    means: NDArray[np.float64] = blocks.mean(axis=(3, 5)) / 255.0
    return means


@pytest.mark.parametrize("size", [32, 64])
def test_pictures_are_bytes_channels_first(size: int) -> None:
    pictures, labels = compose(12, size, 3)
    assert pictures.shape == (12, 3, size, size)
    assert pictures.dtype == np.uint8
    assert labels.shape == (12,)
    assert labels.dtype == np.int64


def test_no_pictures_are_a_gallery_too() -> None:
    pictures, labels = compose(0, 32, 0)
    assert pictures.shape == (0, 3, 32, 32)
    assert labels.shape == (0,)


def test_kinds_take_turns() -> None:
    _, labels = compose(4 * len(CLASSES) + 3, 8, 0)
    assert labels.tolist() == [i % len(CLASSES) for i in range(4 * len(CLASSES) + 3)]
    counts = np.bincount(labels, minlength=len(CLASSES))
    assert counts.max() - counts.min() <= 1


def test_a_larger_gallery_begins_with_the_smaller() -> None:
    few, few_labels = compose(10, 32, 5)
    many, many_labels = compose(50, 32, 5)
    assert np.array_equal(few, many[:10])
    assert np.array_equal(few_labels, many_labels[:10])


def test_another_seed_is_another_gallery(gallery: tuple[Pictures, Labels]) -> None:
    other, _ = compose(50, 32, 1)
    difference = np.abs(other.astype(float) - gallery[0][:50]).mean(axis=(1, 2, 3))
    assert difference.min() > 5.0  # bytes: every single picture has changed


def test_a_larger_size_shows_the_same_paintings(gallery: tuple[Pictures, Labels]) -> None:
    large, _ = compose(120, 64, 0)
    difference = np.abs(shrunk(large, 2) - shrunk(gallery[0][:120], 1)).mean(axis=(1, 2, 3))
    assert difference.max() < 0.04
    assert difference.mean() < 0.008


def test_no_picture_is_nearly_blank(gallery: tuple[Pictures, Labels]) -> None:
    spread = (gallery[0] / 255.0).std(axis=(1, 2, 3))
    assert spread.min() > 0.05
    assert np.median(spread) > 0.15


def test_no_two_pictures_are_nearly_alike(gallery: tuple[Pictures, Labels]) -> None:
    points = shrunk(gallery[0], 4).reshape(len(gallery[0]), -1)
    squares = (points**2).sum(axis=1)
    apart = squares[:, None] + squares - 2.0 * points @ points.T
    distance = np.sqrt(np.maximum(apart, 0.0) / points.shape[1])
    np.fill_diagonal(distance, np.inf)
    assert distance.min() > 0.03


def test_light_and_colour_are_spread_evenly(gallery: tuple[Pictures, Labels]) -> None:
    pictures, labels = gallery
    brightness = pictures.mean(axis=(1, 2, 3)) / 255.0
    assert 0.08 < brightness.min() < 0.35
    assert 0.70 < brightness.max() < 0.92
    channels = pictures.mean(axis=(0, 2, 3)) / 255.0
    assert channels.min() > 0.45
    assert channels.max() < 0.65
    for label, name in enumerate(CLASSES):
        own = brightness[labels == label]
        assert 0.4 < own.mean() < 0.7, name
        assert own.std() > 0.08, name


def test_each_name_stands_by_its_own_composition(gallery: tuple[Pictures, Labels]) -> None:
    """Haze and hills change gently from left to right, brush strokes most; a field of blocks is its mirror."""
    pictures, labels = gallery
    change = np.abs(np.diff(pictures / 255.0, axis=3)).mean(axis=(1, 2, 3))
    skew = np.abs(pictures / 255.0 - pictures[..., ::-1] / 255.0).mean(axis=(1, 2, 3))
    changes = {name: change[labels == label].mean() for label, name in enumerate(CLASSES)}
    skews = {name: skew[labels == label].mean() for label, name in enumerate(CLASSES)}
    ranked = sorted(changes, key=lambda name: changes[name])
    assert set(ranked[:2]) == {"gradient", "hills"}
    assert ranked[-1] == "strokes"
    assert set(sorted(skews, key=lambda name: skews[name])[:2]) == {"colour field", "hills"}


@pytest.mark.parametrize("name", CLASSES)
def test_a_composition_throws_the_dice_equally_often_at_every_size(name: str) -> None:
    after = []
    for size in (16, 48):
        rng = np.random.default_rng(11)
        COMPOSITIONS[name](Canvas(size), rng, mix_palette(rng))
        after.append(rng.random())
    assert after[0] == after[1]


def test_known_colours_come_out_as_known_bytes() -> None:
    lab = np.array([[1.0, 0.0, 0.62796], [0.0, 0.0, 0.22486], [0.0, 0.0, 0.12585]])  # white, black, sRGB red
    assert to_srgb(lab[:, :, None]).squeeze().T.tolist() == [[255, 255, 255], [0, 0, 0], [255, 0, 0]]


def test_inks_can_be_shown_and_keep_their_lightness() -> None:
    hue = np.arange(0.0, 360.0, 15.0)
    lightness = np.full(len(hue), 0.7)
    inks = from_lch(lightness, np.full(len(hue), 0.35), hue)  # more chroma than any screen has everywhere
    light = linear_rgb(inks.T)
    assert light.min() > -2e-3
    assert light.max() < 1.002
    assert np.array_equal(inks[:, 0], lightness)
    assert np.hypot(inks[:, 1], inks[:, 2]).min() > 0.05


def test_palettes_have_a_ground_and_a_scale_of_inks() -> None:
    palettes = [mix_palette(np.random.default_rng(seed)) for seed in range(60)]
    for palette in palettes:
        assert palette.inks.shape == (5, 3)
        assert palette.inks[-1, 0] - palette.inks[0, 0] > 0.2
        figures = palette.figures(np.random.default_rng(0), 9)
        assert np.abs(figures[:, 0] - palette.ground[0]).max() > 0.15
        assert (np.abs(np.diff(figures, axis=0)).max(axis=1) > 0.0).all()  # neighbours differ
    nights = sum(palette.night for palette in palettes)
    assert 3 < nights < 35


def test_cover_is_the_share_of_the_pixel() -> None:
    canvas = Canvas(32)
    assert canvas.cover(canvas.x - 0.3).mean() == pytest.approx(0.3, abs=2e-3)
    disc = canvas.cover(np.hypot(canvas.x - 0.5, canvas.y - 0.5) - 0.4)
    assert disc.mean() == pytest.approx(np.pi * 0.16, rel=0.01)


def test_splines_sum_to_one() -> None:
    assert spline_basis(32, 5).sum(axis=1) == pytest.approx(np.ones(32))
