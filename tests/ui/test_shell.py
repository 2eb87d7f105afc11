"""The workbench around its views: choices that are remembered, dialogs, leaving."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from textual.events import Key

from tests.ui.feed import ScriptedLauncher, ScriptedRun, bench_arguments
from tests.ui.screen_text import text
from tests.ui.stories import settled
from workbench.runs import files
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
            await pilot.press("X")
            assert launcher.asked() == ["stop"]
            await pilot.pause(0.3)
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
            assert launcher.asked() == []
            await pilot.press("s", "enter")
            assert launcher.asked() == ["stop"]
            assert len(launcher.jobs) == 1
            launcher.end("stopped")
            await pilot.pause(0.8)
            assert len(launcher.jobs) == 2
            assert bench.view_name == "watch"

    asyncio.run(story())


def test_a_second_run_trains_beside_the_first(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("s", "1", "s", "b")
            await pilot.pause()
            assert [job.running for job in launcher.jobs] == [True, True]
            assert text(bench).splitlines()[0].endswith("● 2 runs train")
            await pilot.press("3")
            await settled(bench, pilot)
            rows = [line for line in text(bench).splitlines() if "training here" in line and "epoch" in line]
            assert len(rows) == 2
            await pilot.press("q")
            assert "2 runs are training." in text(bench)
            await pilot.press("escape")
            launcher.end("done")
            await pilot.pause(0.3)
            assert text(bench).splitlines()[0].endswith("● vae on digits: training")

    asyncio.run(story())


def test_what_trains_is_left_training(tmp_path: Path) -> None:
    async def story(*keys: str) -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("d")
            assert "Nothing trains" in text(bench).splitlines()[-1]
            await pilot.press("s")
            assert "d detach" in text(bench).splitlines()[-1]
            await pilot.press(*keys)
            await pilot.pause()
        assert bench.return_code == 0
        assert launcher.jobs[0].running
        assert launcher.asked() == []
        assert not launcher.workers[0].terminated

    asyncio.run(story("d"))
    asyncio.run(story("q", "d"))


@pytest.mark.parametrize("again", ["a signal", "q", "nothing"])
def test_a_signal_ends_the_runs_first_and_a_second_one_waits_for_nothing(
    again: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.ui.training.STOP_SECONDS", 0.3 if again == "nothing" else 60.0)

    async def story() -> None:
        launcher = ScriptedLauncher()
        bench = Workbench(*bench_arguments(tmp_path, launcher))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("s")
            bench.end_by_signal(15)
            assert launcher.workers[0].terminated
            await pilot.pause(0.1)
            assert bench.is_running
            if again == "a signal":
                bench.end_by_signal(15)
            elif again == "q":
                await pilot.press("q")
            await pilot.pause(0.5)
            assert not bench.is_running
        assert bench.return_value == 128 + 15

    asyncio.run(story())


def test_runs_that_are_there_already_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.ui.app.WARM_SECONDS", 0.01)
    live, cut_off = ScriptedRun(tmp_path, "gan", "live"), ScriptedRun(tmp_path, "vae", "cut-off")
    live.train(24)
    written = json.loads(cut_off.folder.state_file.read_text())
    files.write_json(cut_off.folder.state_file, {**written, "pid_started": 1.0})

    async def news() -> str:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            while bench.known.found is None:
                await pilot.pause(0.02)
            await pilot.pause(0.5)
            told = text(bench).splitlines()[-1]
            assert text(bench).splitlines()[0].endswith("● gan on digits: training")
            await pilot.press("2")
            assert "live" in text(bench).splitlines()[1]
            return told

    told = asyncio.run(news())
    assert "gan on digits is training: 2 opens it. 1 run was interrupted: 3 shows it, u resumes one." in told
    told = asyncio.run(news())
    assert "gan on digits is training: 2 opens it." in told
    assert "interrupted" not in told


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
