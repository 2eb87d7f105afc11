"""How good generated images are, on features of them: (N, D) arrays in, numbers out, all in float64.

N real or M generated images, D features of each (`features.py`). Every function is exact up to rounding and
deterministic; what takes seconds works in chunks and calls `between` before each, which may raise to cancel.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from workbench.data.imageset import Images, to_unit

Numbers = NDArray[np.float64]
Between = Callable[[], None]

KERNEL_SUBSETS = 100  # as Binkowski et al. 2018 and torch-fidelity
KERNEL_SUBSET_SIZE = 1000
NEIGHBOURS = 5  # as Naeem et al. 2020
_CHUNK = 1 << 22  # distances at a time: 32 MB, a few times over


def nothing() -> None:
    """What happens between chunks where nobody wants to know."""


def least(dimensions: int) -> int:
    """How many images a Frechet distance needs on both sides.

    A covariance of D features has full rank from D + 1 images on; with fewer, the distance measures their number.
    And between two samples of one Gaussian the expected distance is not 0 but about D (D + 5) / 2N times one
    feature's variance: for 64 features 7 % of the total variance at N = 500, 1.7 % at 2,000. So compare equal
    numbers only.
    """
    return max(500, dimensions + 1)


def frechet_distance(real: ArrayLike, fake: ArrayLike) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½) of (N, D) and (M, D); lower is better, 0 for equal moments.

    Heusel et al. 2017; Frechet 1957. Never negative nor NaN: the root's trace is the sum of the singular values of
    R₁ R₂ᵀ, where Σ = Rᵀ R is the triangular factor of the centred features, so no matrix is squared and rooted and
    singular covariances need no care. Biased upwards for few images (`least`). Raises `ValueError` below 2 images.
    """
    first, second = _pair(real, fake, 2)
    one, other = _root(first), _root(second)
    apart = float(((first.mean(0) - second.mean(0)) ** 2).sum())
    shared = float(np.linalg.svd(one @ other.T, compute_uv=False).sum())
    return max(0.0, apart + float((one**2).sum() + (other**2).sum()) - 2 * shared)


def _root(features: Numbers) -> Numbers:
    """R with Rᵀ R the unbiased covariance: (N, D) -> (min(N, D), D)."""
    centred = features - features.mean(0)
    root: Numbers = np.linalg.qr(centred, mode="r") / np.sqrt(len(features) - 1)
    return root


def kernel_subsets(real: int, fake: int) -> tuple[int, int]:
    """How many subsets of how many images `kernel_distance` takes from so many."""
    size = min(KERNEL_SUBSET_SIZE, real, fake)
    return (1 if size == real == fake else KERNEL_SUBSETS), size


def kernel_distance(real: ArrayLike, fake: ArrayLike, seed: int, between: Between = nothing) -> float:
    """Squared maximum mean discrepancy with the kernel (x·y / D + 1)³, unbiased: about 0 for equal distributions.

    Binkowski et al. 2018 (KID): the mean over subsets (`kernel_subsets`) drawn without replacement by `seed`. May
    be slightly negative. Raises `ValueError` below 2 images.
    """
    first, second = _pair(real, fake, 2)
    count, size = kernel_subsets(len(first), len(second))
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        between()
        found.append(
            _discrepancy(
                first[random.choice(len(first), size, replace=False)],
                second[random.choice(len(second), size, replace=False)],
            )
        )
    return float(np.mean(found))


def _discrepancy(first: Numbers, second: Numbers) -> float:
    """The unbiased estimate of one pair of subsets of equal size: a picture is not compared with itself."""
    size = len(first)
    within = 0.0
    for one in (first, second):
        kernel = _kernel(one, one)
        within += (kernel.sum() - np.trace(kernel)) / (size * (size - 1))
    return float(within - 2 * _kernel(first, second).mean())


def _kernel(first: Numbers, second: Numbers) -> Numbers:
    """(N, D), (M, D) -> (N, M); multiplied out, as powers are slow."""
    inner = first @ second.T
    inner /= first.shape[1]
    inner += 1
    kernel: Numbers = inner * inner
    kernel *= inner
    return kernel


def precision_recall_density_coverage(
    real: ArrayLike, fake: ArrayLike, k: int = NEIGHBOURS, between: Between = nothing
) -> dict[str, float]:
    """Whether generated images lie among the real ones and reach all of them; (N, D) and (M, D) -> four shares.

    precision   share of the generated images nearer to some real one than its k-th real neighbour
    recall      share of the real images nearer to some generated one than its k-th generated neighbour
    density     the same as precision, but counting the real images and divided by k; may exceed 1
    coverage    share of the real images with a generated one nearer than their k-th real neighbour

    Kynkäänniemi et al. 2019, Naeem et al. 2020, as in their `prdc`: an image is not its own neighbour, ties are not
    nearer. Holds no N x M matrix. Raises `ValueError` for k images or fewer.
    """
    first, second = _pair(real, fake, k + 1)
    middle = first.mean(0)  # nearer to 0, squares cancel less
    first, second = first - middle, second - middle
    real_radius, fake_radius = _radius(first, k, between), _radius(second, k, between)
    within = np.zeros(len(second), np.int64)  # in the neighbourhoods of how many real images
    recalled = covered = 0
    for start, squares in _squares(first, second, between):
        radius = real_radius[start : start + len(squares)]
        near = squares < radius[:, None]
        within += near.sum(0)
        covered += int(near.any(1).sum())
        recalled += int((squares < fake_radius).any(1).sum())
    return {
        "precision": float((within > 0).mean()),
        "recall": recalled / len(first),
        "density": float(within.mean()) / k,
        "coverage": covered / len(first),
    }


def _radius(points: Numbers, k: int, between: Between) -> Numbers:
    """The squared distance of each point's k-th neighbour, (N, D) -> (N,); the point itself is the 0-th."""
    found = [np.partition(squares, k, axis=1)[:, k] for _, squares in _squares(points, points, between)]
    return np.concatenate(found)


def diversity(features: ArrayLike, between: Between = nothing) -> float:
    """The mean distance between two images of (N, D), over all pairs; 0 where all show the same.

    Raises `ValueError` below 2 images.
    """
    points, _ = _pair(features, features, 2)
    points = points - points[0]  # a repeated picture is then exactly 0
    total = 0.0
    for start, squares in _squares(points, points, between):
        here = np.arange(len(squares))
        squares[here, start + here] = 0
        total += float(np.sqrt(squares, out=squares).sum())
    return total / (len(points) * (len(points) - 1))


def _squares(first: Numbers, second: Numbers, between: Between) -> Iterator[tuple[int, Numbers]]:
    """Squared distances in chunks of rows: (the first row's number, (rows, M)); each may be overwritten."""
    lengths = (second**2).sum(1)
    rows = max(1, _CHUNK // len(second))
    for start in range(0, len(first), rows):
        between()
        part = first[start : start + rows]
        squares: Numbers = part @ second.T
        squares *= -2
        squares += lengths
        squares += (part**2).sum(1)[:, None]
        yield start, np.maximum(squares, 0, out=squares)


def nearest_distances(samples: Tensor, train: Images, between: Between = nothing) -> Numbers:
    """How far each image is from the training image nearest to it: (N, C, H, W), (M, C, H, W) -> (N,).

    Root mean square over the pixels, in units of the range [0, 1]; images are uint8 or floats in [0, 1]. The
    nearest is looked for in float32 on the device of `samples`, its distance is then computed exactly: 0 for a
    copy. Alone it tells nothing: compare with the same distances of held-out images.
    """
    middle = _unit(next(iter(train.split(1000)))).mean(0)  # nearer to 0, squares cancel less
    rows = max(1, _CHUNK // middle.numel())  # of floats, 16 MB
    found = []
    for part in samples.split(rows):
        mine = (_unit(part) - middle.to(part.device)).flatten(1)
        best = torch.full((len(part),), torch.inf, device=part.device)
        which = torch.zeros(len(part), dtype=torch.int64, device=part.device)
        start = 0
        for some in train.split(rows):
            between()
            theirs = (_unit(some) - middle).flatten(1).to(part.device)
            nearest, index = torch.addmm((theirs**2).sum(1), mine, theirs.T, alpha=-2).min(1)
            closer = nearest < best
            best = torch.where(closer, nearest, best)
            which = torch.where(closer, index + start, which)
            start += len(some)
        there = _unit(train[which.to(train.device)]).cpu().double().flatten(1)
        exact = (_unit(part).cpu().double().flatten(1) - there).square().mean(1).sqrt()
        found.append(exact.numpy())
    return np.concatenate(found)


def _unit(images: Tensor) -> Tensor:
    """uint8 or floats as float32 in [0, 1]."""
    return to_unit(images) if images.dtype == torch.uint8 else images.float()


def _pair(real: ArrayLike, fake: ArrayLike, least_count: int) -> tuple[Numbers, Numbers]:
    """Both as float64; raises `ValueError` for what has no answer."""
    first: Numbers = np.asarray(real, np.float64)
    second: Numbers = np.asarray(fake, np.float64)
    for one in (first, second):
        if one.ndim != 2 or one.shape[1] != first.shape[1]:
            raise ValueError(f"features must be (N, D) and (M, D); got {first.shape} and {second.shape}")
        if len(one) < least_count:
            raise ValueError(f"{least_count} images or more are needed; got {len(one)}")
        if not np.isfinite(one).all():
            raise ValueError("features must be finite")
    return first, second
