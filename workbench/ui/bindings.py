"""Every key of the workbench, in one table: dispatch, footer, help, palette and docs/keys.md read it.

A command is answered by a method `do_<id>` of the view that is shown, else of the application. Digits go to views,
the letter that a pane's title begins with goes to that pane, and no key means two things in one view.
"""

from collections.abc import Iterator
from dataclasses import dataclass

VIEWS = ("new", "watch", "runs", "compare")
TITLES = {"new": "New run", "watch": "Watch", "runs": "Runs", "compare": "Compare"}
_CHARTS = ("watch", "compare")


@dataclass(frozen=True)
class Command:
    """One thing that can be done by a key, the palette, or a name in the footer."""

    id: str
    keys: tuple[str, ...]  # as Textual names them; the first is shown
    label: str  # two words for the footer
    help: str  # one sentence
    group: str  # heading in the help
    views: tuple[str, ...] = VIEWS
    footer: bool = False
    pane: str = ""  # the panes it is about, whose help shows it first


def _keys(
    group: str, views: tuple[str, ...], *rows: tuple[str, str, str, str], pane: str = ""
) -> Iterator[Command]:
    """Rows of (id, keys, label, help); a label that begins with * stands in the footer."""
    for name, keys, label, text in rows:
        shown = label.startswith("*")
        yield Command(name, tuple(keys.split()), label.lstrip("*"), text, group, views, shown, pane)


COMMANDS: tuple[Command, ...] = (
    *_keys("New run", ("new",),
        ("start", "s", "*start", "Train a model with these settings."),
        ("about", "a", "*about", "Read the page of the chosen model: objective, symbols, how it fails."),
        ("preview", "v", "*preview", "Look at images of the chosen set, and their range of values."),
        ("edit", "enter", "*edit", "Type a value for the setting under the cursor; Enter takes it, Esc leaves it."),
        ("reset", "backspace delete", "default", "Put the setting under the cursor back to its default."),
        ("reset_all", "D", "*all defaults", "Put every setting back to its default."),
        ("lower", "left", "less", "The choice before this one, or a smaller number."),
        ("raise", "right", "more", "The next choice, or a larger number."),
        ("up", "up k", "up", "The row above."),
        ("down", "down j", "down", "The row below."),
    ),
    *_keys("Panes", ("new",),
        ("pane_models", "M", "Models", "Go to the models."),
        ("pane_images", "I", "Images", "Go to the sets of images."),
        ("pane_settings", "S", "Settings", "Go to the settings."),
    ),
    *_keys("This run", ("watch",),
        ("pause", "p", "*pause", "Hold training after this step, or go on."),
        ("sample", "s", "*sample now", "Take samples, reconstructions and codes at this step."),
        ("checkpoint", "c", "*checkpoint", "Save a checkpoint at this step."),
        ("stop", "X", "*stop", "End training after this step, saved, with its final pictures."),
    ),
    *_keys("This run", ("watch", "runs"),
        ("resume", "u", "resume", "Go on with a run that has stopped, from its last checkpoint."),
        ("clone", "E", "edit & restart", "Open the settings of this run in the form, to change and start anew."),
        ("measure", "m", "measure", "Measure the run in full, as genbench evaluate does; again, to stop that."),
    ),
    *_keys("Runs", ("runs",),
        ("open", "enter", "*open", "Watch the run under the cursor, whoever trains it."),
        ("mark", "space", "*mark", "Mark the run to be compared; 4 compares the marked ones."),
        ("filter", "/", "*filter", "Show some runs only: model:gan lr>=1e-4 state:done !failed tag:good word."),
        ("sort", "o", "*sort", "Sort by the next column."),
        ("reverse", "O", "reverse", "Reverse the order."),
        ("tags", "t", "*tags", "Give the run tags, words to find it by."),
        ("delete", "D", "*delete", "Delete the run and everything in it; asks for its name."),
        ("up", "up k", "up", "The row above."),
        ("down", "down j", "down", "The row below."),
        ("page_up", "pageup", "page up", "As many rows up as are seen."),
        ("page_down", "pagedown", "page down", "As many rows down as are seen."),
        ("first", "home", "first", "The first row."),
        ("last", "end", "last", "The last row."),
    ),
    *_keys("Leaving", VIEWS,
        ("detach", "d", "*detach", "Leave the terminal; what trains goes on, and genbench shows it again."),
    ),
    *_keys("Compare", ("compare",),
        ("split", "h", "*held-out", "Numbers and curves of held-out images, or those of training."),
        ("measure", "m", "*measure", "Measure in full those runs that are not yet; again, to stop that."),
    ),
    *_keys("Tables", ("compare",),
        ("rows_up", "pageup", "rows above", "Rows of the table further up."),
        ("rows_down", "pagedown", "rows below", "Rows of the table further down."),
        pane="evaluation metrics differences",
    ),
    *_keys("Panes", _CHARTS,
        ("pane_loss", "L", "Loss", "Go to the loss charts."),
        ("pane_samples", "S", "Samples", "Go to the samples."),
        ("pane_metrics", "M", "Metrics", "Go to the table of numbers."),
    ),
    *_keys("Panes", _CHARTS,
        ("pane_reconstructions", "R", "Reconstructions", "Go to the reconstructions."),
        ("pane_latent", "Z", "Z latent", "Go to the latent space."),
    ),
    *_keys("Panes", ("watch",),
        ("pane_log", "G", "loG", "Go to the log: what happened, in words."),
        ("pane_evaluation", "V", "eValuation", "Go to what the run was found to be worth."),
    ),
    *_keys("Log and table", ("watch",),
        ("rows_up", "pageup", "rows above", "Older lines of the log, or rows of the evaluation further up."),
        ("rows_down", "pagedown", "rows below", "Newer lines of the log, or rows further down."),
        pane="log evaluation",
    ),
    *_keys("Panes", ("compare",),
        ("pane_evaluation", "V", "eValuation", "Go to what the runs were found to be worth."),
        ("pane_differences", "D", "Differences", "Go to the settings that differ."),
    ),
    *_keys("Charts", _CHARTS,
        ("cursor_left", "left", "*cursor", "Move the cursor along the curve; the pictures show that moment."),
        ("cursor_right", "right", "cursor on", "Move the cursor towards now."),
        ("cursor_far_left", "shift+left", "cursor 10 back", "Move the cursor ten columns back."),
        ("cursor_far_right", "shift+right", "cursor 10 on", "Move the cursor ten columns on."),
        ("cursor_first", "home", "cursor to start", "Move the cursor to the first step shown."),
        ("cursor_last", "end", "cursor to end", "Move the cursor to the last step shown."),
        ("follow", "f", "*follow", "Let go of the cursor and follow training."),
        ("zoom_in", "+ =", "*zoom", "Half as long a stretch, about the cursor."),
        ("zoom_out", "-", "zoom out", "Twice as long a stretch."),
        ("pan_left", "<", "pan back", "Move the stretch half its length back."),
        ("pan_right", ">", "pan on", "Move the stretch half its length on."),
        ("zoom_in_y", "}", "stretch values", "Stretch the vertical axis."),
        ("zoom_out_y", "{", "press values", "Press the vertical axis together."),
        ("autoscale", "a", "show all", "Show all of the curve again."),
        ("smoother", "]", "*smooth", "Smooth the training curve more."),
        ("rougher", "[", "smooth less", "Smooth the training curve less."),
        ("log", "l", "*log", "Logarithmic vertical axis, or linear."),
        ("axis", "x", "*axis", "Steps, epochs or time along the horizontal axis."),
        ("band", "b", "min-max band", "Show or hide the smallest and largest value of single steps."),
        ("next_chart", "down j", "next chart", "The next chart of the pane."),
        ("previous_chart", "up k", "previous chart", "The chart before."),
        pane="loss",
    ),
    *_keys("Pictures", _CHARTS,
        ("previous_snapshot", ",", "*snapshots", "The pictures before these; the cursor goes along."),
        ("next_snapshot", ".", "next pictures", "The pictures after these."),
        ("grid", "g", "grid size", "Fewer and larger images, or more and smaller ones."),
        pane="samples reconstructions latent",
    ),
    *_keys("Everywhere", VIEWS,
        ("view_new", "1 n", "New run", "Choose a model, images and settings."),
        ("view_watch", "2 w", "Watch", "The run: curves, pictures, numbers."),
        ("view_runs", "3 r", "Runs", "All runs of the folder."),
        ("view_compare", "4", "Compare", "Several runs side by side."),
        ("next_pane", "tab", "next pane", "The next pane."),
        ("previous_pane", "shift+tab", "pane before", "The pane before."),
        ("maximise", "z", "*zoom pane", "The focused pane over the whole window, or all panes again."),
        ("renderer", "i", "images as", "Draw pictures another way: half blocks, braille, letters, pixels."),
        ("export", "e", "*export", "Write the chart as PNG and CSV, or the screen as SVG."),
        ("copy", "y", "*copy", "Copy what this view is about: the command, the value, the path."),
        ("theme", "T", "theme", "The next theme; the choice is remembered."),
        ("help", "?", "*help", "The keys of this view, those of the focused pane first."),
        ("palette", ": ctrl+p", "*all commands", "Find any command by its name."),
        ("back", "escape", "back", "Leave what is open; else go back to the view before."),
        ("repaint", "ctrl+l", "repaint", "Draw the screen anew."),
        ("quit", "q ctrl+c", "*quit", "Leave; asks while something trains here. A second time leaves at once."),
    ),
)  # fmt: skip

ABOUT_PANES = {  # what a pane shows, or a view's pane of that name; its help begins with that
    "loss": "● and the like: training, smoothed; ◆ and the like: held-out images. The dots behind a curve reach "
    "from the smallest to the largest value of single steps. ▴ below: there are pictures of this moment. ▲ ▼: a "
    "value beyond the frame. ✗: a value that is not a number. The numbers above the curves are as they were "
    "recorded, not smoothed.",
    "samples": "What the model draws at the step below, each time from the same noise. The file named there has "
    "the same pictures at full resolution; y copies its whole path.",
    "reconstructions": "Held-out images, and below each what the model makes of it. The file named below has the "
    "same pictures at full resolution; y copies its whole path.",
    "latent": "Codes of held-out images in the plane. Each sign is a class: its name or a letter of it, with the "
    "number of its images; where several codes share a cell, the commonest class is shown.",
    "metrics": "The numbers recorded last, or at the cursor: on training images and on held-out ones, which the "
    "model does not learn from; best is the best on held-out images so far.",
    "log": "What happened to the run, the newest at the bottom.",
    "compare samples": "What each run's model draws at the step below, from noise of the run's own seed. The "
    "folders of the runs have the same pictures at full resolution.",
    "compare reconstructions": "The same held-out images, and what each run's model makes of them. The folders of "
    "the runs have the same pictures at full resolution.",
    "evaluation": "What the run was measured to be worth, and half of the 95 % interval. ↑: higher is better, "
    "↓: lower. A few numbers are measured when training is done; m measures all.",
    "compare evaluation": "What each run was measured to be worth, and half of the 95 % interval. ↑: higher is "
    "better, ↓: lower. m measures in full those runs that are not yet. Best is marked only where it differs from "
    "the next by more than both intervals allow. ≠: the runs were measured in different ways, so that these "
    "numbers are not to be compared.",
}

_SHOWN = {
    "enter": "⏎", "escape": "Esc", "space": "Space", "tab": "Tab", "shift+tab": "⇧Tab",
    "home": "Home", "end": "End", "pageup": "PgUp", "pagedown": "PgDn",
    "backspace": "⌫", "delete": "Del",
    "left": "←", "right": "→", "up": "↑", "down": "↓", "shift+left": "⇧←", "shift+right": "⇧→",
}  # fmt: skip
_PLAIN = {
    "enter": "Enter", "backspace": "Backspace", "left": "Left", "right": "Right", "up": "Up", "down": "Down",
    "shift+left": "Shift+Left", "shift+right": "Shift+Right", "shift+tab": "Shift+Tab",
}  # fmt: skip


def of_view(view: str) -> list[Command]:
    """The commands that a view answers, in the order of the table."""
    return [command for command in COMMANDS if view in command.views]


def find(view: str, key: str) -> Command | None:
    """What a key means in a view."""
    return next((command for command in of_view(view) if key in command.keys), None)


def shown(key: str, unicode: bool = True) -> str:
    """A key as a person reads it: ⏎, Esc, ctrl+p, X."""
    return (_SHOWN if unicode else {**_SHOWN, **_PLAIN}).get(key, key)
