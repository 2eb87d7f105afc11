"""The report's sentences: other numbers, other words; no number, no sentence."""

from collections.abc import Sequence
from typing import Literal

import pytest

from workbench.lab import prose
from workbench.runs.evaluations import Evaluation, Measured

HIGHER = {"ssim", "precision", "coverage", "probe", "silhouette"}


def evaluation(vector: Sequence[float] = (), **values: float) -> Evaluation:
    """Numbers by key, `fd__mixture` for `fd@mixture`, each with an interval of two per cent."""
    numbers: list[Measured] = []
    for name, value in values.items():
        key = name.replace("__", "@")
        better: Literal["lower", "higher"] = "higher" if key in HIGHER else "lower"
        numbers.append(
            Measured(
                key, "generation", "FD-digits" if key.startswith("fd") else key, "unit", better, "A number.", "own",
                value=value, low=value * 0.98, high=value * 1.02, protocol={"images": 9},
                vector=tuple(vector) if key == "active_units" else (),
            )
        )  # fmt: skip
    return Evaluation(10, "averaged weights", "own", "fast", 0, 1.0, tuple(numbers))


def test_reconstruction_beside_the_other_model() -> None:
    sharp, blurred = evaluation(mse=0.002), evaluation(mse=0.004)
    assert "more faithful than the VAE, whose error is 2.00 times" in prose.autoencoder(sharp, blurred)
    assert "less faithful than the VAE: its error is 2.00 times" in prose.autoencoder(blurred, sharp)
    near = evaluation(mse=0.00201)
    assert "differ by less than their intervals" in prose.autoencoder(sharp, near)
    assert "faithful" not in prose.autoencoder(sharp, None)


@pytest.mark.parametrize(
    ("silhouette", "words"), [(0.4, "form clusters"), (0.1, "overlap"), (-0.1, "form no clusters")]
)
def test_classes_in_the_codes(silhouette: float, words: str) -> None:
    assert words in prose.autoencoder(evaluation(silhouette=silhouette), None)


def test_the_prior_and_the_mixture() -> None:
    assert "lie where it has them" in prose.variational(evaluation(sliced_wasserstein=0.1), None)
    assert "do not lie where it has them" in prose.variational(evaluation(sliced_wasserstein=0.8), None)
    assert "makes better samples" in prose.autoencoder(evaluation(fd=20.0, fd__mixture=10.0), None)
    assert "makes worse samples" in prose.autoencoder(evaluation(fd=10.0, fd__mixture=20.0), None)
    assert "no difference that could be told" in prose.autoencoder(evaluation(fd=10.0, fd__mixture=10.1), None)


def test_latent_dimensions_in_use() -> None:
    used = evaluation((1.0, 0.8), active_units=2.0)
    some = evaluation((1.0, 0.001), active_units=1.0)
    none = evaluation((0.001, 0.001), active_units=0.0)
    assert "All 2 latent dimensions are in use" in prose.variational(used, None)
    assert "1 of 2 latent dimensions are active" in prose.variational(some, None)
    assert "has collapsed" in prose.variational(none, None)


@pytest.mark.parametrize(
    ("precision", "coverage", "words"),
    [
        (0.9, 0.9, "real-looking and varied"),
        (0.9, 0.2, "real-looking, but not varied"),
        (0.2, 0.9, "varied, but often unlike real ones"),
        (0.2, 0.2, "far from all their kinds"),
    ],
)
def test_samples(precision: float, coverage: float, words: str) -> None:
    assert words in prose.adversarial(evaluation(precision=precision, coverage=coverage), {})


@pytest.mark.parametrize(
    ("ratio", "words"), [(0.3, "look for copies"), (0.8, "smooth pictures"), (1.1, "no copies")]
)
def test_copies(ratio: float, words: str) -> None:
    assert words in prose.adversarial(evaluation(nearest_train=ratio), {})


@pytest.mark.parametrize(
    ("d_loss", "words"), [(0.05, "nearly won"), (0.7, "not out of reach"), (1.38, "close to guessing")]
)
def test_the_balance_of_the_gan(d_loss: float, words: str) -> None:
    assert words in prose.adversarial(evaluation(), {"train_d_loss": d_loss, "train_g_loss": 2.0})


def test_samples_of_the_vae_beside_the_autoencoders() -> None:
    good, bad = evaluation(fd=10.0), evaluation(fd=20.0)
    assert "better than those of the autoencoder" in prose.variational(good, bad)
    assert "worse than those of the autoencoder" in prose.variational(bad, good)


def test_nothing_is_said_of_what_was_not_measured() -> None:
    empty = evaluation()
    assert prose.autoencoder(empty, empty) == prose.variational(empty, empty) == prose.adversarial(empty, {}) == ""
