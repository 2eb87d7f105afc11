"""Codes of any dimension as points in the plane."""

import warnings

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]

TSNE_POINTS = 1000


def facing(points: Points, before: Points | None) -> Points:
    """`points`, each axis mirrored where that brings them nearer to the same images' points of another moment."""
    if before is None or before.shape != points.shape:
        return points
    return points * np.where((points * before).sum(0) < 0, -1, 1).astype(points.dtype)


def pca(codes: Points) -> tuple[Points, tuple[float, float]]:
    """The two directions of greatest variance: (N, D) -> (N, 2), and the share of variance of each.

    Signs are fixed (the largest loading is positive); `facing` keeps them from moment to moment. Fewer than two
    codes or one dimension give zeros for what is not there.
    """
    from sklearn.decomposition import PCA

    points, shares = np.zeros((len(codes), 2), np.float32), np.zeros(2)
    count = min(2, codes.shape[1], len(codes) - 1)
    if count < 1 or not np.ptp(codes, axis=0).any():  # all codes are the same
        return points, (0.0, 0.0)
    fitted = PCA(count, svd_solver="full").fit(codes.astype(np.float64))
    signs = np.sign(fitted.components_[range(count), np.abs(fitted.components_).argmax(1)])
    points[:, :count] = fitted.transform(codes.astype(np.float64)) * signs
    shares[:count] = fitted.explained_variance_ratio_
    return points, (float(shares[0]), float(shares[1]))


def tsne(codes: Points, seed: int) -> Points | None:
    """Neighbourhoods in the plane (van der Maaten and Hinton 2008): (N, D) -> (N, 2); None below 10 codes.

    Distances between clusters and their sizes mean nothing in it. Starts from PCA; seeded.
    """
    from sklearn.manifold import TSNE

    if len(codes) < 10:
        return None
    perplexity = min(30.0, (len(codes) - 1) / 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of equal codes: the picture shows them as they are
        embedding = TSNE(2, perplexity=perplexity, init="pca", random_state=seed % 2**32)
        points: Points = embedding.fit_transform(codes.astype(np.float64)).astype(np.float32)
    return points
