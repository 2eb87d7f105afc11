"""Runs measured from the workbench by a key: the one that is watched or under the cursor, or those compared."""

from pathlib import Path

from textual.pilot import Pilot

from tests.ui.feed import ScriptedLauncher, ScriptedRun
from tests.ui.screen_text import text
from tests.ui.stories import settled, tell
from tests.ui.test_runs_actions import done, last_line
from workbench.ui.app import Workbench


def first_line(bench: Workbench) -> str:
    """What the workbench says it is at."""
    return text(bench).splitlines()[0]


def test_the_run_under_the_cursor_is_measured_and_what_came_of_it_is_said(tmp_path: Path) -> None:
    run, launcher = done(tmp_path, "20261130-120000-mine"), ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("m")
        assert last_line(bench) == "20261130-120000-mine is measured in full; m stops it."
        (job,) = launcher.measurements
        assert job.run.path == run.folder.path
        assert "● measuring mine: generation 40%" in first_line(bench)
        for key in ("u", "D"):
            await pilot.press(key)
            assert last_line(bench) == "20261130-120000-mine is being measured: m stops that."
        job.measured = "mine: 28 numbers measured at step 240."
        job.ended.set()
        bench.look_after_runs()
        await settled(bench, pilot)
        assert last_line(bench) == "mine: 28 numbers measured at step 240."
        assert "measuring" not in first_line(bench)
        await pilot.press("m")
        launcher.measurements[1].error = "mine has no checkpoint."
        launcher.measurements[1].ended.set()
        bench.look_after_runs()
        await settled(bench, pilot)
        assert last_line(bench) == "20261130-120000-mine: mine has no checkpoint."

    tell(story, tmp_path, launcher=launcher)


def test_the_same_key_asks_whether_to_stop(tmp_path: Path) -> None:
    done(tmp_path, "mine")
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("enter")
        await settled(bench, pilot)
        await pilot.press("m", "m")
        await settled(bench, pilot)
        assert "mine is being measured." in text(bench)
        assert "stop that; what was measured before stays" in text(bench)
        await pilot.press("escape")
        assert not launcher.workers[-1].given_up
        await pilot.press("m", "X")
        await settled(bench, pilot)
        assert launcher.workers[-1].given_up
        assert "● measuring mine: stopping" in first_line(bench)
        assert len(launcher.measurements) == 1

    tell(story, tmp_path, launcher=launcher)


def test_a_run_that_waits_is_taken_out_and_the_others_go_on(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        done(tmp_path, name)
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("o", "o", "O", "home")  # by name
        order = [row.name for row in bench.view.table.rows]  # type: ignore[union-attr]
        await pilot.press("m", "down", "m")
        assert last_line(bench) == f"{order[1]} is measured in full, when 1 before it are done; m stops it."
        await pilot.press("down", "m", "up", "D")
        assert last_line(bench) == f"{order[1]} waits to be measured: m stops that."
        await pilot.press("m")
        await settled(bench, pilot)
        assert f"{order[1]} waits to be measured." in text(bench)
        await pilot.press("X")
        assert not launcher.workers[-1].given_up
        assert bench.measuring.names == {order[0], order[2]}
        await pilot.press("up", "m", "X")
        assert launcher.workers[-1].given_up
        launcher.measurements[0].ended.set()
        bench.look_after_runs()
        assert [job.title for job in launcher.measurements] == [order[0], order[2]], "the queue goes on"

    tell(story, tmp_path, launcher=launcher)


def test_a_run_that_trains_is_not_measured(tmp_path: Path) -> None:
    ScriptedRun(tmp_path, name="busy").train(24)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("m")
        assert "busy is being trained by process" in last_line(bench)
        await pilot.press("enter")
        await settled(bench, pilot)
        await pilot.press("m")
        assert "busy is being trained by process" in last_line(bench)

    tell(story, tmp_path)


def test_compared_runs_are_measured_one_after_the_other_where_they_are_not_yet(tmp_path: Path) -> None:
    runs = {name: done(tmp_path, name) for name in ("fast", "whole", "none", "old")}
    runs["fast"].evaluate()
    runs["whole"].evaluate(effort="full")
    runs["old"].evaluate(effort="full")
    runs["old"].train(12)
    runs["old"].end()
    busy, launcher = ScriptedRun(tmp_path, name="trains"), ScriptedLauncher()
    busy.train(24)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        for name in (*runs, "trains"):
            bench.marked.add(name)
        await pilot.press("4")
        await settled(bench, pilot)
        await pilot.press("m")
        assert last_line(bench) == "3 runs are measured in full, one after the other; m stops it."
        assert "vae on digits: training, measuring fast (2 more): generation 40%" in first_line(bench)
        for _ in range(3):
            job = launcher.measurements[-1]
            runs[job.title].evaluate(effort="full")
            job.measured = f"{job.title}: done."
            job.ended.set()
            bench.look_after_runs()
            await settled(bench, pilot)
            assert last_line(bench) == f"{job.title}: done."
        assert [job.title for job in launcher.measurements] == ["fast", "none", "old"]
        await pilot.press("m")
        assert last_line(bench) == "Each of these runs is measured in full already, or still trained."

    tell(story, tmp_path, launcher=launcher)


def test_whoever_leaves_is_asked_and_the_measuring_is_waited_for(tmp_path: Path) -> None:
    for name in ("a", "b"):
        done(tmp_path, name)
    launcher = ScriptedLauncher()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        bench.marked.add("a")
        bench.marked.add("b")
        await pilot.press("4")
        await settled(bench, pilot)
        await pilot.press("m", "q")
        await settled(bench, pilot)
        assert "a is being measured." in text(bench)
        await pilot.press("X")
        assert launcher.workers[-1].given_up
        bench.look_after_runs()
        assert bench.return_code is None, "it is waited for"
        launcher.measurements[0].ended.set()
        bench.look_after_runs()
        assert bench.return_code == 0
        assert len(launcher.measurements) == 1, "nothing is begun any more"

    tell(story, tmp_path, launcher=launcher)


def test_a_run_that_is_watched_shows_what_it_is_worth(tmp_path: Path) -> None:
    run = done(tmp_path, "mine")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("enter")
        await settled(bench, pilot)
        await pilot.press("V")
        assert last_line(bench) == "This run was not measured yet: m does it once it is done."
        assert "V eValuation" not in text(bench)
        run.evaluate()
        await settled(bench, pilot)
        assert "M Metrics │ V eValuation" in text(bench)
        await pilot.press("V")
        await settled(bench, pilot)
        shown = text(bench)
        assert "V eValuation │ M Metrics" in shown
        assert "↑ SSIM" in shown
        assert "0.8000 ±0.0020" in shown
        await pilot.press("y")
        assert last_line(bench).startswith("Copied the table:")
        await pilot.press("pagedown")
        assert "FD-digits" in text(bench)
        assert "fast, at step 240 · averaged weights" in text(bench)
        run.evaluate(notes=("Generation was left out: measuring was cancelled.",))
        await settled(bench, pilot)
        await pilot.press("z")
        await settled(bench, pilot)
        assert "Generation was left out: measuring was cancelled." in text(bench)
        run.folder.evaluation_file.write_text("{", encoding="utf-8")
        await settled(bench, pilot)
        await pilot.press("V")
        assert "evaluation.json" in last_line(bench)

    tell(story, tmp_path)
