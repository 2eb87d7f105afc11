"""Bounds of the likelihood, on a model whose likelihood is known: probabilistic PCA."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from models.base import Bounded, ImageShape, ImportanceTerms
from models.vae import VAE, VAESettings
from workbench.evaluation import likelihood
from workbench.evaluation.likelihood import active_units, bits_per_dimension, elbo, importance_bound

SHAPE, LATENT = ImageShape(1, 4), 3


class LinearVAE(nn.Module, Bounded):
    """p(x|z) = N(Wz + m, s² I) with orthogonal columns of W: the exact posterior is a diagonal Gaussian.

    Tipping and Bishop 1999. `wrong` moves the posterior's mean and widens it.
    """

    likelihood = "a Gaussian for each pixel"

    def __init__(self, wrong: float = 0.0) -> None:
        super().__init__()
        noise = torch.Generator().manual_seed(3)
        columns, _ = torch.linalg.qr(torch.randn(SHAPE.pixels, LATENT, generator=noise, dtype=torch.float64))
        self.w = nn.Parameter(columns * torch.tensor([0.9, 0.5, 0.2]))
        self.middle = 0.5 + 0.1 * torch.randn(SHAPE.pixels, generator=noise, dtype=torch.float64)
        self.s, self.wrong = 0.3, wrong

    def draw(self, count: int) -> Tensor:
        """Images of the model itself."""
        noise = torch.Generator().manual_seed(4)
        z = torch.randn(count, LATENT, generator=noise, dtype=torch.float64)
        x = z @ self.w.T + self.middle
        x = x + self.s * torch.randn(x.shape, generator=noise, dtype=torch.float64)
        return x.detach().unflatten(1, (1, 4, 4))

    def evidence(self, images: Tensor) -> Tensor:
        """log p(x) in closed form: (N,)."""
        covariance = self.w @ self.w.T + self.s**2 * torch.eye(SHAPE.pixels, dtype=torch.float64)
        return MultivariateNormal(self.middle, covariance).log_prob(images.flatten(1)).detach()

    def posterior(self, images: Tensor) -> Normal:
        inverse = torch.linalg.inv(self.w.T @ self.w + self.s**2 * torch.eye(LATENT, dtype=torch.float64))
        mean = (images.flatten(1) - self.middle) @ self.w @ inverse
        deviation = (self.s**2 * inverse.diagonal()).sqrt().expand_as(mean)
        return Normal(mean + 0.5 * self.wrong * deviation, deviation * (1 + 0.5 * self.wrong))

    def noise(self, images: Tensor, samples: int, generator: torch.Generator) -> Tensor:
        return torch.randn(samples, len(images), LATENT, generator=generator, dtype=torch.float64)

    def importance_terms(self, images: Tensor, samples: int, generator: torch.Generator) -> ImportanceTerms:
        posterior = self.posterior(images)
        z = posterior.mean + posterior.stddev * self.noise(images, samples, generator)
        density = Normal(z @ self.w.T + self.middle, self.s)
        prior = Normal(torch.zeros((), dtype=torch.float64), 1.0)
        return ImportanceTerms(
            density.log_prob(images.flatten(1)).sum(2), prior.log_prob(z).sum(2), posterior.log_prob(z).sum(2)
        )

    def kl_per_dimension(self, images: Tensor) -> Tensor:
        return kl_divergence(self.posterior(images), Normal(torch.zeros((), dtype=torch.float64), 1.0))

    def draw_posterior(self, images: Tensor, generator: torch.Generator) -> Tensor:
        posterior = self.posterior(images)
        return posterior.mean + posterior.stddev * self.noise(images, 1, generator)[0]


class Tabled(LinearVAE):
    """Draws the i-th code of an image from a table, however many are asked for at a time."""

    def __init__(self, images: Tensor) -> None:
        super().__init__(wrong=1.0)
        self.rows = {float(image.sum()): row for row, image in enumerate(images)}
        self.used = [0] * len(images)
        generator = torch.Generator().manual_seed(5)
        self.table = torch.randn(len(images), 120, LATENT, generator=generator, dtype=torch.float64)

    def noise(self, images: Tensor, samples: int, generator: torch.Generator) -> Tensor:
        assert samples * images.numel() <= max(likelihood.AT_ONCE, images[0].numel())
        found = []
        for row in (self.rows[float(image.sum())] for image in images):
            found.append(self.table[row, self.used[row] : self.used[row] + samples])
            self.used[row] += samples
        return torch.stack(found, dim=1)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_with_the_exact_posterior_the_bound_is_the_evidence() -> None:
    model = LinearVAE()
    images = model.draw(50)
    for found in importance_bound(model, images, seeded(), at=(1, 7, 100)).values():
        torch.testing.assert_close(found, model.evidence(images), rtol=0, atol=1e-9)


def test_the_elbo_of_the_exact_posterior_is_the_evidence_on_average() -> None:
    model = LinearVAE()
    images = model.draw(1).expand(20_000, -1, -1, -1)
    terms = elbo(model, images, seeded())
    assert torch.equal(terms.elbo, terms.reconstruction - terms.kl)
    torch.testing.assert_close(terms.kl, model.kl_per_dimension(images).sum(1).detach())
    error = terms.elbo.std() / len(images) ** 0.5
    assert (terms.elbo.mean() - model.evidence(images[:1])[0]).abs() < 4 * error


def test_a_wrong_posterior_costs_the_elbo_and_importance_samples_win_it_back() -> None:
    """Over 200 images, IW(5000) is within 0.005 nats of the evidence; the ELBO is KL( q(z|x) ‖ p(z|x) ) below."""
    model = LinearVAE(wrong=1.0)
    images = model.draw(200)
    evidence, bounds = model.evidence(images), importance_bound(model, images, seeded())
    gap = {k: float((evidence - bound).mean()) for k, bound in bounds.items()}
    assert list(bounds) == [1, 100, 5000]
    assert {bound.dtype for bound in bounds.values()} == {torch.float64}
    # mean and deviation are each half a deviation off, in three dimensions
    kl = LATENT * 0.5 * (1.5**2 + 0.5**2 - 1 - 2 * math.log(1.5))
    lost = evidence.repeat(100) - elbo(model, images.repeat(100, 1, 1, 1), seeded()).elbo
    assert float(lost.mean()) == pytest.approx(kl, abs=0.06)
    assert gap[1] == pytest.approx(kl, abs=0.3)
    assert 0 < gap[100] < kl / 20
    assert abs(gap[5000]) < 0.005


@pytest.mark.parametrize(("at_once", "samples"), [(1 << 20, 64), (1 << 20, 120), (16, 1), (100, 64), (1000, 7)])
def test_neither_the_size_of_chunks_nor_other_ks_change_a_bound(
    at_once: int, samples: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = LinearVAE().draw(11)
    model = Tabled(images)
    terms = model.importance_terms(images, 120, seeded())
    weights = (terms.log_likelihood + terms.log_prior - terms.log_posterior).detach()
    monkeypatch.setattr(likelihood, "AT_ONCE", at_once)
    monkeypatch.setattr(likelihood, "SAMPLES_AT_ONCE", samples)
    found = importance_bound(Tabled(images), images, seeded(), at=(120, 1, 100, 64, 100))
    assert list(found) == [1, 64, 100, 120]
    for k, bound in found.items():
        torch.testing.assert_close(bound, weights[:k].logsumexp(0) - math.log(k), rtol=0, atol=1e-10)


def test_progress_is_told_and_may_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "AT_ONCE", 16 * 10)
    told: list[tuple[int, int]] = []
    images = LinearVAE().draw(3)
    importance_bound(LinearVAE(), images, seeded(), (1, 25), lambda *now: told.append(now))
    assert told == [(10, 75), (20, 75), (25, 75), (35, 75), (45, 75), (50, 75), (60, 75), (70, 75), (75, 75)]
    told.clear()
    elbo(LinearVAE(), LinearVAE().draw(25), seeded(), lambda *now: told.append(now))
    assert told == [(10, 25), (20, 25), (25, 25)]

    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        importance_bound(LinearVAE(), images, seeded(), (25,), cancel)


def test_weights_far_apart_do_not_overflow() -> None:
    model = LinearVAE(wrong=1.0)
    model.s = 1e-3  # log p(x|z) of minus many thousands of nats
    images = LinearVAE().draw(4)
    found = importance_bound(model, images, seeded(), (1, 50))
    assert all(bound.isfinite().all() for bound in found.values())
    assert found[1].max() < -1000


def test_the_bounds_of_a_vae_are_in_order_and_seeded() -> None:
    torch.manual_seed(0)
    vae = VAE(VAESettings(latent=3, width=4), ImageShape(1, 8)).eval()
    first = vae.decoder[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.weight.mul_(10)  # so that an image depends on its code
    images = torch.rand(500, 1, 8, 8, generator=seeded(1))
    bounds, terms = importance_bound(vae, images, seeded(), (1, 50)), elbo(vae, images, seeded())
    assert bounds[1].mean() < bounds[50].mean()
    assert terms.elbo.mean().item() == pytest.approx(bounds[1].mean().item(), abs=0.5)
    assert terms.elbo.mean() < bounds[50].mean()
    assert torch.equal(importance_bound(vae, images, seeded(), (1, 50))[50], bounds[50])
    torch.testing.assert_close(terms.kl_per_dimension.sum(dim=1), terms.kl)


def test_the_kl_of_each_dimension_is_the_same_in_any_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    model = LinearVAE(wrong=1.0)
    images = model.draw(11)
    monkeypatch.setattr(likelihood, "AT_ONCE", 16 * 4)
    found = elbo(model, images, seeded()).kl_per_dimension
    torch.testing.assert_close(found, model.kl_per_dimension(images).detach())


def test_bits_and_active_units_by_hand() -> None:
    assert bits_per_dimension(torch.tensor([-math.log(2) * 48]), ImageShape(3, 4)).item() == pytest.approx(1)
    means = torch.randn(5000, 4, generator=seeded()) * torch.tensor([1.0, 0.2, 0.05, 0.0]) + 7
    assert active_units(means) == 2
    assert active_units(means, threshold=0.1) == 1
    assert active_units(means[:1]) == 0
