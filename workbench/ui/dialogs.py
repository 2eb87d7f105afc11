"""Questions, and pages to read. A dialog answers its caller and knows nothing of runs."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from rich.markup import escape
from textual import events
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static


class Once:
    """A dialog that closes once, however fast the keys come: those behind the answer are passed over."""

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Close the dialog, if it is still the one in front."""
        screen: Any = self
        if screen.is_attached and screen.app.screen is self:
            closing: AwaitComplete = super().dismiss(result)  # type: ignore[misc]
            return closing
        return AwaitComplete()


class Palette(Once, CommandPalette):
    """Textual's palette."""

    def _action_command_list(self, action: str) -> None:
        with suppress(KeyError):  # a page up in a list that is not laid out yet
            super()._action_command_list(action)


class Choose(Once, ModalScreen[str]):
    """A question with a few answers, each by its key; Esc gives ""."""

    def __init__(self, question: str, answers: Sequence[tuple[str, str, str]]) -> None:
        """`answers`: (key, what it does, what the caller gets)."""
        super().__init__()
        self._question, self._answers = question, [*answers, ("escape", "go back", "")]

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="dialog"):
            yield Static(escape(self._question), classes="question")
            for key, label, _ in self._answers:
                name = {"enter": "Enter", "escape": "Esc"}.get(key, key)
                yield Static(f"[bold $accent]{name:>5}[/]  {escape(label)}")

    def on_key(self, event: events.Key) -> None:
        """Take an answer; no other key does anything here."""
        event.stop()
        for key, _, answer in self._answers:
            if event.key == key or (key == "escape" and event.key == "ctrl+c"):
                self.dismiss(answer)


class Ask(Once, ModalScreen[str | None]):
    """A line of text, checked when it is given; Esc gives None."""

    def __init__(
        self, question: str, value: str = "", check: Callable[[str], str] = lambda text: "", hint: str = ""
    ) -> None:
        """`check` says what is wrong with a line, in a sentence, or nothing."""
        super().__init__()
        self._question, self._value, self._check, self._hint = question, value, check, hint

    def compose(self) -> ComposeResult:
        """The question, the line, and what it is for."""
        with Vertical(classes="dialog"):
            yield Static(escape(self._question), classes="question")
            yield Input(self._value, id="answer")
            yield Static(
                escape(self._hint or "Enter takes it, Esc leaves everything as it was."), id="hint", classes="dim"
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, or say what is wrong with it."""
        event.stop()
        if wrong := self._check(event.value):
            self.query_one("#hint", Static).update(f"[$error]{escape(wrong)}[/] Esc goes back.")
        else:
            self.dismiss(event.value)

    def on_key(self, event: events.Key) -> None:
        """Leave without an answer."""
        if event.key in {"escape", "ctrl+c"}:
            event.stop()
            self.dismiss(None)


def page_width(window: int) -> int:
    """Columns for the text of a page, as workbench.tcss has it, within its frame and beside a scroll bar."""
    return min(96, window * 94 // 100) - 8


class Page(Once, ModalScreen[None]):
    """Something to read; the arrows scroll, any other key closes it."""

    def __init__(self, title: str, text: str) -> None:
        """`text` is markup."""
        super().__init__()
        self._title, self._text = title, text

    def compose(self) -> ComposeResult:
        """The text, as wide as reads well."""
        with VerticalScroll(classes="page") as scroll:
            scroll.border_title = escape(self._title)
            scroll.border_subtitle = (
                "↑ ↓ scroll · Esc close" if getattr(self.app, "unicode", True) else "Up Down scroll - Esc close"
            )
            yield Static(self._text)

    def on_key(self, event: events.Key) -> None:
        """Scroll or leave."""
        scroll = self.query_one(VerticalScroll)
        moves = {
            "down": scroll.scroll_down, "j": scroll.scroll_down, "up": scroll.scroll_up, "k": scroll.scroll_up,
            "pagedown": scroll.scroll_page_down, "space": scroll.scroll_page_down, "pageup": scroll.scroll_page_up,
            "home": scroll.scroll_home, "end": scroll.scroll_end,
        }  # fmt: skip
        event.stop()
        if event.key in moves:
            moves[event.key](animate=False)
        else:
            self.dismiss()
