"""One table of keys: no key means two things, every command has an answer, every surface says the same."""

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from textual.content import Content

from tests.ui.feed import ScriptedRun, bench_arguments
from tests.ui.screen_text import text
from workbench.ui import bindings
from workbench.ui import help as helping
from workbench.ui.app import Workbench
from workbench.ui.bindings import COMMANDS, VIEWS, of_view, shown
from workbench.ui.dialogs import page_width

REPOSITORY = Path(__file__).parents[2]


@pytest.mark.parametrize("view", VIEWS)
def test_no_key_means_two_things_in_one_view(view: str) -> None:
    counted = Counter(key for command in of_view(view) for key in command.keys)
    assert [key for key, times in counted.items() if times > 1] == []


def test_a_command_means_the_same_wherever_it_is() -> None:
    by_id: dict[str, set[tuple[str, ...]]] = {}
    for command in COMMANDS:
        by_id.setdefault(command.id, set()).add(command.keys)
    assert [name for name, keys in by_id.items() if len(keys) > 1] == []


@pytest.mark.parametrize("view", VIEWS)
def test_every_command_has_an_answer_and_every_answer_a_command(view: str, tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)):
            shown_view = await bench.show_view(view)
            for command in of_view(view):
                assert hasattr(shown_view, f"do_{command.id}") or hasattr(bench, f"do_{command.id}"), command.id
            answers = {name[3:] for name in dir(shown_view) if name.startswith("do_")}
            assert answers <= {command.id for command in of_view(view)}
            ours = {name[3:] for name in dir(bench) if name.startswith("do_")}
            assert ours <= {command.id for command in COMMANDS}

    asyncio.run(story())


@pytest.mark.parametrize("view", VIEWS)
def test_help_and_palette_name_every_command_of_a_view(view: str) -> None:
    page = Content.from_markup(helping.page(view, "", unicode=True)).plain
    for command in of_view(view):
        assert command.help in page
        assert shown(command.keys[0]) in page
    assert "[/]" not in page, "no markup is left"


@pytest.mark.parametrize("view", VIEWS)
def test_help_has_two_columns_however_long_a_key_is_called(view: str) -> None:
    page = Content.from_markup(helping.page(view, "", unicode=False)).plain
    for command in of_view(view):
        assert {line.index(command.help) for line in page.splitlines() if line.endswith(command.help)} == {
            max(len(" ".join(shown(key, False) for key in c.keys)) for c in of_view(view)) + 4
        }


@pytest.mark.parametrize("view", VIEWS)
def test_what_is_too_long_for_a_line_of_the_help_goes_on_below_itself(view: str) -> None:
    page = Content.from_markup(helping.page(view, "", unicode=True, width=page_width(80))).plain
    column = max(len(" ".join(shown(key) for key in c.keys)) for c in of_view(view)) + 4
    rows = page.split("\n\n", 1)[1].splitlines()
    assert max(map(len, rows)) <= page_width(80)
    assert all(row[:2] != "  " or (row[column - 1] == " " and row[column] != " ") for row in rows if row)
    assert " ".join(page.split()).count("Type a value for the setting under the cursor; Enter") == (view == "new")


def test_the_palette_leads_to_what_another_view_does(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("colon")
            await pilot.pause()
            await pilot.press(*"sort by the next")
            await pilot.pause(0.3)
            await pilot.press("enter")
            await pilot.pause(0.3)
            assert bench.view_name == "runs"
            assert bench.preferences.sort == "tags"

    asyncio.run(story())


def test_help_begins_with_the_pane_in_focus() -> None:
    page = Content.from_markup(helping.page("watch", "loss", unicode=True)).plain
    assert page.startswith("Loss (the pane in focus)")
    assert page.index("Charts (the pane in focus)") < page.index("This run")
    for pane in ("samples", "reconstructions", "latent", "metrics", "log"):
        assert helping.page("watch", pane, unicode=True) != helping.page("watch", "", unicode=True)
        assert Content.from_markup(helping.page("watch", pane, unicode=False)).plain.splitlines()[1].isascii()


def test_the_key_page_of_the_docs_is_the_table() -> None:
    page = (REPOSITORY / "docs" / "keys.md").read_text(encoding="utf-8")
    assert page == helping.markdown(), "regenerate with `python docs/make_keys_page.py`"


@pytest.mark.parametrize("view", VIEWS)
def test_the_palette_finds_every_command_and_gives_it(view: str, tmp_path: Path) -> None:
    async def story() -> None:
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await bench.show_view(view)
            provider = helping.Commands(bench.screen)
            hits = [hit async for hit in provider.discover()]
            ids = [cast("partial[Any]", hit.command).args[0].id for hit in hits]
            assert sorted(ids) == sorted({command.id for command in COMMANDS})
            usable = [command.id for command in of_view(view) if not bench.why_not(command)]
            assert ids[: len(usable)] == usable, "what can be done here comes first"
            refused = [command for command in of_view(view) if bench.why_not(command)]
            assert [hit.help for hit in hits[len(hits) - len(refused) :]] == [bench.why_not(c) for c in refused]
            await pilot.press("colon")
            await pilot.pause()
            await pilot.press(*"next theme")
            await pilot.pause(0.3)
            before = bench.theme
            await pilot.press("enter")
            await pilot.pause(0.3)
            assert bench.theme != before

    asyncio.run(story())


def test_the_footer_keeps_what_leads_everywhere_however_narrow(tmp_path: Path) -> None:
    async def story() -> None:
        for width in (62, 80, 120, 200):
            bench = Workbench(*bench_arguments(tmp_path))
            async with bench.run_test(size=(width, 24)):
                last = text(bench).splitlines()[-1]
                assert "? help" in last
                assert "q quit" in last
                assert len(last) <= width

    asyncio.run(story())


def test_a_key_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    async def story() -> None:
        run = ScriptedRun(tmp_path)
        run.train(60)
        run.end()
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await bench.watch_run(run.folder)
            await pilot.press("p")
            last = text(bench).splitlines()[-1]
            assert bench.view is not None
            pause = next(c for c in COMMANDS if c.id == "pause")
            assert bench.view.why_not(pause)
            assert last.strip().startswith(bench.view.why_not(pause)[:40])

    asyncio.run(story())


def test_letters_are_text_in_a_line_that_is_typed(tmp_path: Path) -> None:
    assert bindings.find("runs", "/") is not None

    async def story() -> None:
        ScriptedRun(tmp_path).end()
        bench = Workbench(*bench_arguments(tmp_path))
        async with bench.run_test(size=(120, 36)) as pilot:
            await pilot.press("3", "slash", "q", "1")
            assert bench.view_name == "runs"
            assert bench.is_running

    asyncio.run(story())
