"""Words that fit, numbers that read well, colours that can be told apart."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.figures import Header
from workbench.figures.layout import MARGIN, compose
from workbench.figures.palette import COLOURS, GREY, INK, PAPER, contrast, readable, rgb
from workbench.figures.text import NARROW_SPACE, decimal, fit, font, printable, shorten, tidy, width_of, wrap

# Linear RGB to linear RGB as a dichromat sees it (Machado, Oliveira and Fernandes, 2009, severity 1).
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(colour: str, sight: NDArray[np.float64]) -> NDArray[np.float64]:
    srgb = np.array(rgb(colour)) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(TO_LAB @ np.cbrt(TO_CONES @ np.clip(sight @ linear, 0.0, 1.0)))


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_of_the_ten_colours_can_be_told_apart(sight: str) -> None:
    seen = [oklab(colour, SIGHT[sight]) for colour in COLOURS]
    nearest = min(float(np.linalg.norm(a - b)) for a, b in combinations(seen, 2))
    assert len(COLOURS) == 10
    assert nearest > 0.12, f"two colours are {nearest:.3f} apart in OKLab under {sight}"


def test_colours_stand_out_from_the_paper_and_words_can_be_read_on_it() -> None:
    assert all(contrast(colour) > 1.7 for colour in COLOURS)
    assert all(contrast(readable(colour)) >= 4.5 for colour in (*COLOURS, "#ffffff", PAPER))
    assert contrast(INK) > 12
    assert contrast(GREY) > 4.5
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (94.52, "94.5"),
        (0.002951, "0.00295"),
        (22610.0, f"22{NARROW_SPACE}610"),
        (1800.0, "1800"),
        (0.0, "0"),
        (-0.25, "−0.250"),
        (1.2e9, "1.2×10⁹"),
        (-3.456e-7, "−3.46×10⁻⁷"),
        (float("nan"), "–"),
        (float("inf"), "–"),
    ],
)
def test_tidy_numbers(value: float, words: str) -> None:
    assert tidy(value) == words


def test_no_minus_before_a_zero() -> None:
    assert decimal(-0.004, 2) == "0.00"
    assert decimal(-12345.6, 1) == f"−12{NARROW_SPACE}345.6"


@given(st.text(max_size=120), st.integers(60, 400), st.booleans())
@settings(max_examples=80)
def test_text_never_exceeds_its_width(text: str, width: int, bold: bool) -> None:
    face = font(13, bold)
    lines = wrap(text, face, width)
    assert all(width_of(line, face) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == printable(text).replace(" ", ""), "wrapping loses nothing"
    assert width_of(shorten(text, face, width), face) <= width
    assert width_of(shorten(text, face, width, middle=True), face) <= width


def test_a_shortened_name_keeps_what_tells_it_apart() -> None:
    face = font(13)
    assert shorten("short", face, 200) == "short"
    long = shorten("a class with a very long name indeed, number 17", face, 150, middle=True)
    assert long.startswith("a cl")
    assert "…" in long
    assert long.endswith("number 17")


def test_a_long_title_shrinks_and_then_wraps() -> None:
    face, lines = fit("VAE on digits", 600, (24, 20, 18), bold=True)
    assert (face.size, lines) == (24, ["VAE on digits"])
    face, lines = fit("Variational autoencoder on fashion-mnist", 520, (24, 20, 18), bold=True)
    assert face.size < 24
    assert len(lines) == 1
    face, lines = fit("folder:/data/" + "a_very_long_name/" * 9, 520, (24, 20, 18), bold=True)
    assert face.size == 18
    assert len(lines) > 2
    assert lines[0].endswith(("/", "_")), "a path breaks at its seams"


def test_nothing_is_drawn_into_the_margins() -> None:
    from PIL import Image

    header = Header("VAE on folder:" + "x" * 300, "détail " * 60, "caption " * 90)
    page = np.asarray(compose(Image.new("RGB", (700, 30), INK), header, ["A note."]))
    paper = np.array(rgb(PAPER))
    for edge in (page[:MARGIN], page[-MARGIN + 4 :], page[:, : MARGIN - 2], page[:, -MARGIN + 2 :]):
        assert (edge == paper).all()


def test_control_characters_and_broken_file_names_become_one_printable_line() -> None:
    assert printable("a\nb\tc\x1b[31m") == "a b c [31m"
    assert printable("caf\udce9") == "caf\ufffd"
