"""What codes are worth: closed forms, direct sums and scikit-learn."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance
from sklearn.metrics import silhouette_samples

from workbench.evaluation.latent import (
    MMD_SCALES,
    evenness,
    linear_probe,
    mmd,
    nearest_neighbours,
    silhouette,
    sliced_wasserstein,
)

Array = NDArray[np.float64]


def gaussian(count: int, dimensions: int, seed: int = 0, mean: float = 0.0, deviation: float = 1.0) -> Array:
    return mean + deviation * np.random.default_rng(seed).normal(size=(count, dimensions))


def blobs(count: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    labels = np.arange(count) % 3
    return gaussian(count, 4, seed) + 20 * np.eye(4)[labels], labels


def test_separable_blobs_are_named_without_fail() -> None:
    train, test = blobs(90, 0), blobs(60, 1)
    assert linear_probe(*train, *test).all()
    assert nearest_neighbours(*train, *test).all()
    assert linear_probe(*train, *test).dtype == bool
    wrong = (test[1] + 1) % 3
    assert not linear_probe(*train, test[0], wrong).any()


def test_random_labels_are_named_by_chance() -> None:
    codes, other = gaussian(2000, 5, 0), gaussian(2000, 5, 1)
    labels = np.random.default_rng(2).integers(0, 10, (2, 2000))
    for measure in (linear_probe, nearest_neighbours):
        assert measure(codes, labels[0], other, labels[1]).mean() == pytest.approx(0.1, abs=0.03)


def test_the_probe_is_linear_and_neighbours_are_not() -> None:
    """Two labels on alternate quadrants: no line parts them."""
    codes, other = gaussian(1000, 2, 0), gaussian(1000, 2, 1)
    labels, others = (np.prod(np.sign(c), 1).astype(int) for c in (codes, other))
    assert linear_probe(codes, labels, other, others).mean() < 0.7
    assert nearest_neighbours(codes, labels, other, others).mean() > 0.9


def test_the_probe_is_quiet_deterministic_and_free_of_scale() -> None:
    train, test = blobs(90, 0), blobs(60, 1)
    scales = np.array([1e-6, 1e6, 1.0, 1.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hard = linear_probe(train[0] * 1e12, train[1], test[0], test[1])
        assert linear_probe(train[0] * scales, train[1], test[0] * scales, test[1]).all()
        assert linear_probe(train[0] * 0, train[1], test[0] * 0, test[1]).mean() == pytest.approx(1 / 3)
        assert linear_probe(train[0], train[1] * 0, test[0], test[1]).mean() == pytest.approx(1 / 3)
    assert np.array_equal(hard, linear_probe(train[0] * 1e12, train[1], test[0], test[1]))


def test_few_codes_have_few_neighbours() -> None:
    train, test = blobs(3, 0), blobs(6, 1)
    assert nearest_neighbours(*train, *test).mean() == pytest.approx(1 / 3)  # a tie of all three: label 0
    assert nearest_neighbours(*train, *test, k=1).all()


def test_silhouette_is_that_of_scikit_learn() -> None:
    codes, labels = blobs(60, 0)
    np.testing.assert_allclose(silhouette(codes, labels), silhouette_samples(codes, labels))
    assert silhouette(codes, labels).mean() > 0.8
    by_label = np.argsort(labels, kind="stable")
    few = silhouette(codes[by_label], labels[by_label], most=30)
    assert few.shape == (30,)
    assert few.mean() > 0.8  # all three labels are among them
    assert silhouette(codes, labels * 0).shape == (0,)
    assert silhouette(codes, np.arange(60)).shape == (0,)


def test_mmd_is_the_direct_double_loop() -> None:
    x, y = gaussian(9, 3, 0), gaussian(7, 3, 1, mean=0.5)

    def kernel(a: Array, b: Array) -> float:
        return sum(6 * s / (6 * s + float(((a - b) ** 2).sum())) for s in MMD_SCALES)

    own = np.mean([kernel(a, b) for i, a in enumerate(x) for j, b in enumerate(x) if i != j])
    theirs = np.mean([kernel(a, b) for i, a in enumerate(y) for j, b in enumerate(y) if i != j])
    across = np.mean([kernel(a, b) for a in x for b in y])
    assert mmd(x, y) == pytest.approx(own + theirs - 2 * across)
    assert mmd(x, y) == pytest.approx(mmd(y, x))


def test_mmd_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = gaussian(50, 3, 0), gaussian(40, 3, 1, mean=0.5)
    whole = mmd(x, y)
    monkeypatch.setattr("workbench.evaluation.latent._ROWS", 7)
    assert mmd(x, y) == pytest.approx(whole)


def test_mmd_of_one_distribution_is_zero_on_average_and_grows_with_distance() -> None:
    same = [mmd(gaussian(100, 3, 2 * seed), gaussian(100, 3, 2 * seed + 1)) for seed in range(100)]
    assert abs(np.mean(same)) < 4 * np.std(same) / 10
    assert min(same) < 0  # unbiased
    near, far = (mmd(gaussian(300, 3, 0, mean=shift), gaussian(300, 3, 1)) for shift in (0.5, 3))
    assert 0.05 < near < far < 14
    assert mmd(gaussian(50, 3, 0, mean=1e6), gaussian(50, 3, 1)) < 14


def test_sliced_wasserstein_of_two_gaussians() -> None:
    """Order 2, D = 1: the root of the squared differences of means and deviations; D: those of means over D."""
    one = sliced_wasserstein(gaussian(100_000, 1, 0, 3, 2), gaussian(100_000, 1, 1), 2)
    assert one == pytest.approx(np.sqrt(3**2 + 1**2), abs=0.03)
    shifted = gaussian(3000, 5, 0, deviation=2) + np.array([3.0, 0, 0, 0, 0])
    many = sliced_wasserstein(shifted, gaussian(3000, 5, 1), 1000)
    assert many == pytest.approx(np.sqrt(3**2 / 5 + 1**2), abs=0.08)


def test_sliced_wasserstein_of_unequal_sizes_is_exact() -> None:
    x, y = gaussian(30, 1, 0), gaussian(7, 1, 1)
    # repeated to the same size, the distributions are the same ones
    doubled = sliced_wasserstein(np.repeat(x, 7, 0), np.repeat(y, 30, 0))
    assert sliced_wasserstein(x, y) == pytest.approx(doubled)
    assert sliced_wasserstein(x, y) == pytest.approx(sliced_wasserstein(y, x))
    assert sliced_wasserstein(x, y) >= wasserstein_distance(x[:, 0], y[:, 0])  # of order 1
    assert sliced_wasserstein(np.array([[0.0]]), np.array([[0.0], [2.0]])) == pytest.approx(np.sqrt(2))


def test_sliced_wasserstein_is_seeded_and_zero_only_for_the_same() -> None:
    x, y = gaussian(500, 4, 0), gaussian(500, 4, 1)
    assert sliced_wasserstein(x, x[::-1]) == 0
    assert sliced_wasserstein(x, y) == sliced_wasserstein(x, y)
    assert sliced_wasserstein(x, y) != sliced_wasserstein(x, y, seed=1)
    assert 0 < sliced_wasserstein(x, y) < 0.2


def test_evenness_of_a_ramp_of_a_jump_and_of_nothing() -> None:
    level = np.linspace(0, 1, 9)
    ramp = np.broadcast_to(level[:, None, None, None], (9, 3, 4, 4))
    jump = (ramp > 0.5).astype(np.float64)
    still = np.zeros_like(jump)
    found = evenness(np.stack([ramp, jump, 0.1 * ramp, still]))
    assert found[:3] == pytest.approx([1, 8, 1])
    assert np.isnan(found[3])
    uneven = np.broadcast_to(np.array([0, 0.1, 0.4])[:, None, None, None], (3, 1, 2, 2))
    assert evenness(uneven[None].astype(np.float32)) == pytest.approx([1.5])
