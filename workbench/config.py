"""A run's configuration: model settings + data settings + training settings, resolved to plain values.

Defaults come from four places, the later winning: the declarations below, the model's published recipe, the
dataset's own length, and what the person gave. The result is complete: `config.json` holds every value.
Importing this module does not import torch.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

import models
from models.errors import InputError
from models.settings import ModelSettings, S, Setting, Settings, describe, parse, read, suggest
from workbench.data import catalogue
from workbench.data.catalogue import Binarise

GROUPS = ("model", "data", "training")
FITTED: Sequence[Literal["gaussian", "mixture"]] = ("gaussian", "mixture")  # by ex-post density estimation
# What a run that goes on may have another value of: how long, on what, how it is looked at. Anything else makes it
# another run.
CHANGEABLE = (
    "epochs", "steps", "save_every", "sampler", "evaluate", "device", "threads", "cuda_graphs", "data_dir",
)  # fmt: skip

_BOTH_LENGTHS = "Give --epochs or --steps, not both: each says how long to train."

Precision = Literal["auto", "float32", "bfloat16"]
Sampler = Literal["own", "gaussian", "mixture"]


class DataSettings(Settings):
    """Which images a run sees."""

    dataset: str = "digits"
    """A set by name (`genbench datasets` lists them) or folder:PATH."""
    image_size: Annotated[int, Field(ge=8, le=128)] | None = None
    """Side of the square images in pixels, a multiple of 4; none keeps the set's own."""
    channels: Annotated[int, Field(ge=1, le=3)] | None = None
    """1 for grey, 3 for colour; none keeps the set's own."""
    limit: Annotated[int, Field(ge=2)] | None = None
    """Use only this many training images; none uses all."""
    binarise: Binarise | None = None
    """Every pixel 0 or 1: static by a threshold at one half, dynamic drawn anew at each step; none keeps greys."""
    data_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Chooses the held-out tenth of a set without its own, and composes `abstract`; runs to compare share it."""
    data_dir: Path | None = None
    """Where datasets are kept and looked for; none uses $GENBENCH_DATA_DIR or the user's cache folder."""


class TrainingSettings(Settings):
    """How long, how fast and on what a run trains."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Passes over the training images."""
    steps: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    """Optimizer steps; given, it decides the length instead of the epochs."""
    batch_size: Annotated[int, Field(ge=2, le=65_536)] = 128
    """Images in one step."""
    every: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Epochs between evaluations and pictures."""
    save_every: Annotated[float, Field(gt=0, le=86_400)] = 30.0
    """Seconds between checkpoints, while they cost under 2 % of the time; epochs longer than a tenth end in one."""
    averaging: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Decay per step of the averaged weights used for evaluation and pictures; 0 uses the last weights."""
    sampler: Sampler = "own"
    """What samples draw codes from: the model's own way, or a gaussian or a mixture fitted to training codes."""
    evaluate: Literal["fast", "full", "none"] = "fast"
    """What is measured when training ends; `genbench evaluate` measures at any time."""
    clip: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of a step's gradient; none does not clip."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Decides the first weights, the order of the images and all noise."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:N or mps."""
    precision: Precision = "auto"
    """Arithmetic of the networks; auto is bfloat16 on a GPU that has it, else float32."""
    deterministic: bool = False
    """Only operations that give the same bits each time, also on a GPU, where they are slower."""
    cuda_graphs: bool = True
    """Record a step and replay it with one launch, on a GPU and where the model allows it."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """CPU threads of torch; none tries before the first step which number is fastest."""

    @property
    def shown_weights(self) -> str:
        """Which weights evaluation and pictures use, in words."""
        return "averaged weights" if self.averaging else "last weights"


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides what a run computes."""

    model_name: str
    model: ModelSettings
    data: DataSettings
    training: TrainingSettings

    def items(self) -> Iterator[tuple[str, str, Any]]:
        """(group, setting, value) of every setting."""
        for group in GROUPS:
            for name, value in getattr(self, group):
                yield group, name, value

    def with_changes(self, changed: Mapping[str, Any]) -> "RunConfig":
        """The same configuration with some checked settings replaced, each in the group that has it.

        Raises `InputError` for a sampler that the model cannot have.
        """
        if wrong := _between(self.model_name, {"sampler": str(changed.get("sampler", "own"))}):
            raise InputError("\n".join(wrong.values()))

        def copy(group: S) -> S:
            return group.model_copy(update={n: v for n, v in changed.items() if n in type(group).model_fields})

        return RunConfig(self.model_name, copy(self.model), copy(self.data), copy(self.training))

    def to_json(self) -> dict[str, Any]:
        """The `model`, `data` and `training` parts of `config.json`, as JSON values."""
        groups = {group: getattr(self, group).model_dump(mode="json") for group in GROUPS}
        return groups | {"model": {"name": self.model_name, **groups["model"]}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "RunConfig":
        """Read back what `to_json` wrote. Raises `InputError` naming every setting that is not valid."""
        model = dict(values["model"])
        name = str(model.pop("name", ""))
        data = dict(values["data"])
        data["data_dir"] = Path(data["data_dir"]) if data.get("data_dir") else None
        return cls(name, parse(models.settings(name), model), parse(DataSettings, data),
                   parse(TrainingSettings, values["training"]))  # fmt: skip


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Whole batches in one pass over `count` images; a set smaller than a batch is one batch."""
    return count // min(batch_size, count)


def groups(model_name: str) -> dict[str, type[Settings]]:
    """The classes of a run's three groups of settings."""
    return {"model": models.settings(model_name), "data": DataSettings, "training": TrainingSettings}


def settings_of(model_name: str) -> dict[str, tuple[str, Setting]]:
    """Every setting of a run of this model: name -> (group, setting)."""
    return {
        name: (group, setting)
        for group, cls in groups(model_name).items()
        for name, setting in describe(cls).items()
    }


def defaults(model_name: str, dataset: str | None = None) -> dict[str, Any]:
    """The values a run of this model on this dataset has where nothing is given.

    Raises `InputError` for an unknown model or dataset, or a folder that is not there.
    """
    values = {name: setting.default for name, (_, setting) in settings_of(model_name).items()}
    values.update(models.settings(model_name).recipe)
    info = catalogue.find(values["dataset"] if dataset is None else dataset)
    values.update(info.recipe)
    return values | {"dataset": info.name}


def resolve(model_name: str, given: Mapping[str, str]) -> RunConfig:
    """Build a configuration from settings given as text, as on a command line or in a form.

    Raises one `InputError` with a line for every problem in any group.
    """
    wrong = problems(model_name, given)
    if wrong:
        raise InputError("\n".join(dict.fromkeys(wrong.values())))
    # What was given as text is read as text; the rest are values already. A folder is kept by its absolute
    # path, which `defaults` has found, so that the run can be resumed from another folder.
    values = defaults(model_name, given.get("dataset"))
    known = settings_of(model_name)
    built: list[Any] = []
    for group, cls in groups(model_name).items():
        usual = {name: value for name, value in values.items() if known[name][0] == group}
        typed = {name: text for name, text in given.items() if name in usual and name != "dataset"}
        built.append(parse(cls, usual | _absolute(read(cls, typed))))
    return RunConfig(model_name, *built)


def problems(model_name: str, given: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with settings given as text, a sentence each; nothing where `resolve` would take them."""
    known, classes = settings_of(model_name), groups(model_name)
    found: dict[str, str] = {}
    for name, text in given.items():
        try:
            if name not in known:
                raise InputError(f"There is no setting {name!r}.{suggest(name, known)}")
            read(classes[known[name][0]], {name: text})
            if name == "dataset":
                catalogue.find(text)
        except InputError as error:
            found[name] = str(error)
    return found | _between(model_name, given)


def typed(config: RunConfig) -> dict[str, str]:
    """The settings of a configuration as the text that `resolve` makes it from again.

    Where the steps decide its length the epochs, which then mean nothing, are left out.
    """
    known = settings_of(config.model_name)
    texts = {
        name: as_text(value)
        for _, name, value in config.items()
        if value is not None or known[name][1].default is not None
    }
    if "steps" in texts:
        del texts["epochs"]
    return texts


def as_text(value: Any) -> str:
    """A setting's value as it is typed, with every digit."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "none" if value is None else repr(value) if isinstance(value, float) else str(value)


def command(model_name: str, given: Mapping[str, str], runs_dir: Path = Path("runs")) -> list[str]:
    """The command line that trains with these settings, quoted for a shell, in pieces that belong together."""
    known = settings_of(model_name)
    pieces = ["genbench --no-ui", f"--model {model_name}"]
    if runs_dir != Path("runs"):
        pieces.insert(1, f"--runs-dir {shlex.quote(str(runs_dir))}")
    for name in (name for name in known if name in given):
        # A value that begins like a flag has to cling to its own.
        between = "=" if given[name].startswith("-") else " "
        pieces.append(known[name][1].flag + between + shlex.quote(given[name]))
    return pieces


def differing(config: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The settings that are not what they would be where nothing is given: name -> (value, what it would be)."""
    usual = defaults(config.model_name)
    with suppress(InputError):  # its folder of images is gone; then what is usual elsewhere is usual
        usual = defaults(config.model_name, config.data.dataset) | {"dataset": usual["dataset"]}
    return {name: (value, usual[name]) for _, name, value in config.items() if value != usual[name]}


def changes(given: Mapping[str, str]) -> dict[str, Any]:
    """Settings given as text to a run that goes on, checked: those that leave it the same run."""
    if {"epochs", "steps"} <= given.keys():
        raise InputError(_BOTH_LENGTHS)
    data = {name: text for name, text in given.items() if name in DataSettings.model_fields}
    changed = read(TrainingSettings, {name: text for name, text in given.items() if name not in data})
    changed |= _absolute(read(DataSettings, data))
    return changed | ({"steps": None} if "epochs" in changed else {})


def branched(config: RunConfig, given: Mapping[str, str]) -> RunConfig:
    """A run's configuration with any of its settings changed, which makes it another run."""
    kept = typed(config)
    if given.keys() & {"epochs", "steps"}:
        kept = {name: text for name, text in kept.items() if name not in {"epochs", "steps"}}
    return resolve(config.model_name, {**kept, **given})


def different(config: RunConfig, given: Mapping[str, str]) -> dict[str, str]:
    """What is given to a run that goes on, without those settings of another run that it has already."""
    before, after = ({name: value for _, name, value in it.items()} for it in (config, branched(config, given)))
    return {name: text for name, text in given.items() if name in CHANGEABLE or before[name] != after[name]}


def _absolute(values: dict[str, Any]) -> dict[str, Any]:
    """Paths as they are from anywhere, so that a run can be resumed from another folder."""
    return {n: catalogue.expanded(str(v)).absolute() if isinstance(v, Path) else v for n, v in values.items()}


def _between(model_name: str, given: Mapping[str, str]) -> dict[str, str]:
    """Problems of values that types and bounds cannot say, by setting."""
    found = {}
    if given.get("sampler") in FITTED and "Encodes" not in models.abilities(model_name):
        found["sampler"] = f"sampler must be own: {model_name} does not encode, so there are no codes to fit."
    size = given.get("image_size", "")
    if size.isdigit() and 8 <= int(size) <= 128 and int(size) % 4:
        near = round(int(size) / 4) * 4
        found["image_size"] = f"image_size must be a multiple of 4; got {size}. The nearest is {near}."
    if given.get("data_dir") == "":
        found["data_dir"] = "data_dir must be a path, or none; got nothing."
    if given.get("channels") == "2":
        found["channels"] = "channels must be 1 (grey) or 3 (colour); got 2."
    if {"epochs", "steps"} <= given.keys():
        found |= dict.fromkeys(("epochs", "steps"), _BOTH_LENGTHS)
    return found
