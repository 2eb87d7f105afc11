"""Binarised images: static by a threshold, dynamic drawn anew at each step and held out once."""

import pytest
import torch

from models.errors import InputError
from tests.harness import begin, small_config, train
from workbench.config import resolve
from workbench.data.imageset import drawn, thresholded
from workbench.data.load import load


def test_the_threshold_lies_at_one_half() -> None:
    assert thresholded(torch.tensor([0, 127, 128, 255], dtype=torch.uint8)).tolist() == [0, 0, 255, 255]


def test_drawn_pixels_have_their_greys_as_probabilities() -> None:
    greys = torch.tensor([0, 64, 191, 255], dtype=torch.uint8).repeat(20_000, 1)
    found = drawn(greys, torch.Generator().manual_seed(0))
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert torch.allclose(found.mean(0), torch.tensor([0, 64, 191, 255]) / 255, atol=0.015)


def test_a_static_set_holds_nothing_else_than_black_and_white() -> None:
    images = load("digits", image_size=8, limit=50, binarise="static")
    for split in (images.train, images.test):
        assert set(split.pixels.unique().tolist()) == {0, 255}


def test_a_dynamic_set_draws_training_images_anew_and_held_out_ones_once() -> None:
    first, again = (load("digits", image_size=8, limit=50, binarise="dynamic") for _ in range(2))
    assert torch.equal(first.test.pixels, again.test.pixels)
    assert set(first.test.pixels.unique().tolist()) == {0, 255}
    noise = torch.Generator().manual_seed(0)
    one, other = (first.seen(first.train.pixels, noise) for _ in range(2))
    assert set(one.unique().tolist()) == {0.0, 1.0}
    assert not torch.equal(one, other)


def test_grey_and_binarised_sets_are_told_apart() -> None:
    prints = {
        load("digits", image_size=8, limit=50, binarise=how).fingerprint for how in (None, "static", "dynamic")
    }
    assert len(prints) == 3


def test_a_dynamic_run_resumes_bit_for_bit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    whole = begin(tmp_path, name="whole", binarise="dynamic", steps="12")
    train(whole)
    part = begin(tmp_path, name="part", binarise="dynamic", steps="5")
    train(part)
    from workbench import session

    rest = session.resume(part.folder, {"epochs": 1, "steps": 12})
    train(rest)
    for one, other in zip(
        whole.state.model.state_dict().values(), rest.state.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_the_setting_is_refused_where_it_is_no_choice() -> None:
    assert small_config(binarise="none").data.binarise is None
    with pytest.raises(InputError, match="one of static, dynamic, or none"):
        resolve("vae", {"binarise": "sometimes"})
