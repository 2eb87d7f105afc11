"""Bring images to another size or to another number of channels, as bytes."""

from typing import overload

import torch
import torch.nn.functional as F
from torch import Tensor

from workbench.data.imageset import Images


@overload
def reshape(images: Tensor, size: int, channels: int) -> Tensor: ...
@overload
def reshape(images: Images, size: int, channels: int) -> Images: ...
def reshape(images: Images, size: int, channels: int) -> Images:
    """(N, 1 or 3, H, H) uint8 -> (N, channels, size, size) uint8, the same images where it already fits.

    Sizes change by bicubic interpolation, with antialiasing when they shrink. Colour becomes grey by the luma
    of ITU-R BT.601, grey becomes colour by repeating it.
    """
    if not isinstance(images, Tensor):
        assert images.shape[1:] == (channels, size, size)  # a folder is decoded as it is wanted
        return images
    if images.shape[1] == 3 and channels == 1:
        images = torch.cat([_luma(part) for part in images.split(4096)])
    if images.shape[2] != size:
        images = F.interpolate(images, size=(size, size), mode="bicubic", antialias=True)
    if images.shape[1] == 1 and channels == 3:
        images = images.expand(-1, 3, -1, -1).contiguous()
    return images


def _luma(images: Tensor) -> Tensor:
    """(N, 3, H, H) uint8 -> (N, 1, H, H) uint8 in whole numbers, so that it is the same on every machine."""
    red, green, blue = images.to(torch.int32).unbind(1)
    return ((299 * red + 587 * green + 114 * blue + 500) // 1000).to(torch.uint8)[:, None]
