"""Variational autoencoder: an autoencoder whose codes follow a known distribution, so it can invent images.

Kingma and Welling, "Auto-encoding variational Bayes", ICLR 2014, arXiv 1312.6114. β: Higgins et al., ICLR 2017.

Objective, the negative evidence lower bound (eq. 3), with the Gaussian KL in closed form (appendix B):

    L = −E_{z ~ q(z|x)} [ log p(x|z) ] + β · KL( q(z|x) ‖ p(z) )
    KL = ½ Σ_d ( μ_d² + σ_d² − 1 − log σ_d² )

x image in [0, 1]; z = μ(x) + σ(x)·ε its code (the reparameterisation, eq. 4), ε ~ N(0, I), D numbers;
p(z) = N(0, I); p(x|z) a Bernoulli for each pixel and channel with logits from the decoder. Every term is
summed over pixels or latent dimensions: nats per image. Grey values are not coin tosses, so this
reconstruction term has a floor above zero, the entropy of the grey values, and is no likelihood of a discrete
distribution: do not compare it with figures for binarised images.

How it fails: blurred images, the mean of what fits a code; posterior collapse, where KL falls to 0 and the
decoder ignores the code (lower β, or a larger network); samples worse than reconstructions, where the codes do
not fill N(0, I) (raise β).
"""

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from models.base import (
    Batch,
    Bounded,
    Diagnoses,
    Encodes,
    GenerativeModel,
    ImageShape,
    ImportanceTerms,
    Metric,
    Minimise,
)
from models.bernoulli import bernoulli_nats
from models.blocks import decoder, encoder
from models.settings import ModelSettings

# B batch, C H W image, D latent, K codes drawn for an image

LOG_2_PI = math.log(2 * math.pi)


class VAESettings(ModelSettings):
    """The lab's recipe: latent 32, Adam 1e-3, batches of 128, 20 epochs, β = 1."""

    recipe: ClassVar[Mapping[str, object]] = {"dataset": "digits", "batch_size": 128, "epochs": 20}

    latent: Annotated[int, Field(ge=1, le=1024)] = 32
    """Numbers in a code."""
    beta: Annotated[float, Field(ge=0, le=1000)] = 1.0
    """Weight of the KL term; 1 is the evidence lower bound."""


class VAE(Encodes, Bounded, Diagnoses, GenerativeModel[VAESettings]):
    """Encoder with two heads, mean and log-variance; decoder to Bernoulli logits."""

    Config = VAESettings
    metrics: ClassVar[Mapping[str, Metric]] = {
        "loss": Metric("nats per image", "Reconstruction + β · KL; at β = 1 the negative ELBO.", "lower", "Loss"),
        "recon_nats": Metric(
            "nats per image", "−log p(x|z), Bernoulli, summed over pixels, for one z ~ q(z|x).", "lower",
            "Reconstruction",
        ),
        "kl": Metric("nats per image", "KL of q(z|x) from N(0, I), summed over latent dimensions.", None, "KL"),
        "recon_mse": Metric(
            "squared error per pixel", "Mean squared difference of image and p(x|z)'s mean, for one z.", "lower",
            "Reconstruction error",
        ),
    }
    latent_prior = "N(0, I)"
    likelihood = "a Bernoulli for each pixel and channel"
    of_binary = True
    interpolation: ClassVar[Literal["spherical"]] = "spherical"

    def __init__(self, config: VAESettings, shape: ImageShape) -> None:
        super().__init__(config, shape)
        self.encoder = encoder(config.network, shape, config.width, 2 * config.latent)
        self.decoder = decoder(config.network, shape, config.width, config.latent)

    def training_step(self, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        terms = self._terms(batch)
        minimise(terms["loss"])
        return {name: term.detach() for name, term in terms.items()}

    def held_out(self, batch: Batch) -> dict[str, Tensor]:
        return self._terms(batch)

    def _terms(self, batch: Batch) -> dict[str, Tensor]:
        x, B = batch.images, len(batch.images)
        mean, log_var = self._posterior(x)                                     # B, D each
        z = mean + torch.exp(0.5 * log_var) * batch.noise(*mean.shape)         # B, D
        logits = self.decoder(z).float()                                       # B, C, H, W

        nats, image = bernoulli_nats(logits, x)                                # B, C, H, W each
        recon = nats.sum() / B
        kl = gaussian_kl(mean, log_var).mean()
        mse = F.mse_loss(image, x)
        return {"loss": recon + self.config.beta * kl, "recon_nats": recon, "kl": kl, "recon_mse": mse}

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(self.draw_codes(n, generator))                      # n, C, H, W

    def encode(self, images: Tensor) -> Tensor:
        return self._posterior(images)[0]                                      # B, D

    def decode(self, codes: Tensor) -> Tensor:
        return torch.sigmoid(self.decoder(codes).float())                      # B, C, H, W

    def reconstruct(self, images: Tensor) -> Tensor:
        return self.decode(self.encode(images))

    def draw_codes(self, n: int, generator: torch.Generator) -> Tensor:
        device = next(self.parameters()).device
        return torch.randn(n, self.config.latent, generator=generator, device=device)

    def _posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_var = self.encoder(x).float().chunk(2, dim=1)                # B, D each
        return mean, log_var

    def importance_terms(self, images: Tensor, samples: int, generator: torch.Generator) -> ImportanceTerms:
        mean, log_var = self._posterior(images)                                # B, D each; encoded once for all K
        noise = torch.randn(samples, *mean.shape, generator=generator, device=mean.device)
        z = mean + torch.exp(0.5 * log_var) * noise                            # K, B, D
        logits = self.decoder(z.flatten(0, 1)).float().unflatten(0, z.shape[:2])
        nats, _ = bernoulli_nats(logits, images)                               # K, B, C, H, W
        return ImportanceTerms(
            -nats.flatten(2).sum(dim=2),                                       # K, B each
            -0.5 * (z.square() + LOG_2_PI).sum(dim=2),
            -0.5 * (noise.square() + log_var + LOG_2_PI).sum(dim=2),
        )

    def kl_per_dimension(self, images: Tensor) -> Tensor:
        return 0.5 * twice_the_kl(*self._posterior(images))                    # B, D

    def draw_posterior(self, images: Tensor, generator: torch.Generator) -> Tensor:
        mean, log_var = self._posterior(images)                                # B, D each
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return mean + torch.exp(0.5 * log_var) * noise                         # B, D

    def diagnose(self, metrics: Mapping[str, float]) -> dict[str, str]:
        if metrics["kl"] < 0.5 and self.config.beta > 0:
            return {
                "collapse": f"The posterior has collapsed: KL is {metrics['kl']:.2f} nats, so codes carry nothing "
                "about the image. Lower --beta, or train longer."
            }
        return {}


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL( N(mean, exp(log_var)) ‖ N(0, I) ) in nats: (B, D), (B, D) -> (B,). Kingma and Welling, appendix B."""
    return 0.5 * twice_the_kl(mean, log_var).sum(dim=1)


def twice_the_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """The summands of the KL above, before their factor ½: (B, D), (B, D) -> (B, D)."""
    return mean.square() + log_var.exp() - 1 - log_var
