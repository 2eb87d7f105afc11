"""What the run was found to be worth: the table of `evaluation.json`."""

from dataclasses import replace

from workbench.runs.reader import RunReader
from workbench.ui.compare.evaluated import NOT_YET, caption, evaluation_table
from workbench.ui.compare.members import Member
from workbench.ui.compare.tables import TablePane


class WorthPane(TablePane):
    """A row for each measure; the pane is there only for runs that were measured."""

    def __init__(self) -> None:
        super().__init__("V", "eValuation", "evaluation", NOT_YET)

    def show_run(self, reader: RunReader) -> None:
        """Show what is there, with how much was measured, and when."""
        run, found = Member(0, reader, "measured"), reader.evaluation
        table = evaluation_table([run])
        when = (f"{found.effort}, at step {found.step:,}",) if found is not None else ()
        only = replace(table, feet=found.notes if found else (), note="trained on since" if table.note else "")
        self.show_table(only, [run], (*when, *caption([run])))
