"""The shared layers: stored small, they begin as plain ones do, and learn faster by a known factor."""

import copy

import torch
from torch import nn
from torch.optim import Adam

from models.base import ImageShape
from models.blocks import GAIN, Amplify, decoder, encoder, stored_small


def test_layers_stored_small_begin_as_plain_ones() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 5))
    copied = copy.deepcopy(plain)
    small = stored_small(Amplify(), copied[0], copied[1], Amplify(), copied[2])
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(small(x), plain(x))


def test_a_step_of_adam_moves_them_gain_times_as_far() -> None:
    torch.manual_seed(0)
    plain = nn.Linear(6, 1, bias=False)
    small = stored_small(Amplify(), copy.deepcopy(plain))
    x = torch.rand(8, 6)
    moved = []
    for network, rate in ((plain, GAIN * 1e-3), (small, 1e-3)):
        optimizer = Adam(network.parameters(), lr=rate, eps=0)
        network(x).square().mean().backward()
        optimizer.step()
        moved.append(network(x).detach())
    torch.testing.assert_close(moved[0], moved[1])


def test_an_image_is_coded_and_drawn_alone() -> None:
    torch.manual_seed(0)
    shape = ImageShape(3, 32)
    f, g = encoder("conv", shape, 4, 6), decoder("conv", shape, 4, 6)
    x, other = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    together = g(f(torch.cat([x, other])))
    torch.testing.assert_close(together[:2], g(f(x)))
    assert together.shape == (4, 3, 32, 32)
