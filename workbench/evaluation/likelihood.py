"""How likely a model finds images: lower bounds of log p(x), in nats, for any `Bounded` model.

Images lie anywhere; the model and the generator share a device, to which they are brought a few at a time. The
model is taken as it comes: in evaluation mode, if that matters to it. Bounds of two models compare only where their
`likelihood` is the same one.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from models.base import Bounded, ImageShape

AT_ONCE = 1 << 20  # pixels and channels decoded at a time: memory is bounded by this, whatever N and K are
SAMPLES_AT_ONCE = 64  # codes drawn for an image at a time: then encoding it again costs next to nothing

Between = Callable[[int, int], None]
"""Told (codes decoded, codes in all) after each chunk; what it raises ends the measurement."""


class Terms(NamedTuple):
    """The evidence lower bound and its parts, (N,) float64 in nats: elbo = reconstruction - kl."""

    reconstruction: Tensor  # log p(x|z) for one z ~ q(z|x)
    kl: Tensor  # KL( q(z|x) ‖ p(z) ), in closed form
    elbo: Tensor
    kl_per_dimension: Tensor  # (N, D): the summands of kl


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


def elbo(model: Bounded, images: Tensor, generator: torch.Generator, between: Between = _silent) -> Terms:
    """The evidence lower bound (Kingma and Welling 2014, eq. 3) with one z an image: (N, C, H, W) -> `Terms`."""
    parts: list[tuple[Tensor, Tensor]] = []
    done = 0
    with torch.inference_mode():
        for some in images.split(_images_at_once(images, 1)):
            x = some.to(generator.device)
            likelihood = model.importance_terms(x, 1, generator).log_likelihood[0]
            parts.append((_exact(likelihood), _exact(model.kl_per_dimension(x))))
            done += len(some)
            between(done, len(images))
    reconstruction, by_dimension = (_joined(part) for part in (zip(*parts, strict=True) if parts else ((), ())))
    kl = by_dimension.flatten(1).sum(dim=1) if parts else by_dimension
    return Terms(reconstruction, kl, reconstruction - kl, by_dimension)


def importance_bound(
    model: Bounded,
    images: Tensor,
    generator: torch.Generator,
    at: Sequence[int] = (1, 100, 5000),
    between: Between = _silent,
) -> dict[int, Tensor]:
    """The importance weighted bound L_k (Burda et al. 2016, arXiv 1509.00519, eq. 8): (N, C, H, W) -> each (N,).

        L_k = log 1/k Σ_i p(x|z_i) p(z_i) / q(z_i|x),   z_i ~ q(z|x)

    Nats, float64. L_1 <= L_k <= log p(x) in expectation, and L_k approaches log p(x). All k share draws: L_100 sees
    the first 100 of L_5000's. Memory is bounded by `AT_ONCE`; the sum is kept as a running log-sum-exp.
    """
    ks = sorted(set(at))
    assert ks
    assert ks[0] >= 1
    samples = min(ks[-1], SAMPLES_AT_ONCE, _images_at_once(images, 1))
    total, done = len(images) * ks[-1], 0
    found: dict[int, list[Tensor]] = {k: [] for k in ks}
    with torch.inference_mode():
        for some in images.split(_images_at_once(images, samples)):
            x = some.to(generator.device)
            running = torch.full((len(some),), -math.inf, dtype=torch.float64)
            for start in range(0, ks[-1], samples):
                stop = min(start + samples, ks[-1])
                weights = _log_weights(model, x, stop - start, generator)
                for k in (k for k in ks if start < k <= stop):
                    found[k].append(torch.logaddexp(running, weights[: k - start].logsumexp(dim=0)) - math.log(k))
                running = torch.logaddexp(running, weights.logsumexp(dim=0))
                done += len(some) * (stop - start)
                between(done, total)
    return {k: _joined(parts) for k, parts in found.items()}


def _log_weights(model: Bounded, images: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """log p(x|z) + log p(z) - log q(z|x): (B, C, H, W) -> (K, B) float64, in memory of the processor."""
    terms = model.importance_terms(images, samples, generator)
    return _exact(terms.log_likelihood) + _exact(terms.log_prior) - _exact(terms.log_posterior)


def _exact(values: Tensor) -> Tensor:
    return values.cpu().double()  # in this order: Apple's GPUs have no float64


def _joined(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(parts)) if parts else torch.empty(0, dtype=torch.float64)


def _images_at_once(images: Tensor, samples: int) -> int:
    """How many images may be decoded `samples` times together; at least one."""
    return max(1, AT_ONCE // (samples * max(1, math.prod(images.shape[1:]))))


def bits_per_dimension(nats: Tensor, shape: ImageShape) -> Tensor:
    """A log-likelihood of whole images in nats (higher is better) as bits per pixel and channel (lower is better).

    Of a Bernoulli of grey values these are no bits of a code for 256 levels: compare them with no such figure.
    """
    return -nats / (shape.pixels * math.log(2))


def active_units(means: Tensor, threshold: float = 0.01) -> int:
    """How many dimensions a posterior uses: (N, D) means of q(z|x) -> count of those whose variance over x exceeds
    `threshold` (Burda et al. 2016, section 5.2). The unbiased variance; 0 of fewer than two images."""
    return int((means.double().var(dim=0) > threshold).sum()) if len(means) > 1 else 0
