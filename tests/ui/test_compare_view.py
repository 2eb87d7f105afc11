"""Runs side by side on the screen: their own colours, one cursor for all, tables to take along."""

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.command import check_golden
from tests.ui.feed import EPOCH, ScriptedRun
from tests.ui.screen_text import text
from tests.ui.stories import GOLDEN_SCREENS, settled, tell
from workbench.terminal.capability import Terminal
from workbench.ui.app import Workbench
from workbench.ui.compare.view import Compare


def three(runs_dir: Path) -> list[ScriptedRun]:
    """Two runs of one model and one of another, done, with pictures."""
    runs = [
        ScriptedRun(runs_dir, "vae", "20260901-100000-vae-digits"),
        ScriptedRun(runs_dir, "vae", "20260901-110000-vae-digits", beta="4"),
        ScriptedRun(runs_dir, "gan", "20260901-120000-gan-digits"),
    ]
    for run, steps in zip(runs, (240, 180, 120), strict=True):
        run.train(steps)
        run.end("done" if steps == 240 else "stopped")
    return runs


async def compare(bench: Workbench, pilot: Pilot[int], count: int = 3) -> Compare:
    """Mark so many runs by name, oldest first, and compare them."""
    await pilot.press("o", "o", "home", "space")
    for _ in range(count - 1):
        await pilot.press("down", "space")
    await pilot.press("4")
    await settled(bench, pilot)
    assert isinstance(bench.view, Compare)
    return bench.view


@GOLDEN_SCREENS
def test_runs_side_by_side(name: str, size: tuple[int, int], terminal: Terminal | None, tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        shown = text(bench)
        check_golden(f"screen-compare-{name}", shown)
        assert terminal is None or shown.isascii()

    tell(story, tmp_path, size, terminal)


@pytest.mark.parametrize("size", [(120, 36), (80, 24)])
def test_too_few_runs_say_what_to_press(size: tuple[int, int], tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        assert "No runs are marked to be compared." in text(bench)
        await pilot.press("l")
        assert "There is nothing to compare yet" in text(bench)
        await pilot.press("3", "o", "o", "home", "space", "4")
        assert "One run is marked: 20260901-100000-vae-digits" in text(bench)
        await pilot.press("3", "down", "space", "4")
        await settled(bench, pilot)
        assert "D Diff" in text(bench)

    tell(story, tmp_path, size)


def test_a_run_keeps_its_colour_while_others_come_and_go(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        view = await compare(bench, pilot)
        reader = view.members[2].reader
        assert "\u25a0 gan" in text(bench)
        await pilot.press("3", "up", "space", "4")
        await settled(bench, pilot)
        assert [member.number for member in view.members] == [0, 2]
        assert view.members[1].reader is reader, "what was read is not read again"
        assert "\u25a0 gan" in text(bench)
        assert "\u25c6" not in text(bench)

    tell(story, tmp_path)


def test_one_cursor_moves_all_runs_to_a_moment(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        assert "step 240" in text(bench)
        assert "newest" in text(bench)
        await pilot.press("comma")
        await settled(bench, pilot)
        shown = text(bench)
        assert "step 240" not in shown.replace("step 240,", "")
        assert "at the cursor" in shown
        await pilot.press("h", "home")
        await settled(bench, pilot)
        assert "nothing so early" in text(bench)
        await pilot.press("f")
        await settled(bench, pilot)
        assert "newest" in text(bench)
        assert "step 240" in text(bench)

    tell(story, tmp_path, (200, 60))


def test_the_moment_of_an_epoch_is_each_runs_own_step(tmp_path: Path) -> None:
    first, second = ScriptedRun(tmp_path, name="a"), ScriptedRun(tmp_path, name="b", batch_size="256")
    for run in (first, second):
        run.train(240)
        run.end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        view = await compare(bench, pilot, 2)
        view.charts.put_cursor(10 * EPOCH)
        for axis in ("epoch", "time", "step"):
            assert view.charts.looking.axis == axis
            assert view.steps is not None
            assert list(view.steps.values()) == pytest.approx([120, 120], abs=2)
            await pilot.press("x")

    tell(story, tmp_path)


def test_live_runs_go_on_and_those_that_vanish_say_so(tmp_path: Path) -> None:
    runs = three(tmp_path)
    live = ScriptedRun(tmp_path, "vae", "20260901-090000-vae-digits", beta="2")
    live.train(60)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        view = await compare(bench, pilot, 4)
        before = len(view.members[0].reader.traces["loss", "train"])
        live.train(60)
        runs[2].folder.remove()
        await settled(bench, pilot)
        assert len(view.members[0].reader.traces["loss", "train"]) > before
        assert "epoch 10" in text(bench)
        assert "gone" in text(bench)

    tell(story, tmp_path, (200, 60))


def test_held_out_numbers_or_those_of_training(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        view = await compare(bench, pilot)
        assert "loss, held-out" in text(bench)
        await pilot.press("down", "h")
        assert "loss, training" in text(bench)
        assert view.charts.active == 1, "the chart in front stays there"
        assert "training \u00b7 newest" in text(bench), "the table as well"

    tell(story, tmp_path)


def test_panes_by_their_letters_in_a_narrow_window(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        for letter, words in (("M", "d_loss"), ("D", "beta"), ("S", "half blocks"), ("L", "smoothing")):
            await pilot.press(letter)
            await settled(bench, pilot)
            assert words in "\n".join(text(bench).splitlines()[4:])

    tell(story, tmp_path, (80, 24))


def test_a_tiny_window_has_a_card_of_all_runs(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await pilot.press("4")
        await settled(bench, pilot)
        assert "No runs are marked" in text(bench)
        await pilot.press("3")
        await compare(bench, pilot)
        assert "3 runs compared" in text(bench)
        assert "vae beta 4  loss 107.4" in text(bench)

    tell(story, tmp_path, (60, 15))


def test_tables_are_copied_and_written_as_markdown(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        await pilot.press("y")
        assert bench.clipboard.splitlines()[0] == "|  | vae beta 1 | vae beta 4 | gan | unit |"
        await pilot.press("D", "y")
        assert "| beta | 1 | 4 |  |" in bench.clipboard
        await pilot.press("e", "t")
        await settled(bench, pilot)
        (written,) = tmp_path.glob("compare-tables-*.md")
        assert "- vae beta 4: 20260901-110000-vae-digits" in written.read_text(encoding="utf-8")
        assert bench.clipboard == str(written)

    tell(story, tmp_path)


def test_the_chart_in_front_is_written_as_numbers(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        await pilot.press("e", "c")
        (written,) = tmp_path.glob("compare-loss-held-out-*.csv")
        lines = written.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("line,step,epoch")
        assert {line.split(",")[0] for line in lines[1:]} == {"vae beta 1", "vae beta 4"}

    tell(story, tmp_path)


def test_what_does_not_fit_is_named_after_why_nothing_is_best(tmp_path: Path) -> None:
    for beta in range(1, 8):
        run = ScriptedRun(tmp_path, name=f"a-run-with-a-long-name-{beta}", beta=str(beta))
        run.train(60)
        run.end()
    ScriptedRun(tmp_path, name="b-without-pictures").end()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot, 8)
        shown = text(bench)
        assert "other beta: no best loss \u00b7 6 of 8 runs" in shown
        assert "no pictures " in shown
        assert "no pictures yet" not in shown
        await pilot.press("M", "z")
        await settled(bench, pilot)
        assert "of 8 runs" not in text(bench)

    tell(story, tmp_path, (112, 36))


def test_charts_and_table_show_the_same_numbers_and_say_why(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ScriptedRun(tmp_path, name=name).train(60)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot, 2)
        assert "loss, training" in text(bench)
        assert "training \u00b7 few held-out numbers yet" in text(bench)
        await pilot.press("h")
        assert "loss, held-out" in text(bench)
        assert "few held-out" not in text(bench)

    tell(story, tmp_path)
