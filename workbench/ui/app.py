"""The workbench: four views and one table of keys. What it does with runs as a whole is in `training.py`."""

import importlib
import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Container
from textual.widgets import Input, TextArea

from workbench.runs.folder import RunFolder
from workbench.terminal.capability import Terminal
from workbench.ui import bars, bindings, themes
from workbench.ui.bindings import TITLES, VIEWS, Command
from workbench.ui.cells import Cells
from workbench.ui.dialogs import Choose
from workbench.ui.garbage import Garbage
from workbench.ui.job import Launcher
from workbench.ui.link import Link
from workbench.ui.marked import Marked
from workbench.ui.preferences import Preferences
from workbench.ui.training import Training
from workbench.ui.view import View

TICK_SECONDS = 0.25
MESSAGE_SECONDS = 12.0
WARM_SECONDS = 0.5  # after the first paint, which importing torch would delay
_CLASSES = {
    "new": "new.view:NewRun", "watch": "watch.view:Watch",
    "runs": "runs.view:Runs", "compare": "compare.view:Compare",
}  # fmt: skip


class Workbench(Training, inherit_bindings=False):
    """The application. Views come into being when they are first shown, so the first one is there at once."""

    CSS_PATH = "workbench.tcss"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (61, "-narrow"), (110, "-normal"), (160, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (17, "-low"), (30, "-high"), (48, "-tall")]  # noqa: RUF012

    def __init__(
        self, runs_dir: Path, launcher: Launcher, terminal: Terminal, model: str = "vae",
        given: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(runs_dir, launcher)
        self.terminal = terminal
        self.set_class(not self.unicode, "-ascii")
        self.model_at_start, self.given_at_start = model, dict(given or {})
        self.preferences = Preferences.read()
        self.marked = Marked()
        self.view_name = "new"
        self._views: dict[str, View] = {}  # those that were shown; looking them up by a query is slow
        self._visited: list[str] = []
        self._message, self._message_bad, self._message_until = "", False, 0.0
        self._garbage = Garbage()
        self.bug: Exception | None = None
        self.link: Link | None = None  # to the terminal, where there is a real one
        self.pixels: type[Any] | None = None  # the widget for real pixels, where the terminal can show them
        for theme in (themes.DARK, themes.LIGHT):
            self.register_theme(theme)
        wanted = self.preferences.theme
        self.theme = wanted if wanted in self.available_themes else themes.first(terminal)

    @property
    def unicode(self) -> bool:
        """Whether the terminal has more than ASCII."""
        return self.terminal.unicode

    @property
    def look(self) -> Any:
        """The theme's colours for cells."""
        return themes.look(self, self.unicode)

    def compose(self) -> ComposeResult:
        """The line above, the views, the card for tiny windows, the line below."""
        yield Cells(id="header")
        yield Container(id="views")
        yield Cells(id="card")
        yield Cells(id="footer")

    async def on_mount(self) -> None:
        """Show the first view, then look for news now and then."""
        from workbench.ui.help import Commands

        type(self).COMMANDS = {Commands}
        await self.show_view("new")
        self.set_interval(TICK_SECONDS, self._tick)
        self.set_timer(WARM_SECONDS, self._warm)
        self.theme_changed_signal.subscribe(self, lambda _: self.redraw_bars())

    def _warm(self) -> None:
        self.launcher.warm()
        self.known.look()

    def on_unmount(self) -> None:
        """Leave the interpreter as it was, and no process that has nothing to do."""
        self._garbage.take_back()
        self.launcher.close()

    # Views.

    async def show_view(self, name: str) -> View:
        """Bring a view to the front, made now if it was never shown."""
        if name != self.view_name or not self._visited:
            self._visited = [*(v for v in self._visited if v != name), name][-len(VIEWS) :]
        self.view_name = name
        for other in self._views.values():
            other.display = other.id == name
        if name not in self._views:
            module, _, cls = _CLASSES[name].partition(":")
            made = getattr(importlib.import_module(f"workbench.ui.{module}"), cls)(id=name)
            await self.query_one("#views").mount(made)
            self._views[name] = made
        elif name == "new" and not self.training:
            self.launcher.warm()
        view = self._views[name]
        view.entered()
        self.redraw_bars()
        return view

    @property
    def view(self) -> View | None:
        """The view that is shown."""
        return self._views.get(self.view_name)

    def _tick(self) -> None:
        if not self.is_running:  # it is ending, and its widgets go first
            return
        if self.view is not None and len(self.screen_stack) == 1:
            self.view.tick()
        self.redraw_bars()
        self._garbage.pass_over_modules()
        if self.link is not None and self.link.is_back():
            self.do_repaint()
        if self.known.found is not None:
            self.known.look()
            if self.view_name == "new" and (news := self.news()):
                self.say(news)
        self.look_after_runs()

    # Keys.

    async def on_event(self, event: events.Event) -> None:
        """Give the command that a key means in this view, before the next key is looked at.

        So a line that a command opens for typing gets all that is typed after it, however fast.
        """
        if isinstance(event, events.Key) and not event.is_forwarded and not self._typing:
            command = self._meant(event)
            if command is not None:
                await self.give(command)
                return
        await super().on_event(event)

    async def on_key(self, event: events.Key) -> None:
        """Of the keys that a line of typing has no use for, a few are commands all the same."""
        command = self._meant(event)
        if command is not None and event.key in {"escape", "tab", "shift+tab", "ctrl+c", "ctrl+p", "ctrl+l"}:
            event.stop()
            event.prevent_default()
            await self.give(command)

    @property
    def _typing(self) -> bool:
        return isinstance(self.focused, Input | TextArea)

    def _meant(self, event: events.Key) -> Command | None:
        if len(self.screen_stack) != 1:
            return None
        letter = event.is_printable and event.character and event.character != " "
        return bindings.find(self.view_name, event.character if letter and event.character else event.key)

    async def give(self, command: Command) -> None:
        """Do what a command says, or say why it cannot be done now."""
        self._message_until = 0.0
        if self.view_name not in command.views:  # another command has changed the view meanwhile
            return
        reason = self.why_not(command)
        if reason:
            self.say(reason)
            return
        handler = getattr(self.view, f"do_{command.id}", None) or getattr(self, f"do_{command.id}")
        result = handler()
        if hasattr(result, "__await__"):
            await result
        self.redraw_bars()

    def why_not(self, command: Command) -> str:
        """Why a command cannot be given now; "" where it can."""
        if command.id == "detach" and not self.at_work and not self.known.live:
            return "Nothing trains that could go on: q leaves."
        return self.view.why_not(command) if self.view is not None else ""

    # The lines above and below.

    def say(self, text: str, bad: bool = False) -> None:
        """A sentence in the last line, until the next key or for a while."""
        self._message, self._message_bad = text, bad
        self._message_until = time.monotonic() + MESSAGE_SECONDS
        self.redraw_bars()

    def redraw_bars(self) -> None:
        """The lines above and below; rows that are as before cost nothing."""
        screen = self.screen_stack[0]
        look, width = self.look, self.size.width
        bar, foot = screen.query_one("#header", Cells), screen.query_one("#footer", Cells)
        status = ", ".join(filter(None, (self.training_status(), self.measuring.status)))
        dot = "● " if self.unicode else "* "
        bar.show([bars.header(self.view_name, dot + status if status else "", width, look)])
        if time.monotonic() < self._message_until:
            foot.show([bars.message(self._message, self._message_bad, width, look)])
        else:
            named = [(c, self.view.in_footer(c) if self.view else c.footer and c.label)
                     for c in bindings.of_view(self.view_name)]  # fmt: skip
            shown = [(c, label, self.why_not(c)) for c, label in named if label]
            foot.show([bars.footer(shown, width, look)])
        card = screen.query_one("#card", Cells)
        if card.display and self.view is not None:
            card.show([[Segment(f" {line}", look.text)] for line in self.view.card()])

    # Runs.

    async def watch_run(self, folder: RunFolder) -> None:
        """Open a run in the Watch view."""
        view = await self.show_view("watch")
        view.open_run(folder)  # type: ignore[attr-defined]

    async def edit_run(self, model: str, given: dict[str, str]) -> None:
        """Open settings in the form."""
        view = await self.show_view("new")
        view.fill(model, given)  # type: ignore[attr-defined]

    # Commands that hold everywhere.

    async def do_view_new(self) -> None:
        """Show the form."""
        await self.show_view("new")

    async def do_view_watch(self) -> None:
        """Show the run; where none is open, the newest that somebody trains."""
        view, live = await self.show_view("watch"), self.known.live
        if live and view.reader is None and view.job is None:  # type: ignore[attr-defined]
            view.open_run(live[0].folder)  # type: ignore[attr-defined]

    async def do_view_runs(self) -> None:
        """Show all runs."""
        await self.show_view("runs")

    async def do_view_compare(self) -> None:
        """Show several runs."""
        await self.show_view("compare")

    async def do_back(self) -> None:
        """The view before this one."""
        if len(self._visited) > 1:
            self._visited.pop()
            await self.show_view(self._visited[-1])

    def do_next_pane(self) -> None:
        """The next widget that takes the focus."""
        self.screen.focus_next()

    def do_previous_pane(self) -> None:
        """The one before."""
        self.screen.focus_previous()

    def do_help(self) -> None:
        """The keys of this view."""
        from workbench.ui.dialogs import Page, page_width
        from workbench.ui.help import page

        pane = self.view.pane_in_focus() if self.view else ""
        text = page(self.view_name, pane, self.unicode, page_width(self.size.width))
        self.push_screen(Page(f"Keys: {TITLES[self.view_name]}", text))

    def do_palette(self) -> None:
        """Every command by name."""
        from workbench.ui.dialogs import Palette

        self.push_screen(Palette(placeholder="A command, or a word of what it does", id="--command-palette"))

    def do_repaint(self) -> None:
        """Draw every cell again."""
        self.refresh(repaint=True, layout=True)

    def do_theme(self) -> None:
        """The next theme."""
        names = [name for name in themes.ORDER if name in self.available_themes]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self.remember(theme=self.theme)
        self.say(f"Theme {self.theme}, {names.index(self.theme) + 1} of {len(names)}; T for the next.")

    def remember(self, **choices: Any) -> None:
        """Keep choices for the next start."""
        for name, value in choices.items():
            setattr(self.preferences, name, value)
        self.preferences.write()

    def do_copy(self) -> None:
        """Hand what the view is about to the terminal's clipboard (OSC 52), and say it in full."""
        text, what = self.view.copied() if self.view else ("", "")
        if not text:
            self.say("There is nothing to copy here yet.")
            return
        self.copy_to_clipboard(text)
        self.say(f"Copied the {what}: {text}")

    def do_measure(self) -> None:
        """Measure what the view is about, one run after the other; asks whether to stop where that goes on."""
        folders = self.view.to_measure() if self.view else []
        names = {folder.name for folder in folders}
        begun = names & self.measuring.names
        if begun:
            self._ask_to_stop_measuring(begun)
            return
        before = len(self.measuring.names)
        self.measuring.add(folders)
        what = f"{len(names)} runs are measured in full, one after the other"
        if len(names) == 1:
            what = f"{folders[0].name} is measured in full" + f", when {before} before it are done" * bool(before)
        self.say(f"{what}; m stops it.")

    def _ask_to_stop_measuring(self, names: Collection[str]) -> None:
        question = f"{len(names)} of these runs are being measured, or wait for it."
        if len(names) == 1:
            question = "".join(f"{name} {self.measuring.word(name)}." for name in names)

        def answered(answer: str | None) -> None:
            if answer == "stop":
                self.measuring.stop(names)

        stop = [("X", "stop that; what was measured before stays", "stop")]
        self.push_screen(Choose(question, stop), answered)

    def do_export(self) -> None:
        """The screen as SVG; views with charts offer those as well."""
        self.export_screen()

    def export_screen(self) -> None:
        """Write what is on the screen as SVG, beside the runs."""
        self.runs_dir.mkdir(parents=True, exist_ok=True)
        path = self.runs_dir / f"screen-{time.strftime('%Y%m%d-%H%M%S')}.svg"
        path.write_text(self.export_screenshot(title="genbench"), encoding="utf-8")
        self.told_path(path)

    def told_path(self, path: Path) -> None:
        """Say where something was written, and put that path into the clipboard."""
        self.copy_to_clipboard(str(path.absolute()))
        self.say(f"Written, and its path copied: {path}")

    # Leaving.

    def _handle_exception(self, error: Exception) -> None:
        """A bug closes the screen without a word on it: `start` says where the traceback is. Runs go on."""
        self._return_code = 1
        self.bug = self.bug or error
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._close_messages_no_wait()
