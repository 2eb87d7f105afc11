"""What every model promises, checked on each file of the models folder, in both precisions and networks."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import models
from models.base import Batch, Bounded, Encodes, GenerativeModel, ImageShape, Latent, Reconstructs
from models.settings import parse

GREY, COLOUR = ImageShape(1, 8), ImageShape(3, 12)
MODELS = models.names()
BOUNDED = [name for name in MODELS if "Bounded" in models.abilities(name)]
NETWORKS = ("conv", "mlp")
PRECISIONS = (torch.float32, torch.bfloat16)


def build(name: str, shape: ImageShape = GREY, **settings: Any) -> GenerativeModel[Any]:
    """A small model with fixed first weights."""
    torch.manual_seed(0)
    settings = {"width": 8, "latent": 6, **settings}
    return models.load(name)(parse(models.settings(name), settings), shape)


def batch(shape: ImageShape, count: int = 16, step: int = 0) -> Batch:
    """Smooth random pictures: bright bumps on a dark ground."""
    noise = torch.Generator().manual_seed(7)
    small = torch.rand(count, shape.channels, shape.size // 4, shape.size // 4, generator=noise)
    images = torch.nn.functional.interpolate(small, size=(shape.size,) * 2, mode="bilinear").pow(3)
    return Batch(images, torch.arange(count) % 10, step, torch.Generator().manual_seed(step))


def trainer(model: GenerativeModel[Any]) -> Callable[..., None]:
    """The smallest trainer: what `minimise` means, without the loop."""
    optimizers = model.optimizers()

    def minimise(loss: Tensor, by: str = "model") -> None:
        assert loss.shape == ()
        parameters = [p for group in optimizers[by].param_groups for p in group["params"]]
        optimizers[by].zero_grad()
        loss.backward(inputs=parameters)
        optimizers[by].step()

    return minimise


def train(
    model: GenerativeModel[Any], data: Batch, steps: int, precision: torch.dtype = torch.float32
) -> dict[str, Tensor]:
    minimise, terms = trainer(model), {}
    model.train()
    for step in range(steps):
        now = Batch(data.images, data.labels, step, torch.Generator().manual_seed(step))
        with torch.autocast("cpu", precision, enabled=precision != torch.float32, cache_enabled=False):
            terms = model.training_step(now, minimise)
    return terms


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("shape", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("name", MODELS)
def test_a_step_returns_the_declared_metrics_and_moves_every_parameter(
    name: str, shape: ImageShape, network: str, precision: torch.dtype
) -> None:
    model = build(name, shape, network=network)
    before = {key: value.clone() for key, value in model.named_parameters()}
    terms = train(model, batch(shape), 3, precision)
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
        held_out = model.eval().held_out(batch(shape))

    for returned in (terms, held_out):
        assert list(returned) == list(model.metrics)
        for metric, value in returned.items():
            assert value.shape == (), metric
            assert value.dtype == torch.float32, metric
            assert value.isfinite(), metric
            assert not value.requires_grad, metric
    still = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert still == [], "these parameters are never trained"


@pytest.mark.parametrize("name", MODELS)
def test_optimizers_share_no_parameter_and_miss_none(name: str) -> None:
    model = build(name)
    held = [id(p) for o in model.optimizers().values() for g in o.param_groups for p in g["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters())


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("trained", [False, True], ids=["untrained", "trained"])
@pytest.mark.parametrize("name", MODELS)
def test_samples_have_shape_range_and_are_decided_by_the_generator(
    name: str, trained: bool, precision: torch.dtype
) -> None:
    model = build(name, COLOUR)
    if trained:
        train(model, batch(COLOUR), 5)
    model.eval()

    def sample(n: int, seed: int) -> Tensor:
        with torch.inference_mode(), torch.autocast("cpu", precision, enabled=precision != torch.float32):
            return model.sample(n, torch.Generator().manual_seed(seed))

    images = sample(5, 1)
    assert images.shape == (5, 3, 12, 12)
    assert images.dtype == torch.float32
    assert images.min() >= 0
    assert images.max() <= 1
    assert torch.equal(images, sample(5, 1))
    assert not torch.equal(images, sample(5, 2))
    assert sample(1, 1).shape == (1, 3, 12, 12)


@pytest.mark.parametrize("name", MODELS)
def test_capabilities_have_their_shapes_and_are_deterministic(name: str) -> None:
    model = build(name, COLOUR).eval()
    images = batch(COLOUR, 4).images
    if isinstance(model, Latent):
        codes = model.draw_codes(4, torch.Generator().manual_seed(0))
        assert codes.shape == (4, 6)
        assert model.decode(codes).shape == images.shape
        assert model.latent_prior
    if isinstance(model, Reconstructs):
        rebuilt = model.reconstruct(images)
        assert rebuilt.shape == images.shape
        assert torch.equal(rebuilt, model.reconstruct(images))
    if isinstance(model, Encodes):
        assert model.encode(images).shape == (4, 6)
        assert torch.equal(model.encode(images), model.encode(images))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", BOUNDED)
def test_a_bounded_model_gives_the_terms_of_its_bound(name: str, network: str) -> None:
    model = build(name, COLOUR, network=network)
    train(model, batch(COLOUR), 5)
    model.eval()
    assert isinstance(model, Bounded)
    assert model.likelihood
    images = batch(COLOUR, 4).images

    def seeded(seed: int) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    with torch.inference_mode():
        terms = model.importance_terms(images, 7, seeded(1))
        for term, again, other in zip(
            terms,
            model.importance_terms(images, 7, seeded(1)),
            model.importance_terms(images, 7, seeded(2)),
            strict=True,
        ):
            assert term.shape == (7, 4)
            assert term.dtype == torch.float32
            assert term.isfinite().all()
            assert torch.equal(term, again)
            assert not torch.equal(term, other)
        kl = model.kl_per_dimension(images)
        assert kl.shape == (4, 6)
        assert kl.min() >= -1e-6
        assert torch.equal(kl, model.kl_per_dimension(images))
        z = model.draw_posterior(images, seeded(1))
        assert z.shape == (4, 6)
        assert torch.equal(z, model.draw_posterior(images, seeded(1)))
        assert not torch.equal(z, model.draw_posterior(images, seeded(2)))


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", BOUNDED)
def test_the_bound_of_a_bounded_model_is_what_it_was_trained_on(name: str, network: str) -> None:
    """At β = 1, the default: its loss is the negative bound, within five standard errors of both estimates."""
    model = build(name, COLOUR, network=network)
    train(model, batch(COLOUR), 20)
    model.eval()
    assert isinstance(model, Bounded)
    images, repeats = batch(COLOUR, 4).images, 200
    with torch.inference_mode():
        terms = model.importance_terms(images, 4000, torch.Generator().manual_seed(0))
        bound = (terms.log_likelihood + terms.log_prior - terms.log_posterior).mean(1)
        loss = torch.stack([
            model.held_out(Batch(images, None, 0, torch.Generator().manual_seed(1 + seed)))["loss"]
            for seed in range(repeats)
        ])  # fmt: skip
        error = (bound.var() / 4000 + loss.var() / repeats).sqrt()
        assert (bound.mean() + loss.mean()).abs() < 5 * error

        ratio = terms.log_posterior - terms.log_prior
        exact = model.kl_per_dimension(images).sum(1)
        assert ((ratio.mean(0) - exact).abs() < 5 * ratio.std(0) / 4000**0.5).all()
        drawn = torch.stack(
            [model.draw_posterior(images, torch.Generator().manual_seed(s)) for s in range(repeats)]
        )
    assert drawn.std(0).min() > 0, "draws of a posterior differ"
    if isinstance(model, Encodes):
        assert ((drawn.mean(0) - model.encode(images)).abs() < 5 * drawn.std(0) / repeats**0.5).all()


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", MODELS)
def test_every_size_and_channel_count_that_is_promised(name: str, network: str) -> None:
    for size in range(8, 129, 4):
        shape = ImageShape(1 if size % 8 else 3, size)
        model = build(name, shape, network=network, width=4, latent=2).eval()
        with torch.inference_mode():
            assert model.sample(1, torch.Generator()).shape == (1, *shape_of(shape))
            assert model.held_out(batch(shape, 2))


def shape_of(shape: ImageShape) -> tuple[int, int, int]:
    return shape.channels, shape.size, shape.size


# What 400 steps on 64 images must reach. The pictures are soft greys, for which β = 1 pays too much.
OVERFIT: dict[str, tuple[str, float, dict[str, float]]] = {
    "ae": ("recon_mse", 0.0005, {}),
    "vae": ("recon_mse", 0.005, {"beta": 0.01}),
}


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
@pytest.mark.parametrize("name", sorted(OVERFIT))
def test_a_model_overfits_64_images(name: str, precision: torch.dtype) -> None:
    metric, bound, settings = OVERFIT[name]
    model = build(name, GREY, width=16, latent=16, learning_rate=3e-3, **settings)
    terms = train(model, batch(GREY, 64), 400, precision)
    assert terms[metric] < bound


@pytest.mark.parametrize("precision", PRECISIONS, ids=str)
def test_a_gan_takes_on_the_distribution_of_64_images(precision: torch.dtype) -> None:
    """It has no loss that falls: its samples' mean picture and spread must approach those of the images."""
    data = batch(GREY, 64)
    model = build("gan", GREY, width=16, latent=16, learning_rate=1e-3)

    def distance() -> tuple[float, float]:
        with torch.inference_mode():
            images = model.eval().sample(256, torch.Generator().manual_seed(3))
        mean = (images.mean(0) - data.images.mean(0)).square().mean().sqrt()
        return float(mean), float(images.std(0).mean() / data.images.std(0).mean())

    before, _ = distance()
    train(model, data, 500, precision)
    after, spread = distance()
    assert after < before / 2
    assert after < 0.08
    assert 0.6 < spread < 1.5
