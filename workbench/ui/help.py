"""The help of a view, and the palette: the binding table as text and as a search."""

import re
import textwrap
from functools import partial
from typing import TYPE_CHECKING, cast

from rich.markup import escape
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from workbench.ui.bindings import ABOUT_PANES, COMMANDS, TITLES, VIEWS, Command, of_view, shown
from workbench.ui.words import said

if TYPE_CHECKING:
    from workbench.ui.app import Workbench


def page(view: str, pane: str, unicode: bool, width: int | None = None) -> str:
    """The keys of a view as markup, those of the pane in focus first, in lines of `width` columns."""
    commands = of_view(view)
    groups: dict[str, list[Command]] = {}
    for command in sorted(commands, key=lambda c: pane not in c.pane.split()):  # stable: the table's order stays
        groups.setdefault(command.group, []).append(command)
    typed = {command: " ".join(shown(key, unicode) for key in command.keys) for command in commands}
    longest = max(map(len, typed.values()))
    about = escape(said(ABOUT_PANES.get(f"{view} {pane}", ABOUT_PANES.get(pane, "")), unicode))
    parts = [*([f"[bold]{pane.capitalize()}[/] (the pane in focus)\n  {about}"] if about else []), _INTRODUCTION]
    for group, members in groups.items():
        here = " (the pane in focus)" if pane in members[0].pane.split() else ""
        rows = [f"[bold]{escape(group)}[/]{here}"]
        for command in members:
            keys = typed[command].ljust(longest).replace("[", r"\[")  # `escape` leaves a bare bracket as it is
            words = _folded(command.help, longest + 4, width)
            rows.append(f"  [bold $accent]{keys}[/]  {escape(words)}")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _folded(words: str, indent: int, width: int | None) -> str:
    """A sentence that begins at a column, its further lines at the same one."""
    if width is None:
        return words
    lines = textwrap.wrap(words, max(width - indent, 16), break_on_hyphens=False)
    return ("\n" + " " * indent).join(lines)


_INTRODUCTION = (
    "Letters and signs act at once; in a line that is being typed they are text, and Esc leaves it. A key that "
    "cannot be used now is dim in the last line or left out of it, and says why when it is pressed."
)


def markdown() -> str:
    """docs/keys.md, whole."""
    lines = ["# Keys", "", "Generated from the binding table of the workbench, `workbench/ui/bindings.py`, by "
             "`python docs/make_keys_page.py`; a test holds them equal.", ""]  # fmt: skip
    groups: dict[str, dict[str, Command]] = {}
    for view in VIEWS:
        for command in of_view(view):
            groups.setdefault(f"{command.group}, {_where(command)}", {})[command.id] = command
    for title, commands in groups.items():
        lines += [f"## {title}", "", "| key | does |", "| --- | --- |"]
        for command in commands.values():
            keys = " ".join(f"`{shown(key)}`" for key in command.keys)
            lines.append(f"| {keys} | {command.help} |")
        lines.append("")
    return "\n".join(lines).replace("Everywhere, in every view", "Everywhere")


def _where(command: Command) -> str:
    views = [TITLES[view] for view in command.views]
    return "in every view" if len(views) == len(VIEWS) else "in " + " and ".join(views)


class Commands(Provider):
    """The palette's source: every command, those of this view first, those that cannot be given now last."""

    @property
    def _bench(self) -> "Workbench":
        return cast("Workbench", self.app)

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command, reason in self._all():
            title = self._title(command)
            shown = Content.styled(title, "dim" if reason else "")
            yield DiscoveryHit(shown, partial(self._give, command), title, self._about(command, reason))

    async def search(self, query: str) -> Hits:
        """Those whose title, name or sentence matches."""
        matcher = self.matcher(query)
        for command, reason in self._all():
            title = self._title(command)
            score = max(matcher.match(title), matcher.match(command.label), matcher.match(command.help) * 0.8)
            if score > 0:
                score *= (0.5 if reason else 1.0) * (1.0 if self._here(command) else 0.8)
                help_text = self._about(command, reason)
                yield Hit(score, matcher.highlight(title), partial(self._give, command), title, help_text)

    def _all(self) -> list[tuple[Command, str]]:
        """Every command once, with the reason why it cannot be given."""
        own = of_view(self._bench.view_name)
        found = [(command, self._bench.why_not(command)) for command in own]
        ids = {command.id for command in own}
        others = {command.id: command for command in reversed(COMMANDS) if command.id not in ids}
        usable = [(command, reason) for command, reason in found if not reason]
        elsewhere = [(command, "") for command in reversed(others.values())]
        return [*usable, *elsewhere, *((command, reason) for command, reason in found if reason)]

    def _here(self, command: Command) -> bool:
        return self._bench.view_name in command.views

    async def _give(self, command: Command) -> None:
        """Give a command, in the view that answers it."""
        if not self._here(command):
            await self._bench.show_view(command.views[0])
        await self._bench.give(command)

    def _title(self, command: Command) -> str:
        """What the command does, as far as the first stop of its sentence, and its key."""
        says = f"Go to {command.label}." if command.id.startswith("view_") else command.help
        return f"{re.split('[.:;]', says)[0]}  ({shown(command.keys[0], self._bench.unicode)})"

    def _about(self, command: Command, reason: str) -> str:
        """Why it cannot be done; else where it belongs, and what the footer calls it."""
        where = command.group if self._here(command) else f"{TITLES[command.views[0]]}, {command.group}"
        return reason or f"{where}: {command.label}"
