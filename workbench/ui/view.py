"""What the four views have in common."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.containers import Container

from workbench.runs.folder import RunFolder
from workbench.ui.bindings import Command

if TYPE_CHECKING:
    from workbench.ui.app import Workbench


class View(Container):
    """One of the views. It answers commands by methods `do_<id>` and looks for news while it is shown."""

    name_in_keys: ClassVar[str] = ""  # one of bindings.VIEWS

    @property
    def bench(self) -> "Workbench":
        """The application."""
        return cast("Workbench", self.app)

    def tick(self) -> None:
        """Look for news, a few times a second while the view is shown."""

    def entered(self) -> None:
        """The view is shown now: look for news at once and put the focus where it belongs."""

    def why_not(self, command: Command) -> str:
        """Why a command cannot be given now, in a sentence for a person; "" where it can."""
        return ""

    def in_footer(self, command: Command) -> str:
        """What the footer calls a command now; "" where it leaves it out."""
        idle = command.id == "detach" and not self.bench.training
        return command.label if command.footer and not idle else ""

    def card(self) -> list[str]:
        """The lines that matter most, for a window too small for the view."""
        return []

    def pane_in_focus(self) -> str:
        """The pane that has the focus, as `Command.pane` calls it."""
        focused = self.screen.focused
        return getattr(focused, "name_in_keys", "") if focused is not None and self in focused.ancestors else ""

    def to_measure(self) -> list[RunFolder]:
        """The runs that the view is about, those there is a reason to measure."""
        return []

    def copied(self) -> tuple[str, str]:
        """What `copy` takes from here, and what that is in a word: ("genbench --no-ui ...", "command")."""
        return "", ""
