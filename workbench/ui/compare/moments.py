"""Which moment of each run is shown: its newest, or where the cursor on the curves is in that run."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from models.errors import InputError
from workbench.runs.pictures import Pictures
from workbench.ui.charting import Charting
from workbench.ui.compare.grids import Grid, SideBySide
from workbench.ui.compare.members import Member
from workbench.ui.states import LIVE


class Moments(Charting):
    """Keeps the pictures of all runs with the cursor, and answers the commands that go from one to the next."""

    members: Sequence[Member] = ()
    beside: Sequence[SideBySide] = ()  # what shows something of each run
    _read: Mapping[str, tuple[int, Pictures | str]] = {}  # by run: the step that was read, and what was found
    _reading = False

    def forget_pictures(self) -> None:
        """Other runs."""
        self._read = {}

    @property
    def steps(self) -> dict[int, float] | None:
        """Where the cursor is in each run, by the run's number; None while all are followed."""
        looking = self.charts.looking
        if looking.cursor is None:
            return None
        return {member.number: member.step_at(looking.cursor, looking.axis) for member in self.members}

    def show_moment(self) -> None:
        """Show the pictures of the moment, each as soon as a thread has read it."""
        wanted = self._wanted()
        grids = [self._grid(member, wanted[member.name]) for member in self.members]
        for pane in self.beside:
            pane.show_grids(grids)
        missing = {name: step for name, step in wanted.items() if step is not None and not self._known(name, step)}
        if missing and not self._reading:
            self._reading = True
            readers = {member.name: member.reader for member in self.members}

            def work() -> None:
                found: dict[str, tuple[int, Pictures | str]] = {}
                for name, step in missing.items():
                    try:
                        found[name] = step, readers[name].snapshot(step)
                    except InputError as error:
                        found[name] = step, str(error)
                self.app.call_from_thread(self._arrived, found)

            self.run_worker(work, thread=True, exit_on_error=False)

    def _arrived(self, found: Mapping[str, tuple[int, Pictures | str]]) -> None:
        self._reading = False
        self._read = {**self._read, **found}
        self.show_moment()  # the cursor may have gone on meanwhile

    def _known(self, name: str, step: int) -> bool:
        return name in self._read and self._read[name][0] == step

    def _wanted(self) -> dict[str, int | None]:
        """The snapshot to show of each run; None where there is none so early."""
        steps = self.steps
        wanted: dict[str, int | None] = {}
        for member in self.members:
            taken = member.reader.snapshots
            place = len(taken) if steps is None else bisect_right(taken, round(steps[member.number]))
            wanted[member.name] = taken[place - 1] if place else None
        return wanted

    def _grid(self, member: Member, step: int | None) -> Grid:
        if step is None:
            state = member.reader.state
            none = "no pictures" if state is not None and state.status not in LIVE else "no pictures yet"
            early = "nothing so early" if member.reader.snapshots else none
            return Grid(member, None, early)
        found = self._read.get(member.name, (None, ""))[1]  # the one before stands until this one is read
        return Grid(member, None, found) if isinstance(found, str) else Grid(member, found)

    def do_previous_snapshot(self) -> None:
        """The pictures before these; the cursor goes along."""
        self._jump(-1)

    def do_next_snapshot(self) -> None:
        """The pictures after these; past the newest, all runs are followed again."""
        self._jump(1)

    def _jump(self, by: int) -> None:
        taken = sorted({step for member in self.members for step in member.reader.snapshots})
        if not taken:
            self.bench.say("There are no pictures yet.")
            return
        at = self.charts.cursor_step
        place = len(taken) - 1 if at is None else bisect_right(taken, round(at)) - 1
        place += by
        if place >= len(taken):
            self.do_follow()
        elif place < 0:
            self.bench.say("These are the first pictures of these runs.")
        else:
            self.charts.put_cursor(taken[place])
            self.moved()
