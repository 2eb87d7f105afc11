"""The two lists beside the form: the models and the sets of images. Moving the cursor chooses."""

from dataclasses import dataclass

from rich.segment import Segment

import models
from models.errors import InputError
from workbench.data import catalogue
from workbench.data.catalogue import DatasetInfo
from workbench.terminal.look import Look, Row
from workbench.ui.new.form import Form
from workbench.ui.new.lines import FormPane, ground, lit, pointer
from workbench.ui.words import shortened

FOLDER = "folder:"


@dataclass(frozen=True)
class Item:
    """One line of a list."""

    name: str
    label: str
    notes: tuple[str, ...]  # beside the label, the longest that fits
    about: tuple[str, str]  # what the list says of it in full: the matter, and a second thought


class List(FormPane):
    """Items with a cursor, and one of them chosen."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.items: list[Item] = []
        self.cursor = 0
        self._top = 0

    def move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + by, len(self.items) - 1))

    def draw(self, items: list[Item], chosen: str, look: Look) -> None:
        """Show the items; at first, and while the focus is elsewhere, the cursor stands on the chosen one."""
        before, self.items = self.items, items
        if not self.has_focus or not before:
            self.cursor = next((i for i, item in enumerate(items) if item.name == chosen), self.cursor)
        height = max(self.size.height, 1)
        self._top = max(min(self._top, self.cursor, len(items) - height), self.cursor - height + 1, 0)
        shown = range(self._top, min(self._top + height, len(items)))
        self.show([self._row(i, items[i].name == chosen, look) for i in shown])

    def _row(self, index: int, chosen: bool, look: Look) -> Row:
        item, width = self.items[index], self.size.width
        here = self.has_focus and index == self.cursor
        column = max(len(item.label) for item in self.items) + (2 if width > 30 else 1)
        room = width - column - 3
        note = next((note for note in item.notes if len(note) <= room), item.notes[-1])
        mark = ("●" if look.unicode else "*") if chosen else " "
        style = look.accent if chosen else look.text
        row = [
            pointer(here, look), Segment(f"{mark} ", look.accent), Segment(f"{item.label:<{column}}", style),
            Segment(shortened(note, room, look.unicode), look.text if chosen else look.dim),
        ]  # fmt: skip
        return lit(row, width, ground(self.app)) if here else row


class Models(List):
    """The models."""

    title = "Models"
    letter = "M"
    name_in_keys = "models"


class Images(List):
    """The sets of images, and a folder of one's own."""

    title = "Images"
    letter = "I"
    name_in_keys = "images"


def models_there_are() -> list[Item]:
    """Every model by the first line of its page."""
    items = []
    for name in models.names():
        line = models.about(name).partition("\n")[0]
        second = "a opens its page: the objective, what its symbols mean, how it fails."
        items.append(Item(name, name, (line, line.partition(": ")[0]), (line, second)))
    return items


def images_there_are(form: Form, folder: str) -> list[Item]:
    """Every set with its place; `folder` is the path last chosen, "" before any was."""
    items = [_item(info, catalogue.is_present(info, form.data_dir)) for info in catalogue.DATASETS.values()]
    about, notes = (
        "Images from a folder of yours; its subfolders are classes.",
        ("Enter asks for its path", "your own"),
    )
    if folder:
        notes = (folder.removeprefix(FOLDER),) * 2
        try:
            catalogue.find(folder)
        except InputError as error:
            about = str(error)
    return [*items, Item(folder or FOLDER, FOLDER, notes, (about, "Enter chooses a folder."))]


def _item(info: DatasetInfo, present: bool) -> Item:
    here = "built in" if info.kind == "embedded" else "on disk" if present else f"get {info.megabytes} MB"
    shape = f"{info.size}x{info.size} {'colour' if info.channels == 3 else 'grey'}"
    counts = f"{info.train:,} images to train on, {info.test:,} held out, {info.classes} classes, {shape}."
    notes = f"{here:<10}{info.train:>7,} of {shape}", here
    return Item(info.name, info.name, notes, (info.summary, counts))
