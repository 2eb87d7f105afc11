"""Autoencoder: squeeze an image through a short code and rebuild it.

Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 313 (2006).

Objective, minimised over the encoder f and the decoder g:

    L = E_x [ 1/(CHW) · ‖x − g(f(x))‖² ]

x image in [0, 1]; z = f(x) its code, D numbers; x̂ = g(z) its reconstruction. The unit of L is squared
intensity per pixel: 0.0054 means that a pixel is off by 0.073 in root mean square.

An autoencoder has no prior. `sample` draws codes from a Gaussian fitted to the codes of the last few hundred
training batches (mean and covariance, a running average), and says so wherever it is shown.

How it fails: codes lie on no simple shape, so samples from the fitted Gaussian look like smudges between
classes even when reconstructions are sharp; with a large latent it copies and learns no structure.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.base import Batch, Encodes, GenerativeModel, ImageShape, Metric, Minimise
from models.blocks import decoder, encoder
from models.settings import ModelSettings
from models.sharing import of_whole_batch

# B batch, C H W image, D latent


class AESettings(ModelSettings):
    """The lab's recipe: latent 32, Adam 1e-3, batches of 128, 20 epochs."""

    recipe: ClassVar[Mapping[str, object]] = {"dataset": "digits", "batch_size": 128, "epochs": 20}

    latent: Annotated[int, Field(ge=1, le=1024)] = 32
    """Numbers in a code."""


class Autoencoder(Encodes, GenerativeModel[AESettings]):
    """Encoder f, decoder g, and the running moments of the codes."""

    Config = AESettings
    metrics: ClassVar[Mapping[str, Metric]] = {
        "recon_mse": Metric(
            "squared error per pixel", "Mean squared difference of image and reconstruction.", "lower",
            "Reconstruction error",
        ),
    }
    latent_prior = "a Gaussian fitted to the training codes (an autoencoder has no prior of its own)"
    interpolation: ClassVar[Literal["linear"]] = "linear"

    code_mean: Tensor  # (D,)     E[z] over the last hundred batches or so
    code_square: Tensor  # (D, D)  E[z zᵀ] over the same
    batches: Tensor  # ()         how many batches they have seen

    def __init__(self, config: AESettings, shape: ImageShape) -> None:
        super().__init__(config, shape)
        self.encoder = encoder(config.network, shape, config.width, config.latent)
        self.decoder = decoder(config.network, shape, config.width, config.latent)
        self.register_buffer("code_mean", torch.zeros(config.latent))
        self.register_buffer("code_square", torch.eye(config.latent))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))

    def training_step(self, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        z = self.encoder(batch.images)                           # B, D
        loss = F.mse_loss(self._image(z), batch.images)
        minimise(loss)
        self._follow(z.detach().float())
        return {"recon_mse": loss.detach()}

    def _follow(self, z: Tensor) -> None:
        """Let the Gaussian that `sample` draws from follow the codes, (B, D), as the encoder moves."""
        with torch.autocast(z.device.type, enabled=False):       # a covariance needs float32
            self.batches += 1
            rate = 1 / self.batches.clamp(max=100)               # a plain mean at first, so the start is forgotten
            mean, square = of_whole_batch(z.mean(0), z.T @ z / len(z))  # D; D, D
            self.code_mean.lerp_(mean, rate)
            self.code_square.lerp_(square, rate)

    def held_out(self, batch: Batch) -> dict[str, Tensor]:
        return {"recon_mse": F.mse_loss(self.reconstruct(batch.images), batch.images)}

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(self.draw_codes(n, generator))        # n, C, H, W

    def encode(self, images: Tensor) -> Tensor:
        return self.encoder(images).float()                      # B, D

    def decode(self, codes: Tensor) -> Tensor:
        return self._image(codes)                                # B, C, H, W

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))

    def draw_codes(self, n: int, generator: torch.Generator) -> Tensor:
        e = torch.randn(n, self.config.latent, generator=generator, device=self.code_mean.device)
        with torch.autocast(e.device.type, enabled=False):
            covariance = self.code_square - torch.outer(self.code_mean, self.code_mean)
            # Codes may fill fewer than D dimensions: the root of a covariance of any rank, rounding clamped off.
            values, vectors = torch.linalg.eigh(covariance)      # D; D, D
            return self.code_mean + (e * values.clamp_min(0).sqrt()) @ vectors.T  # n, D

    def _image(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.decoder(z).float())            # B, C, H, W
