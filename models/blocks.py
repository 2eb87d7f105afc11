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


def pyramid(size: int, width: int) -> tuple[int, list[int]]:
    """How often an image is halved and how wide each stage is.

    Returns the size of the smallest map (3 to 7 pixels where the size allows) and the channels of each stage:
    28 -> 7, [W, 2W]; 32 -> 4, [W, 2W, 4W]; 64 -> 4, [W, 2W, 4W, 8W].
    """
    channels: list[int] = []
    while size % 2 == 0 and size > 4:
        channels.append(width * 2 ** min(len(channels), 3))
        size //= 2
    return size, channels


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
    smallest, stages = pyramid(shape.size, width)
    layers: list[nn.Module] = []
    for before, after in zip([shape.channels, *stages], stages, strict=False):
        layers += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.SiLU()]  # B, after, S/2, S/2
    flat = stages[-1] * smallest**2
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
    smallest, stages = pyramid(shape.size, width)
    flat = stages[-1] * smallest**2
    layers: list[nn.Module] = [
        nn.Linear(latent, 16 * width), nn.SiLU(), nn.Linear(16 * width, flat), nn.SiLU(),
        nn.Unflatten(1, (stages[-1], smallest, smallest)),
    ]
    for before, after in zip(stages[::-1], [*stages[-2::-1], shape.channels], strict=True):
        layers += [nn.ConvTranspose2d(before, after, 4, stride=2, padding=1), nn.SiLU()]  # B, after, 2S, 2S
    return nn.Sequential(*layers[:-1])  # logits: no activation after the last


def flatten(images: Tensor) -> Tensor:
    """(B, ...) -> (B, N): one row an image."""
    return images.reshape(len(images), -1)
