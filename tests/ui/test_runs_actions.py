"""What can be done with the run under the cursor: watch, mark, tag, delete, go on with it, begin again from it."""

import os
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from tests.ui.feed import ScriptedLauncher, ScriptedRun
from tests.ui.screen_text import text
from tests.ui.stories import settled, tell, typed
from workbench.ui.app import Workbench


def done(runs_dir: Path, name: str | None = None, **settings: str) -> ScriptedRun:
    """A run that has done all its 20 epochs."""
    run = ScriptedRun(runs_dir, name=name, **settings)
    run.train(240)
    run.end()
    return run


def last_line(bench: Workbench) -> str:
    """The line in which the workbench speaks."""
    return text(bench).splitlines()[-1].strip()


def test_a_run_is_watched(tmp_path: Path) -> None:
    run = done(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("enter")
        await settled(bench, pilot)
        assert bench.view_name == "watch"
        assert run.folder.name in text(bench)

    tell(story, tmp_path)


def test_at_most_eight_runs_are_marked_and_each_keeps_its_colour(tmp_path: Path) -> None:
    for number in range(9):
        done(tmp_path, f"run-{number}")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("o", "o", "home", "space")
        assert last_line(bench) == "1 run marked. Mark another one, then 4 compares them."
        for _ in range(7):
            await pilot.press("down", "space")
        assert last_line(bench) == "8 runs marked. 4 compares them."
        await pilot.press("down", "space")
        assert "Unmark one first" in last_line(bench)
        assert bench.marked.numbers["run-5"] == 5
        await pilot.press("home", "down", "space", "end", "space")
        assert "run-1" not in bench.marked.numbers
        assert bench.marked.numbers["run-8"] == 1, "the colour that became free"
        assert bench.marked.numbers["run-5"] == 5

    tell(story, tmp_path)


def test_tags_are_given_and_found(tmp_path: Path) -> None:
    run = done(tmp_path, "mine")
    done(tmp_path, "another")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("o", "o", "O", "home", "t")
        await typed(bench, pilot, "paper, good")
        await pilot.press("enter")
        await settled(bench, pilot)
        assert run.folder.tags() == ("paper", "good")
        await pilot.press("slash")
        await typed(bench, pilot, "tag:paper")
        assert "1 of 2 runs" in text(bench)
        await pilot.press("enter", "t")
        await typed(bench, pilot, " what?")
        await pilot.press("enter")
        await settled(bench, pilot)
        assert "cannot be a tag" in text(bench)
        assert bench.screen.query_one(Input).value == " what?", "what was typed stays"
        assert run.folder.tags() == ("paper", "good")

    tell(story, tmp_path)


def test_a_run_is_deleted_by_its_name_alone(tmp_path: Path) -> None:
    run = done(tmp_path, "mine")
    kept = done(tmp_path, "kept")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("o", "o", "O", "home", "space", "D")
        await settled(bench, pilot)
        assert "go for good" in text(bench)
        assert "kB" in text(bench)
        await typed(bench, pilot, "yes")
        await pilot.press("enter")
        assert "That is not 'mine'." in text(bench)
        await pilot.press("escape")
        assert run.folder.path.is_dir()
        await pilot.press("D")
        await settled(bench, pilot)
        await typed(bench, pilot, "mine")
        await pilot.press("enter")
        await settled(bench, pilot)
        assert last_line(bench) == "mine is deleted."
        assert "1 run" in text(bench)
        assert len(bench.marked) == 0

    tell(story, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [kept.folder.name]


def test_a_run_that_is_written_is_neither_deleted_nor_resumed(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, name="busy")
    run.train(24)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        for key in ("D", "u"):
            await pilot.press(key)
            assert f"busy is being trained by process {os.getpid()} on" in last_line(bench)
            assert "Enter watches it" in text(bench)
        assert run.folder.path.is_dir()

    tell(story, tmp_path)


def test_a_run_that_becomes_busy_while_one_types_is_not_deleted(tmp_path: Path) -> None:
    run = done(tmp_path, "mine")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("D")
        await settled(bench, pilot)
        run.folder.lock()
        await typed(bench, pilot, "mine")
        await pilot.press("enter")
        await settled(bench, pilot)
        assert "mine is being written" in last_line(bench)
        assert run.folder.path.is_dir()
        run.folder.unlock()

    tell(story, tmp_path)


def test_a_run_that_trains_here_says_so(tmp_path: Path) -> None:
    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("1", "s", "3")
        await settled(bench, pilot)
        assert "training here" in text(bench)
        await pilot.press("D")
        assert "is being trained here" in last_line(bench)

    tell(story, tmp_path)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path)
    run.train(60)
    run.end("stopped")
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("u")
        await settled(bench, pilot)
        assert bench.view_name == "watch"
        assert [job.title for job in launcher.jobs] == [run.folder.name]
        assert launcher.changes == {}

    tell(story, tmp_path, launcher=launcher)


def test_a_run_that_is_done_is_asked_how_far(tmp_path: Path) -> None:
    done(tmp_path)
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("u")
        assert "has done all its 20 epochs" in text(bench)
        await pilot.press("backspace", "backspace", "9", "enter")
        assert "more than that, to go further" in last_line(bench)
        assert launcher.jobs == []
        await pilot.press("u", "backspace", "backspace", "x", "enter")
        assert "epochs must be a whole number" in last_line(bench)
        await pilot.press("u", "enter")
        assert launcher.changes == {"epochs": 40, "steps": None}

    tell(story, tmp_path, launcher=launcher)


def test_the_settings_of_a_run_start_another_one(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, beta="0.123456789", limit="500", epochs="7")
    run.end("stopped")
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("E")
        await settled(bench, pilot)
        assert bench.view_name == "new"
        await pilot.press("s")
        assert launcher.configs == [run.config]

    tell(story, tmp_path, launcher=launcher)


def test_what_is_wrong_with_a_folder_is_the_reason(tmp_path: Path) -> None:
    run = done(tmp_path)
    run.folder.config_file.write_text('{"format": 7}', encoding="utf-8")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        for key in ("enter", "u", "E"):
            await pilot.press(key)
            assert "has format 7" in last_line(bench)
        assert bench.view_name == "runs"

    tell(story, tmp_path, size=(200, 40))


def test_the_path_of_a_run_is_copied(tmp_path: Path) -> None:
    run = done(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("y")
        assert bench.clipboard == str(run.folder.path.absolute())

    tell(story, tmp_path)
