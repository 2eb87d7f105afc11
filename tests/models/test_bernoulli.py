"""The Bernoulli log-likelihood against torch's, in value and gradient."""

import pytest
import torch
from torch.nn import functional as F

from models.bernoulli import bernoulli_nats

SHAPE = (6, 3, 5, 5)


def logits_and_images(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = 8 * torch.randn(SHAPE, dtype=dtype, generator=generator)
    logits[0, 0, 0] = torch.tensor([0.0, -200.0, 200.0, -1e-8, 1e4], dtype=dtype)
    images = torch.rand(SHAPE, dtype=dtype, generator=generator)
    images[1], images[2] = 0.0, 1.0
    return logits.requires_grad_(), images


@pytest.mark.parametrize(("dtype", "nats"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_nats_and_gradients_are_those_of_torch(dtype: torch.dtype, nats: float) -> None:
    logits, x = logits_and_images(dtype)
    ours, mean = bernoulli_nats(logits, x)
    reference = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
    torch.testing.assert_close(ours, reference, rtol=4 * torch.finfo(dtype).eps, atol=nats)
    torch.testing.assert_close(mean, torch.sigmoid(logits), rtol=0, atol=0)
    weights = torch.rand(SHAPE, dtype=dtype, generator=torch.Generator().manual_seed(1))
    by_ours, by_torch = (torch.autograd.grad((weights * each).sum(), logits)[0] for each in (ours, reference))
    torch.testing.assert_close(by_ours, by_torch)


def test_the_gradient_is_that_of_small_differences() -> None:
    logits, x = logits_and_images(torch.float64)
    small = (0.1 * logits.detach()[1:3]).requires_grad_()
    assert torch.autograd.gradcheck(lambda free: bernoulli_nats(free, x[1:3])[0], small)


def test_one_batch_of_images_serves_many_codes() -> None:
    logits, x = logits_and_images(torch.float64)
    many = torch.stack([logits.detach(), -logits.detach()])  # K, B, C, H, W
    nats, _ = bernoulli_nats(many, x)
    torch.testing.assert_close(nats[1], bernoulli_nats(-logits.detach(), x)[0])
