"""All runs of a folder."""

from collections.abc import Iterator
from pathlib import Path

from models.errors import InputError
from models.settings import suggest
from workbench.runs.folder import RunFolder


def runs(runs_dir: Path) -> Iterator[RunFolder]:
    """Every run folder below `runs_dir`, newest name first; a folder without a configuration is none."""
    if runs_dir.is_dir():
        for path in sorted(runs_dir.iterdir(), reverse=True):
            folder = RunFolder(path)
            if folder.config_file.is_file():
                yield folder


def find(run: str, runs_dir: Path) -> RunFolder:
    """A run by path, by name, or by the beginning or a part of its name that no other run has.

    Raises `InputError` where there is none, or more than one.
    """
    if (Path(run) / "config.json").is_file():
        return RunFolder.open(Path(run))
    names = [folder.name for folder in runs(runs_dir)]
    if run in names:
        return RunFolder.open(runs_dir / run)
    matches = [name for name in names if run and run in name]
    if len(matches) == 1:
        return RunFolder.open(runs_dir / matches[0])
    if matches:
        raise InputError(f"{run!r} could be any of {len(matches)} runs: {', '.join(matches[:5])}. Give more of it.")
    raise InputError(f"There is no run {run!r} in {runs_dir}.{suggest(run, names)} `genbench runs` lists them.")
