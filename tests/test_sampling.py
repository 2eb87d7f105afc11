"""Where samples come from: the model's own way, or a density fitted to codes."""

from pathlib import Path

import pytest
import torch

from models.errors import InputError
from tests.harness import begin, small_config
from workbench import sampling
from workbench.sampling import Density


def test_one_component_has_the_codes_mean_and_covariance() -> None:
    noise = torch.Generator().manual_seed(0)
    mix = torch.tensor([[1.0, 0.5], [0.0, 0.3]])
    codes = torch.randn(20_000, 2, generator=noise) @ mix + torch.tensor([3.0, -1.0])
    found = Density.fit(codes, 1).draw(40_000, noise)
    assert torch.allclose(found.mean(0), codes.mean(0), atol=0.03)
    assert torch.allclose(found.T.cov(), codes.T.cov(), atol=0.03)


def test_a_mixture_finds_two_clouds_where_a_gaussian_fills_the_gap_between() -> None:
    noise = torch.Generator().manual_seed(0)
    codes = torch.cat([torch.randn(500, 2, generator=noise) * 0.1 + place for place in (-4.0, 4.0)])
    between = {}
    for components in (1, 2):
        found = Density.fit(codes, components).draw(2_000, noise)
        between[components] = float((found.norm(dim=1) < 3).float().mean())
    assert between[1] > 0.2
    assert between[2] == 0.0


def test_few_codes_get_few_components_and_flat_ones_no_error() -> None:
    flat = torch.zeros(60, 3)
    flat[:, 0] = torch.linspace(-1, 1, 60)
    density = Density.fit(flat, 10)
    assert len(density.weights) == 3
    assert torch.isfinite(density.draw(10, torch.Generator().manual_seed(0))).all()


@pytest.mark.parametrize("kind", ["own", "gaussian", "mixture"])
@pytest.mark.parametrize("model", ["ae", "vae"])
def test_every_sampler_draws_images_and_says_where_codes_come_from(model: str, kind: str, tmp_path: Path) -> None:
    prepared = begin(tmp_path, model)
    sampler = sampling.make(kind, prepared.state.shown, prepared.images)  # type: ignore[arg-type]
    with torch.inference_mode():
        one, again = (sampler.draw(5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert one.shape == (5, 1, 8, 8)
    assert torch.equal(one, again)
    assert 0 <= one.min() <= one.max() <= 1
    if kind == "own":
        assert sampler.caption == f"Codes drawn from {prepared.state.model.latent_prior}."
    else:
        words = "a Gaussian" if kind == "gaussian" else "a mixture of 4 Gaussians"
        assert sampler.caption == f"Codes drawn from {words} fitted to 96 training codes."
    prepared.folder.unlock()


def test_a_model_without_codes_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="sampler must be own: gan does not encode"):
        small_config("gan", sampler="mixture")
    with pytest.raises(InputError, match="sampler must be own: gan does not encode"):
        small_config("gan").with_changes({"sampler": "mixture"})  # as --resume does
    prepared = begin(tmp_path, "gan")
    with pytest.raises(InputError, match="use --sampler own"):
        sampling.make("gaussian", prepared.state.shown, prepared.images)
    prepared.folder.unlock()
