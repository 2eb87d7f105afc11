"""Bytes and [0, 1], splits and fingerprints: small functions that every number rests on."""

import torch
from torch import Tensor

from models.base import ImageShape
from workbench.data.imageset import ImageSet, Split, fingerprint, hold_out, shuffled, to_bytes, to_unit
from workbench.data.shaping import reshape


def some(count: int = 20, channels: int = 1, size: int = 8, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, channels, size, size), dtype=torch.uint8, generator=generator)


def test_every_byte_survives_the_way_there_and_back() -> None:
    every = torch.arange(256, dtype=torch.uint8)
    unit = to_unit(every)
    assert unit.dtype == torch.float32
    assert (float(unit.min()), float(unit.max())) == (0, 1)
    assert torch.equal(to_bytes(unit), every)
    assert torch.equal(to_bytes(unit.bfloat16()).float().sub(every).abs().le(1), torch.ones(256, dtype=torch.bool))


def test_bytes_are_clamped_rounded_and_never_garbage() -> None:
    odd = torch.tensor([-1.0, 2.0, 0.4999 / 255, 0.5001 / 255, torch.nan, torch.inf, -torch.inf])
    assert to_bytes(odd).tolist() == [0, 255, 0, 1, 0, 255, 0]


def test_the_order_of_a_seed_is_the_same_for_ever() -> None:
    assert shuffled(10, 0).tolist() == [3, 2, 1, 8, 6, 0, 7, 4, 5, 9]
    assert sorted(shuffled(1000, 7).tolist()) == list(range(1000))
    assert not torch.equal(shuffled(1000, 7), shuffled(1000, 8))


def test_holding_out_takes_a_tenth_and_loses_nothing() -> None:
    whole = Split(some(95), torch.arange(95))
    train, test = hold_out(whole, seed=3)
    assert (len(train), len(test)) == (85, 10)
    assert train.labels is not None
    assert test.labels is not None
    assert sorted([*train.labels.tolist(), *test.labels.tolist()]) == list(range(95))
    assert torch.equal(test.pixels, whole.pixels[test.labels])
    again = hold_out(whole, seed=3)[1].labels
    other = hold_out(whole, seed=4)[1].labels
    assert again is not None
    assert other is not None
    assert torch.equal(test.labels, again)
    assert not torch.equal(test.labels, other)


def test_of_two_images_one_is_held_out() -> None:
    train, test = hold_out(Split(some(2), None), seed=0)
    assert (len(train), len(test)) == (1, 1)
    assert test.labels is None


def test_a_fingerprint_changes_with_everything_that_matters() -> None:
    images, labels = some(), torch.arange(20)
    before = fingerprint(Split(images, labels), Split(images, None))
    assert len(before) == 16
    assert before == fingerprint(Split(images.clone(), labels.clone()), Split(images.clone(), None))
    pixel, label = images.clone(), labels.clone()
    pixel[3, 0, 2, 2] ^= 1
    label[5] = 0
    others = {
        fingerprint(Split(pixel, labels), Split(images, None)),
        fingerprint(Split(images, label), Split(images, None)),
        fingerprint(Split(images, None), Split(images, None)),
        fingerprint(Split(images, labels), Split(pixel, None)),
        fingerprint(Split(images.view(20, 1, 4, 16), labels), Split(images, None)),
        fingerprint(Split(images, None), Split(images, labels)),
        before,
    }
    assert len(others) == 7


def test_the_shape_of_a_set() -> None:
    split = Split(some(4, 3, 12), None)
    assert ImageSet("x", "x", split, split, (), "").shape == ImageShape(3, 12)


def test_grey_is_the_luma_of_bt_601_and_colour_repeats_it() -> None:
    primaries = torch.tensor([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], dtype=torch.uint8)
    grey = reshape(primaries[:, :, None, None].expand(-1, -1, 8, 8), 8, 1)
    assert grey[:, 0, 0, 0].tolist() == [76, 150, 29, 255]
    colour = reshape(grey, 8, 3)
    assert colour.shape == (4, 3, 8, 8)
    assert torch.equal(colour[:, 2:], grey)
    assert torch.equal(reshape(colour, 8, 1), grey)


def test_resizing_keeps_the_mean_and_what_already_fits() -> None:
    images = some(16, 3, 32)
    assert reshape(images, 32, 3) is images
    small, large = reshape(images, 8, 3), reshape(images, 64, 1)
    assert (small.shape, large.shape) == ((16, 3, 8, 8), (16, 1, 64, 64))
    assert abs(small.float().mean() - images.float().mean()) < 1
    flat = torch.full((2, 1, 28, 28), 77, dtype=torch.uint8)
    assert reshape(flat, 64, 1).unique().tolist() == [77]
