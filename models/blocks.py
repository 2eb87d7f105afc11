"""Shared layers. Never shared algorithms: what is trained, and how, is in each model's file.

Shapes: B batch, C channels, S image size in pixels, D latent, W width.
"""

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


def encoder(network: Network, shape: ImageShape, width: int, outputs: int) -> nn.Sequential:
    """An image to numbers: (B, C, S, S) -> (B, outputs)."""
    check_shape(shape)
    if network == "mlp":
        return nn.Sequential(
            nn.Flatten(),                                                # B, C*S*S
            nn.Linear(shape.pixels, 16 * width), nn.SiLU(),              # B, 16W
            nn.Linear(16 * width, 8 * width), nn.SiLU(),                 # B, 8W
            nn.Linear(8 * width, outputs),
        )
    sizes, stages = pyramid(shape.size, width)
    layers: list[nn.Module] = []
    for before, after in zip([shape.channels, *stages], stages, strict=False):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.SiLU()]  # B, after, S//2, S//2
    flat = stages[-1] * sizes[-1]**2
    layers += [nn.Flatten(), nn.Linear(flat, 16 * width), nn.SiLU(), nn.Linear(16 * width, outputs)]
    return nn.Sequential(*layers)


def decoder(network: Network, shape: ImageShape, width: int, latent: int) -> nn.Sequential:
    """A code to the logits of an image: (B, D) -> (B, C, S, S). The mirror image of `encoder`."""
    check_shape(shape)
    if network == "mlp":
        return nn.Sequential(
            nn.Linear(latent, 8 * width), nn.SiLU(),                     # B, 8W
            nn.Linear(8 * width, 16 * width), nn.SiLU(),                 # B, 16W
            nn.Linear(16 * width, shape.pixels),                         # B, C*S*S
            nn.Unflatten(1, (shape.channels, shape.size, shape.size)),
        )
    sizes, stages = pyramid(shape.size, width)
    flat = stages[-1] * sizes[-1]**2
    layers: list[nn.Module] = [
        nn.Linear(latent, 16 * width), nn.SiLU(), nn.Linear(16 * width, flat), nn.SiLU(),
        nn.Unflatten(1, (stages[-1], sizes[-1], sizes[-1])),
    ]
    for before, after, size in zip(stages[::-1], [*stages[-2::-1], shape.channels], sizes[-2::-1], strict=True):
        layers += [upsample(before, after, size), nn.SiLU()]  # B, after, size, size
    return nn.Sequential(*layers[:-1])  # logits: no activation after the last


def flatten(images: Tensor) -> Tensor:
    """(B, ...) -> (B, N): one row an image."""
    return images.reshape(len(images), -1)
