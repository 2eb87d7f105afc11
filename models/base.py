"""The seam between the trainer and a paper: what every model offers, and what only some can do.

A model is handed a function, `minimise(loss, by="discriminator")`, and calls it where its paper takes a
step, so one loop trains a model with one loss, an adversarial pair or several critic steps. What a model
can do beyond sampling is an abstract class it inherits; panels, metrics and commands ask
`isinstance(model, Encodes)`, never which model it is.

Shapes: B batch, C H W image, D latent. Images are float32 in [0, 1] on both sides of this seam.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, Literal, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from models.metric import Metric as Metric  # noqa: PLC0414 (a part of the seam: models import it from here)
from models.settings import ModelSettings
from models.sharing import WHOLE, Part

SettingsT = TypeVar("SettingsT", bound=ModelSettings)


class ImageShape(NamedTuple):
    """The shape of one square image: C = `channels` (1 grey, 3 colour), H = W = `size` pixels."""

    channels: int
    size: int

    @property
    def pixels(self) -> int:
        """Numbers in one image, C * H * W."""
        return self.channels * self.size * self.size


@dataclass(frozen=True)
class Batch:
    """What one step sees. All noise of the step comes from `generator`, which is seeded by (seed, step)."""

    images: Tensor  # (B, C, H, W) float32 in [0, 1]
    labels: Tensor | None  # (B,) int64
    step: int
    generator: torch.Generator
    part: Part = WHOLE  # of the whole batch, where processes share it

    def noise(self, *shape: int) -> Tensor:
        """Standard normal noise of the given shape (B, ...), float32, on the images' device.

        Where processes share the batch it is their rows of the noise that one process would have drawn.
        """
        rows, *others = shape
        whole = (rows * self.part.count, *others)
        return self.part.of(torch.randn(whole, generator=self.generator, device=self.images.device))


class Minimise(Protocol):
    """One optimizer step, done by the trainer: backward, precision, clipping, update."""

    def __call__(self, loss: Tensor, by: str = "model") -> None:
        """Update the parameters of the optimizer `by` to lower `loss` (a scalar); touch no other's."""


class GenerativeModel(nn.Module, ABC, Generic[SettingsT]):
    """A generative model of images.

    Subclasses declare `Config` and `metrics`, build their networks from `(config, shape)`, and are final.
    """

    Config: ClassVar[type[ModelSettings]]
    metrics: ClassVar[Mapping[str, Metric]]  # the first is the number a run is known by

    def __init__(self, config: SettingsT, shape: ImageShape) -> None:
        super().__init__()
        self.config = config
        self.shape = shape

    def optimizers(self) -> dict[str, Optimizer]:
        """The optimizers by the name that `minimise(..., by=name)` uses; their parameters are disjoint."""
        return {"model": adam(self, self.config.learning_rate)}

    @abstractmethod
    def training_step(self, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        """Take one step of the paper's algorithm. Returns every declared metric, detached, as a scalar."""

    @abstractmethod
    def held_out(self, batch: Batch) -> dict[str, Tensor]:
        """The same metrics on images the model was not trained on, without a step."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Draw n images: (n, C, H, W) float32 in [0, 1]. The same generator state gives the same images."""


class Reconstructs(ABC):
    """A model that maps an image to its own version of it."""

    @abstractmethod
    def reconstruct(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, C, H, W) in [0, 1]; deterministic."""


class Latent(ABC):
    """A model that turns codes into images."""

    latent_prior: ClassVar[str]  # what `sample` draws codes from, in words
    interpolation: ClassVar[Literal["linear", "spherical"]]  # the path between two codes that suits them

    @abstractmethod
    def decode(self, codes: Tensor) -> Tensor:
        """(B, D) -> (B, C, H, W) in [0, 1]; deterministic."""

    @abstractmethod
    def draw_codes(self, n: int, generator: torch.Generator) -> Tensor:
        """n codes as `sample` draws them: (n, D)."""


class Encodes(Latent, Reconstructs, ABC):
    """A model that finds the code of an image."""

    @abstractmethod
    def encode(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, D): the code, or the mean of its distribution; deterministic."""


class ImportanceTerms(NamedTuple):
    """Logarithms in nats, each (K, B), at K draws z ~ q(z|x) for each of B images x.

    The mean over K of `log_likelihood + log_prior - log_posterior` estimates the evidence lower bound; the
    logarithm of the mean of its exponential is the tighter bound of Burda et al. (2016).
    """

    log_likelihood: Tensor  # log p(x|z)
    log_prior: Tensor  # log p(z)
    log_posterior: Tensor  # log q(z|x)


class Bounded(ABC):
    """A model whose log-likelihood has a lower bound, found with a posterior q(z|x) that it can draw from."""

    likelihood: ClassVar[str]  # p(x|z) in words: bounds of other likelihoods are not comparable
    of_binary: ClassVar[bool] = False  # whether p(x|z) is a distribution over images of zeros and ones

    @abstractmethod
    def importance_terms(self, images: Tensor, samples: int, generator: torch.Generator) -> ImportanceTerms:
        """(B, C, H, W) in [0, 1] -> the terms of K = `samples` codes z ~ q(z|x) an image.

        All noise is the generator's; an image is encoded once, K * B codes are decoded together.
        """

    @abstractmethod
    def kl_per_dimension(self, images: Tensor) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, D): each dimension's share of KL( q(z|x) ‖ p(z) ), nats; deterministic."""

    @abstractmethod
    def draw_posterior(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """(B, C, H, W) in [0, 1] -> (B, D): one z ~ q(z|x) for each image."""


class Diagnoses(ABC):
    """A model that can say in words what its numbers mean when something has gone wrong."""

    @abstractmethod
    def diagnose(self, metrics: Mapping[str, float]) -> dict[str, str]:
        """Name and sentence of each trouble seen in training `metrics`, averaged over a stretch of steps."""


def adam(module: nn.Module, learning_rate: float, beta1: float = 0.9) -> Adam:
    """Adam over a module's parameters, fused: one kernel for all of them instead of a dozen for each."""
    return Adam(module.parameters(), lr=learning_rate, betas=(beta1, 0.999), fused=True)
