"""Losses and divergences against closed forms and torch's own implementations."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from models.ae import AESettings, Autoencoder
from models.base import Batch, ImageShape
from models.gan import GAN, GANSettings, pairwise_rms
from models.vae import VAE, VAESettings, gaussian_kl

SHAPE = ImageShape(1, 8)


def images(count: int) -> Batch:
    noise = torch.Generator().manual_seed(1)
    return Batch(torch.rand(count, 1, 8, 8, generator=noise), None, 0, torch.Generator().manual_seed(2))


def test_gaussian_kl_is_that_of_torch() -> None:
    mean, log_var = torch.randn(2, 100, 5, generator=torch.Generator().manual_seed(0)).double()
    reference = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(gaussian_kl(mean, log_var), reference)


@pytest.mark.parametrize(
    ("mean", "log_var", "nats"), [(0, 0, 0.0), (2, 0, 2.0), (0, math.log(4), 1.5 - math.log(2))]
)
def test_gaussian_kl_by_hand(mean: float, log_var: float, nats: float) -> None:
    assert gaussian_kl(torch.tensor([[float(mean)]]), torch.tensor([[log_var]])).item() == pytest.approx(nats)


def test_the_vae_loss_is_the_negative_elbo_in_nats_per_image() -> None:
    torch.manual_seed(0)
    vae, data = VAE(VAESettings(latent=3, width=4), SHAPE).eval(), images(6)
    with torch.no_grad():
        terms = vae.held_out(data)
        data.generator.manual_seed(2)
        mean, log_var = vae.encoder(data.images).chunk(2, 1)
        z = mean + (0.5 * log_var).exp() * data.noise(6, 3)
        likelihood = Bernoulli(logits=vae.decoder(z), validate_args=False)  # grey values lie inside [0, 1]
        recon = -likelihood.log_prob(data.images).flatten(1).sum(1).mean()
        kl = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(terms["recon_nats"], recon)
    torch.testing.assert_close(terms["kl"], kl)
    torch.testing.assert_close(terms["loss"], recon + kl)


def test_beta_weighs_the_kl_term_alone() -> None:
    losses = {}
    for beta in (0.0, 1.0, 4.0):
        torch.manual_seed(0)
        with torch.no_grad():
            losses[beta] = VAE(VAESettings(latent=3, width=4, beta=beta), SHAPE).held_out(images(6))
    assert losses[0.0]["kl"] == losses[4.0]["kl"]
    torch.testing.assert_close(losses[4.0]["loss"] - losses[0.0]["loss"], 4 * losses[1.0]["kl"])
    torch.testing.assert_close(losses[0.0]["loss"], losses[0.0]["recon_nats"])


def test_the_ae_loss_is_the_mean_squared_error_per_pixel() -> None:
    torch.manual_seed(0)
    ae, data = Autoencoder(AESettings(latent=3, width=4), SHAPE), images(6)
    with torch.no_grad():
        error = ae.held_out(data)["recon_mse"]
        torch.testing.assert_close(error, (ae.reconstruct(data.images) - data.images).square().mean())


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_gan_losses_are_binary_cross_entropies(smoothing: float) -> None:
    torch.manual_seed(0)
    gan, data = GAN(GANSettings(latent=3, width=4, smoothing=smoothing), SHAPE).eval(), images(6)
    with torch.no_grad():
        terms = gan.held_out(data)
        data.generator.manual_seed(2)
        fake = gan.generator(data.noise(6, 3))
        real_logit, fake_logit = gan.discriminator(2 * data.images - 1), gan.discriminator(fake)
        cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
        real = cross_entropy(real_logit, torch.full_like(real_logit, 1 - smoothing))
        forged = cross_entropy(fake_logit, torch.zeros_like(fake_logit))
        fooled = cross_entropy(fake_logit, torch.ones_like(fake_logit))
    torch.testing.assert_close(terms["d_loss"], real + forged)
    torch.testing.assert_close(terms["g_loss"], fooled)
    torch.testing.assert_close(terms["d_real"], torch.sigmoid(real_logit).mean())
    torch.testing.assert_close(terms["d_fake"], torch.sigmoid(fake_logit).mean())


def test_a_discriminator_that_guesses_has_the_losses_of_balance() -> None:
    torch.manual_seed(0)
    gan = GAN(GANSettings(latent=3, width=4), SHAPE)
    last = gan.discriminator[-1]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    with torch.no_grad():
        terms = gan.held_out(images(6))
    assert terms["d_loss"].item() == pytest.approx(2 * math.log(2))
    assert terms["g_loss"].item() == pytest.approx(math.log(2))
    assert terms["d_real"].item() == terms["d_fake"].item() == 0.5


def test_pairwise_rms_is_the_distance_over_all_pairs() -> None:
    pictures = torch.rand(7, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    distances = torch.pdist(pictures.flatten(1))
    reference = (distances.square().mean() / 48).sqrt()
    torch.testing.assert_close(pairwise_rms(pictures), reference)
    assert pairwise_rms(pictures[:1].expand(5, 3, 4, 4)).item() == 0


def test_neither_network_of_the_gan_reaches_the_other() -> None:
    """The loop's `minimise` gives gradients to one optimizer's parameters; here each is asked alone."""
    torch.manual_seed(0)
    gan, touched = GAN(GANSettings(latent=3, width=4), SHAPE), {}

    def minimise(loss: torch.Tensor, by: str = "model") -> None:
        gan.zero_grad()
        loss.backward()
        touched[by] = {name.split(".")[0] for name, p in gan.named_parameters() if p.grad is not None}

    gan.training_step(images(6), minimise)
    assert touched["discriminator"] == {"discriminator"}
    assert "generator" in touched["generator"]


@pytest.mark.parametrize(
    ("numbers", "trouble"),
    [
        ({"d_real": 0.99, "d_fake": 0.001, "spread": 1.0}, {"saturation"}),
        ({"d_real": 0.5, "d_fake": 0.5, "spread": 1.0}, {"blind"}),
        ({"d_real": 0.8, "d_fake": 0.2, "spread": 0.1}, {"mode collapse"}),
        ({"d_real": 0.8, "d_fake": 0.2, "spread": 0.9}, set()),
    ],
)
def test_the_gan_says_in_words_what_has_gone_wrong(numbers: dict[str, float], trouble: set[str]) -> None:
    gan = GAN(GANSettings(latent=3, width=4), SHAPE)
    found = gan.diagnose(numbers)
    assert set(found) == trouble
    assert all("try" in sentence.lower() for sentence in found.values())


def test_the_autoencoder_samples_from_the_gaussian_of_its_codes() -> None:
    torch.manual_seed(0)
    ae = Autoencoder(AESettings(latent=2, width=4), SHAPE)
    ae.code_mean.copy_(torch.tensor([3.0, -1.0]))
    covariance = torch.tensor([[4.0, 1.0], [1.0, 0.5]])
    ae.code_square.copy_(covariance + torch.outer(ae.code_mean, ae.code_mean))
    codes = ae.draw_codes(100_000, torch.Generator().manual_seed(0))
    torch.testing.assert_close(codes.mean(0), torch.tensor([3.0, -1.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(torch.cov(codes.T), covariance, atol=0.05, rtol=0)


def test_the_gaussian_of_the_codes_forgets_where_it_began() -> None:
    ae = Autoencoder(AESettings(latent=2, width=4), SHAPE)
    noise = torch.Generator().manual_seed(0)
    for _ in range(20):
        ae._follow(5 + 0.1 * torch.randn(500, 2, generator=noise))
    codes = ae.draw_codes(10_000, noise)
    torch.testing.assert_close(codes.mean(0), torch.full((2,), 5.0), atol=0.01, rtol=0)
    torch.testing.assert_close(codes.std(0), torch.full((2,), 0.1), atol=0.01, rtol=0)


def test_codes_that_fill_few_of_their_dimensions_can_still_be_drawn() -> None:
    ae = Autoencoder(AESettings(latent=64, width=4), SHAPE)
    line = torch.linspace(-1, 1, 64)
    for scale in torch.randn(50, generator=torch.Generator().manual_seed(0)):
        ae._follow(scale * line.expand(8, 64))
    codes = ae.draw_codes(8, torch.Generator().manual_seed(0))
    assert codes.isfinite().all()
    assert torch.linalg.matrix_rank(codes, rtol=1e-2) == 1
