"""New run: a model, images and settings are chosen, and one key trains."""

import textwrap
from pathlib import Path
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input

from models.errors import InputError
from workbench.data import catalogue
from workbench.ui.bindings import Command
from workbench.ui.cells import Cells
from workbench.ui.dialogs import Ask, Page
from workbench.ui.new import about, preview, sentences
from workbench.ui.new.form import Form
from workbench.ui.new.lists import FOLDER, Images, Item, Models, images_there_are, models_there_are
from workbench.ui.new.panel import Gallery, Panel
from workbench.ui.new.settings import Line, Settings
from workbench.ui.view import View
from workbench.ui.words import fitted
from workbench.units import dataset_title

PREVIEW_DELAY = 0.4  # seconds that a cursor rests on a set before its images are read
POLL_SECONDS = 0.1  # only while they are


class NewRun(View):
    """The form. It opens on a run that is ready to start."""

    name_in_keys: ClassVar[str] = "new"
    SCOPED_CSS = False
    DEFAULT_CSS = """
    NewRun #choices { width: 1fr; }
    NewRun #settings { width: 62; }
    NewRun #columns { height: 1fr; }
    NewRun #images { height: 2fr; min-height: 3; }
    NewRun #preview { display: none; height: 1fr; }
    NewRun #hint { height: 2; padding: 0 2; }
    NewRun #start { height: 4; }
    NewRun Line { position: absolute; height: 1; background: $background; }
    NewRun .away { display: none !important; }
    .-narrow NewRun #hint { height: 3; }
    .-narrow NewRun #choices { width: 31; }
    .-narrow NewRun #settings { width: 1fr; }
    .-wide NewRun #settings { width: 80; }
    .-high NewRun #preview, .-tall NewRun #preview { display: block; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.reader = preview.Reader()
        self._models: list[Item] = models_there_are()
        self._images: list[Item] = []
        self._folder = ""  # the folder last chosen, as a dataset's name
        self._looked_in: Path | None = None  # where the sets were looked for
        self._last = "models"  # the pane that had the focus last
        self._gallery: Gallery | None = None
        self._delay: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lists at the left, settings at the right, what starting would do below."""
        self._take(self.bench.model_at_start, self.bench.given_at_start)
        with Horizontal(id="columns"):
            with Vertical(id="choices"):
                yield Models("models")
                yield Images("images")
                yield Panel("preview")
            yield Settings("settings")
        yield Cells("hint")
        yield Cells("start", classes="pane")

    def on_mount(self) -> None:
        """Watch the theme, and the reader of images while it reads."""
        self._poll = self.set_interval(POLL_SECONDS, self._look_at_reader, pause=True)
        self.app.theme_changed_signal.subscribe(self, lambda _: self.draw())
        self.query_one(Models).styles.height = len(self._models) + 2
        self.query_one(Images).styles.max_height = len(catalogue.DATASETS) + 3
        self.query_one("#start").border_subtitle = "y copies the line"

    def _take(self, model: str, given: dict[str, str]) -> None:
        self.form = Form(model, given)
        if self.form.dataset.startswith(FOLDER):
            self._folder = self.form.dataset

    def fill(self, model: str, given: dict[str, str]) -> None:
        """Open other settings: those of a run, to change and start anew."""
        self._take(model, given)
        self.screen.set_focus(self.query_one(Settings))
        self._changed()

    def entered(self) -> None:
        """Look which sets are here, and go to where the person was."""
        self._looked_in = None
        self.screen.set_focus(self.pane)
        self._changed()

    @property
    def pane(self) -> Models | Images | Settings:
        """The pane that has the focus, or had it last."""
        focused = self.screen.focused
        if isinstance(focused, Models | Images | Settings) and focused.id:
            self._last = focused.id
        return self.query_one(f"#{self._last}")  # type: ignore[return-value]

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The rows with cursors look different now."""
        self.draw()

    def on_form_pane_resized(self) -> None:
        """Draw for the new size."""
        unicode = self.bench.unicode
        pane = self.query_one(Models)
        words = ("↑ ↓ choose" if unicode else "Up Down choose", "Tab next")
        pane.say(pane.title, fitted(words, pane.size.width - 2, unicode))
        self.draw()

    # Drawing.

    def draw(self) -> None:
        """Show the form in all its panes. Rows that are as before cost nothing."""
        look, form = self.bench.look, self.form
        self.query_one(Models).draw(self._models, form.model, look)
        self.query_one(Images).draw(self._images, form.dataset, look)
        settings = self.query_one(Settings)
        settings.draw(form, look)
        words = ("← → change" if look.unicode else "Left Right change", "Enter types")
        if settings.line is not None:
            words = ("Enter takes", "Esc leaves")
            form = form.with_value(settings.field.name, settings.line.value)
        settings.say(settings.title, fitted(words, settings.size.width - 2, look.unicode))
        if not self.size.width:
            return  # not laid out yet: drawn as soon as it is
        hint, start = self.query_one("#hint", Cells), self.query_one("#start", Cells)
        hint.show(sentences.hint(*self._hint(), hint.size.width, hint.size.height, look))
        rows = sentences.start(form, self.bench.runs_dir, start.size.width, look)
        start.show(rows)
        start.styles.height = len(rows) + 2
        self._show_images()

    def _hint(self) -> tuple[str, str]:
        pane = self.pane
        if isinstance(pane, Settings):
            return sentences.of_setting(pane.field)
        return pane.items[pane.cursor].about

    def _changed(self) -> None:
        """Something in the form is different: draw it, and look at the images when the cursor rests."""
        if self._looked_in != self.form.data_dir:
            self._looked_in = self.form.data_dir
            self._images = images_there_are(self.form, self._folder)
        self.draw()
        if self._delay is not None:
            self._delay.stop()
        self._delay = self.set_timer(PREVIEW_DELAY, self._read_images)

    # Images of the set.

    def _read_images(self) -> None:
        wish = preview.wanted(self.form)
        if wish is not None and (self._gallery is not None or self.query_one("#preview").display):
            self.reader.ask(wish)
            self._poll.resume()

    def _look_at_reader(self) -> None:
        wish = preview.wanted(self.form)
        if wish is None or self.reader.known(wish) is not None:
            self._poll.pause()
        else:
            self.reader.ask(wish)
        self._show_images()

    def _show_images(self) -> None:
        wish = preview.wanted(self.form)
        content = sentences.no_preview(self.form) if wish is None else self.reader.known(wish) or self.reader.stage
        self.query_one("#preview", Panel).present(content)
        if self._gallery is not None:
            self._gallery.present(content)

    # Commands.

    def why_not(self, command: Command) -> str:
        """What is in the way of a command."""
        if command.id == "start":
            return sentences.outlook(self.form) if self.form.problems else ""
        if command.id in {"lower", "raise", "reset"} and not isinstance(self.pane, Settings):
            return "This is for a setting: S goes to the settings."
        if command.id == "reset" and not self.query_one(Settings).field.changed:
            return f"{self.query_one(Settings).field.name} has its default already."
        if command.id == "reset_all" and not self.form.changed:
            return "Every setting has its default already."
        return ""

    async def do_start(self) -> None:
        """Train."""
        try:
            config = self.form.config()
        except InputError as error:  # a folder that was removed meanwhile
            self.bench.say(str(error), bad=True)
            return
        await self.bench.start_run(config)

    def do_about(self) -> None:
        """The page of the model."""
        self.app.push_screen(Page(self.form.model, about.page(self.form.model, self.bench.unicode)))

    def do_preview(self) -> None:
        """The images over the whole window."""
        gallery = self._gallery = Gallery(dataset_title(self.form.dataset))

        def closed(_: None) -> None:
            self._gallery = None
            self._show_images()

        self.app.push_screen(gallery, closed)
        self.call_after_refresh(self._read_images)

    def do_renderer(self) -> None:
        """Draw the images another way."""
        from workbench.ui.pictures import next_renderer

        next_renderer(self.bench)
        self._show_images()

    def do_up(self) -> None:
        """The row above."""
        self._move(-1)

    def do_down(self) -> None:
        """The row below."""
        self._move(1)

    def _move(self, by: int) -> None:
        pane = self.pane
        pane.move(by)
        if isinstance(pane, Models):
            self.form.choose(pane.items[pane.cursor].name)
        elif isinstance(pane, Images) and pane.items[pane.cursor].name != FOLDER:
            self.form.set("dataset", pane.items[pane.cursor].name)
        self._changed()

    async def do_edit(self) -> None:
        """Type a value, or a folder's path; elsewhere there is nothing to type, and the next pane follows."""
        pane = self.pane
        if isinstance(pane, Settings):
            await pane.open()
            self.draw()
        elif isinstance(pane, Images) and pane.items[pane.cursor].label == FOLDER:
            self._ask_folder(self._folder.removeprefix(FOLDER), "")
        else:
            self.screen.focus_next()

    def _ask_folder(self, path: str, wrong: str) -> None:
        def answered(answer: str | None) -> None:
            if answer is None:
                return
            name = FOLDER + answer.strip()
            if self.form.check("dataset", name):
                self._ask_folder(answer, "There is no such folder. Esc goes back.")
                return
            self._folder, self._looked_in = name, None
            self.form.set("dataset", name)
            self._changed()

        self.app.push_screen(
            Ask("The folder with your images; its subfolders are classes.", path, hint=wrong), answered
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what is wrong with what is being typed."""
        self.draw()

    async def on_line_left(self, event: Line.Left) -> None:
        """Take what was typed, if it may be, or leave all as it was."""
        settings = self.query_one(Settings)
        if settings.line is None or (event.text is not None and self.form.check(settings.field.name, event.text)):
            return
        await settings.close()
        if event.text is not None:
            self.form.set(settings.field.name, event.text)
            settings.move(event.move)
        self._changed()

    def do_lower(self) -> None:
        """A smaller number, or the choice before."""
        self._step(False)

    def do_raise(self) -> None:
        """A larger number, or the next choice."""
        self._step(True)

    def _step(self, up: bool) -> None:
        field = self.query_one(Settings).field
        if self.form.step(field.name, up):
            self._changed()
        elif field.setting.kind in {"text", "path"}:
            self.bench.say(f"{field.name} is text: Enter types it.")
        else:
            self.bench.say(f"{field.name} must be {field.setting.allowed()}.")

    def do_reset(self) -> None:
        """The default of the setting under the cursor."""
        self.form.reset(self.query_one(Settings).field.name)
        self._changed()

    def do_reset_all(self) -> None:
        """The defaults of all settings; the model and the images stay."""
        self.form.reset(*self.form.changed)
        self._changed()

    def do_pane_models(self) -> None:
        """Go to the models."""
        self.screen.set_focus(self.query_one(Models))

    def do_pane_images(self) -> None:
        """Go to the images."""
        self.screen.set_focus(self.query_one(Images))

    def do_pane_settings(self) -> None:
        """Go to the settings."""
        self.screen.set_focus(self.query_one(Settings))

    def do_maximise(self) -> None:
        """The pane in focus over the whole view, or all of them again."""
        pane = self.pane
        whole = not self.query(".away")
        for widget in self.query("#columns > *, #choices > *, #hint, #start"):
            widget.set_class(whole and widget is not pane and pane not in widget.walk_children(), "away")

    def card(self) -> list[str]:
        """What would be started, and how."""
        width = max(self.app.size.width - 2, 20)
        lines = sentences.card(self.form, self.bench.runs_dir)
        return [row for line in lines for row in textwrap.wrap(line, width) or [""]]

    def copied(self) -> tuple[str, str]:
        """The command line."""
        return " ".join(self.form.command(self.bench.runs_dir)), "command"
