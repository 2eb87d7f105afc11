"""Where samples come from: the model's own way, or a density fitted to its training codes once it is trained.

Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, arXiv 1903.12436, section 4: ex-post
density estimation. An autoencoder has no prior, and the codes of a VAE rarely fill theirs; a Gaussian (one
component) or a Gaussian mixture on the codes of training images is a sampler for any model that encodes.

Shapes: N codes, D latent, K components.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models.base import Bounded, Encodes, GenerativeModel, Latent
from models.errors import InputError
from workbench.config import Sampler as Kind
from workbench.data.imageset import Images, ImageSet, to_unit

CODES = 10_000  # training images whose codes a density is fitted to
COMPONENTS = 10
_PER_COMPONENT = 20  # codes it takes to speak of a component
_BATCH = 500

Model = GenerativeModel[Any]


@dataclass(frozen=True)
class Sampler:
    """Draws images from a model, and says where their codes come from."""

    kind: Kind
    words: str  # "a mixture of 10 Gaussians fitted to 10,000 training codes"; "" where the model does not say
    draw: Callable[[int, torch.Generator], Tensor]  # n -> (n, C, H, W) in [0, 1]

    @property
    def caption(self) -> str:
        """The same as a sentence."""
        return f"Codes drawn from {self.words}." if self.words else ""


def make(kind: Kind, model: Model, images: ImageSet | Callable[[], ImageSet]) -> Sampler:
    """The sampler of this kind for a model as it is now; what is fitted is fitted to codes of `images.train`.

    `images` may be a way to get them, which is not gone where nothing is fitted.
    The same model, images and kind give the same sampler. Raises `InputError` where a model does not encode.
    """
    if kind == "own":
        return Sampler(kind, model.latent_prior if isinstance(model, Latent) else "", model.sample)
    if not isinstance(model, Encodes):
        raise InputError(
            f"{type(model).__name__} does not encode, so there are no codes to fit: use --sampler own."
        )
    codes = codes_of(model, images() if callable(images) else images)
    density = Density.fit(codes, COMPONENTS if kind == "mixture" else 1)
    parts = len(density.weights)
    shape = f"a mixture of {parts} Gaussians" if parts > 1 else "a Gaussian"
    return Sampler(
        kind, f"{shape} fitted to {len(codes):,} training codes",
        lambda n, generator: model.decode(density.draw(n, generator)),
    )  # fmt: skip


@dataclass(frozen=True)
class Density:
    """A Gaussian mixture with full covariances."""

    weights: Tensor  # (K,)
    means: Tensor  # (K, D)
    factors: Tensor  # (K, D, D): lower triangular roots of the covariances

    @classmethod
    def fit(cls, codes: Tensor, components: int, seed: int = 0) -> "Density":
        """Fit to codes (N, D) by expectation maximisation (scikit-learn); fewer components where N is small."""
        from sklearn.mixture import GaussianMixture

        most = max(1, len(codes) // _PER_COMPONENT)
        points = codes.double().cpu().numpy()
        spread = max(float(points.var(0).mean()), 1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a fit that has not quite settled: it is a fit all the same
            fitted = GaussianMixture(min(components, most), reg_covar=1e-6 * spread, random_state=seed).fit(points)
        tensors = (torch.from_numpy(array).to(codes.device) for array in (fitted.weights_, fitted.means_))
        weights, means = (tensor.float() for tensor in tensors)
        factors = torch.linalg.cholesky(torch.from_numpy(fitted.covariances_)).float().to(codes.device)
        return cls(weights, means, factors)

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """n codes: (n, D)."""
        which = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        noise = torch.randn(n, self.means.shape[1], generator=generator, device=self.means.device)
        with torch.autocast(noise.device.type, enabled=False):
            return self.means[which] + torch.einsum("nij,nj->ni", self.factors[which], noise)


@torch.no_grad()
def codes_of(model: Encodes, images: ImageSet, most: int = CODES) -> Tensor:
    """Codes of the first training images as the decoder meets them in training: (N, D) on the model's device.

    One z ~ q(z|x) an image where the model has a posterior, else the code itself.
    """
    assert isinstance(model, torch.nn.Module)
    device = next(model.parameters()).device
    noise = torch.Generator(device).manual_seed(0)
    found = []
    for part in images.train.images[:most].split(_BATCH):
        seen = images.seen(part.to(device), noise)
        found.append(model.draw_posterior(seen, noise) if isinstance(model, Bounded) else model.encode(seen))
    return torch.cat(found).float()


def encode_all(model: Encodes, images: Images, batch: int = _BATCH) -> Tensor:
    """The codes of uint8 images (N, C, H, W), a batch at a time: (N, D) on the model's device."""
    assert isinstance(model, torch.nn.Module)
    device = next(model.parameters()).device
    return torch.cat([model.encode(to_unit(part.to(device))).float() for part in images.split(batch)])
