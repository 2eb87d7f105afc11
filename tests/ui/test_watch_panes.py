"""The panes of the Watch view: where they are, how they look in every size, and what the keys do to the charts."""

import asyncio
import re
from pathlib import Path

import pytest

from tests.command import check_golden
from tests.ui.feed import ScriptedLauncher
from tests.ui.watching import trained, watching
from workbench.machine import Figures, Machine
from workbench.ui.preferences import Preferences


@pytest.fixture(autouse=True)
def steady_figures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The same memory and load in every golden, and paths that do not depend on the machine."""
    figures = Figures(memory=812_000_000, cores=1.4, gpu=0.63, gpu_used=5_200_000_000, gpu_total=139_000_000_000)
    monkeypatch.setattr(Machine, "figures", lambda self: figures)
    monkeypatch.chdir(tmp_path)


def golden(name: str, screen: str) -> None:
    check_golden(f"screen-watch-{name}", re.sub(r"\d\d:\d\d:\d\d", "12:34:56", screen))


@pytest.mark.parametrize(
    ("name", "size", "model", "ascii_only"),
    [
        ("120x36", (120, 36), "vae", False),
        ("80x24", (80, 24), "vae", False),
        ("60x16", (60, 16), "vae", False),
        ("200x60", (200, 60), "vae", False),
        ("gan", (120, 36), "gan", False),
        ("ascii", (120, 36), "vae", True),
    ],
)
def test_golden_screens(name: str, size: tuple[int, int], model: str, ascii_only: bool) -> None:
    async def story() -> None:
        run = trained(Path("runs"), model, 184)
        run.folder.log("step 184: Samples are becoming the same picture. Try a larger --batch-size.")
        async with watching(Path("runs"), run, size, ascii_only=ascii_only) as it:
            screen = await it.press("left", "left") if name == "ascii" else await it.news()
            golden(name, screen)
            if ascii_only:
                assert screen.isascii()

    asyncio.run(story())


def test_golden_scrubbing_and_ends() -> None:
    async def story() -> None:
        run = trained(Path("runs"), steps=184)
        run.end("failed", "The device ran out of memory. Try --batch-size 64, or a smaller --width.")
        async with watching(Path("runs"), run) as it:
            golden("scrubbing", await it.press(",", ","))
        async with watching(Path("runs"), run, (80, 24)) as it:
            golden("80x24-failed", await it.press("G"))

    asyncio.run(story())


def test_golden_nothing_to_watch() -> None:
    async def story() -> None:
        launcher = ScriptedLauncher(
            refuse="Runs cannot be written to runs: permission denied. Choose another --runs-dir."
        )
        async with watching(Path("runs"), size=(80, 24), launcher=launcher) as it:
            golden("empty", it.text)
            await it.pilot.press("1", "s")
            golden("refused", await it.news())

    asyncio.run(story())


@pytest.mark.parametrize("size", [(20, 5), (61, 17), (62, 30), (110, 17), (300, 100)])
def test_no_size_is_too_odd(size: tuple[int, int]) -> None:
    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs"), name=f"odd-{size[0]}"), size) as it:
            for keys in (("S",), ("Z", "z"), ("z", "left"), ("i", "g"), ("M", "G", "pageup")):
                await it.press(*keys)

    asyncio.run(story())


def test_a_window_that_shrinks_and_grows_again_shows_the_same() -> None:
    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs"))) as it:
            before = await it.news()
            for size in ((80, 24), (50, 12), (200, 60), (120, 36)):
                await it.pilot.resize_terminal(*size)
                await it.pilot.pause()
            assert await it.news() == before

    asyncio.run(story())


def test_one_pane_at_a_time_where_there_is_no_room_for_more() -> None:
    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs")), (80, 24)) as it:
            assert "L Loss   M Metrics   G Log   S Samples   R Reconstructions   Z Latent" in it.text
            assert it.text.count("╭─") == 1
            assert "╭─ S Samples" in await it.press("S")
            assert "╭─ R Reconstructions" in await it.press("tab")
            assert "╭─ S Samples" in await it.press("shift+tab")
            assert "╭─ G Log" in await it.press("shift+tab")

    asyncio.run(story())


def test_a_pane_over_the_whole_view_and_back() -> None:
    async def story(first: bool) -> None:
        async with watching(Path("runs"), trained(Path("runs"), name=f"run-{first}")) as it:
            if first:
                screen = await it.press("S", "z")
                assert "╭─ S Samples" in screen
                assert "L Loss ─" not in screen
                assert "╭─ Z Latent" in await it.press("Z")
            else:
                assert "╭─ Z Latent" in it.text, "it is remembered"
                assert "L Loss ─" in await it.press("z")

    asyncio.run(story(first=True))
    asyncio.run(story(first=False))
    assert Preferences.read().maximised == ""


def test_a_maximised_pane_that_a_model_has_not_hides_none_of_the_others() -> None:
    Preferences(maximised="latent").write()

    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs"), "gan")) as it:
            assert "L Loss ─" in it.text
            assert "S Samples ─" in it.text

    asyncio.run(story())


def test_keys_change_how_charts_are_looked_at() -> None:
    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs"))) as it:
            charts = it.view.charts
            assert "▸ loss" in it.text
            assert "▸ kl" in await it.press("down")
            await it.press("l")
            assert charts.view_drawn.log
            assert "▸ loss" in await it.press("k")
            assert not charts.view_drawn.log, "a scale is each chart's own"

            await it.press("+", "+")
            assert charts.chart is not None
            low, high = charts.chart.x_limits
            assert (low, high) == pytest.approx((15, 20))
            await it.press("<")
            assert charts.chart.x_limits == pytest.approx((12.5, 17.5))
            assert "held: f follows" in it.text
            await it.press("f")
            assert charts.chart.x_limits == pytest.approx((15, 20))
            await it.press("-", "}")
            assert charts.view_drawn.y_range is not None
            await it.press("a")
            assert charts.view_drawn.y_range is None
            assert charts.view_drawn.x_range is None
            await it.press("x", "]", "]", "[", "b")
            assert "x time" in it.text
            assert "smoothing 0.8" in it.text

    asyncio.run(story())
    kept = Preferences.read()
    assert (kept.axis, kept.smoothing, kept.band) == ("time", 0.8, False)


def test_another_theme_draws_everything_anew() -> None:
    async def story() -> None:
        async with watching(Path("runs"), trained(Path("runs"))) as it:
            before = it.view.charts._rows
            await it.press("T")
            assert it.view.charts._rows != before

    asyncio.run(story())


def test_the_log_is_read_page_by_page() -> None:
    async def story() -> None:
        run = trained(Path("runs"))
        for line in range(14):
            run.folder.log(f"line {line}")
        async with watching(Path("runs"), run) as it:
            assert "line 13" in it.text
            older = await it.press("pageup")
            assert "line 9" in older
            assert "line 13" not in older
            await it.press(*["pageup"] * 5)
            assert "line 0" in it.text
            await it.press(*["pagedown"] * 5)
            assert "line 13" in it.text

    asyncio.run(story())


def test_words_from_files_move_no_cursor() -> None:
    async def story() -> None:
        run = trained(Path("runs"))
        run.folder.log("a bell \a and \x1b[31mred\x1b[0m and a [bold]word[/bold]")
        async with watching(Path("runs"), run) as it:
            assert "\x1b" not in it.text
            assert "[bold]word[/bold]" in it.text

    asyncio.run(story())


def test_keys_that_lead_no_further_say_so_and_leave_the_footer_to_those_that_do(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        async with watching(tmp_path, run) as it:
            assert "followed" in it.why_not("f")
            await it.press("left")
            assert it.why_not("f") == ""
            screen = await it.press("l", *["]"] * 5)
            assert "nats per image, log" in screen
            assert it.why_not("]").endswith("0.99.")
            await it.press(*["["] * 6)
            assert "not smoothed" in it.why_not("[")
            run.end("stopped")
            await it.news()
            last = (await it.press("home")).splitlines()[-1]
            assert "pause" not in last
            assert last.strip().startswith("u resume  E edit & restart")

    asyncio.run(story())


def test_a_maximised_pane_without_pictures_hides_none_of_the_others() -> None:
    Preferences(maximised="samples").write()

    async def story() -> None:
        run = trained(Path("runs"), steps=20, name="short")
        async with watching(Path("runs"), run) as it:
            assert "L Loss ─" not in it.text, "there will be pictures"
            run.end("stopped")
            assert "L Loss ─" in await it.news()
            assert "nothing in this pane" in (await it.press("S", "z")).splitlines()[-1]

    asyncio.run(story())
    assert Preferences.read().maximised == "samples"
