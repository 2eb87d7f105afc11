"""Moving along the curve, and the pictures that come along."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.ui.feed import ScriptedLauncher
from tests.ui.watching import trained, watching
from workbench import figures
from workbench.figures import Header
from workbench.figures import Panel as Figure
from workbench.ui.preferences import Preferences
from workbench.ui.watch import moments
from workbench.ui.watch.moments import moment_at


@pytest.mark.parametrize(
    ("step", "place"), [(0, None), (59.4, None), (59.6, 0), (60, 0), (119, 0), (120, 1), (500, 1)]
)
def test_the_moment_is_the_newest_at_or_before_the_step(step: float, place: int | None) -> None:
    assert moment_at([60, 120], step) == place


def test_the_cursor_takes_pictures_codes_and_numbers_to_its_moment(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        async with watching(tmp_path, run) as it:
            assert "step 240 · samples/step-000000240.png · seed 0" in it.text
            await it.press("left", "shift+left", "shift+left")
            at = it.view.charts.cursor_step
            assert at is not None
            assert 120 < at < 180
            assert it.view.shown == 120
            places = re.findall(r"(?:step 120|originals above) · 2/4", it.text)
            assert len(places) == 3, "samples, reconstructions and codes"
            assert f"looking back at step {at:,.0f}" in it.text.splitlines()[2]
            assert f"at step {at:,.0f}" in it.text

            run.train(60)  # what comes meanwhile changes none of it
            await it.news()
            assert it.view.shown == 120
            assert "2/5" in it.text

            await it.press("f")
            assert it.view.shown == 300
            assert "looking back" not in it.text

    asyncio.run(story())


def test_from_one_moment_to_the_next(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        async with watching(tmp_path, run) as it:
            shown = []
            for key in (",", ",", ".", ",", ",", ","):
                await it.press(key)
                shown.append(it.view.shown)
            assert shown == [180, 120, 180, 120, 60, 60]
            assert "first pictures of this run" in it.text.splitlines()[-1]
            assert it.view.charts.cursor_step == pytest.approx(60)
            await it.press(".", ".", ".")
            assert it.view.shown == 240
            await it.press(".")
            assert it.view.charts.cursor_step is None
            assert "followed again" in it.text.splitlines()[-1]

    asyncio.run(story())


@pytest.mark.parametrize("axis", ["step", "epoch", "time"])
def test_moments_are_the_same_over_every_axis(axis: str, tmp_path: Path) -> None:
    async def story() -> None:
        Preferences(axis=axis).write()
        run = trained(tmp_path)
        async with watching(tmp_path, run) as it:
            for step in (180, 120, 60):
                await it.press(",")
                assert it.view.shown == step
            await it.press("end")
            assert it.view.shown == 240

    asyncio.run(story())


def test_moments_can_be_gone_through_while_the_curve_is_hidden(tmp_path: Path) -> None:
    Preferences(maximised="samples").write()

    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path)) as it:
            assert "step 180 · 3/4 · samples/step-000000180.png" in await it.press(",")
            await it.press("shift+left", "shift+left")
            assert it.view.shown == 60
            assert "4/4" in await it.press("end")

    asyncio.run(story())


def test_before_the_first_pictures_there_are_none(tmp_path: Path) -> None:
    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path)) as it:
            screen = await it.press("home")
            assert it.view.shown is None
            assert "Nothing so early: the first pictures are of step" in screen

    asyncio.run(story())


def test_large_pictures_are_read_without_holding_up_the_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moments, "_AT_ONCE", 0)

    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path)) as it:
            await it.bench.workers.wait_for_complete()
            assert it.view.shown == 240
            await it.press(",", ",", ",")
            await it.bench.workers.wait_for_complete()
            await it.pilot.pause()
            await it.bench.workers.wait_for_complete()
            await it.pilot.pause()
            assert it.view.shown == 60

    asyncio.run(story())


def test_pictures_that_are_damaged_say_so(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        run.folder.snapshot(180).write_bytes(b"not an archive")
        async with watching(tmp_path, run) as it:
            assert "is damaged" not in it.text
            assert "is damaged" in " ".join((await it.press(",")).split())
            assert "unsafely" not in it.text
            run.folder.metrics_file.write_text("no JSON\n")
            assert "metrics.jsonl is damaged" in await it.news()

    asyncio.run(story())


def test_a_picture_is_named_and_copied_by_its_path(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        async with watching(tmp_path, run, size=(200, 60)) as it:
            await it.press(",", "S", "y")
            path = run.folder.picture("samples", "step-000000180")
            assert it.bench.clipboard == str(path.absolute())
            await it.press("Z", "y")
            assert it.bench.clipboard == str(run.folder.picture("latent", "step-000000180").absolute())
            await it.press("M", "y")
            assert it.bench.clipboard.splitlines()[1].startswith("loss\t")
            await it.press("L", "y")
            assert it.bench.clipboard == "loss at step 180: training 104.444, held-out 107.444 nats per image"
            await it.press("G", "y")
            assert it.bench.clipboard == str(run.folder.log_file.absolute())

    asyncio.run(story())


def test_how_images_are_drawn_is_chosen_by_keys_and_remembered(tmp_path: Path) -> None:
    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path)) as it:
            await it.press("S")
            assert "Images as braille" in await it.press("i")
            one_row = await it.press("g")
            two_rows = await it.press("g")
            assert one_row != two_rows

    asyncio.run(story())
    assert Preferences.read().renderer == "braille"


def test_another_run_is_looked_at_afresh(tmp_path: Path) -> None:
    async def story() -> None:
        first, second = trained(tmp_path), trained(tmp_path, "gan", 60, "second")
        async with watching(tmp_path, first) as it:
            await it.press(",", ",", "+")
            await it.bench.watch_run(second.folder)
            await it.news()
            assert "second" in it.text.splitlines()[1]
            assert it.view.charts.cursor_step is None
            assert it.view.shown == 60
            assert "Reconstructions" not in it.text
            assert "d_loss" in it.text
            assert "cannot encode" in it.why_not("Z")
            await it.bench.watch_run(first.folder)
            assert "Z Latent" in await it.news()

    asyncio.run(story())


def test_a_model_that_is_not_here_any_more_tells_by_its_pictures(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        text = run.folder.config_file.read_text().replace('"name": "vae"', '"name": "gone"')
        run.folder.config_file.write_text(text)
        async with watching(tmp_path, run, size=(200, 60)) as it:
            assert "Z Latent" in it.text
            assert "does not hold" in it.text
            assert "does not hold a valid" in (await it.press("E")).splitlines()[-1]

    asyncio.run(story())


def test_the_chart_is_written_as_it_is_looked_at(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        async with watching(tmp_path, run, launcher=ScriptedLauncher()) as it:
            await it.press("+", "e")
            assert "the chart loss as CSV" in it.text
            await it.press("c")
            (path,) = (run.folder.path / "exports").glob("loss-*.csv")
            assert it.bench.clipboard == str(path.absolute())
            assert path.name in it.text.splitlines()[-1] or str(path)[:60] in it.text.splitlines()[-1]
            lines = path.read_text().splitlines()
            assert lines[0] == "line,step,epoch,seconds,value,low,high"
            steps = [int(line.split(",")[1]) for line in lines[1:]]
            assert min(steps) >= 119, "the second half is in sight"
            assert max(steps) == 240

            await it.press("e", "p")
            await it.bench.workers.wait_for_complete()
            await it.pilot.pause()
            (path,) = (run.folder.path / "exports").glob("*.png")
            assert it.bench.clipboard == str(path.absolute())
            with Image.open(path) as picture:
                assert picture.width > 1000
            await it.press("e", "s")
            await it.pilot.pause()
            assert it.bench.clipboard.endswith(".svg")

    asyncio.run(story())


def test_an_exported_picture_smooths_the_line_and_not_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Figure] = []
    told: list[Header | None] = []
    real = figures.curves

    def curves(panels: Sequence[Figure], header: Header | None) -> Image.Image:
        drawn.extend(panels)
        told.append(header)
        return real(panels, header)

    async def story() -> None:
        async with watching(tmp_path, trained(tmp_path), size=(200, 36)) as it:
            assert "smoothing 0.8" in await it.press("]")
            await it.press("e", "p")
            await it.bench.workers.wait_for_complete()
            assert "not smoothed" in await it.press("[", "[", "[")
            await it.press("e", "p")
            await it.bench.workers.wait_for_complete()

    monkeypatch.setattr(figures, "curves", curves)
    asyncio.run(story())
    (smoothed, held_out), (plain, _) = (panel.series for panel in drawn)
    assert smoothed.recorded == plain.recorded == plain.y[-1]
    assert smoothed.y[-1] > plain.y[-1]
    assert held_out.recorded == held_out.y[-1]
    assert np.array_equal(smoothed.x, plain.x)
    sums = np.array([sum(0.2 * 0.8 ** (at - k) * plain.y[k] for k in range(at + 1)) for at in range(len(plain.y))])
    assert np.allclose(smoothed.y, sums / (1 - 0.8 ** np.arange(1, len(sums) + 1))), "TensorBoard's, no record late"
    assert [header and header.detail for header in told] == [
        "loss, training smoothed by 0.8, numbers as recorded",
        "loss",
    ]


def test_where_nothing_can_be_written_the_screen_says_so(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        (run.folder.path / "exports").write_text("in the way")
        async with watching(tmp_path, run, size=(200, 36)) as it:
            assert "cannot be written (" in (await it.press("e", "c")).splitlines()[-1]

    asyncio.run(story())
