"""Generative adversarial network: a forger and a detective, trained against each other.

Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, arXiv 1406.2661 (algorithm 1); networks,
initialisation and Adam's β₁ after Radford et al., "DCGAN", ICLR 2016, arXiv 1511.06434.

The discriminator D and the generator G take turns, one step each, on the same generated batch:

    L_D = −E_x [ log D(x) ] − E_z [ log(1 − D(G(z))) ]          minimised over D  (eq. 1)
    L_G = −E_z [ log D(G(z)) ]                                  minimised over G  (section 3, non-saturating)

x image, z ~ N(0, I) a code of D numbers; D(·) the probability of being real, computed as a logit. Inside, images
are in [−1, 1] (tanh); at this model's door they are in [0, 1] as everywhere. Unit of both losses: nats. In
balance D(x) = D(G(z)) = ½, L_D = 2 ln 2 = 1.39 and L_G = ln 2 = 0.69; a healthy run stays on the
discriminator's side of that, L_D between 0.2 and 1.2. The losses do not measure quality: look at the samples.

How it fails: saturation, where D tells real from generated without error and G's gradient dies; mode collapse,
where G draws the same picture for every z (`spread` falls to 0). `diagnose` says in words when either is seen.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from models.base import (
    Batch,
    Diagnoses,
    GenerativeModel,
    ImageShape,
    Latent,
    Metric,
    Minimise,
    adam,
)
from models.blocks import check_shape, flatten, pyramid, upsample
from models.settings import ModelSettings
from models.sharing import BatchNorm1d, BatchNorm2d

# B batch, C H W image, D latent


class GANSettings(ModelSettings):
    """The lab's recipe: latent 100, Adam 2e-4 with β₁ 0.5, batches of 64, 50 epochs."""

    recipe: ClassVar[Mapping[str, object]] = {"dataset": "abstract", "batch_size": 64, "epochs": 50}

    latent: Annotated[int, Field(ge=1, le=1024)] = 100
    """Numbers in a code."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 2e-4
    """Step size of Adam, for both networks."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """Adam's decay of the mean gradient; 0.9 makes adversarial training swing."""
    smoothing: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """One-sided label smoothing: real images count as real with 1 - smoothing."""


class GAN(Latent, Diagnoses, GenerativeModel[GANSettings]):
    """Generator G: code to image. Discriminator D: image to logit."""

    Config = GANSettings
    metrics: ClassVar[Mapping[str, Metric]] = {
        "d_loss": Metric("nats", "L_D, of real and of generated images; 1.39 in balance.", None, "Losses"),
        "g_loss": Metric("nats", "L_G; 0.69 in balance, large when D is winning.", None, "Losses"),
        "d_real": Metric("probability", "D(x), mean over real images.", None, "The discriminator's belief"),
        "d_fake": Metric("probability", "D(G(z)), mean over generated images.", None, "The discriminator's belief"),
        "spread": Metric(
            "ratio", "RMS distance between two samples of a batch, over that between two real images.", None,
            "Variety of samples",
        ),
    }
    latent_prior = "N(0, I)"
    interpolation: ClassVar[Literal["spherical"]] = "spherical"

    def __init__(self, config: GANSettings, shape: ImageShape) -> None:
        super().__init__(config, shape)
        check_shape(shape)
        self.generator = generator(config, shape)
        self.discriminator = discriminator(config, shape)
        if config.network == "conv":
            self.apply(dcgan_init)

    def optimizers(self) -> dict[str, Optimizer]:
        rate, beta1 = self.config.learning_rate, self.config.beta1
        return {
            "discriminator": adam(self.discriminator, rate, beta1),
            "generator": adam(self.generator, rate, beta1),
        }

    def training_step(self, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        x = 2 * batch.images - 1                                               # B, C, H, W in [-1, 1]
        fake = self.generator(batch.noise(len(x), self.config.latent))         # B, C, H, W in [-1, 1]

        # The detective's turn: it sees the forgeries but cannot reach the forger.
        real_logit, fake_logit = self._judge(x, fake.detach())                 # B, 1 each
        d_loss = self._d_loss(real_logit, fake_logit)
        minimise(d_loss, by="discriminator")

        # The forger's turn, against the detective as it now is.
        g_loss = F.softplus(-self.discriminator(fake).float()).mean()
        minimise(g_loss, by="generator")
        return self._report(d_loss, g_loss, real_logit, fake_logit, x, fake)

    def held_out(self, batch: Batch) -> dict[str, Tensor]:
        x = 2 * batch.images - 1
        fake = self.generator(batch.noise(len(x), self.config.latent))
        real_logit, fake_logit = self._judge(x, fake)                          # B, 1 each
        g_loss = F.softplus(-fake_logit).mean()
        return self._report(self._d_loss(real_logit, fake_logit), g_loss, real_logit, fake_logit, x, fake)

    def _judge(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """The logits of both: in one batch where D has no batch norm, so that no image sees another one."""
        if self.config.network == "mlp":
            real_logit, fake_logit = self.discriminator(torch.cat([real, fake])).float().chunk(2)
            return real_logit, fake_logit
        return self.discriminator(real).float(), self.discriminator(fake).float()

    def _d_loss(self, real_logit: Tensor, fake_logit: Tensor) -> Tensor:
        """L_D: −log D = softplus(−logit) and −log(1 − D) = softplus(logit), exact at any logit."""
        s = self.config.smoothing
        real = (1 - s) * F.softplus(-real_logit) + s * F.softplus(real_logit)
        return real.mean() + F.softplus(fake_logit).mean()

    @staticmethod
    def _report(
        d_loss: Tensor, g_loss: Tensor, real_logit: Tensor, fake_logit: Tensor, x: Tensor, fake: Tensor
    ) -> dict[str, Tensor]:
        return {
            "d_loss": d_loss.detach(),
            "g_loss": g_loss.detach(),
            "d_real": torch.sigmoid(real_logit.detach()).mean(),
            "d_fake": torch.sigmoid(fake_logit.detach()).mean(),
            "spread": pairwise_rms(fake.detach().float()) / pairwise_rms(x).clamp_min(1e-8),
        }

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.decode(self.draw_codes(n, generator))                      # n, C, H, W

    def decode(self, codes: Tensor) -> Tensor:
        return (self.generator(codes).float() + 1) / 2                         # B, C, H, W in [0, 1]

    def draw_codes(self, n: int, generator: torch.Generator) -> Tensor:
        device = next(self.parameters()).device
        return torch.randn(n, self.config.latent, generator=generator, device=device)

    def diagnose(self, metrics: Mapping[str, float]) -> dict[str, str]:
        found = {}
        d_real, d_fake, spread = metrics["d_real"], metrics["d_fake"], metrics["spread"]
        belief = f"D(x) = {d_real:.2f}, D(G(z)) = {d_fake:.2f}"
        if d_real > 0.97 and d_fake < 0.03:
            found["saturation"] = (
                f"The discriminator has won ({belief}): it is never fooled and the generator hardly learns. "
                "Try --smoothing 0.1, a lower --learning-rate, or a smaller --width."
            )
        if d_real < 0.55 and d_fake > 0.45:
            found["blind"] = (
                f"The generator has won ({belief}): the discriminator is guessing and teaches nothing more. "
                "If samples are not good yet, try a larger --width or a higher --learning-rate."
            )
        if spread < 0.25:
            found["mode collapse"] = (
                f"Samples are becoming the same picture: their mean distance is {spread:.0%} of that of real "
                "images. Try --smoothing 0.1, a larger --batch-size, or a lower --learning-rate."
            )
        return found


def pairwise_rms(images: Tensor) -> Tensor:
    """Root mean squared distance per pixel over all pairs of a batch: (B, C, H, W) -> scalar.

    The mean squared distance of two different members of a set is twice its variance, so no pair is formed.
    """
    if len(images) < 2:
        return images.new_ones(())
    return (2 * flatten(images).var(dim=0).mean()).sqrt()


def generator(config: GANSettings, shape: ImageShape) -> nn.Sequential:
    """A code to an image in [-1, 1]: (B, D) -> (B, C, S, S), after DCGAN: batch norm, ReLU, tanh.

    Twice as wide as the discriminator: at equal width D outruns it on a few thousand pictures.
    """
    W = config.width
    if config.network == "mlp":
        return nn.Sequential(
            nn.Linear(config.latent, 8 * W), nn.LeakyReLU(0.2),
            nn.Linear(8 * W, 16 * W), BatchNorm1d(16 * W), nn.LeakyReLU(0.2),
            nn.Linear(16 * W, 16 * W), BatchNorm1d(16 * W), nn.LeakyReLU(0.2),
            nn.Linear(16 * W, shape.pixels), nn.Tanh(),
            nn.Unflatten(1, (shape.channels, shape.size, shape.size)),
        )
    sizes, stages = pyramid(shape.size, 2 * W)
    layers: list[nn.Module] = [
        nn.Linear(config.latent, stages[-1] * sizes[-1]**2, bias=False),
        nn.Unflatten(1, (stages[-1], sizes[-1], sizes[-1])),
        BatchNorm2d(stages[-1]), nn.ReLU(),
    ]
    for (before, after), size in zip(pairwise(stages[::-1]), sizes[-2:0:-1], strict=True):
        layers += [upsample(before, after, size, bias=False)]    # B, after, size, size
        layers += [BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, upsample(stages[0], shape.channels, shape.size), nn.Tanh())


def discriminator(config: GANSettings, shape: ImageShape) -> nn.Sequential:
    """An image in [-1, 1] to a logit: (B, C, S, S) -> (B, 1), after DCGAN: LeakyReLU, no norm at the ends.

    Batch norm keeps no running statistics: D judges whole batches, all real or all generated, also when it
    is evaluated, and an average over both kinds would describe neither.
    """
    W = config.width
    if config.network == "mlp":
        return nn.Sequential(
            nn.Flatten(),
            nn.Linear(shape.pixels, 16 * W), nn.LeakyReLU(0.2),
            nn.Linear(16 * W, 8 * W), nn.LeakyReLU(0.2),
            nn.Linear(8 * W, 1),
        )
    sizes, stages = pyramid(shape.size, W)
    layers: list[nn.Module] = [nn.Conv2d(shape.channels, stages[0], 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
    for before, after in pairwise(stages):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1, bias=False)]  # B, after, S/2, S/2
        layers += [BatchNorm2d(after, track_running_stats=False), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(stages[-1] * sizes[-1]**2, 1))


def dcgan_init(module: nn.Module) -> None:
    """DCGAN, section 4: weights from N(0, 0.02²); batch-norm scales from N(1, 0.02²), as its code has them."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
