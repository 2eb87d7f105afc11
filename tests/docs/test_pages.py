"""What the docs claim and a machine can check."""

import importlib.util
import re
from pathlib import Path

import click
import pytest

import models
from models.settings import describe
from workbench.cli import LAZY, Genbench
from workbench.data.catalogue import DATASETS

REPOSITORY = Path(__file__).parents[2]
PAGES = [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", models.names())
def test_every_model_has_a_page_that_explains_every_metric(name: str) -> None:
    page = (REPOSITORY / "docs" / "models" / f"{name}.md").read_text(encoding="utf-8")
    for metric, declared in models.load(name).metrics.items():
        assert f"| `{metric}` | {declared.unit} |" in page
    for heading in ("## What each curve means", "## What good looks like"):
        assert heading in page


@pytest.mark.parametrize("name", models.names())
def test_every_model_file_reads_like_a_paper(name: str) -> None:
    text = models.about(name)
    first = text.splitlines()[0]
    assert first.endswith(".")
    assert len(first) < 130
    for part in ("arXiv" if name != "ae" else "Science", "Objective" if name != "gan" else "L_D =", "How it fails"):
        assert part in text


def test_every_setting_has_one_sentence_of_help() -> None:
    for name in models.names():
        for setting in describe(models.settings(name)).values():
            assert setting.help.endswith("."), setting.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_readme_names_every_model_dataset_command_and_folder() -> None:
    for name in models.names():
        assert f"| [`{name}`](docs/models/{name}.md) |" in README
    for name in [*DATASETS, "folder:PATH"]:
        assert f"| `{name}` |" in README
    for command in LAZY:
        assert f"genbench {command}" in README
    tree = README.split("## The tree")[1]
    for folder in ("models", "workbench", "tests", "benchmarks", "docs", "runs"):
        assert re.search(rf"^{folder}/", tree, re.MULTILINE), folder
    for package in (REPOSITORY / "workbench").iterdir():
        if package.is_dir() and (package / "__init__.py").exists():
            assert f"  {package.name}/" in tree


def test_flags_in_the_pages_exist() -> None:
    flags = {"--resume", "--no-ui", "--version"}
    for name in models.names():
        command = Genbench(name, None)
        flags |= {opt for p in command.params if isinstance(p, click.Option) for opt in p.opts}
    ours = {"--runs-dir", "--all", "--strength", "--data-dir", "--help", "--check"}
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            for command in re.findall(r"genbench --no-ui[^`&]*", line):
                for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", command):
                    assert flag in flags | ours, f"{page.name}: {flag}"


def test_the_command_line_reference_is_what_the_program_prints() -> None:
    page = (REPOSITORY / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in models.names():
        assert help_text(name) in page, "regenerate with `python docs/make_cli_reference.py`"


def help_text(model: str) -> str:
    command = Genbench(model, None)
    return command.get_help(click.Context(command, info_name="genbench", max_content_width=100, terminal_width=100))


def test_the_page_of_measures_is_the_table_of_measures() -> None:
    spec = importlib.util.spec_from_file_location(
        "make_measures_page", REPOSITORY / "docs" / "make_measures_page.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (REPOSITORY / "docs" / "measures.md").read_text(encoding="utf-8")
    assert page == module.markdown(), "regenerate with `python docs/make_measures_page.py`"
