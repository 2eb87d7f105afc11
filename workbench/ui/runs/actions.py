"""What can be done with the run under the cursor."""

from models.errors import InputError
from workbench.runs.folder import RunFolder, wrong_tag
from workbench.runs.listing import RunRow
from workbench.ui import again
from workbench.ui.bindings import Command
from workbench.ui.dialogs import Ask
from workbench.ui.runs.details import size, size_of
from workbench.ui.runs.table import RunsTable
from workbench.ui.states import LIVE
from workbench.ui.view import View

_ABOUT_A_RUN = {"open", "mark", "tags", "delete", "resume", "clone", "measure"}


def count(runs: int) -> str:
    """So many runs, in words."""
    return "1 run" if runs == 1 else f"{runs:,} runs"


class Acting(View):
    """Answers the commands that are about one run."""

    table: RunsTable

    def look_again(self) -> None:
        """Find the runs there are now."""

    def why_not(self, command: Command) -> str:
        """There has to be a run, and for some that nobody writes it."""
        row = self.table.row
        if command.id not in _ABOUT_A_RUN:
            return ""
        if row is None:
            return "There is no run under the cursor."
        if command.id in {"open", "resume", "clone", "measure"} and row.problem:
            return row.problem
        if command.id in {"resume", "delete", "measure"} and (
            row.status in LIVE or row.name in self.bench.names_here()
        ):
            return again.trained_by(self.bench, row.folder, "Enter watches it, and X stops it there.")
        if command.id in {"resume", "delete"} and (word := self.bench.measuring.word(row.name)):
            return f"{row.name} {word}: m stops that."
        return ""

    def to_measure(self) -> list[RunFolder]:
        """The run under the cursor."""
        return [self.table.row.folder] if self.table.row else []

    async def do_open(self) -> None:
        """Watch the run under the cursor."""
        if row := self.table.row:
            await self.bench.watch_run(row.folder)

    def do_mark(self) -> None:
        """Mark the run under the cursor, or take its mark away."""
        row, marked = self.table.row, self.bench.marked
        if row is None:
            return
        if row.name in marked.numbers:
            marked.remove(row.name)
        elif not marked.add(row.name):
            self.bench.say(f"{len(marked)} runs are marked, as many as colours tell apart. Unmark one first.")
            return
        self.table.mark(marked.numbers)
        if marked.numbers:
            then = "4 compares them." if len(marked) > 1 else "Mark another one, then 4 compares them."
            self.bench.say(f"{count(len(marked))} marked. {then}")

    async def do_clone(self) -> None:
        """Open the run's settings in the form."""
        if row := self.table.row:
            await again.clone(self.bench, row.folder)

    async def do_resume(self) -> None:
        """Go on with the run here."""
        if row := self.table.row:
            await again.resume(self.bench, row.folder)

    def do_tags(self) -> None:
        """Ask for the run's tags."""
        row = self.table.row
        if row is None:
            return

        def words(text: str) -> list[str]:
            return text.replace(",", " ").split()

        def answered(text: str | None) -> None:
            if text is None:
                return
            try:
                row.folder.set_tags(words(text))
            except OSError as error:
                self.bench.say(f"The tags cannot be written ({error.strerror}).", bad=True)
            self.look_again()

        hint = "Words separated by spaces; / tag:paper finds the run by one. Enter takes them, Esc goes back."
        self.bench.push_screen(
            Ask(f"Tags of {row.name}", " ".join(row.tags), lambda text: wrong_tag(words(text)), hint), answered
        )

    def do_delete(self) -> None:
        """Say what would be lost, and ask for the run's name."""
        row = self.table.row
        if row is None:
            return

        def work() -> None:
            self.app.call_from_thread(self._ask_to_delete, row, size_of(row.folder.path))

        self.run_worker(work, thread=True, exit_on_error=False)

    def _ask_to_delete(self, row: RunRow, lost: int) -> None:
        question = (
            f"Delete {row.name}?\n{size(lost)} of checkpoints, pictures and numbers go for good.\n"
            "Type its name to delete it:"
        )

        def answered(text: str | None) -> None:
            if text is not None:
                self.run_worker(lambda: self._delete(row), thread=True, exit_on_error=False)

        self.bench.push_screen(
            Ask(
                question, check=lambda text: "" if text == row.name else f"That is not {row.name!r}.", hint=row.name
            ),
            answered,
        )

    def _delete(self, row: RunRow) -> None:
        """In a thread: there may be many files."""
        try:
            row.folder.remove()
            said, bad = f"{row.name} is deleted.", False
        except InputError as error:
            said, bad = str(error), True
        self.app.call_from_thread(self.bench.say, said, bad)
        self.app.call_from_thread(self.look_again)
