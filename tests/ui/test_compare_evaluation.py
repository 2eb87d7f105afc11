"""What runs were found to be worth, side by side: the table, what is best in it, and the pictures beside it."""

from pathlib import Path

from textual.pilot import Pilot

from tests.command import check_golden
from tests.ui.feed import ScriptedRun
from tests.ui.screen_text import text
from tests.ui.stories import GOLDEN_SCREENS, settled, tell
from tests.ui.test_compare_numbers import members
from tests.ui.test_compare_view import compare, three
from workbench.terminal.capability import Terminal
from workbench.ui.app import Workbench
from workbench.ui.compare.evaluated import evaluation_table


def two(runs_dir: Path) -> list[ScriptedRun]:
    """Two runs of one model, done."""
    runs = [ScriptedRun(runs_dir, "vae", name, beta=beta) for name, beta in (("a", "1"), ("b", "4"))]
    for run in runs:
        run.train(120)
        run.end()
    return runs


def test_rows_stand_in_groups_and_the_best_differs_by_more_than_chance(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.evaluate(fd=20.0, ssim=0.80)
    second.evaluate(fd=20.5, ssim=0.90)
    table = evaluation_table(members(first, second))
    assert [(row.group, row.name, row.sign) for row in table.rows] == [
        ("reconstruction", "SSIM", "↑"), ("latent", "Active units", ""), ("generation", "FD-digits, prior", "↓"),
    ]  # fmt: skip
    assert [set(row.best) for row in table.rows] == [{1}, set(), set()]


def test_numbers_of_other_protocols_are_not_compared_and_say_so(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.evaluate(fd=20.0)
    second.evaluate(fd=90.0, images=90)
    table = evaluation_table(members(first, second))
    assert [(row.sign, set(row.best)) for row in table.rows if row.name != "Active units"] == [("≠", set())] * 2
    assert "≠ other protocol" in table.note


def test_runs_without_an_evaluation_and_those_trained_on_since_are_named(tmp_path: Path) -> None:
    first, second = two(tmp_path)
    first.evaluate()
    first.train(60)
    table = evaluation_table(members(first, second))
    assert table.note == "not evaluated: b, trained on since: a"
    assert table.feet == (
        "a: averaged weights · step 120 · the prior, N(0, I)", "b: not evaluated yet: m measures it",
    )  # fmt: skip


@GOLDEN_SCREENS
def test_evaluated_runs(name: str, size: tuple[int, int], terminal: Terminal | None, tmp_path: Path) -> None:
    for index, run in enumerate(three(tmp_path)):
        run.evaluate(fd=20.0 + 9 * index, ssim=0.8 + index / 10)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        await pilot.press("R", "V")
        await settled(bench, pilot)
        shown = text(bench)
        check_golden(f"screen-compare-evaluated-{name}", shown)
        assert terminal is None or shown.isascii()

    tell(story, tmp_path, size, terminal)


def test_an_evaluation_comes_while_runs_are_compared(tmp_path: Path) -> None:
    runs = two(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot, 2)
        assert "M Metrics │ V eValuation" in text(bench)
        await pilot.press("V")
        assert "Not evaluated yet: m measures these runs." in text(bench)
        await pilot.press("L", "M")
        runs[0].evaluate()
        await settled(bench, pilot)
        assert "M Metrics │ V eValuation" in text(bench), "nothing moves from under a person's eyes"
        await pilot.press("V")
        shown = text(bench)
        assert "V eValuation │ M Metrics" in shown
        assert "0.8000 ±0.0020" in shown
        assert "not evaluated: b" in shown
        runs[1].folder.evaluation_file.write_text("{")
        await settled(bench, pilot)
        await pilot.press("z")
        await settled(bench, pilot)
        assert "it is not JSON" in text(bench)

    tell(story, tmp_path)


def test_pictures_share_a_place_and_letters_turn_to_them(tmp_path: Path) -> None:
    three(tmp_path)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        view = await compare(bench, pilot)
        for letter, title, others in (
            ("R", "R Reconstructions │ S Samples │ Z Latent", ("originals",)),
            ("Z", "Z Latent │ S Samples │ R Reconstructions", ("Projected by PCA",)),
        ):
            await pilot.press(letter)
            await settled(bench, pilot)
            assert title in text(bench)
            assert all(words in text(bench) for words in others)
            assert "┤" in text(bench), "curves stay beside them"
        assert [grid.member.label for grid in view.beside[2].arranged() if grid.member] == [
            "vae beta 1",
            "vae beta 4",
        ]
        await pilot.press("D", "tab")
        assert view.front is view.charts
        assert "Z Latent │" in text(bench)

    tell(story, tmp_path)


def test_models_that_encode_nothing_have_no_such_panes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        ScriptedRun(tmp_path, "gan", name).train(60)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot, 2)
        assert "Reconstructions" not in text(bench)
        await pilot.press("R")
        assert "None of these models can rebuild an image" in text(bench)
        await pilot.press("Z")
        assert "None of these models can encode an image" in text(bench)

    tell(story, tmp_path)


def test_rows_that_do_not_fit_are_paged(tmp_path: Path) -> None:
    for run in three(tmp_path):
        run.evaluate()

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot)
        await pilot.press("V")
        assert "below: PgDn" in text(bench)
        await pilot.press("pagedown", "pagedown")
        shown = text(bench)
        assert "above: PgUp" in shown
        assert "gan: averaged weights" in shown
        await pilot.press("pageup", "pageup")
        assert "below: PgDn" in text(bench)

    tell(story, tmp_path, (120, 30))


def test_the_written_tables_begin_with_the_evaluation(tmp_path: Path) -> None:
    for run, fd in zip(two(tmp_path), (20.0, 30.0), strict=True):
        run.evaluate(fd=fd)

    async def story(bench: Workbench, pilot: Pilot[int]) -> None:
        await compare(bench, pilot, 2)
        await pilot.press("e", "t")
        await settled(bench, pilot)
        (written,) = tmp_path.glob("compare-tables-*.md")
        lines = written.read_text(encoding="utf-8").splitlines()
        assert "| *generation* |  |  |" in lines
        assert "| FD-digits, prior ↓ | **20.00 ±1.0** | 30.00 ±1.0 |" in lines
        assert "- a: averaged weights · step 120 · the prior, N(0, I)" in lines
        assert "| beta | 1 | 4 |" in lines

    tell(story, tmp_path)
