"""Codes as points in the plane."""

import numpy as np
import pytest

from workbench.evaluation.projection import facing, pca, tsne


def codes(count: int, dimensions: int, scale: list[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    drawn = np.random.default_rng(0).normal(size=(count, dimensions))
    return (drawn * np.array(scale)).astype(np.float32)


def test_pca_finds_the_directions_of_greatest_variance() -> None:
    given = codes(5000, 4, [0.1, 5.0, 0.1, 2.0])
    points, shares = pca(given)
    assert points.shape == (5000, 2)
    assert abs(np.corrcoef(points[:, 0], given[:, 1])[0, 1]) > 0.999
    assert abs(np.corrcoef(points[:, 1], given[:, 3])[0, 1]) > 0.999
    assert shares == pytest.approx((25 / 29.02, 4 / 29.02), abs=0.02)


def test_pca_does_not_flip_between_pictures_of_a_run() -> None:
    given = codes(200, 3, [1.0, 3.0, 2.0])
    first, _ = pca(given)
    second, _ = pca(given + 0.01 * codes(200, 3, [1.0, 1.0, 1.0]))
    assert (first * second).sum(0).min() > 0


def test_points_are_mirrored_to_where_they_were_before() -> None:
    before, _ = pca(codes(200, 3, [1.0, 3.0, 2.0]))
    for mirrored in ((-1, 1), (1, -1), (-1, -1), (1, 1)):
        assert np.array_equal(facing(before * np.array(mirrored, np.float32), before), before)
    assert np.array_equal(facing(before, None), before)
    assert np.array_equal(facing(before[:5], before), before[:5])


@pytest.mark.parametrize(("count", "dimensions"), [(1, 4), (2, 4), (50, 1)])
def test_pca_of_too_little_is_zeros_where_nothing_is(count: int, dimensions: int) -> None:
    points, shares = pca(codes(count, dimensions, [1.0] * dimensions))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert (points[:, 1] == 0).all()
    assert shares[1] == 0


def test_codes_that_are_all_the_same_are_one_point() -> None:
    points, shares = pca(np.ones((10, 3), np.float32))
    assert (points == 0).all()
    assert shares == (0.0, 0.0)


def test_tsne_keeps_neighbours_together_and_is_seeded() -> None:
    groups = np.repeat(np.eye(3, dtype=np.float32) * 50, 20, axis=0) + codes(60, 3, [1.0] * 3)
    points = tsne(groups, seed=1)
    assert points is not None
    centres = points.reshape(3, 20, 2).mean(1)
    nearest = np.linalg.norm(points[:, None] - centres, axis=2).argmin(1)
    assert (nearest == np.repeat(np.arange(3), 20)).all()
    np.testing.assert_array_equal(points, tsne(groups, seed=1))
    assert tsne(groups[:9], seed=1) is None
