"""Panes of a view: all of them side by side, or one at a time where there is no room or a person wants it large."""

import textwrap
from abc import abstractmethod
from functools import partialmethod

from rich.segment import Segment
from rich.style import Style
from textual import events

from workbench.terminal.look import Look, Row
from workbench.ui.cells import Cells, Pane
from workbench.ui.view import View
from workbench.ui.words import said, shortened

_CROWDED = ("-narrow", "-low")  # classes of a screen on which panes would be too small side by side


class DrawnPane(Pane):
    """A pane that draws itself for the room it has: again when it is resized or comes into sight."""

    @abstractmethod
    def draw(self, width: int, height: int, look: Look) -> None:
        """Show rows and say a caption; so much room there is."""

    def show_words(self, text: str, width: int, look: Look) -> None:
        """Show a sentence, where there is nothing else to show."""
        lines = textwrap.wrap(said(text, look.unicode), max(width, 8), break_on_hyphens=False)
        self.show([[Segment(line, look.dim)] for line in lines])
        self.say(self.title)

    def redraw(self) -> None:
        """Draw what there is now; nothing while the pane is hidden."""
        width, height = self.size
        if width and height and self.display:
            self.draw(width, height, self.app.look)  # type: ignore[attr-defined]

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        self.redraw()

    def on_show(self, event: events.Show) -> None:
        """Draw what has come meanwhile."""
        self.redraw()


class Paned(View):
    """A view of panes within containers of the class `column`, and a line of their names with the id `names`.

    The view has the class `-one` while one pane is shown at a time.
    """

    def __init__(self, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._asked: list[Pane] = []  # the panes that a person went to, the newest last

    def absent(self, pane: Pane) -> bool:
        """Whether there is nothing that a pane could show."""
        return False

    def unfilled(self, pane: Pane) -> bool:
        """Whether a pane has nothing to show of this run and never will: it does not stand alone unasked."""
        return False

    @property
    def places(self) -> list[list[Pane]]:
        """The panes that share a place while several are shown: one of each list is seen, the others by letter."""
        return []

    def _sharing(self, pane: Pane) -> list[Pane]:
        """The panes that have something to show in a pane's place, itself included."""
        present = self.panes
        place = next((place for place in self.places if pane in place), [pane])
        return [other for other in place if other in present]

    def _on_top(self, pane: Pane) -> bool:
        """Whether this is the pane that is seen in its place: the one last asked for, else the first."""
        sharing = self._sharing(pane)
        asked = [other for other in self._asked if other in sharing]
        return pane is (asked[-1] if asked else sharing[0] if sharing else pane)

    @property
    def panes(self) -> list[Pane]:
        """The panes that have something to show, in their order."""
        return [pane for pane in self.query(Pane) if not self.absent(pane)]

    @property
    def one_at_a_time(self) -> bool:
        """Whether one pane has all the room."""
        return self._crowded or self._maximised() is not None

    @property
    def _crowded(self) -> bool:
        return any(self.screen.has_class(name) for name in _CROWDED)

    def _maximised(self) -> Pane | None:
        wanted = self.bench.preferences.maximised
        found = (pane for pane in self.panes if pane.name_in_keys == wanted)
        return next((pane for pane in found if not self.unfilled(pane)), None)

    @property
    def front(self) -> Pane | None:
        """The pane that is or would be shown alone: the focused one."""
        panes = self.panes
        focused = next((pane for pane in panes if pane.has_focus), None)
        return focused or self._maximised() or (panes[0] if panes else None)

    def show_pane(self, name: str) -> None:
        """Bring a pane to the front and give it the focus; where one is maximised, this one is from now on."""
        pane = next((pane for pane in self.panes if pane.name_in_keys == name), None)
        if pane is None:
            return
        if self._maximised() is not None:
            self.bench.remember(maximised=name)
        self._asked = [*(other for other in self._asked if other is not pane), pane]
        self.lay_out(pane)
        self.screen.set_focus(pane)

    def lay_out(self, front: Pane | None = None) -> None:
        """Show the panes for the room there is."""
        front = front or self.front
        one = self.one_at_a_time
        self.set_class(one, "-one")
        present = self.panes
        for pane in self.query(Pane):
            pane.display = pane in present and (pane is front if one else self._on_top(pane))
            pane.share([] if one else [other for other in self._sharing(pane) if other is not pane])
        for column in reversed(list(self.query(".column"))):  # inner ones before outer ones
            column.display = any(child.display for child in column.children)
        for line in self.query("#names").results(Cells):
            line.show([self._name_row(front)])

    def _name_row(self, front: Pane | None) -> Row:
        """The panes by their letters, the one in front marked; long titles are cut where there is no room."""
        look, width = self.bench.look, self.size.width
        panes = self.panes
        for longest in range(max((len(pane.title) for pane in panes), default=0), -1, -1):
            titles = [it.title if it is front else shortened(it.title, longest, look.unicode) for it in panes]
            if sum(len(title) + 5 for title in titles) <= width:  # the last blank may be cut
                break
        row: Row = [Segment(" ")]
        for pane, title in zip(panes, titles, strict=True):
            here = pane is front
            marks = ("[", "]") if here and not look.unicode else (" ", " ")
            style = look.text + Style(reverse=True, bold=True) if here else look.dim
            letter = style if here else look.accent
            row += [Segment(f"{marks[0]}{pane.letter} ", letter), Segment(f"{title}{marks[1]} ", style)]
        return row

    def on_resize(self, event: events.Resize) -> None:
        """Another size may have room for other panes."""
        self.lay_out()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The pane in focus is the one in front."""
        if self.one_at_a_time:
            self.lay_out()

    def do_maximise(self) -> None:
        """The pane in focus over the whole view, or all panes again."""
        front = self.front
        if front is None:
            return
        if self._crowded:
            self.bench.say("A window of this size has room for one pane at a time: this one.")
            return
        if self.unfilled(front):
            self.bench.say("There is nothing in this pane to be seen larger.")
            return
        self.bench.remember(maximised=front.name_in_keys if self._maximised() is None else "")
        self.lay_out(front)
        self.screen.set_focus(front)

    def do_next_pane(self) -> None:
        """The pane after this one."""
        self._step(1)

    def do_previous_pane(self) -> None:
        """The pane before this one."""
        self._step(-1)

    def _step(self, by: int) -> None:
        panes, front = self.panes, self.front
        if front is not None:
            self.show_pane(panes[(panes.index(front) + by) % len(panes)].name_in_keys)

    # To the panes that both views have, by their letters.
    do_pane_loss = partialmethod(show_pane, "loss")
    do_pane_samples = partialmethod(show_pane, "samples")
    do_pane_reconstructions = partialmethod(show_pane, "reconstructions")
    do_pane_latent = partialmethod(show_pane, "latent")
    do_pane_evaluation = partialmethod(show_pane, "evaluation")
    do_pane_metrics = partialmethod(show_pane, "metrics")
