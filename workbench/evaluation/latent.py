"""What the codes of a trained model are worth: what they tell of the labels, and how they lie beside the prior.

N M codes, D numbers in a code, R paths of K images of C x H x W. Results are float64.
"""

import warnings

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.floating]
Labels = NDArray[np.integer]

NEIGHBOURS = 15
MMD_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)  # times 2 D, the mean squared distance of two draws of N(0, I)
SLICED_ORDER = 2
_ROWS = 512  # rows of a matrix of distances at a time


def linear_probe(train_codes: Codes, train_labels: Labels, codes: Codes, labels: Labels) -> NDArray[np.bool_]:
    """Whether a linear classifier names each code's label: (N, D), (N,), (M, D), (M,) -> (M,) bool.

    Multinomial logistic regression of scikit-learn, L2 with C = 1, L-BFGS with at most 1000 iterations, on codes
    standardised by mean and deviation of the training codes. Deterministic. One label alone is always named.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(train_labels)) < 2:
        return np.asarray(labels == train_labels[0])
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of iterations that ran out: the score is what that classifier reaches
        probe.fit(train_codes.astype(np.float64), train_labels)
        return np.asarray(probe.predict(codes.astype(np.float64)) == labels)


def nearest_neighbours(
    train_codes: Codes, train_labels: Labels, codes: Codes, labels: Labels, k: int = NEIGHBOURS
) -> NDArray[np.bool_]:
    """Whether most of the k nearest training codes have each code's label: (N, D), (N,), (M, D), (M,) -> (M,) bool.

    Euclidean distance of the codes as they are, one vote each, a tie to the smallest label; all N where k is more.
    """
    from sklearn.neighbors import KNeighborsClassifier

    votes = KNeighborsClassifier(min(k, len(train_codes)), algorithm="brute")
    votes.fit(train_codes.astype(np.float64), train_labels)
    return np.asarray(votes.predict(codes.astype(np.float64)) == labels)


def silhouette(codes: Codes, labels: Labels, most: int = 2000) -> NDArray[np.float64]:
    """How much nearer each code is to its own label's than to the next: (N, D), (N,) -> (min(N, most),) in [-1, 1].

    Rousseeuw 1987, by scikit-learn, Euclidean; of more than `most` codes, that many evenly spaced ones. Empty where
    there are not at least two labels and fewer labels than codes.
    """
    from sklearn.metrics import silhouette_samples

    if len(codes) > most:
        chosen = np.linspace(0, len(codes) - 1, most).round().astype(np.int64)
        codes, labels = codes[chosen], labels[chosen]
    if not 2 <= len(np.unique(labels)) < len(codes):
        return np.empty(0)
    return np.asarray(silhouette_samples(codes.astype(np.float64), labels), np.float64)


def mmd(codes: Codes, prior: Codes) -> float:
    """The squared maximum mean discrepancy, unbiased (so below 0 at times): (N, D), (M, D) -> a number, N, M >= 2.

    Gretton et al. 2012, eq. 3, with the kernel of Tolstikhin et al. 2018: the sum over s of `MMD_SCALES` of
    c / (c + ‖x - y‖²), c = 2 D s. 0 in expectation where both are draws of one distribution, at most 14.
    """
    first, second = codes.astype(np.float64), prior.astype(np.float64)
    n, m = len(first), len(second)
    # a point's kernel with itself is 1 at each scale; the unbiased estimate leaves these out
    own = (_kernel_sum(first, first) - n * len(MMD_SCALES)) / (n * (n - 1))
    theirs = (_kernel_sum(second, second) - m * len(MMD_SCALES)) / (m * (m - 1))
    return own + theirs - 2 * _kernel_sum(first, second) / (n * m)


def _kernel_sum(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The kernel summed over all pairs, a few rows at a time."""
    from scipy.spatial.distance import cdist

    total, scale = 0.0, 2.0 * first.shape[1]
    for start in range(0, len(first), _ROWS):
        squared = cdist(first[start : start + _ROWS], second, "sqeuclidean")
        total += sum(float((scale * s / (scale * s + squared)).sum()) for s in MMD_SCALES)
    return total


def sliced_wasserstein(codes: Codes, prior: Codes, projections: int = 128, seed: int = 0) -> float:
    """The sliced Wasserstein distance of order 2 (Bonneel et al. 2015), (N, D), (M, D) -> in units of codes.

    The root of the mean over random unit directions of the squared distance of the projected points. That is exact,
    the integral of the squared difference of both quantile functions, for any N and M. Above 0 even for two draws
    of one distribution, by an amount that falls with N and M.
    """
    directions = np.random.default_rng(seed).normal(size=(codes.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    first, second = (np.sort(points.astype(np.float64) @ directions, axis=0) for points in (codes, prior))
    n, m = len(first), len(second)
    # levels in units of 1 / (n m), where both quantile functions are constant in between: exact integers
    ends = np.union1d(np.arange(1, n + 1, dtype=np.int64) * m, np.arange(1, m + 1, dtype=np.int64) * n)
    widths = np.diff(ends, prepend=0) / (n * m)
    gaps = first[(ends - 1) // m] - second[(ends - 1) // n]
    return float(np.sqrt((widths @ gaps**2).mean()))


def evenness(paths: NDArray[np.floating]) -> NDArray[np.float64]:
    """The longest step over the mean step of each path of decoded images: (R, K, C, H, W), K >= 3 -> (R,).

    A step is the root mean squared difference of two neighbours over pixels and channels. 1: the picture changes
    evenly all the way; K - 1: all at once. NaN where nothing changes. The idea is that of the perceptual path
    length (Karras et al. 2019), here in pixels and free of scale.
    """
    assert paths.ndim == 5
    assert paths.shape[1] >= 3
    moved = np.diff(paths.astype(np.float64), axis=1)
    steps = np.sqrt((moved**2).mean(axis=(2, 3, 4)))  # R, K - 1
    mean = steps.mean(axis=1)
    return np.divide(steps.max(axis=1), mean, out=np.full(len(steps), np.nan), where=mean > 0)
