"""The page that every picture shares: header above, small print below, the same margins and type all around."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from workbench.figures.palette import ACCENT, GREY, INK, PAPER
from workbench.figures.text import fit, font, line_height, width_of, wrap

MARGIN = 40
CONTENT = 1048  # px; eight 32x32 images at four times their size, with gutters
NARROWEST = 560  # px; a page with one small image still has room for its title

_TITLE = (24, 22, 20, 18)
_DETAIL = (15, 14)
_CAPTION = 13
_BAR = (32, 4)  # the accent above the title


@dataclass(frozen=True)
class Header:
    """What a picture says about itself."""

    title: str
    """Model and data set: `VAE on digits`."""
    detail: str
    """Where in the run: `samples at step 1 800, epoch 150 · seed 0 · averaged weights`."""
    caption: str = ""
    """Small print below the picture; wraps to its width."""


def compose(body: Image.Image, header: Header | None, notes: Sequence[str] = ()) -> Image.Image:
    """A page around the body. Without a header, only the body and its notes: a part of a larger page.

    `notes` are what the drawing itself has to say (points left out, say); they precede the caption.
    """
    if header is None:
        return _beneath(body, wrap(" ".join(notes), font(_CAPTION), max(body.width, NARROWEST // 2)))
    inner = max(body.width, NARROWEST)
    title_face, title = fit(header.title, inner, _TITLE, bold=True)
    detail_face, detail = fit(header.detail, inner, _DETAIL)
    caption_face = font(_CAPTION)
    caption = wrap(" ".join([*notes, header.caption]), caption_face, inner)

    top = MARGIN + _BAR[1] + 8
    body_top = top + len(title) * line_height(title_face) + len(detail) * line_height(detail_face) + 22
    caption_top = body_top + body.height + (14 if caption else 0)
    bottom = caption_top + len(caption) * line_height(caption_face)

    page = Image.new("RGB", (inner + 2 * MARGIN, bottom + MARGIN), PAPER)
    draw = ImageDraw.Draw(page)
    draw.rectangle((MARGIN, MARGIN, MARGIN + _BAR[0] - 1, MARGIN + _BAR[1] - 1), fill=ACCENT)
    below_title = paragraph(draw, (MARGIN, top), title, title_face, INK)
    paragraph(draw, (MARGIN, below_title), detail, detail_face, GREY)
    paragraph(draw, (MARGIN, caption_top), caption, caption_face, GREY)
    page.paste(body, (MARGIN, body_top))
    return page


def paragraph(draw: ImageDraw.ImageDraw, at: tuple[int, int], lines: Sequence[str], face: Any, colour: str) -> int:
    """Set lines under one another from the upper left corner `at`; gives the y below them."""
    x, y = at
    for line in lines:
        draw.text((x, y + round(float(face.size) * 1.08)), line, font=face, fill=colour, anchor="ls")
        y += line_height(face)
    return y


def check_images(images: NDArray[np.uint8], dimensions: str, what: str) -> None:
    """Raise ValueError unless the array is uint8 of these dimensions, `N C H W` say, with 1 or 3 channels."""
    names = dimensions.split()
    if images.dtype != np.uint8:
        raise ValueError(f"{what}: pictures are drawn from uint8, got {images.dtype}")
    if images.ndim != len(names):
        raise ValueError(f"{what}: expected the dimensions ({dimensions}), got the shape {images.shape}")
    if images.shape[-3] not in (1, 3):
        raise ValueError(f"{what}: expected 1 or 3 channels, got the shape {images.shape}")
    if 0 in images.shape:
        raise ValueError(f"{what}: there is nothing to draw in the shape {images.shape}")


def _beneath(body: Image.Image, lines: list[str]) -> Image.Image:
    if not lines:
        return body
    face = font(_CAPTION)
    width = max(body.width, *(width_of(line, face) for line in lines))
    page = Image.new("RGB", (width, body.height + 8 + len(lines) * line_height(face)), PAPER)
    page.paste(body, (0, 0))
    paragraph(ImageDraw.Draw(page), (0, body.height + 8), lines, face, GREY)
    return page


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
