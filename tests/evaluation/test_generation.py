"""How good generated images are: against what is known, and against torch-fidelity and prdc on equal features."""

from collections.abc import Callable

import numpy as np
import prdc
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torchmetrics.image.fid import FrechetInceptionDistance

from workbench.evaluation import generation
from workbench.evaluation.generation import (
    diversity,
    frechet_distance,
    kernel_distance,
    kernel_subsets,
    least,
    nearest_distances,
    precision_recall_density_coverage,
)

Numbers = NDArray[np.float64]


def drawn(count: int, dimensions: int, seed: int = 0) -> Numbers:
    return np.random.default_rng(seed).normal(size=(count, dimensions))


def exactly(mean: Numbers, covariance: Numbers, count: int = 200, seed: int = 0) -> Numbers:
    """Points whose sample mean and unbiased covariance are exactly these."""
    points = drawn(count, len(mean), seed)
    points -= points.mean(0)
    white = points @ np.linalg.inv(np.linalg.cholesky(np.cov(points.T))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_the_frechet_distance_of_commuting_gaussians_is_that_of_their_deviations() -> None:
    one = exactly(np.zeros(3), np.diag([1.0, 4.0, 9.0]), seed=1)
    other = exactly(np.array([1.0, 2.0, 2.0]), np.diag([4.0, 4.0, 1.0]), seed=2)
    assert frechet_distance(one, other) == pytest.approx(9 + 1 + 0 + 4, rel=1e-10)


def test_the_frechet_distance_of_other_gaussians_is_that_of_the_formula() -> None:
    mixing, other_mixing = drawn(5, 5, 3), drawn(5, 5, 4)
    first, second = mixing @ mixing.T + np.eye(5), other_mixing @ other_mixing.T + 0.1 * np.eye(5)
    mean = np.arange(5.0)
    expected = mean @ mean + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    found = frechet_distance(exactly(np.zeros(5), first, seed=1), exactly(mean, second, seed=2))
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_frechet_distance_is_that_of_torch_fidelity_and_torchmetrics() -> None:
    real, fake = drawn(600, 64, 1), 1.3 * drawn(500, 64, 2) @ np.diag(np.linspace(0, 2, 64)) + 0.2
    found = frechet_distance(real, fake)
    statistics = [fid_features_to_statistics(torch.from_numpy(one)) for one in (real, fake)]
    fidelity = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert found == pytest.approx(fidelity, rel=1e-6)

    class Identity(torch.nn.Module):
        num_features = 64

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    metric = FrechetInceptionDistance(Identity()).set_dtype(torch.float64)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    assert found == pytest.approx(float(metric.compute()), rel=1e-6)


@pytest.mark.parametrize("count", [2, 10, 100])
def test_the_frechet_distance_of_singular_covariances_is_a_number(count: int) -> None:
    real = drawn(count, 64)
    assert frechet_distance(real, real) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(real, np.zeros((count, 64))) == pytest.approx(
        (real.mean(0) ** 2).sum() + real.var(0, ddof=1).sum()
    )
    assert frechet_distance(np.ones((5, 64)), np.zeros((5, 64))) == pytest.approx(64)
    assert frechet_distance(1e6 + real[:, :1], 1e6 + real[:, :1]) == pytest.approx(0, abs=1e-6)


def test_the_least_number_of_images_is_more_than_the_features() -> None:
    assert least(64) == 500
    assert least(2048) == 2049


def test_the_kernel_distance_is_the_double_loop_of_its_definition() -> None:
    real, fake = drawn(12, 3, 1), drawn(12, 3, 2) + 0.5

    def kernel(x: Numbers, y: Numbers) -> float:
        return float((x @ y / 3 + 1) ** 3)

    def within(points: Numbers) -> float:
        pairs = [kernel(x, y) for i, x in enumerate(points) for j, y in enumerate(points) if i != j]
        return sum(pairs) / (12 * 11)

    across = sum(kernel(x, y) for x in real for y in fake) / (12 * 12)
    assert kernel_distance(real, fake, seed=0) == pytest.approx(within(real) + within(fake) - 2 * across)


def test_the_kernel_distance_is_that_of_torch_fidelity(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = drawn(300, 16, 1), drawn(300, 16, 2) + 0.3
    given = {"kid_subsets": 1, "kid_subset_size": 300, "verbose": False}
    whole = kid_features_to_metric(torch.from_numpy(real), torch.from_numpy(fake), **given)
    assert kernel_distance(real, fake, seed=0) == pytest.approx(whole["kernel_inception_distance_mean"])

    monkeypatch.setattr(generation, "KERNEL_SUBSET_SIZE", 200)
    real, fake = drawn(320, 16, 1), drawn(280, 16, 2) + 0.3
    given = {"kid_subsets": 100, "kid_subset_size": 200, "verbose": False}
    subsets = kid_features_to_metric(torch.from_numpy(real), torch.from_numpy(fake), **given)
    found = kernel_distance(real, fake, seed=3)
    assert found == pytest.approx(subsets["kernel_inception_distance_mean"], rel=0.05)
    assert found == kernel_distance(real, fake, seed=3)
    assert found != kernel_distance(real, fake, seed=4)


def test_the_kernel_distance_is_unbiased() -> None:
    random = np.random.default_rng(5)
    pairs = (random.normal(size=(2, 50, 4)) for _ in range(400))
    found = [kernel_distance(real, fake, 0) for real, fake in pairs]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(len(found))
    assert min(found) < 0


def test_the_kernel_distance_says_how_it_takes_subsets() -> None:
    assert kernel_subsets(60_000, 10_000) == (100, 1000)
    assert kernel_subsets(60_000, 200) == (100, 200)
    assert kernel_subsets(200, 200) == (1, 200)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.4, 0.7), (1.0, 1.5)])
def test_precision_recall_density_and_coverage_are_those_of_prdc(
    shift: float, scale: float, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_CHUNK", 10_000)  # many chunks, the last one short
    real, fake = drawn(300, 8, 1), scale * drawn(250, 8, 2) + shift
    expected = prdc.compute_prdc(real, fake, 5)
    capsys.readouterr()
    assert precision_recall_density_coverage(real, fake) == pytest.approx(expected)


def test_identical_sets_have_precision_and_recall_1_and_disjoint_ones_0() -> None:
    real = drawn(500, 8)
    assert set(precision_recall_density_coverage(real, real).values()) == {1.0}
    assert set(precision_recall_density_coverage(real, real + 100).values()) == {0.0}


def test_a_dropped_mode_lowers_recall_and_coverage_and_not_precision() -> None:
    centres = 30 * np.eye(4)[np.arange(800) % 4]
    real, fake = drawn(800, 4, 1) + centres, drawn(800, 4, 2) + centres
    every = precision_recall_density_coverage(real, fake)
    dropped = precision_recall_density_coverage(real, fake[np.arange(800) % 4 != 0])
    assert every["coverage"] > 0.95
    assert dropped["coverage"] == pytest.approx(0.75 * every["coverage"], abs=0.01)
    assert dropped["recall"] == pytest.approx(0.75 * every["recall"], abs=0.01)
    assert dropped["precision"] > 0.95


def test_one_picture_again_and_again_has_neither_recall_nor_diversity() -> None:
    real = drawn(200, 8)
    repeated = np.repeat(real[:1], 100, axis=0)
    assert precision_recall_density_coverage(real, repeated)["recall"] == 0
    assert diversity(repeated) == 0


def test_diversity_is_the_mean_distance_of_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "_CHUNK", 1000)
    points = 100 + drawn(70, 5)
    expected = np.mean([np.linalg.norm(points[i] - points[j]) for i in range(70) for j in range(70) if i != j])
    assert diversity(points) == pytest.approx(expected)


@pytest.mark.parametrize("chunk", [500, 1 << 22])
def test_the_nearest_training_image_is_found(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "_CHUNK", chunk)
    random = torch.Generator().manual_seed(0)
    train = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8, generator=random)
    samples = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8, generator=random)
    far = (samples[:, None].double() / 255 - train.double() / 255).square().mean((2, 3, 4)).sqrt()
    assert nearest_distances(samples, train) == pytest.approx(far.min(1).values.numpy(), rel=1e-6)
    assert nearest_distances(samples.double() / 255, train) == pytest.approx(far.min(1).values.numpy(), rel=1e-6)
    assert (nearest_distances(train, train) == 0).all()
    assert (nearest_distances(train[:3].float() / 255, train) == 0).all()


class CancelledError(Exception):
    pass


@pytest.mark.parametrize(
    "measure",
    [
        lambda x, between: kernel_distance(x, x, 0, between),
        lambda x, between: precision_recall_density_coverage(x, x, between=between),
        diversity,
        lambda x, between: nearest_distances(torch.ones(2, 1, 8, 8), torch.ones(2, 1, 8, 8), between),
    ],
)
def test_what_takes_long_can_be_cancelled(measure: Callable[[Numbers, Callable[[], None]], object]) -> None:
    def cancel() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        measure(drawn(20, 4), cancel)


@pytest.mark.parametrize(
    ("real", "fake", "said"),
    [
        (np.ones((1, 4)), np.ones((5, 4)), "2 images"),
        (np.ones((5, 4)), np.ones((5, 3)), "features must be"),
        (np.ones((5, 4)), np.full((5, 4), np.nan), "finite"),
    ],
)
def test_what_has_no_answer_is_refused(real: Numbers, fake: Numbers, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        frechet_distance(real, fake)
    with pytest.raises(ValueError, match=said):
        kernel_distance(real, fake, 0)
