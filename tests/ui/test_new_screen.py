"""The form on a screen, by its keys: choose, type, step, put right, start."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.command import check_golden
from tests.ui.feed import ScriptedLauncher, bench_arguments
from tests.ui.screen_text import text
from workbench.config import resolve
from workbench.terminal.capability import detect
from workbench.ui.app import Workbench
from workbench.ui.dialogs import Ask, Page
from workbench.ui.new.panel import Gallery, Panel
from workbench.ui.new.preview import Preview, Wanted
from workbench.ui.new.settings import Settings
from workbench.ui.new.view import NewRun

Story = Callable[[Workbench, "Pilot[int]"], Awaitable[None]]


def told(
    story: Story, size: tuple[int, int] = (120, 36), launcher: ScriptedLauncher | None = None,
    ascii_only: bool = False, **start: Any,
) -> None:  # fmt: skip
    """Let a story happen in a workbench whose runs go to ./runs."""

    async def go() -> None:
        runs_dir, hand, terminal = bench_arguments(Path("runs"), launcher)
        if ascii_only:
            terminal = detect({"TERM": "xterm-256color"}, "utf-8", ascii_only=True)
        app = Workbench(runs_dir, hand, terminal, **start)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await story(app, pilot)

    asyncio.run(go())


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder, where runs would go and folders of images are looked for."""
    monkeypatch.chdir(tmp_path)


def form(app: Workbench) -> Any:
    """What the form holds."""
    assert isinstance(app.view, NewRun)
    return app.view.form


async def seen(app: Workbench, pilot: "Pilot[int]") -> None:
    """Wait until the images are shown."""
    for _ in range(200):
        if isinstance(app.screen.query_one(Panel)._content, Preview):
            break
        await pilot.pause(0.01)
    await pilot.pause()


def test_it_opens_ready_to_start() -> None:
    launcher = ScriptedLauncher()

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        assert "s trains vae on digits: 60 epochs, 720 steps; about a minute" in text(app)
        assert "▸● vae" in text(app)
        assert "Variational autoencoder: an autoencoder whose codes" in text(app)
        await pilot.press("s")
        assert launcher.configs == [resolve("vae", {})]
        assert app.view_name == "watch"

    told(story, launcher=launcher)


def test_the_command_line_fills_it() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        assert form(app).config() == resolve("gan", {"dataset": "mnist", "width": "64"})
        assert "*width            64" in text(app)

    told(story, model="gan", given={"dataset": "mnist", "width": "64"})


def test_moving_through_the_lists_chooses() -> None:
    launcher = ScriptedLauncher()

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("up")
        assert form(app).model == "gan"
        assert "a forger and a detective" in text(app)
        await pilot.press("tab", "down", "down")
        assert form(app).dataset == "fashion-mnist"
        assert "downloads fashion-mnist (31 MB) first" in text(app)
        await pilot.press("k", "enter")
        assert isinstance(app.focused, Settings), "Enter goes on to the next pane"
        await pilot.press("M", "k", "s")
        assert launcher.configs == [resolve("ae", {"dataset": "mnist"})]

    told(story, launcher=launcher)


def test_typing_a_value_says_at_once_what_is_wrong() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "j", "enter", *"2s")
        assert "must be a whole number from 4 to 512;" in text(app)
        assert "! width must be a whole number" in text(app), "nor could it be started so"
        assert "Enter takes · Esc leaves" in text(app)
        await pilot.press("enter")
        assert form(app).changed == [], "what is not valid is not taken"
        await pilot.press("backspace", "4")
        assert "must be a whole number" not in text(app)
        assert "--width 24" in text(app), "what starting would do were it taken"
        await pilot.press("enter")
        assert form(app).given == {"width": "24"}
        assert isinstance(app.focused, Settings), "letters are commands again"
        assert "Enter types" in text(app)
        assert "*width          ◂ 24 ▸" in text(app)
        assert "default 32" in text(app)
        await pilot.press("enter", *"99", "escape")
        assert form(app).given == {"width": "24"}
        await pilot.press("enter", *"48", "down")
        assert form(app).given == {"width": "48"}
        assert app.query_one(Settings).field.name == "learning_rate"

    told(story)


def test_leaving_the_line_with_the_mouse_or_for_the_palette_leaves_the_value() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "enter", *"mlp")
        await pilot.click("#images")
        await pilot.pause()
        assert app.query_one(Settings).line is None
        assert form(app).given == {}
        assert app.focused is app.query_one("#images")
        await pilot.press("S", "enter", *"mlp", "ctrl+p")
        await pilot.pause()
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert form(app).given == {}

    told(story)


def test_steps_marks_and_defaults() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "right", "down", "left", "left")
        assert form(app).given == {"network": "mlp", "width": "8"}
        assert "--network mlp --width 8" in text(app)
        await pilot.press("left", "left")
        assert "width must be a whole number from 4 to 512." in text(app).splitlines()[-1]
        await pilot.press("backspace")
        assert form(app).given == {"network": "mlp"}
        await pilot.press("delete")
        assert text(app).endswith("width has its default already.")
        await pilot.press("right", "D")
        assert form(app).given == {}
        await pilot.press("D")
        assert text(app).endswith("Every setting has its default already.")
        await pilot.press("I", "right")
        assert text(app).endswith("S goes to the settings.")

    told(story)


def test_settings_that_do_not_go_together_are_not_started() -> None:
    launcher = ScriptedLauncher()

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        app.query_one(Settings).move(11)
        await pilot.press("S", "right", "j", "right")
        assert form(app).given == {"epochs": "65", "steps": "1000"}
        assert text(app).count("not both") == 3, "below each of the two, and beside the key"
        await pilot.press("s")
        assert launcher.configs == []
        assert "not both" in text(app).splitlines()[-1]
        await pilot.press("k", "backspace", "s")
        assert launcher.configs == [resolve("vae", {"steps": "1000"})]

    told(story, launcher=launcher)


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "my f").mkdir()

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("I", *("down",) * 6)
        assert form(app).dataset == "cifar10", "without a path, the folder is not chosen yet"
        await pilot.press("enter", "x", "enter")
        assert isinstance(app.screen, Ask)
        assert "There is no such folder." in text(app)
        await pilot.press("backspace", *"my", "space", "f", "enter")
        await pilot.pause()
        assert form(app).dataset == "folder:my f"
        assert "--dataset 'folder:my f'" in text(app)
        await pilot.press("up", "down")
        assert form(app).dataset == "folder:my f", "the list remembers it"

    told(story)


def test_the_command_is_copied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(Workbench, "copy_to_clipboard", lambda _, line: copied.append(line))

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "right", "j", "right", "y")
        assert [shlex.split(line) for line in copied] == [shlex.split(" ".join(form(app).command(Path("runs"))))]
        assert copied[0].startswith("genbench --no-ui --model vae --network mlp --width 64")

    told(story, size=(80, 24))


def test_the_page_of_the_model() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("a")
        assert isinstance(app.screen, Page)
        assert "L = −E_{z ~ q(z|x)} [ log p(x|z) ] + β · KL( q(z|x) ‖ p(z) )" in text(app)
        await pilot.press("escape")
        assert len(app.screen_stack) == 1

    told(story)


def test_images_are_shown_beside_the_form_and_large(stripes: list[Wanted]) -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await seen(app, pilot)
        assert "Preview: digits" in text(app)
        assert "0.00 to 1.00, mean 0.25" in text(app)
        await pilot.press("v")
        await seen(app, pilot)
        assert isinstance(app.screen, Gallery)
        assert "1,617 images to train on, 180 held out; 28x28 pixels, grey. 10 classes" in text(app)
        await pilot.press("i")
        assert app.preferences.renderer == "braille"
        app.query_one(Settings).move(5)
        await pilot.press("escape", "S", "right")
        await pilot.pause(0.1)
        await seen(app, pilot)
        assert [wanted.image_size for wanted in stripes] == [None, 32]
        await pilot.press("I", "j", "j")
        await pilot.pause(0.1)
        assert "mnist is not on this machine" in text(app)
        assert "mnist" not in {wanted.dataset for wanted in stripes}, "nothing is downloaded for a look"

    told(story)


def test_pages_are_plain_where_the_terminal_is() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("v")
        await seen(app, pilot)
        assert text(app).isascii()
        await pilot.press("escape", "?")
        assert text(app).isascii()

    told(story, ascii_only=True, size=(120, 50))


def test_a_set_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where the traceback goes

    def broken(*_: Any) -> Preview:
        raise OSError("the disk is gone")

    monkeypatch.setattr("workbench.ui.new.preview.read", broken)

    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        for _ in range(100):
            await pilot.pause(0.01)
            if "disk" in text(app):
                break
        assert "the disk is gone" in text(app)

    told(story)


def test_one_pane_over_the_whole_view() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "z")
        await pilot.pause()
        assert "Models" not in text(app)
        assert "batch_size" in text(app)
        await pilot.press("z")
        await pilot.pause()
        assert "M Models" in text(app)

    told(story, size=(80, 24))


def test_settings_of_a_run_are_opened() -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await app.edit_run("gan", {"dataset": "digits", "steps": "50"})
        await pilot.pause()
        assert form(app).config() == resolve("gan", {"dataset": "digits", "steps": "50"})
        assert isinstance(app.focused, Settings)

    told(story)


@pytest.mark.parametrize(
    ("name", "size", "ascii_only"),
    [("normal", (120, 36), False), ("narrow", (80, 24), False), ("wide", (200, 60), False),
     ("ascii", (120, 36), True), ("narrow-ascii", (80, 24), True), ("card", (60, 16), False)],
)  # fmt: skip
def test_golden_screens(name: str, size: tuple[int, int], ascii_only: bool) -> None:
    async def story(app: Workbench, pilot: "Pilot[int]") -> None:
        await pilot.press("S", "down")
        if app.query_one("#preview").display:
            await seen(app, pilot)
        assert not ascii_only or text(app).isascii()
        check_golden(f"screen-new-{name}", text(app))

    told(story, size=size, ascii_only=ascii_only, given={"width": "64", "latent": "0", "data_dir": "some where"})
