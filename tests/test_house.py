"""The house rules that a machine can check."""

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FILES = [
    p for folder in ("models", "workbench", "tests", "benchmarks") for p in (REPOSITORY / folder).rglob("*.py")
]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(REPOSITORY)))
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def overload(node: ast.FunctionDef | ast.ClassDef) -> bool:
    """Whether this only says which types a function below it takes."""
    return any(isinstance(it, ast.Name) and it.id == "overload" for it in node.decorator_list)


@pytest.mark.parametrize("package", ["models", "workbench"])
def test_every_module_and_public_class_says_what_it_is(package: str) -> None:
    silent = []
    for path in (REPOSITORY / package).rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [
            n for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef) and not n.name.startswith("_")
        ]
        silent += [f"{path.name}: {n.name}" for n in named if not ast.get_docstring(n) and not overload(n)]
        silent += [] if ast.get_docstring(tree) else [path.name]
    assert silent == []


def test_nothing_is_unpickled() -> None:
    """CIFAR-10 comes as pickles; its reader verifies torchvision's checksum first. Nothing else may."""
    for path in [*(REPOSITORY / "workbench").rglob("*.py"), *(REPOSITORY / "models").rglob("*.py")]:
        if path.name != "cifar.py":
            text = path.read_text(encoding="utf-8")
            for word in ("pickle", "torch.load(", "allow_pickle=True"):
                assert word not in text, f"{path.name}: {word}"
