"""The help of a view, and the palette: the binding table as text and as a search."""

from functools import partial
from typing import TYPE_CHECKING, cast

from rich.markup import escape
from textual.command import DiscoveryHit, Hit, Hits, Provider

from workbench.ui.bindings import TITLES, VIEWS, Command, of_view, shown

if TYPE_CHECKING:
    from workbench.ui.app import Workbench


def page(view: str, pane: str, unicode: bool) -> str:
    """The keys of a view as markup, those of the pane in focus first."""
    commands = of_view(view)
    groups: dict[str, list[Command]] = {}
    for command in sorted(commands, key=lambda c: not (pane and c.pane == pane)):  # stable: the table's order stays
        groups.setdefault(command.group, []).append(command)
    parts = [_INTRODUCTION]
    for group, members in groups.items():
        here = " (the pane in focus)" if pane and members[0].pane == pane else ""
        rows = [f"[bold]{escape(group)}[/]{here}"]
        for command in members:
            keys = " ".join(shown(key, unicode) for key in command.keys)
            rows.append(f"  [bold $accent]{escape(keys):<10}[/] {escape(command.help)}")
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


_INTRODUCTION = (
    "Letters and signs act at once; in a line that is being typed they are text, and Esc leaves it. A key that "
    "cannot be used now is dim in the last line, and says why when it is pressed."
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
    """The palette's source: every command of the view that is shown, with its key."""

    @property
    def _bench(self) -> "Workbench":
        return cast("Workbench", self.app)

    async def discover(self) -> Hits:
        """All of them, before anything is typed."""
        for command in of_view(self._bench.view_name):
            yield DiscoveryHit(self._title(command), partial(self._bench.give, command), help=command.help)

    async def search(self, query: str) -> Hits:
        """Those whose name or sentence matches."""
        matcher = self.matcher(query)
        for command in of_view(self._bench.view_name):
            score = max(matcher.match(self._title(command)), matcher.match(command.help) * 0.8)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(self._title(command)),
                    partial(self._bench.give, command),
                    help=command.help,
                )

    def _title(self, command: Command) -> str:
        return f"{command.label[:1].upper()}{command.label[1:]}  ({shown(command.keys[0], self._bench.unicode)})"
