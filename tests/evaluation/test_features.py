"""What images are compared by: the same features every time, and facts that name them."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models.base import ImageShape
from models.errors import InputError
from workbench.data import catalogue
from workbench.data.imageset import ImageSet, Split
from workbench.data.load import load
from workbench.evaluation import classifiers, features

CPU = torch.device("cpu")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "user_cache", lambda: tmp_path / "no" / "cache")
    return tmp_path / "no" / "cache" / "features"


def stripes(size: int = 8, channels: int = 1, count: int = 700, classes: int = 2) -> ImageSet:
    """Horizontal and vertical stripes in noise."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    lines = torch.arange(size) % 2 * 128
    shown = torch.where(labels[:, None, None] == 0, lines[:, None], lines)[:, None]
    noise = torch.randint(0, 128, (count, channels, size, size), generator=random)
    images = (shown + noise).to(torch.uint8)
    train, test = Split(images[:-100], labels[:-100]), Split(images[-100:], labels[-100:])
    return ImageSet(
        "folder:stripes", "stripes", train, test, ("across", "down"), f"{size}-{channels}-{count}-{classes}"
    )


def without_labels(images: ImageSet) -> ImageSet:
    split = Split(images.train.images, None)
    return ImageSet(images.name, images.title, split, split, (), images.fingerprint)


def test_the_classifier_of_digits_tells_them_apart(own_data_dir: Path) -> None:
    found = features.classifier(load("digits"), CPU)
    assert found.name == "digits"
    assert found.facts["held-out accuracy"] > 0.96
    assert found.facts["held-out images"] == 180
    accuracy = f"{100 * found.facts['held-out accuracy']:.1f} %"
    assert accuracy in found.description
    assert found(load("digits").test.pixels).shape == (180, 64)


def test_the_classifier_is_the_same_trained_twice_and_from_the_cache(cache: Path) -> None:
    images = stripes()
    before = torch.get_rng_state()
    trained = features.classifier(images, CPU)
    (file,) = cache.iterdir()
    kept = features.classifier(images, CPU)
    file.unlink()
    again = features.classifier(images, CPU)
    assert torch.equal(before, torch.get_rng_state())
    assert trained == kept == again
    assert trained.facts["held-out accuracy"] == 1.0
    for other in (kept, again):
        np.testing.assert_array_equal(trained(images.test.pixels), other(images.test.pixels))


@pytest.mark.parametrize("damage", ["cut", "bit", "other", "folder"])
def test_a_damaged_cache_is_made_again(damage: str, cache: Path) -> None:
    images = stripes()
    trained = features.classifier(images, CPU)
    (file,) = cache.iterdir()
    whole = file.read_bytes()
    if damage == "cut":
        file.write_bytes(whole[:-100])
    elif damage == "bit":
        file.write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    elif damage == "other":
        file.write_bytes(b"no safetensors")
    else:
        file.unlink()
        file.mkdir()
    assert features.classifier(images, CPU) == trained
    assert damage == "folder" or len(file.read_bytes()) == len(whole)


def test_a_cancelled_training_leaves_nothing(cache: Path) -> None:
    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        features.classifier(stripes(), CPU, cancel)
    assert not cache.exists()


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (12, 3), (32, 3), (64, 1), (128, 3)])
def test_every_shape_has_features(size: int, channels: int, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(classifiers, "_ROUNDS", 1)
    images = stripes(size, channels, count=200)
    for found in (features.classifier(images, CPU), features.random_convolutions(images.shape, CPU)):
        values = found(images.test.pixels)
        assert values.shape == (100, found.dimensions)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert 0.05 < values.std() < 50


def test_the_best_features_there_are_for_a_set() -> None:
    assert features.for_set(stripes(), CPU).name == "stripes"
    assert features.for_set(stripes(count=300), CPU).name == "random"
    assert features.for_set(stripes(classes=1), CPU).name == "random"
    assert features.for_set(without_labels(stripes()), CPU).name == "random"
    with pytest.raises(InputError, match="no labels"):
        features.classifier(without_labels(stripes()), CPU)
    with pytest.raises(InputError, match="one class"):
        features.classifier(stripes(classes=1), CPU)


def test_random_features_are_the_same_for_everybody() -> None:
    before = torch.get_rng_state()
    one, other = (features.random_convolutions(ImageShape(3, 16), CPU) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert one == other
    assert one.hash != features.random_convolutions(ImageShape(1, 16), CPU).hash
    assert "random weights" in one.description


def test_floats_are_rounded_to_the_levels_of_real_images() -> None:
    images = stripes().test.pixels
    found = features.random_convolutions(ImageShape(1, 8), CPU)
    np.testing.assert_array_equal(found(images.float() / 255 + 0.001), found(images))
    assert np.isfinite(found(torch.full((2, 1, 8, 8), torch.nan))).all()
    assert found(images[:0]).shape == (0, 64)
    with pytest.raises(ValueError, match="random"):
        found(torch.zeros(2, 3, 8, 8))


def test_inception_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no Inception weights file"):
        features.inception(tmp_path / "weights.pth", CPU)
    (tmp_path / "weights.pth").write_bytes(b"something else")
    with pytest.raises(InputError, match="not a weights file"):
        features.inception(tmp_path / "weights.pth", CPU)
    monkeypatch.setitem(__import__("sys").modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(InputError, match="pip install"):
        features.inception(tmp_path / "weights.pth", CPU)


def test_inception_takes_the_weights_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torch_fidelity import feature_extractor_inceptionv3 as fidelity

    with monkeypatch.context() as patch:  # a network without its weights, which are not there
        patch.setattr(fidelity, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(fidelity.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = fidelity.FeatureExtractorInceptionV3("inception", ["2048"])
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    found = features.for_set(stripes(), CPU, tmp_path / "weights.pth")
    assert (found.name, found.dimensions) == ("inception", 2048)
    grey = stripes().test.pixels[:2]
    (expected,) = network.eval()(grey.expand(-1, 3, -1, -1))
    np.testing.assert_allclose(found(grey), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
