"""Networks that genbench itself does not have, for comparisons on equal ones."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from models.base import Batch, GenerativeModel, ImageShape, Metric, Minimise
from models.vae import VAESettings, gaussian_kl

HIDDEN = 512


class PythaeVAE(GenerativeModel[VAESettings]):
    """The VAE that pythae builds by default: 784-512-D-512-784, ReLU, squared error summed over pixels, halved."""

    Config = VAESettings
    metrics: ClassVar[Mapping[str, Metric]] = {
        "loss": Metric("nats per image", "Half the squared error, summed over pixels, and KL.", "lower", "Loss")
    }

    def __init__(self, config: VAESettings, shape: ImageShape) -> None:
        super().__init__(config, shape)
        self.hidden = nn.Sequential(nn.Linear(shape.pixels, HIDDEN), nn.ReLU())  # B, 512
        self.mean, self.log_var = nn.Linear(HIDDEN, config.latent), nn.Linear(HIDDEN, config.latent)
        self.decoder = nn.Sequential(
            nn.Linear(config.latent, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, shape.pixels), nn.Sigmoid()
        )

    def loss(self, images: Tensor, noise: Tensor) -> Tensor:
        """(B, C, H, W), (B, D) -> scalar."""
        x = images.flatten(1)
        hidden = self.hidden(x)
        mean, log_var = self.mean(hidden), self.log_var(hidden)
        made = self.decoder(mean + torch.exp(0.5 * log_var) * noise)
        return 0.5 * F.mse_loss(made, x, reduction="sum") / len(x) + gaussian_kl(mean, log_var).mean()

    def training_step(self, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        loss = self.loss(batch.images, batch.noise(len(batch.images), self.config.latent))
        minimise(loss)
        return {"loss": loss.detach()}

    def held_out(self, batch: Batch) -> dict[str, Tensor]:
        return {"loss": self.loss(batch.images, batch.noise(len(batch.images), self.config.latent))}

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        codes = torch.randn(n, self.config.latent, generator=generator)
        return self.decoder(codes).unflatten(1, (self.shape.channels, self.shape.size, self.shape.size))
