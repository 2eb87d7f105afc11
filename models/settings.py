"""What a setting is: one declaration for the flag, the form row, the check, the file and the docs.

A group of settings is a frozen pydantic model. Type, default, bounds and choices are written in its
annotations, the sentence of help as the docstring under the field. `describe` turns that declaration
into plain `Setting`s, which every surface reads; `parse` turns JSON values into an object that is valid by
construction and `read` turns text into such values, or raises one `InputError` that names every problem.
"""

import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import annotated_types
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from models.errors import InputError

Kind = Literal["whole", "number", "choice", "switch", "text", "path"]
Network = Literal["conv", "mlp"]


class Settings(BaseModel):
    """Base of every group: closed, frozen, strict about numbers."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True,
        validate_default=True, protected_namespaces=(),
    )


class ModelSettings(Settings):
    """Settings that every model has. A model's own class adds its latent size, its coefficients, ..."""

    recipe: ClassVar[Mapping[str, Any]] = {}
    """Defaults of data and training settings that belong to this model's published recipe."""

    network: Network = "conv"
    """Convolutions, or a plain multi-layer perceptron."""
    width: Annotated[int, Field(ge=4, le=512)] = 32
    """Channels of the first convolution; the other layers scale with it."""
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """Step size of Adam."""


@dataclass(frozen=True)
class Setting:
    """One setting as the surfaces see it: what it is called, what it may be, what it means."""

    name: str
    kind: Kind
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    open_low: bool = False  # True: greater than `low`, not equal to it
    open_high: bool = False  # True: less than `high`
    choices: tuple[str, ...] = ()
    optional: bool = False  # True: may be left unset (None)

    @property
    def flag(self) -> str:
        """The command line's spelling: `learning_rate` is `--learning-rate`."""
        return "--" + self.name.replace("_", "-")

    def allowed(self) -> str:
        """What may be given, in words: "a whole number from 1 to 4096"."""
        nouns = {"whole": "a whole number", "number": "a number", "switch": "true or false", "text": "text",
                 "path": "a path", "choice": "one of " + ", ".join(self.choices)}
        words = nouns[self.kind]
        if self.low is not None:
            words += f" {'above' if self.open_low else 'from'} {_plain(self.low)}"
        if self.high is not None:
            upto = "and below" if self.open_high else "and at most" if self.open_low else "to"
            words += f" {upto} {_plain(self.high)}"
        return words + (", or none" if self.optional else "")


def _plain(bound: float) -> str:
    """A bound as a person writes it: 0.5, 1,000,000, 2**63."""
    if bound == 2**63:
        return "2**63"
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


S = TypeVar("S", bound=Settings)


def describe(group: type[Settings]) -> dict[str, Setting]:
    """Read a group's declaration. Returns its settings by name, in the order they were written."""
    return {name: _setting(name, group) for name in group.model_fields}


def _setting(name: str, group: type[Settings]) -> Setting:
    field = group.model_fields[name]
    kind, choices, optional, bounds = _kind(field.annotation)
    found: dict[str, Any] = {}
    for bound in (*bounds, *field.metadata):
        if isinstance(bound, annotated_types.Ge):
            found["low"] = bound.ge
        elif isinstance(bound, annotated_types.Gt):
            found |= {"low": bound.gt, "open_low": True}
        elif isinstance(bound, annotated_types.Le):
            found["high"] = bound.le
        elif isinstance(bound, annotated_types.Lt):
            found |= {"high": bound.lt, "open_high": True}
    text = " ".join((field.description or "").split())
    return Setting(name, kind, field.default, text, choices=choices, optional=optional, **found)


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], bool, tuple[Any, ...]]:
    """(kind, choices, may be None, bounds) of an annotation such as `Annotated[int, Field(ge=1)] | None`."""
    bounds: tuple[Any, ...] = ()
    optional = False
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        parts = typing.get_args(annotation)
        optional = type(None) in parts
        (annotation,) = [part for part in parts if part is not type(None)]
    if typing.get_origin(annotation) is Annotated:
        annotation, *extras = typing.get_args(annotation)
        bounds = tuple(bound for extra in extras for bound in getattr(extra, "metadata", (extra,)))
    if typing.get_origin(annotation) is Literal:
        return "choice", typing.get_args(annotation), optional, bounds
    kinds: dict[Any, Kind] = {int: "whole", float: "number", bool: "switch", str: "text", Path: "path"}
    return kinds[annotation], (), optional, bounds


def parse(group: type[S], values: Mapping[str, Any]) -> S:
    """Check JSON values and build the group, with its defaults for what is not given.

    Raises `InputError` with a line for every problem: the setting, what was given, what is allowed.
    """
    try:
        return group.model_validate(dict(values))
    except ValidationError as error:
        raise InputError("\n".join(problems(group, error))) from None


def read(group: type[Settings], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values of settings typed on a command line or in a form; "none" unsets one that may be unset.

    Raises `InputError` as `parse` does. Returns only what was given.
    """
    known = describe(group)
    optional = {name for name, setting in known.items() if setting.optional}
    unset = {name: None for name, text in texts.items() if text == "none" and name in optional}
    try:
        parsed = group.model_validate_strings({name: text for name, text in texts.items() if name not in unset})
    except ValidationError as error:
        raise InputError("\n".join(problems(group, error))) from None
    return {name: getattr(parsed, name) for name in texts if name not in unset} | unset


def problems(group: type[Settings], error: ValidationError) -> list[str]:
    """One sentence per problem of a failed validation."""
    known = describe(group)
    lines = {}
    for item in error.errors(include_url=False):
        name = str(item["loc"][0]) if item["loc"] else ""
        if name in known:
            lines[name] = f"{name} must be {known[name].allowed()}; got {_shown(item['input'])}."
        elif name:
            lines[name] = f"There is no setting {name!r}.{suggest(name, known)}"
        else:
            lines[""] = item["msg"].removeprefix("Value error, ")
    return list(lines.values())


def _shown(value: Any) -> str:
    return "nothing" if value in ("", None) else str(value)


def suggest(word: str, known: Iterable[str]) -> str:
    """' Did you mean X?' for the nearest known name, or '' where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""
