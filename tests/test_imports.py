"""Imports point down the house, and help waits for nothing heavy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests.command import process
from tests.measured import evaluation, number, run

HEAVY = {"torch", "textual", "numpy", "matplotlib", "sklearn", "PIL", "torchvision"}
ROOT = Path(__file__).parent.parent


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0, capsys.readouterr().out


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The top-level modules that a command line has imported when it ends."""
    code = (
        "import json, sys; from workbench.cli import run; run(sys.argv[1:]);"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    line = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(line, cwd=cwd, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "line",
    ["--help", "--model gan --help", "--version", "models", "datasets", "--no-ui --widht 3", "--no-ui --epochs 0"],
)
def test_help_lists_and_mistakes_wait_for_nothing(line: str, tmp_path: Path) -> None:
    assert imported(*line.split(), cwd=tmp_path) & HEAVY == set()


def test_looking_at_runs_does_not_wait_for_torch(tmp_path: Path) -> None:
    assert "torch" not in imported("runs", cwd=tmp_path)
    assert "torch" not in imported("show", "nothing", cwd=tmp_path)
    run(tmp_path / "runs", "mine", evaluation(number("mse", 0.1)))
    assert imported("compare", "mine", "--format", "csv", cwd=tmp_path) & HEAVY == set()


def test_the_first_screen_waits_for_nothing_that_it_does_not_show(tmp_path: Path) -> None:
    code = (
        "import sys; import workbench.ui.start, workbench.ui.new.view;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    )
    slow = sorted(HEAVY - {"textual"} | {"plotext"})
    line = [sys.executable, "-c", code, *slow]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_foreign_models_package_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("print('foreign code ran')")
    done = process("--help", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert str(tmp_path / "models" / "__init__.py") in done.err
    assert "Start `genbench` instead" in done.err


def test_importing_does_nothing(tmp_path: Path) -> None:
    """No folder is made, no seed set and no thread started by an import."""
    code = (
        "import threading, torch; before = torch.random.get_rng_state(), torch.get_num_threads();"
        "import workbench.headless, workbench.commands, workbench.album, models.ae, models.vae, models.gan;"
        "assert torch.equal(torch.random.get_rng_state(), before[0]);"
        "assert torch.get_num_threads() == before[1]; assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=100)
    assert list(tmp_path.iterdir()) == []
