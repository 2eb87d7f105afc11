"""The contact sheet, and what the package promises as a whole."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.figures import COLUMN, Header, Panel, Series, curves, reconstructions, samples, scatter, summary
from workbench.figures.layout import MARGIN
from workbench.figures.palette import PAPER, rgb
from workbench.figures.sheet import _shares

HEADER = Header("VAE on digits", "summary · done at step 1 800, epoch 150 · seed 0", "A caption.")
SETTINGS = [("model", "vae"), ("latent", "32"), ("data folder", "/home/someone/" + "a_long_folder/" * 6)]
NUMBERS = [
    ("test loss", "94.5", "nats per image"),
    ("test MSE", "0.00295", "mean squared error per pixel in [0, 1]"),
]


def pictures() -> list[tuple[str, Image.Image]]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 1, 28, 28), dtype=np.uint8)
    x = np.arange(1.0, 21.0)
    panel = Panel("Loss", "nats per image", (Series("test", x, 90 + 30 / x),))
    return [
        ("", curves([panel] * 3, None, COLUMN)),
        ("Samples", samples(images, None, width=COLUMN)),
        ("Reconstructions", reconstructions(images[:16], images[:16], None, COLUMN)),
        (
            "Latent",
            scatter(rng.normal(size=(300, 2)), rng.integers(0, 2, 300), "ab", None, ("PC 1", "PC 2"), COLUMN),
        ),
    ]


def find(part: Image.Image, page: Image.Image) -> bool:
    """Whether the part lies somewhere on the page, pixel for pixel."""
    inner, outer = np.asarray(part), np.asarray(page)
    height, width = inner.shape[:2]
    for x in range(outer.shape[1] - width + 1):
        rows = (outer[: outer.shape[0] - height + 1, x : x + width] == inner[0]).all(axis=(1, 2)).nonzero()[0]
        if any(np.array_equal(outer[y : y + height, x : x + width], inner) for y in rows):
            return True
    return False


def test_the_sheet_holds_every_picture_as_it_was_drawn() -> None:
    parts = pictures()
    page = summary(HEADER, parts, SETTINGS, NUMBERS)
    assert page.size[0] < 1500
    assert page.size[1] < 1400
    assert find(parts[1][1], page)
    assert page.tobytes() == summary(HEADER, parts, SETTINGS, NUMBERS).tobytes()
    assert (np.asarray(page)[:, -MARGIN + 2 :] == rgb(PAPER)).all()


def test_a_wide_picture_is_reduced_to_its_column() -> None:
    narrow = summary(HEADER, [("a", Image.new("RGB", (COLUMN, COLUMN)))], SETTINGS, NUMBERS)
    wide = summary(HEADER, [("a", Image.new("RGB", (4 * COLUMN, 4 * COLUMN)))], SETTINGS, NUMBERS)
    assert narrow.size == wide.size


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [([], []), (SETTINGS, []), ([], NUMBERS), ([("a" * 200, "b" * 300)] * 3, [("n" * 99, "v" * 99, "u" * 99)])],
)
@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_sheets_of_little_and_of_long_words(
    settings: list[tuple[str, str]], numbers: list[tuple[str, str, str]], count: int
) -> None:
    grey = [("", Image.new("L", (100 + 50 * i, 80 + 90 * i), 200)) for i in range(count)]
    page = np.asarray(summary(HEADER, grey, settings, numbers))
    assert (page[:, -MARGIN + 2 :] == rgb(PAPER)).all()


def test_pictures_are_shared_between_two_columns_of_like_height() -> None:
    assert _shares([700, 500, 200, 600]) == (0, 1, 0, 1)
    assert _shares([10]) == (0,)
    assert _shares([]) == ()
    assert sum(_shares([5] * 14)) == 7


def test_importing_the_package_imports_neither_matplotlib_nor_torch_and_drawing_never_pyplot() -> None:
    code = (
        "import sys, numpy as np, workbench.figures as f\n"
        "assert not {'matplotlib', 'torch'} & set(sys.modules), 'import'\n"
        "f.curves([f.Panel('', '', (f.Series('a', np.arange(3.0), np.arange(3.0)),))], None)\n"
        "f.scatter(np.zeros((3, 2)), None, (), None, ('a', 'b'))\n"
        "assert not {'matplotlib.pyplot', 'torch'} & set(sys.modules), 'drawing'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_drawing_ignores_and_keeps_the_users_matplotlib_settings() -> None:
    import matplotlib as mpl

    parts = pictures()
    loud: dict[Any, Any] = {
        "lines.linewidth": 9.0,
        "lines.marker": "o",
        "lines.antialiased": False,
        "patch.linewidth": 9.0,
        "figure.facecolor": "red",
        "figure.dpi": 30.0,
        "figure.constrained_layout.use": True,
        "path.sketch": (9.0, 9.0, 9.0),
        "path.snap": True,
        "axes.autolimit_mode": "round_numbers",
        "axes.facecolor": "red",
        "axes.edgecolor": "red",
        "axes.linewidth": 9.0,
        "axes.grid": True,
        "axes.spines.top": False,
        "axes.spines.left": False,
        "grid.color": "red",
        "xtick.top": True,
        "xtick.labelsize": 30.0,
        "ytick.right": True,
        "ytick.minor.visible": True,
        "font.family": ["serif"],
        "font.weight": "bold",
        "text.color": "red",
        "legend.frameon": True,
        "legend.numpoints": 3,
    }
    with mpl.rc_context(loud):
        before = dict(mpl.rcParams)
        again = pictures()
        assert dict(mpl.rcParams) == before
    assert [image.tobytes() for _, image in again] == [image.tobytes() for _, image in parts]


def test_several_threads_may_draw_at_once() -> None:
    alone = [image.tobytes() for _, image in pictures()]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: pictures(), range(3)))
    assert all([image.tobytes() for _, image in drawn] == alone for drawn in together)


def test_pictures_of_every_epoch_are_quick() -> None:
    """Generous bounds, ten times what two busy cores need: they find a return of the slow way, not noise."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (64, 1, 28, 28), dtype=np.uint8)
    points, labels = rng.normal(size=(2000, 2)), rng.integers(0, 10, 2000)
    samples(images, HEADER)
    ways: list[tuple[Callable[[], Image.Image], float]] = [
        (lambda: samples(images, HEADER), 0.3),
        (lambda: scatter(points, labels, [str(i) for i in range(10)], HEADER, ("a", "b")), 1.0),
    ]
    for draw, bound in ways:
        took = []
        for _ in range(2):
            start = time.perf_counter()
            draw()
            took.append(time.perf_counter() - start)
        assert min(took) < bound
