"""One file at a time: every mode comes out as what a person sees."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from workbench.data.decode import decode

Bytes = NDArray[np.uint8]


def flat(image: Bytes) -> list[float]:
    """The mean colour."""
    return [round(float(value)) for value in image.mean(axis=(1, 2))]


def near(image: Bytes, colour: tuple[int, ...], by: int = 3) -> bool:
    return all(abs(a - b) <= by for a, b in zip(flat(image), colour, strict=True))


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGB", "png"),
        ("RGBA", "png"),
        ("P", "png"),
        ("CMYK", "jpg"),
        ("YCbCr", "jpg"),
        ("RGB", "webp"),
        ("P", "gif"),
    ],
)
def test_orange_stays_orange(tmp_path: Path, mode: str, suffix: str) -> None:
    Image.new("RGB", (50, 40), (240, 120, 20)).convert(mode).save(tmp_path / f"x.{suffix}")
    assert near(decode(tmp_path / f"x.{suffix}", 16, 3), (240, 120, 20), 6)
    assert near(decode(tmp_path / f"x.{suffix}", 16, 1), (144,), 6)  # its luma


@pytest.mark.parametrize("mode", ["L", "1", "LA", "I;16"])
def test_white_stays_white(tmp_path: Path, mode: str) -> None:
    if mode == "I;16":
        Image.fromarray(np.full((20, 20), 65535, np.uint16)).save(tmp_path / "x.png")
    else:
        Image.new("L", (20, 20), 255).convert(mode).save(tmp_path / "x.png")
    image = decode(tmp_path / "x.png", 8, 1)
    assert image.shape == (1, 8, 8)
    assert image.dtype == np.uint8
    assert flat(image) == [255]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    Image.fromarray(ramp).save(tmp_path / "x.png")
    image = decode(tmp_path / "x.png", 64, 1)[0]
    assert (image[0, 0], image[0, -1]) == (0, 255)
    assert np.abs(image[5].astype(int) - np.linspace(0, 255, 64)).max() <= 1


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("LA", (10, 10), (0, 128)).save(tmp_path / "half.png")
    palette = Image.new("P", (10, 10), 1)
    palette.putpalette([255, 0, 0, 0, 0, 0])
    palette.save(tmp_path / "palette.png", transparency=1)
    palette.save(tmp_path / "palette.gif", transparency=1)
    assert flat(decode(tmp_path / "clear.png", 8, 3)) == [255, 255, 255]
    assert flat(decode(tmp_path / "half.png", 8, 1)) == [127]
    assert flat(decode(tmp_path / "palette.png", 8, 3)) == [255, 255, 255]
    assert flat(decode(tmp_path / "palette.gif", 8, 3)) == [255, 255, 255]


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "x.gif", save_all=True, append_images=frames[1:])
    assert near(decode(tmp_path / "x.gif", 8, 3), (255, 0, 0))


def test_the_middle_is_kept_and_the_camera_turned(tmp_path: Path) -> None:
    image = Image.new("RGB", (90, 30), "black")
    image.paste("red", (30, 0, 45, 30))
    image.paste("blue", (45, 0, 60, 30))
    image.save(tmp_path / "wide.png")
    middle = decode(tmp_path / "wide.png", 10, 3)
    assert near(middle[:, :, 1:4], (255, 0, 0))
    assert near(middle[:, :, 6:9], (0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    image.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = decode(tmp_path / "turned.jpg", 10, 3)
    assert near(turned[:, :4], (255, 0, 0), 8)
    assert near(turned[:, 6:], (0, 0, 255), 8)


@pytest.mark.parametrize("orientation", range(10))
@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_every_way_to_hold_a_camera(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = Image.effect_noise((16, 16), 60).convert("RGB")
    noise.save(tmp_path / f"x.{suffix}", exif=exif, lossless=True)
    with Image.open(tmp_path / f"x.{suffix}") as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(decode(tmp_path / f"x.{suffix}", 16, 3).transpose(1, 2, 0), expected)


def test_a_turned_picture_that_is_cut_short_is_not_half_a_picture(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for suffix in ("png", "jpg", "webp"):
        path = tmp_path / f"x.{suffix}"
        Image.effect_noise((64, 64), 60).convert("RGB").save(path, exif=exif, lossless=True)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(OSError, match=r"truncated|broken|decod"):
            decode(path, 16, 3)


def test_shrinking_does_not_alias(tmp_path: Path) -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (512, 256))
    for name in ("x.png", "x.jpg"):
        Image.fromarray(stripes).save(tmp_path / name)
        image = decode(tmp_path / name, 32, 1)
        assert 120 < image.min() <= image.max() < 136


def photograph(width: int, height: int) -> Image.Image:
    """Noise whose spectrum falls like that of photographs."""
    dice = np.random.Generator(np.random.PCG64(0))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / width) ** 1.2
    layers = [np.fft.irfft2(fall * np.exp(2j * np.pi * dice.random(fall.shape)), s=(height, width)) for _ in "RGB"]
    light = np.mean(layers, axis=0)
    colour = np.stack([0.7 * light + 0.3 * layer for layer in layers], -1)
    return Image.fromarray((128 + 45 * colour / colour.std()).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("width", "height", "size"), [(500, 375, 32), (500, 375, 64), (400, 300, 64), (900, 700, 128)]
)
def test_a_jpeg_is_decoded_at_a_fraction_without_harm(tmp_path: Path, width: int, height: int, size: int) -> None:
    """It is nearer to the whole picture resized by Lanczos than a bilinear filter, torchvision's own, comes."""
    photograph(width, height).save(tmp_path / "x.jpg", quality=85)
    whole = Image.open(tmp_path / "x.jpg").convert("RGB")
    left, side = (width - height) / 2, height
    best, usual = (
        np.asarray(whole.resize((size, size), kind, box=(left, 0, left + side, side)), float)
        for kind in (Image.Resampling.LANCZOS, Image.Resampling.BILINEAR)
    )
    ours = decode(tmp_path / "x.jpg", size, 3).transpose(1, 2, 0)
    assert np.square(ours - best).mean() < np.square(usual - best).mean()


@pytest.mark.parametrize("side", [128, 140, 256, 300, 512, 700, 1100])
def test_the_smallest_fraction_that_leaves_twice_the_size(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (side + 40, side)).save(tmp_path / "x.jpg")
    seen: list[int] = []
    real = Image.Image.resize

    def resize(self: Image.Image, *given: object, **named: object) -> Image.Image:
        seen.append(self.height)
        return real(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Image.Image, "resize", resize)
    decode(tmp_path / "x.jpg", 64, 3)
    fractions = [-(-side // by) for by in (8, 4, 2, 1)]
    assert seen == [next((left for left in fractions if left >= 128), side)]


def test_tiny_and_thin_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1), "red").save(tmp_path / "dot.png")
    Image.new("RGB", (900, 1), "red").save(tmp_path / "line.png")
    for name in ("dot.png", "line.png"):
        assert near(decode(tmp_path / name, 32, 3), (255, 0, 0))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "x.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1500)
    with pytest.raises((Image.DecompressionBombError, Image.DecompressionBombWarning)):
        decode(tmp_path / "x.png", 8, 1)


def test_other_formats_are_not_opened_under_a_picture_s_name(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "EPS")
    (tmp_path / "x.png").write_bytes(buffer.getvalue())
    with pytest.raises(UnidentifiedImageError):
        decode(tmp_path / "x.png", 8, 3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "bmp"])
def test_garbled_bytes_give_a_picture_or_an_exception(tmp_path: Path, suffix: str) -> None:
    dice = random.Random(0)
    Image.effect_noise((40, 40), 60).convert("RGB").save(tmp_path / f"x.{suffix}")
    good = (tmp_path / f"x.{suffix}").read_bytes()
    for _ in range(60):
        content = bytearray(good[: dice.choice([len(good), dice.randrange(len(good))])])
        for _ in range(dice.randrange(1, 20) if content else 0):
            content[dice.randrange(min(len(content), 300))] = dice.randrange(256)
        (tmp_path / f"y.{suffix}").write_bytes(content)
        try:
            image = decode(tmp_path / f"y.{suffix}", 16, 3)
        except Exception:  # noqa: BLE001  what `folder` counts as broken
            continue
        assert image.shape == (3, 16, 16)
