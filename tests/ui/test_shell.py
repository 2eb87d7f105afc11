"""The workbench around its views: choices that are remembered, dialogs, leaving."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from textual.events import Key

from tests.ui.feed import ScriptedLauncher, bench_arguments
from tests.ui.screen_text import text
from workbench.ui.app import Workbench
from workbench.ui.preferences import Preferences


def test_a_theme_is_remembered(tmp_path: Path) -> None:
    async def choose() -> str:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            assert bench.theme == "genbench"
            await pilot.press("T")
            return bench.theme

    assert asyncio.run(choose()) == "genbench-light"
    assert Workbench(*bench_arguments(tmp_path)).theme == "genbench-light"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"theme": 7, "smoothing": "much", "unknown": 1}'])
def test_damaged_choices_cost_no_more_than_the_defaults(content: str) -> None:
    path = Path(os.environ["GENBENCH_CONFIG_DIR"]) / "workbench.json"
    path.write_text(content, encoding="utf-8")
    assert Preferences.read() == Preferences()


def test_choices_are_plain_json() -> None:
    Preferences(theme="nord", smoothing=0.9).write()
    path = Path(os.environ["GENBENCH_CONFIG_DIR"]) / "workbench.json"
    assert json.loads(path.read_text(encoding="utf-8"))["theme"] == "nord"
    assert Preferences.read() == Preferences(theme="nord", smoothing=0.9)


def test_leaving_asks_while_something_trains_and_stops_it(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("s")
            await pilot.press("q")
            assert "is training" in text(bench)
            await pilot.press("escape")
            assert bench.is_running
            await pilot.press("ctrl+c")
            assert "is training" in text(bench)
            await pilot.press("enter")
            assert launcher.jobs[0].control.stopping
            assert bench.is_running, "the run has not ended yet"
            launcher.end("stopped")
            await pilot.pause(0.6)
        assert bench.return_code == 0

    asyncio.run(story())


def test_leaving_is_immediate_when_nothing_trains(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("q")
        assert bench.return_code == 0

    asyncio.run(story())


def test_a_second_run_waits_until_the_first_is_stopped_and_saved(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("s", "1", "s")
            assert "is training here" in text(bench)
            await pilot.press("escape")
            assert not launcher.jobs[0].control.stopping
            await pilot.press("s", "enter")
            assert launcher.jobs[0].control.stopping
            assert len(launcher.jobs) == 1
            launcher.end("stopped")
            await pilot.pause(0.8)
            assert len(launcher.jobs) == 2
            assert bench.view_name == "watch"

    asyncio.run(story())


@pytest.mark.parametrize(
    "keys", ["? x x", "3 q q", "colon enter enter", "colon pageup pageup", "q escape escape", "S enter 4 0 enter"]
)
def test_keys_that_come_all_at_once_do_no_harm(keys: str, tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            for key in keys.split():  # none waits for the one before, as with a key that repeats
                bench.post_message(Key(key, {"colon": ":"}.get(key, key if len(key) == 1 else None)))
            await pilot.pause(0.5)
            assert bench.is_running or "q" in keys
            assert bench.view_name != "compare"

    asyncio.run(story())


def test_a_run_that_cannot_begin_says_why_and_the_workbench_stays(tmp_path: Path) -> None:
    async def story() -> None:
        sentence = "There is no device 'cuda' here. This machine and this torch have cpu."
        bench = Workbench(*bench_arguments(tmp_path, ScriptedLauncher(refuse=sentence)))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("s")
            await pilot.pause(0.4)
            assert "There is no device 'cuda' here." in text(bench)
            await pilot.press("1")
            assert bench.view_name == "new"

    asyncio.run(story())


def test_the_screen_is_written_as_svg_and_its_path_copied(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(240, 36)):
            bench.export_screen()
            (written,) = tmp_path.glob("screen-*.svg")
            assert bench.clipboard == str(written.absolute())
            assert written.name in text(bench).splitlines()[-1]

    asyncio.run(story())


def test_escape_goes_back_to_the_view_before(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("3", "4", "escape")
            assert bench.view_name == "runs"
            await pilot.press("escape")
            assert bench.view_name == "new"
            await pilot.press("escape")
            assert bench.view_name == "new"

    asyncio.run(story())
