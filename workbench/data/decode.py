"""One picture file, whatever its mode, becomes one square of bytes."""

import stat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image
from PIL.Image import Transpose

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")  # and no other: some of Pillow's readers start programs
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT, 3: Transpose.ROTATE_180, 4: Transpose.FLIP_TOP_BOTTOM, 5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270, 7: Transpose.TRANSVERSE, 8: Transpose.ROTATE_90,
}  # fmt: skip


def decode(path: Path, size: int, channels: int) -> NDArray[np.uint8]:
    """The middle of a picture, its short side resized to `size`: (channels, size, size) uint8.

    The first frame of an animation; turned as its EXIF says; transparency on white; 16 bits scaled to 8. Raises
    whatever Pillow raises for a file it cannot read, and for one of more pixels than Pillow takes for honest.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is no regular file")  # opening a pipe would wait for whoever writes to it
    with Image.open(path, formats=_FORMATS) as opened:
        if opened.width * opened.height > (Image.MAX_IMAGE_PIXELS or float("inf")):
            raise Image.DecompressionBombError(f"{opened.width} x {opened.height} pixels are too many")
        # A large JPEG is decoded at an eighth, a quarter or a half, the smallest that leaves twice what is needed:
        # with less, blocks show, and the picture is worse than a bilinear filter of all of it would make it.
        opened.draft(None, (2 * size, 2 * size))
        image = _plain(_upright(opened))

    # Crop and resize in one pass; Pillow's filters are antialiased.
    side = min(image.width, image.height)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if side != size or image.width != image.height:
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    image = image.convert("L" if channels == 1 else "RGB")
    pixels = np.asarray(image, np.uint8)  # (S, S) or (S, S, 3)
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _upright(image: Image.Image) -> Image.Image:
    """The picture as the camera was held. EXIF is a format of its own: its damage says nothing of the pixels."""
    try:
        turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001  anything may be raised for garbled bytes
        return image
    return image.transpose(turn) if turn is not None else image


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
