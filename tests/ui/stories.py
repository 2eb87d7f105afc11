"""Stories told to the workbench by its keys, and a way to wait for what its threads find."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot

from tests.ui.feed import ScriptedLauncher, bench_arguments
from workbench.terminal.capability import Terminal
from workbench.ui.app import Workbench

GOLDEN_SCREENS = pytest.mark.parametrize(
    ("name", "size", "terminal"),
    [
        ("120x36", (120, 36), None),
        ("80x24", (80, 24), None),
        ("200x60", (200, 60), None),
        ("ascii", (120, 36), Terminal(unicode=False)),
    ],
)
Story = Callable[[Workbench, Pilot[int]], Awaitable[None]]


def tell(
    story: Story,
    runs_dir: Path,
    size: tuple[int, int] = (120, 36),
    terminal: Terminal | None = None,
    launcher: ScriptedLauncher | None = None,
) -> None:
    """Open the workbench on the list of runs, wait until it is there, and go on with the story."""

    async def run() -> None:
        folder, starts, usual = bench_arguments(runs_dir, launcher)
        bench = Workbench(folder, starts, terminal or usual)
        async with bench.run_test(size=size) as pilot:
            await pilot.press("3")
            await settled(bench, pilot)
            await story(bench, pilot)

    asyncio.run(run())


async def settled(bench: Workbench, pilot: Pilot[int]) -> None:
    """Wait for what threads were asked to find, the details of the run under the cursor included."""
    for _ in range(2):
        await bench.workers.wait_for_complete()
        await pilot.pause()
        view = bench.view
        assert view is not None
        view.tick()
    await bench.workers.wait_for_complete()
    await pilot.pause()
    bench.redraw_bars()
    await pilot.pause()


async def typed(bench: Workbench, pilot: Pilot[int], words: str) -> None:
    """Type into the line that has the focus, all at once."""
    assert bench.focused is not None
    bench.focused.post_message(events.Paste(words))
    await pilot.pause()
