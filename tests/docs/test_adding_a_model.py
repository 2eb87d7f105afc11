"""docs/adding-a-model.md is executed: its code becomes a model file, trains and keeps the contract."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import models
from workbench import cli

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's model as a file, and a models folder that has it beside ours."""
    page = (REPOSITORY / "docs" / "adding-a-model.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for file in (REPOSITORY / "models").glob("*.py"):
        (tmp_path / file.name).symlink_to(file)
    path = tmp_path / "dae.py"
    path.write_text(code, encoding="utf-8")
    monkeypatch.setattr(models, "_FOLDER", tmp_path)
    monkeypatch.setattr(models, "__path__", [str(tmp_path)])
    _forget()
    yield path
    _forget()
    sys.modules.pop("models.dae", None)


def _forget() -> None:
    """What `models` remembers of the folder it read."""
    for remembered in (models.settings, models._parsed):
        remembered.cache_clear()


def test_the_example_appears_everywhere_and_trains(
    example: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models"]) == 0
    assert "Denoising autoencoder: rebuild an image" in capsys.readouterr().out
    assert cli.run(["--model", "dae", "--help"]) == 0
    assert "--strength X" in capsys.readouterr().out
    assert cli.run(["--no-ui", "--model", "dae", "--strength", "-1"]) == 2
    assert "strength must be a number from 0 to 10; got -1." in capsys.readouterr().err

    small = "--image-size 8 --limit 64 --batch-size 16 --width 4 --latent 2 --epochs 20 --every 20 --threads 1"
    runs = ["--runs-dir", str(tmp_path / "runs"), "--name", "example", "--expect", "recon_mse<=0.1"]
    assert cli.run(["--no-ui", "--quiet", "--model", "dae", *small.split(), *runs]) == 0
    made = {path.parent.name for path in (tmp_path / "runs" / "example").glob("*/*.png")}
    assert made == {"samples", "reconstructions", "latent", "curves", "interpolation", "traversal"}


def test_the_example_passes_the_style_it_teaches(example: Path) -> None:
    config = ["--config", str(REPOSITORY / "pyproject.toml")]
    checked = subprocess.run(
        [sys.executable, "-m", "ruff", "check", *config, str(example)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
