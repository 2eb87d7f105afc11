"""The list of runs on the screen: every state, filter, order, and a cursor that stays on its run."""

import os
import shutil
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.command import check_golden
from tests.ui.feed import ScriptedRun
from tests.ui.screen_text import text
from tests.ui.stories import GOLDEN_SCREENS, settled, tell, typed
from workbench.runs import files, reading
from workbench.terminal.capability import Terminal
from workbench.ui.app import Workbench
from workbench.ui.preferences import Preferences
from workbench.ui.runs.table import RunsTable
from workbench.ui.runs.view import Runs

_HEARD = 1_790_000_000.0  # when the runs of the goldens were last heard of


def names(bench: Workbench) -> list[str]:
    """The runs that are listed, in their order."""
    view = bench.view
    assert isinstance(view, Runs)
    return [row.name for row in view.table.rows]


def under(bench: Workbench) -> str:
    """The run under the cursor."""
    view = bench.view
    assert isinstance(view, Runs)
    assert view.table.row is not None
    return view.table.row.name


def several(runs_dir: Path) -> None:
    """A run in every state a folder can be in."""
    ScriptedRun(runs_dir, "vae", "20260901-100000-vae-digits", beta="2").train(120)
    paused = ScriptedRun(runs_dir, "gan", "20260901-090000-gan-digits")
    paused.train(60)
    paused.status("paused")
    done = ScriptedRun(runs_dir, "vae", "a-name-of-its-own")
    done.train(240)
    done.end()
    done.folder.set_tags(["paper", "good"])
    gone = ScriptedRun(runs_dir, "gan", "20260831-100000-gan-digits", seed="3")
    gone.train(30)
    written = reading.read_json(gone.folder.state_file)
    files.write_json(gone.folder.state_file, {**written, "pid": 2**22 + 1})
    stopped = ScriptedRun(runs_dir, "ae", "20260830-100000-ae-digits")
    stopped.train(130)
    stopped.end("stopped")
    diverged = ScriptedRun(runs_dir, "gan", "20260829-100000-gan-digits", learning_rate="0.5")
    diverged.train(33)
    diverged.end("diverged", "d_loss was not finite at step 33. A smaller --learning-rate may help.")
    failed = ScriptedRun(runs_dir, "ae", "20260828-100000-ae-digits")
    failed.end("failed", "The run could not be written (No space left on device).")
    ScriptedRun(runs_dir, "ae", "20260827-100000-ae-digits").folder.config_file.write_text('{"format": 7}')


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Runs in every state at a time that stands still, below a path as short as a person's."""
    monkeypatch.chdir(tmp_path)
    runs_dir = Path("runs")
    several(runs_dir)
    for path in runs_dir.glob("*/state.json"):
        written = reading.read_json(path)
        writer = {} if written["status"] in {"running", "paused"} else {"pid": 4711, "host": "a-host"}
        files.write_json(path, {**written, **writer, "heartbeat": _HEARD})
        os.utime(path, (_HEARD, _HEARD))
    monkeypatch.setattr("time.time", lambda: _HEARD + 300)
    monkeypatch.setattr("workbench.ui.runs.details.size_of", lambda _: 2_400_000)
    return runs_dir


@GOLDEN_SCREENS
def test_the_list_of_runs(name: str, size: tuple[int, int], terminal: Terminal | None, still: Path) -> None:
    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("down", "down", "space", "down", "down", "space", "down")
        await settled(bench, pilot)
        shown = text(bench)
        check_golden(f"screen-runs-{name}", shown)
        assert terminal is None or shown.isascii()

    tell(story, still, size, terminal)


def test_an_empty_folder_says_what_to_press(tmp_path: Path) -> None:
    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        assert "Press 1 for a new run, then s to start it." in text(bench)
        await pilot.press("enter")
        assert "There is no run under the cursor." in text(bench)
        assert "no runs" in "\n".join(bench.view.card() if bench.view else [])

    tell(story, tmp_path / "nothing")


def test_a_filter_holds_as_it_is_typed(tmp_path: Path) -> None:
    several(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"model:g")
        assert len(names(bench)) == 3
        assert "3 of 8 runs" in text(bench)
        await typed(bench, pilot, "an !paused")
        assert len(names(bench)) == 2
        await typed(bench, pilot, " lr>")
        assert "lacks a value" in text(bench)
        assert len(names(bench)) == 2, "what was understood before stands"
        await pilot.press(*"0.1", "enter")
        assert names(bench) == ["20260829-100000-gan-digits"]
        assert "model:gan !paused lr>0.1" in text(bench)
        await pilot.press("D")
        await settled(bench, pilot)
        assert "Delete" in text(bench), "letters are commands again"
        await pilot.press("escape", "escape")
        assert len(names(bench)) == 8
        assert bench.view_name == "runs"
        assert "8 runs" in text(bench)

    tell(story, tmp_path)


def test_a_run_that_trains_is_found_by_either_word_and_no_column_moves(tmp_path: Path) -> None:
    several(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        heading = text(bench).splitlines()[2]
        for words in ("state:training", "state:running", "state=training"):
            await pilot.press("slash")
            await typed(bench, pilot, words)
            assert names(bench) == ["20260901-100000-vae-digits"]
            assert "\u25cf training" in text(bench)
            await pilot.press("enter")
            assert heading in text(bench)
            await pilot.press("escape")

    tell(story, tmp_path)


def test_a_wrong_filter_says_what_is_possible_and_nothing_matching_says_so(tmp_path: Path) -> None:
    several(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("slash")
        await typed(bench, pilot, "model:v")
        await typed(bench, pilot, "qe")
        assert "There is no model 'vqe'. Did you mean 'vae'?" in text(bench)
        assert len(names(bench)) == 2, "those of model:v"
        await pilot.press("backspace", "backspace")
        await typed(bench, pilot, " nothing-is-called-so")
        assert "No run matches this filter. Esc clears it." in text(bench)
        await pilot.press("escape")
        assert len(names(bench)) == 8

    tell(story, tmp_path)


def test_the_order_is_remembered_and_the_cursor_stays_on_its_run(tmp_path: Path) -> None:
    several(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("end")
        run = under(bench)
        await pilot.press("o", "o")  # tags, and round to the name
        assert names(bench) == sorted(names(bench))
        assert under(bench) == run
        assert "run \u25b4" in text(bench)
        await pilot.press("O")
        assert names(bench) == sorted(names(bench), reverse=True)
        assert under(bench) == run

    tell(story, tmp_path)
    assert (Preferences.read().sort, Preferences.read().reverse) == ("run", True)


def test_live_runs_come_first_and_stand_still(tmp_path: Path) -> None:
    first, second = (ScriptedRun(tmp_path, name=name) for name in ("20260901-100000-a", "20260901-110000-b"))
    ScriptedRun(tmp_path, name="20260901-120000-c").end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        for run in (first, second, first):
            run.train(2)
            look(bench)
            await settled(bench, pilot)
            assert names(bench) == ["20260901-110000-b", "20260901-100000-a", "20260901-120000-c"]

    tell(story, tmp_path)


def look(bench: Workbench) -> None:
    """As after two seconds."""
    assert isinstance(bench.view, Runs)
    bench.view.look_again()


def test_runs_that_come_go_and_change_leave_the_cursor_where_it_is(tmp_path: Path) -> None:
    old = ScriptedRun(tmp_path, name="20260901-100000-old")
    old.end()
    kept = ScriptedRun(tmp_path, name="20260901-110000-kept")
    kept.train(24)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        assert under(bench) == kept.folder.name
        ScriptedRun(tmp_path, name="20260901-120000-new")
        look(bench)
        await settled(bench, pilot)
        assert names(bench)[0] == "20260901-120000-new"
        assert under(bench) == kept.folder.name
        kept.end("failed", "The disk is full.")
        old.folder.remove()
        look(bench)
        await settled(bench, pilot)
        assert len(names(bench)) == 2
        assert under(bench) == kept.folder.name
        assert "\u2717 failed" in text(bench)
        assert "The disk is full." in text(bench)

    tell(story, tmp_path)


def test_three_hundred_runs(tmp_path: Path) -> None:
    for first, model in enumerate(("vae", "gan", "ae")):
        one = ScriptedRun(tmp_path, model, name=f"run-{first:03}")
        one.end()
        for number in range(first + 3, 300, 3):
            shutil.copytree(one.folder.path, tmp_path / f"run-{number:03}")

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        assert "300 runs" in text(bench)
        await pilot.press("o", "o", "end")
        assert under(bench) == "run-299"
        assert "run-299" in text(bench)
        assert "run-000" not in text(bench)
        await pilot.press("pageup", "up")
        assert int(under(bench).removeprefix("run-")) in range(270, 290)
        await pilot.press("home")
        assert "run-000" in text(bench)
        await pilot.press("slash")
        await typed(bench, pilot, "model:gan")
        assert "100 of 300 runs" in text(bench)

    tell(story, tmp_path)


def test_the_mouse_moves_the_cursor_too(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        ScriptedRun(tmp_path, name=name).end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("o", "o", "home")
        await pilot.click(RunsTable, offset=(10, 4))  # below the frame and the heading
        assert under(bench) == "c"
        await pilot.press("slash", "up", "up")
        assert under(bench) == "a", "as do the arrows while one types"

    tell(story, tmp_path)


def test_the_details_say_what_was_changed_and_what_came_of_it(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, beta="4")
    run.train(60)
    run.end()
    written = reading.read_json(run.folder.state_file)
    files.write_json(run.folder.state_file, {**written, "notes": ["step 40: the codes do nothing (KL 0.01)."]})

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        shown = text(bench)
        assert "beta    4 (1)" in shown
        assert "step 40: the codes do nothing" in shown
        assert "nats per image" in shown
        assert " in " + str(run.folder.path)[:20] in shown
        await pilot.press("z")
        assert "key number" in text(bench), "the list alone"
        await pilot.press("z", "tab", "z")
        assert "key number" not in text(bench), "the details alone"
        assert "samples at step 60" in text(bench)
        await pilot.press("i", "escape")
        assert "key number" in text(bench)
        assert bench.preferences.renderer == "braille"

    tell(story, tmp_path)


def test_a_narrow_window_shows_the_details_by_themselves(tmp_path: Path) -> None:
    ScriptedRun(tmp_path, beta="4").end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        assert "beta" not in text(bench)
        await pilot.press("z")
        await settled(bench, pilot)
        assert "beta    4 (1)" in text(bench)

    tell(story, tmp_path, (80, 24))


def test_a_tiny_window_has_a_card(tmp_path: Path) -> None:
    run = ScriptedRun(tmp_path, name="mine")
    run.train(60)
    run.end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        shown = text(bench)
        assert "mine" in shown
        assert "\u2713 done" in shown
        assert "loss" in shown
        await pilot.press("space")
        assert "1 run marked" in text(bench), "keys work"

    tell(story, tmp_path, (60, 15))
