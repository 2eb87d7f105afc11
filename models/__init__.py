"""The models: one algorithm, one file.

The folder is the registry: a new file here is a new model everywhere. `names`, `about` and `settings` read
a file without importing it, so a help page or a first screen never waits for torch; `load` imports it.
"""

import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from models.errors import InputError
from models.settings import ModelSettings, suggest

if TYPE_CHECKING:
    from models.base import GenerativeModel

_FOLDER = Path(__file__).parent
_SHARED = {"__init__", "base", "bernoulli", "blocks", "errors", "metric", "settings", "sharing"}
_LIGHT_IMPORTS = {"typing", "pydantic", "models.settings", "collections.abc", "math"}


def names() -> list[str]:
    """The models there are, by file name, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem not in _SHARED)


@cache
def _parsed(name: str) -> ast.Module:
    if name not in names():
        raise InputError(f"There is no model {name!r}.{suggest(name, names())} Models: {', '.join(names())}.")
    return ast.parse((_FOLDER / f"{name}.py").read_text(encoding="utf-8"))


def about(name: str) -> str:
    """The model's page: the docstring of its file. Its first line is the model in one sentence."""
    return ast.get_docstring(_parsed(name)) or ""


@cache
def settings(name: str) -> type[ModelSettings]:
    """The settings class of a model, without importing torch.

    Only the file's light imports and its settings class are executed, so the one declaration in the
    model's file serves the command line before the seconds that `import torch` takes.
    """
    tree = _parsed(name)
    light = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module in _LIGHT_IMPORTS]
    declaration = next(
        node for node in tree.body if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == ModelSettings.__name__ for base in node.bases)
    )
    module = ModuleType(f"models.{name}")
    code = compile(ast.Module([*light, declaration], []), str(_FOLDER / f"{name}.py"), "exec")
    exec(code, module.__dict__)  # our own source, a part of the package
    found: type[ModelSettings] = _classes(module, ModelSettings)[0]
    for field, help_text in _field_docstrings(declaration):
        found.model_fields[field].description = help_text
    return found


def _field_docstrings(declaration: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """(field, the string under it). Pydantic looks for them in the importing frame: there is none here."""
    for field, below in pairwise(declaration.body):
        match field, below:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, text

@cache
def abilities(name: str) -> frozenset[str]:
    """The classes of `models.base` that a model inherits, by name, without importing torch."""
    trees = ast.parse((_FOLDER / "base.py").read_text(encoding="utf-8")), _parsed(name)
    parents = {
        node.name: [ast.unparse(base).partition("[")[0] for base in node.bases]
        for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)
    }  # fmt: skip
    model = next(node.name for node in trees[1].body if isinstance(node, ast.ClassDef)
                 and "GenerativeModel" in parents[node.name])  # fmt: skip

    def inherited(cls: str) -> Iterator[str]:
        for parent in parents.get(cls, ()):
            yield parent
            yield from inherited(parent)

    return frozenset(inherited(model))



def load(name: str) -> "type[GenerativeModel[Any]]":
    """Import one model file and return its model class. Raises `InputError` for an unknown name."""
    _parsed(name)
    module = importlib.import_module(f"models.{name}")
    base = importlib.import_module("models.base").GenerativeModel
    return _classes(module, base)[0]


def _classes(module: ModuleType, base: type) -> "list[type[Any]]":
    """The concrete subclasses of `base` that `module` itself defines."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
        and not inspect.isabstract(value)
    ]
