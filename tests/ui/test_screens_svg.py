"""A handful of whole screens, colours included, held against SVG files under tests/goldens/svg.

After a change that is meant: `GENBENCH_UPDATE_GOLDENS=1 python -m pytest tests/ui/test_screens_svg.py -n 0`, then
look at each file in a browser.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from tests.command import GOLDENS
from tests.ui.feed import ScriptedLauncher, ScriptedRun, bench_arguments
from tests.ui.watching import trained
from workbench.machine import Figures, Machine
from workbench.ui.app import Workbench

Scene = Callable[[Workbench, Any, Path], Coroutine[Any, Any, None]]


async def new_run(bench: Workbench, pilot: Any, runs: Path) -> None:
    """The form, one setting changed."""
    await pilot.press("S", "down", "right")


async def watch(bench: Workbench, pilot: Any, runs: Path) -> None:
    """A VAE under way, the cursor back in its past."""
    await bench.watch_run(trained(runs, steps=150).folder)
    await pilot.press("comma")


async def compare(bench: Workbench, pilot: Any, runs: Path) -> None:
    """Two runs of two settings."""
    for name, latent in (("small", "2"), ("large", "32")):
        run = ScriptedRun(runs, "vae", name, latent=latent)
        run.train(240)
        run.end()
        bench.marked.add(name)
    await bench.show_view("compare")


SCENES: dict[str, tuple[Scene, str, tuple[int, int]]] = {
    "new-run": (new_run, "genbench", (120, 36)),
    "watch": (watch, "genbench", (120, 36)),
    "watch-light-80x24": (watch, "genbench-light", (80, 24)),
    "watch-ansi": (watch, "ansi-dark", (120, 36)),
    "compare": (compare, "genbench", (120, 36)),
}


@pytest.mark.parametrize("name", SCENES)
def test_the_screen_looks_as_it_did(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Machine, "figures", lambda machine: Figures(memory=700_000_000, cores=1.0))
    scene, theme, size = SCENES[name]
    drawn = asyncio.run(picture(scene, theme, size, Path("runs")))
    path = GOLDENS / "svg" / f"{name}.svg"
    if os.environ.get("GENBENCH_UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(drawn, encoding="utf-8")
    if drawn != path.read_text(encoding="utf-8"):
        now = tmp_path / f"{name}.svg"
        now.write_text(drawn, encoding="utf-8")
        pytest.fail(f"{path} shows another screen than {now}: look at both in a browser")


async def picture(scene: Scene, theme: str, size: tuple[int, int], runs: Path) -> str:
    """The screen at the end of a scene."""
    bench = Workbench(*bench_arguments(runs, ScriptedLauncher()))
    bench.theme = theme
    async with bench.run_test(size=size) as pilot:
        await scene(bench, pilot, runs)
        for _ in range(3):
            await bench.workers.wait_for_complete()
            assert bench.view is not None
            bench.view.tick()
            bench.redraw_bars()
            await pilot.pause(0.1)
        return bench.export_screenshot(title="genbench")
