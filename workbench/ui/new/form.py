"""What the form holds: a model, and what a person gave for it. Nothing here draws.

Only what a person gave is kept, as text; every other value is derived from it again, so that a change of model or
images brings the defaults that belong to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import InputError
from models.settings import Setting, read
from workbench import config
from workbench.config import DataSettings, RunConfig
from workbench.data import catalogue
from workbench.data.catalogue import DatasetInfo
from workbench.ui.new.stepping import stepped
from workbench.units import plain


@dataclass(frozen=True)
class Field:
    """One setting as a row shows it."""

    setting: Setting
    group: str
    value: str
    default: str
    changed: bool
    error: str  # a sentence, "" where the value will do

    @property
    def name(self) -> str:
        """The setting's name."""
        return self.setting.name


class Form:
    """A run in the making: always complete, though perhaps not yet valid."""

    def __init__(self, model: str, given: Mapping[str, str]) -> None:
        """`given`: settings as text."""
        self._typed = dict(given)
        self.choose(model)

    def choose(self, model: str) -> None:
        """Change the model. What was given stays where this model has it, and returns with one that has."""
        self.model = model
        self._settle()

    def set(self, name: str, text: str) -> None:
        """Give a setting a value, right or wrong. One that is set to its default counts as not given."""
        self._typed[name] = text
        self._settle()
        if name not in self.given:
            del self._typed[name]

    def reset(self, *names: str) -> None:
        """Put settings back to their defaults."""
        self._typed = {name: text for name, text in self._typed.items() if name not in names}
        self._settle()

    @property
    def changed(self) -> list[str]:
        """The settings that have not their defaults; the images, which are no row of the form, aside."""
        return [name for name in self.given if name != "dataset"]

    def step(self, name: str, up: bool) -> bool:
        """The next value that is allowed, or the one before. Returns whether there was one."""
        setting = self._known[name][1]
        value = self._defaults[name] if self.check(name, self.text(name)) else self._value(name, self.text(name))
        while True:
            value, before = stepped(setting, value, up), value
            if value == before or plain(value) == self.text(name):  # choices come round
                return False
            if not self.check(name, plain(value)):
                self.set(name, plain(value))
                return True

    def check(self, name: str, text: str) -> str:
        """What is wrong with a value by itself, in a sentence."""
        return config.problems(self.model, {name: text}).get(name, "")

    def with_draft(self, name: str, text: str) -> str:
        """What would be wrong with a setting among the others, were this its value."""
        return config.problems(self.model, self.given | {name: text}).get(name, "")

    def with_value(self, name: str, text: str) -> "Form":
        """The form as it would be, were this a setting's value."""
        return Form(self.model, {**self.given, name: text})

    def text(self, name: str) -> str:
        """A setting's value, as it is typed."""
        return self.given.get(name, plain(self._defaults[name]))

    def fields(self) -> list[Field]:
        """The settings in order. The images are chosen beside the form."""
        return [
            Field(
                setting, group, self.text(name), plain(self._defaults[name]),
                name in self.given, self.problems.get(name, ""),
            )
            for name, (group, setting) in self._known.items() if name != "dataset"
        ]  # fmt: skip

    @property
    def dataset(self) -> str:
        """The set of images, as it was given or as this model's recipe has it."""
        return self.text("dataset")

    @property
    def info(self) -> DatasetInfo | None:
        """What is known of the images; None for a folder that is not there."""
        return None if "dataset" in self.problems else catalogue.find(self.dataset)

    @property
    def data_dir(self) -> Path:
        """Where sets are kept."""
        given = self.given.get("data_dir")
        return catalogue.data_dir(Path(given) if given else None)

    @property
    def to_download(self) -> int:
        """Megabytes that starting would fetch first; 0 where the images are here."""
        info = self.info
        return 0 if info is None or catalogue.is_present(info, self.data_dir) else info.megabytes

    def images(self) -> DataSettings | None:
        """The settings that decide what the images are, whatever the others are; None where they are not valid."""
        given = {name: text for name, text in self.given.items() if self._known[name][0] == "data"}
        return None if given.keys() & self.problems.keys() else config.resolve(self.model, given).data

    def command(self, runs_dir: Path) -> list[str]:
        """The same run without the workbench, in pieces that belong together."""
        return config.command(self.model, {"dataset": self.dataset, **self.given}, runs_dir)

    def config(self) -> RunConfig:
        """The configuration. Raises `InputError` where something is not valid."""
        return config.resolve(self.model, self.given)

    def length(self) -> str:
        """How long a valid form trains: "60 epochs, 720 steps"; without steps while nobody knows them."""
        run = self.config()
        if run.training.steps is not None:
            return f"{run.training.steps:,} steps"
        epochs = f"{run.training.epochs:,} epoch{'s' * (run.training.epochs > 1)}"
        count = self.info.train if self.info else None
        if count is None:
            return epochs
        steps = config.steps_per_epoch(min(count, run.data.limit or count), run.training.batch_size)
        return f"{epochs}, {run.training.epochs * steps:,} steps"

    def _settle(self) -> None:
        """Find the defaults of this model and these images, what differs from them, and what is wrong."""
        self._known = config.settings_of(self.model)
        try:
            self._defaults = config.defaults(self.model, self._typed.get("dataset"))
        except InputError:
            self._defaults = config.defaults(self.model)
        usual = {**self._defaults, "dataset": config.defaults(self.model)["dataset"]}
        self.given = {
            name: text
            for name, text in self._typed.items()
            if name in self._known and self._value(name, text) != usual[name]
        }
        self.problems = config.problems(self.model, self.given)

    def _value(self, name: str, text: str) -> Any:
        """The value that a text stands for; the text itself where it stands for none."""
        group = config.groups(self.model)[self._known[name][0]]
        try:
            return read(group, {name: text})[name]
        except InputError:
            return text
