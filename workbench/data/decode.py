"""One picture file, whatever its mode, becomes one square of bytes."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # and no other: some of Pillow's readers start programs


def decode(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """The middle of a picture, its short side resized to `size`: (channels, size, size) uint8.

    The first frame of an animation; turned as its EXIF says; transparency on white; 16 bits scaled to 8. Raises
    whatever Pillow raises for a file it cannot read, and for one of more pixels than Pillow takes for honest.
    """
    with Image.open(path, formats=_FORMATS) as opened:
        if opened.width * opened.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
            raise Image.DecompressionBombError(f"{opened.width} x {opened.height} pixels are too many")
        # A large JPEG is decoded at a fraction of its size, still twice what is needed.
        opened.draft(None, (2 * size, 2 * size))
        image = _plain(ImageOps.exif_transpose(opened))

    # Crop and resize in one pass; Pillow's filters are antialiased.
    side = min(image.width, image.height)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if side != size or image.width != image.height:
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image, np.uint8)  # (S, S) or (S, S, 3)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image) -> Image.Image:
    """The same picture as L or RGB."""
    if image.mode.startswith(("I", "F")):  # 16 bits in one of several guises; Pillow would clip them
        return Image.fromarray((np.asarray(image).clip(0, 65535) / 257).round().astype(np.uint8))
    if image.has_transparency_data:
        grey = image.mode in ("L", "LA", "La")
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("L" if grey else "RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")
