"""docs/run-format.md is the specification: what a run writes is what it says, no more and no less."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors

from tests.harness import begin, train
from workbench.runs.folder import FORMAT, RunFolder

PAGE = (Path(__file__).parents[2] / "docs" / "run-format.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    prepared = begin(tmp_path_factory.mktemp("runs"), "vae", steps="12", every="1")
    train(prepared, draw=True)
    return prepared.folder


def documented(section: str) -> set[str]:
    """The keys in the first column of a section's table, or its words in backquotes where it has no table."""
    (text,) = re.findall(rf"## {re.escape(section)}\n(.*?)(?=\n## |\Z)", PAGE, re.DOTALL)
    rows = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    return set(re.findall(r"`(\w+)`", " ".join(rows) if rows else text.split(". ")[0]))


def read(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text())
    return value


def test_config(run: RunFolder) -> None:
    written = read(run.config_file)
    assert written["format"] == FORMAT
    assert set(written) == documented("config.json")
    for group in ("data", "training", "images"):
        (line,) = re.findall(rf"^\| `{group}` \| (.*) \|$", PAGE, re.MULTILINE)
        assert set(written[group]) == set(re.findall(r"`(\w+)`", line))


def test_what_config_says_of_the_metrics(run: RunFolder) -> None:
    written = read(run.config_file)["metrics"]
    (line,) = re.findall(r"^\| `metrics` \| by name, (.*) \|$", PAGE, re.MULTILINE)
    for facts in written.values():
        assert all(f"`{key}`" in line for key in facts)
        assert facts["better"] in {"lower", "higher", None}


def test_environment(run: RunFolder) -> None:
    assert set(read(run.environment_file)) == documented("environment.json")


def test_state(run: RunFolder) -> None:
    assert set(read(run.state_file)) == documented("state.json")


def test_metrics(run: RunFolder) -> None:
    lines = [json.loads(line) for line in run.metrics_file.read_text().splitlines()]
    assert {key for line in lines for key in line} == documented("metrics.jsonl")
    assert all({"low", "high"} & line.keys() == set() for line in lines if line["split"] == "test")


def test_checkpoints(run: RunFolder) -> None:
    with safetensors.safe_open(max(run.checkpoints.iterdir()), framework="pt") as file:
        header, names = file.metadata(), file.keys()
    assert header is not None
    assert set(header) == {"format", "step", "facts", "sha256"}
    (sentence,) = re.findall(r"The facts are JSON: (.*?)\. `format`", PAGE, re.DOTALL)
    assert set(json.loads(header["facts"])) == set(re.findall(r"`(\w+)`", sentence))
    assert {name.split("/")[0] for name in names} == {"model", "average", "optimizer"}


def test_snapshots(run: RunFolder) -> None:
    steps = sorted(run.snapshots.iterdir())
    assert [path.name for path in steps] == ["step-000000006.npz", "step-000000012.npz"]
    (sentence,) = re.findall(r"^The facts are (.*?)\.\n", PAGE, re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", sentence)))
    for path in steps:
        with np.load(path) as arrays:
            assert set(arrays) == documented("snapshots")
            assert set(json.loads(str(arrays["facts"]))) == named


def test_tags(run: RunFolder) -> None:
    run.set_tags(["paper"])
    assert set(read(run.tags_file)) == documented("tags.json")


def test_every_file_is_in_the_tree_of_the_page(run: RunFolder) -> None:
    tree = PAGE.split("```")[1]
    for path in run.path.iterdir():
        if not path.name.startswith("."):
            assert re.search(rf"^  {re.escape(path.name)}", tree, re.MULTILINE), path.name
