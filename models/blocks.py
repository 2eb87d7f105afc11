"""Shared layers. Never shared algorithms: what is trained, and how, is in each model's file.

Shapes: B batch, C channels, S image size in pixels, D latent, W width.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.base import ImageShape
from models.errors import InputError
from models.settings import Network

SMALLEST, LARGEST, STEP = 8, 128, 4
"""Image sizes that the networks take: multiples of STEP from SMALLEST to LARGEST pixels."""


def check_shape(shape: ImageShape) -> None:
    """Raise `InputError` where the networks cannot take images of this shape."""
    if not SMALLEST <= shape.size <= LARGEST or shape.size % STEP:
        raise InputError(
            f"The networks take square images of {SMALLEST} to {LARGEST} pixels in multiples of {STEP}; "
            f"got {shape.size}. Choose another --image-size, 28, 32 and 64 being the usual ones."
        )
    if shape.channels not in (1, 3):
        raise InputError(f"The networks take 1 (grey) or 3 (colour) channels; got {shape.channels}.")


def pyramid(size: int, width: int) -> tuple[list[int], list[int]]:
    """How an image is halved down to 4 to 7 pixels, and how wide each stage is.

    Returns the sizes, from the image's own to the smallest, and the channels of each stage:
    28 -> [28, 14, 7], [W, 2W]; 32 -> [32, 16, 8, 4], [W, 2W, 4W]; 100 -> [100, 50, 25, 12, 6], [W, 2W, 4W, 8W].
    """
    sizes: list[int] = [size]
    channels: list[int] = []
    while sizes[-1] >= 8:
        channels.append(width * 2 ** min(len(channels), 3))
        sizes.append(sizes[-1] // 2)
    return sizes, channels


def upsample(before: int, after: int, size: int, bias: bool = True) -> nn.ConvTranspose2d:
    """The way back from a 4x4 convolution of stride 2: (B, before, S//2, S//2) -> (B, after, S, S), S = `size`."""
    return nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, output_padding=size % 2, bias=bias)


GAIN = 4.0
"""How much smaller the weights of the convolutional networks are stored than they are used, to learn faster.

A step of Adam has the length of its learning rate, whatever the gradient. Weights that are a quarter as large, of
inputs four times as large, move as far by Adam's 1e-3 as plain ones by 4e-3: the runtime constant of Karras et al.,
"Progressive growing of GANs", ICLR 2018, arXiv 1710.10196, section 4.1. A normalised network whose weights are
averaged bears that, and without it is far from done after 20 epochs of MNIST.
"""
EPS = 1e-5 / GAIN**2  # of norms: variances are smaller by so much


class Amplify(nn.Module):
    """x -> GAIN * x, of any shape: beside each layer, but not where a norm follows, which undoes scales."""

    def forward(self, x: Tensor) -> Tensor:
        return GAIN * x


def stored_small(*layers: nn.Module) -> nn.Sequential:
    """The layers in a row, their weights divided by GAIN: with `Amplify` they begin as plain ones do."""
    network = nn.Sequential(*layers)
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                layer.weight /= GAIN
    return network


def normed(features: int, maps: bool = True) -> nn.Sequential:
    """Normalise what one image has in a layer, (B, F, S, S) or (B, F), then SiLU: no image sees another one.

    Ba et al., "Layer normalization", arXiv 1607.06450; of maps, Wu and He, "Group normalization", ECCV 2018, arXiv
    1803.08494, with one group.
    """
    norm = nn.GroupNorm(1, features, EPS) if maps else nn.LayerNorm(features, EPS)
    return nn.Sequential(norm, nn.SiLU())


class Residual(nn.Module):
    """Add what a convolution makes of its normalised neighbourhood: (B, C, S, S) -> the same.

    He et al., "Identity mappings in deep residual networks", ECCV 2016, arXiv 1603.05027, with one convolution.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.change = nn.Sequential(normed(channels), Amplify(), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.change(x)


def encoder(network: Network, shape: ImageShape, width: int, outputs: int) -> nn.Sequential:
    """An image to numbers: (B, C, S, S) -> (B, outputs).

    All layers of the convolutional one are normalised but the first, which sees the pixels, and the last.
    """
    check_shape(shape)
    if network == "mlp":
        return nn.Sequential(
            nn.Flatten(),                                                # B, C*S*S
            nn.Linear(shape.pixels, 16 * width), nn.SiLU(),              # B, 16W
            nn.Linear(16 * width, 8 * width), nn.SiLU(),                 # B, 8W
            nn.Linear(8 * width, outputs),
        )
    sizes, stages = pyramid(shape.size, width)
    layers: list[nn.Module] = [Amplify(), nn.Conv2d(shape.channels, width, 4, stride=2, padding=1), nn.SiLU()]
    for before, after in pairwise(stages):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), normed(after)]  # B, after, S//2, S//2
    return stored_small(
        *layers, nn.Flatten(),
        nn.Linear(stages[-1] * sizes[-1]**2, 14 * width), normed(14 * width, maps=False),  # B, 14W
        Amplify(), nn.Linear(14 * width, outputs),
    )


def decoder(network: Network, shape: ImageShape, width: int, latent: int) -> nn.Sequential:
    """A code to the logits of an image: (B, D) -> (B, C, S, S). `encoder` backwards, and a block more."""
    check_shape(shape)
    if network == "mlp":
        return nn.Sequential(
            nn.Linear(latent, 8 * width), nn.SiLU(),                     # B, 8W
            nn.Linear(8 * width, 16 * width), nn.SiLU(),                 # B, 16W
            nn.Linear(16 * width, shape.pixels),                         # B, C*S*S
            nn.Unflatten(1, (shape.channels, shape.size, shape.size)),
        )
    sizes, stages = pyramid(shape.size, width)
    smallest = stages[-1]
    layers: list[nn.Module] = [
        nn.Linear(latent, 14 * width), normed(14 * width, maps=False),   # B, 14W
        Amplify(), nn.Linear(14 * width, smallest * sizes[-1]**2),
        nn.Unflatten(1, (smallest, sizes[-1], sizes[-1])), Residual(smallest), normed(smallest),
    ]
    for (before, after), size in zip(pairwise(stages[:0:-1]), sizes[-2:1:-1], strict=True):
        layers += [upsample(before, after, size), normed(after)]         # B, after, size, size
    if len(stages) > 1:
        layers += [Amplify(), upsample(stages[1], width, sizes[1]), nn.SiLU()]  # B, W, S//2, S//2
    return stored_small(*layers, upsample(width, shape.channels, shape.size), Amplify())  # logits


def flatten(images: Tensor) -> Tensor:
    """(B, ...) -> (B, N): one row an image."""
    return images.reshape(len(images), -1)
