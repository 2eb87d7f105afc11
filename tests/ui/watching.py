"""The Watch view in tests: opened on a scripted run, and told to look for news at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.ui.feed import ScriptedLauncher, ScriptedRun
from workbench.terminal.capability import detect
from workbench.ui.app import Workbench
from workbench.ui.bindings import find
from workbench.ui.watch.view import Watch

UTF8 = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


class Watching:
    """A workbench that shows the Watch view."""

    def __init__(self, bench: Workbench, pilot: Pilot[Any]) -> None:
        self.bench, self.pilot = bench, pilot

    @property
    def view(self) -> Watch:
        """The view."""
        assert isinstance(self.bench.view, Watch)
        return self.bench.view

    @property
    def text(self) -> str:
        """The screen as characters."""
        from tests.ui.screen_text import text

        return text(self.bench)

    async def press(self, *keys: str) -> str:
        """Press keys; the screen after them."""
        await self.pilot.press(*keys)
        return await self.news()

    async def news(self) -> str:
        """Look for news now; the screen after that."""
        self.view.tick()
        self.bench.redraw_bars()
        await self.pilot.pause()
        return self.text

    def why_not(self, key: str) -> str:
        """Why a key cannot be used."""
        command = find("watch", key)
        assert command is not None
        return self.bench.why_not(command)


@asynccontextmanager
async def watching(
    runs_dir: Path, run: ScriptedRun | None = None, size: tuple[int, int] = (120, 36),
    launcher: ScriptedLauncher | None = None, ascii_only: bool = False,
) -> AsyncIterator[Watching]:  # fmt: skip
    """A workbench on a truecolour terminal of this size that shows `run`, or none."""
    terminal = detect(UTF8, "utf-8", ascii_only)
    bench = Workbench(runs_dir, launcher or ScriptedLauncher(), terminal)
    async with bench.run_test(size=size) as pilot:
        if run is None:
            await bench.show_view("watch")
        else:
            await bench.watch_run(run.folder)
        await pilot.pause()
        yield Watching(bench, pilot)


def trained(runs_dir: Path, model: str = "vae", steps: int = 240, name: str = "first") -> ScriptedRun:
    """A run that has come so far, with pictures every 60 steps."""
    run = ScriptedRun(runs_dir, model, name, batch_size="128")
    run.train(steps)
    return run
