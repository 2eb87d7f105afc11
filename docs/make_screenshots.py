"""Take the README's pictures of the workbench: real runs, trained here, on the screens a person sees.

    python docs/make_screenshots.py [NAME ...]      # new-run vae gan compare small; all without a name

The program runs without a terminal, and its cells are drawn to PNG: text in DejaVu Sans Mono, which comes with
matplotlib, block and braille characters as the shapes that they are, so that no font moves them. A few minutes on
two cores, most of them the GAN's.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import matplotlib
from PIL import Image, ImageDraw, ImageFont
from rich.color import Color
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI
from textual.pilot import Pilot

from workbench.terminal.capability import detect
from workbench.ui.app import Workbench
from workbench.ui.trainer import Trainer

PICTURES = Path(__file__).resolve().parent / "pictures"
CELL, SIZE = (10, 20), 16
FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of a braille character, row by row
HALVES = {"▀": (0, 0, 1, 0.5), "▄": (0, 0.5, 1, 1), "█": (0, 0, 1, 1), "▌": (0, 0, 0.5, 1), "▐": (0.5, 0, 1, 1)}
Pairs = list[tuple[str, Style]]


def rgb(colour: Color | None, foreground: bool, ground: tuple[int, int, int]) -> tuple[int, int, int]:
    """A colour as three bytes; the terminal's default is the theme's ground or a light grey."""
    if colour is None or colour.is_default:
        return (208, 208, 208) if foreground else ground
    return tuple(colour.get_truecolor(DIMMED_MONOKAI, foreground))  # type: ignore[return-value]


def draw(rows: list[Pairs], ground: tuple[int, int, int]) -> Image.Image:
    """The cells of a screen as a picture."""
    width, height = CELL
    image = Image.new("RGB", (len(rows[0]) * width, len(rows) * height), ground)
    canvas = ImageDraw.Draw(image)
    fonts = {
        bold: ImageFont.truetype(str(FONTS / f"DejaVuSansMono{'-Bold' * bold}.ttf"), SIZE) for bold in (False, True)
    }
    for y, row in enumerate(rows):
        for x, (character, style) in enumerate(row):
            ink, paper = rgb(style.color, True, ground), rgb(style.bgcolor, False, ground)
            if style.reverse:
                ink, paper = paper, ink
            if style.dim:
                ink = tuple((a + b) // 2 for a, b in zip(ink, paper, strict=True))
            left, top = x * width, y * height
            canvas.rectangle((left, top, left + width - 1, top + height - 1), paper)
            if character in HALVES:
                a, b, c, d = HALVES[character]
                canvas.rectangle(
                    (left + a * width, top + b * height, left + c * width - 1, top + d * height - 1), ink
                )
            elif "\u2800" <= character <= "\u28ff":
                _braille(canvas, ord(character) - 0x2800, left, top, ink)
            elif character.strip():
                canvas.text((left, top), character, ink, fonts[bool(style.bold)])
    return image


def _braille(canvas: ImageDraw.ImageDraw, bits: int, left: int, top: int, ink: tuple[int, ...]) -> None:
    for row, pair in enumerate(DOTS):
        for column, bit in enumerate(pair):
            if bits & bit:
                x, y = left + 1 + column * 5, top + 1 + row * 5
                canvas.rounded_rectangle((x, y, x + 3, y + 3), 1, ink)


def cells(bench: Workbench) -> list[Pairs]:
    """What stands on the screen, a character and its style at a time."""
    found = []
    for strip in bench.screen._compositor.render_strips(bench.size):
        row: Pairs = []
        for segment in strip:
            row += [(character, segment.style or Style()) for character in segment.text]
        found.append(row[: bench.size.width])
    return found


async def shot(bench: Workbench, pilot: Pilot[int], name: str) -> None:
    """Keep the screen as it is now."""
    await pilot.pause(0.6)
    ground = Color.parse(bench.theme_variables["background"][:7]).get_truecolor()
    path = PICTURES / f"{name}.png"
    draw(cells(bench), tuple(ground)).quantize(256).save(path, optimize=True)
    print(path)


async def until(bench: Workbench, pilot: Pilot[int], enough: float) -> None:
    """Wait until the run that trains has done this share of its steps."""
    while True:
        await pilot.pause(1.0)
        job = bench.job
        if job is None or job.error or not job.running:
            raise SystemExit(job.error if job else "nothing trains")
        if job.folder is not None and (state := job.folder.state()).step >= enough * max(state.steps_total, 1):
            return


async def stop(bench: Workbench, pilot: Pilot[int]) -> None:
    """End the run, saved."""
    assert bench.job is not None
    bench.stop_job(bench.job)
    while bench.job.running:
        await pilot.pause(0.2)


async def live(bench: Workbench, pilot: Pilot[int], enough: float, name: str) -> None:
    """Start what the form holds and picture it under way."""
    await pilot.press("s")
    await until(bench, pilot, enough)
    await shot(bench, pilot, name)
    await stop(bench, pilot)


async def new_run(bench: Workbench, pilot: Pilot[int]) -> None:
    """The form as it opens, once its preview is read."""
    await pilot.pause(6.0)
    await shot(bench, pilot, "workbench-new-run")


async def vae(bench: Workbench, pilot: Pilot[int]) -> None:
    """A VAE on digits."""
    await live(bench, pilot, 0.8, "workbench-vae")


async def gan(bench: Workbench, pilot: Pilot[int]) -> None:
    """A GAN on abstract paintings."""
    await live(bench, pilot, 0.3, "workbench-gan")


async def small(bench: Workbench, pilot: Pilot[int]) -> None:
    """A window of 80 by 24."""
    await live(bench, pilot, 0.5, "workbench-80x24")


async def compare(bench: Workbench, pilot: Pilot[int]) -> None:
    """The runs of three sizes of latent space."""
    for latent in ("2", "8", "32"):
        await bench.edit_run("vae", {"dataset": "digits", "latent": latent, "epochs": "20"})
        await pilot.press("s")
        assert bench.job is not None
        while bench.job.running:
            await pilot.pause(0.5)
    await pilot.press("3")
    await pilot.pause(1.0)
    await pilot.press("home", "space", "down", "space", "down", "space", "4")
    await pilot.pause(1.0)
    await shot(bench, pilot, "workbench-compare")


Scene = Callable[[Workbench, Pilot[int]], Awaitable[None]]
SCENES: dict[str, tuple[Scene, str, dict[str, str], tuple[int, int]]] = {
    "new-run": (new_run, "vae", {}, (120, 36)),
    "vae": (vae, "vae", {}, (120, 36)),
    "gan": (gan, "gan", {}, (120, 36)),
    "compare": (compare, "vae", {}, (120, 36)),
    "small": (small, "vae", {}, (80, 24)),
}


async def take(name: str, runs_dir: Path) -> None:
    """One scene from its start to its picture."""
    scene, model, given, size = SCENES[name]
    terminal: Any = detect({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, "utf-8")
    bench = Workbench(runs_dir, Trainer(), terminal, model, given)
    async with bench.run_test(size=size) as pilot:
        await scene(bench, pilot)


def main() -> None:
    """Take the scenes named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCENES))
    names = parser.parse_args().names or list(SCENES)
    PICTURES.mkdir(exist_ok=True)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["GENBENCH_CONFIG_DIR"] = folder
            with contextlib.chdir(folder):
                asyncio.run(take(name, Path("runs")))


if __name__ == "__main__":
    main()
