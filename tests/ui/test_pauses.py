"""What would stop the screen, or what trains beside it: many sizes in a row, and the garbage collector."""

import asyncio
import gc
import sys
from pathlib import Path
from types import ModuleType

import pytest
from textual import events
from textual.geometry import Size

from tests.ui.feed import bench_arguments
from tests.ui.screen_text import text
from workbench.ui.app import Workbench
from workbench.ui.garbage import Garbage


def test_of_many_sizes_in_a_row_the_last_one_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Size] = []

    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            while bench._resting is not None:  # the size at the start
                await pilot.pause(0.05)
            draw = bench._draw_size

            async def counted(event: events.Resize) -> None:
                drawn.append(event.size)
                await draw(event)

            monkeypatch.setattr(bench, "_draw_size", counted)
            for width in range(100, 60, -1):
                size = Size(width, 30)
                bench.post_message(events.Resize(size, size))
                await pilot.pause(0.01)
            await pilot.pause(0.5)
            assert bench.size == Size(61, 30)
            assert len(text(bench).splitlines()) == 30

    asyncio.run(story())
    assert drawn[0] == Size(100, 30), "the first one shows at once"
    assert drawn[-1] == Size(61, 30)
    assert len(drawn) <= 4


def test_the_collector_passes_over_what_modules_brought(monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = Garbage()
    garbage.pass_over_modules()
    try:
        frozen = gc.get_freeze_count()
        assert frozen > 0
        kept: list[list[int]] = [[] for _ in range(1000)]
        garbage.pass_over_modules()
        assert gc.get_freeze_count() <= frozen, "no module was imported meanwhile"
        monkeypatch.setitem(sys.modules, "imported_just_now", ModuleType("imported_just_now"))
        garbage.pass_over_modules()
        assert gc.get_freeze_count() >= frozen + len(kept)
    finally:
        gc.unfreeze()
