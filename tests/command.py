"""The command line in this process or in one of its own, and the golden texts it is held against."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.harness import SMALL, no_drawings
from workbench import cli

GOLDENS = Path(__file__).parent / "goldens"
TINY = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", value)]


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def genbench(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Outcome:
    """Run a command line in this process, in the current folder. No run draws PNGs."""
    capsys.readouterr()
    with no_drawings():
        code = cli.run([str(argument) for argument in arguments])
    return Outcome(code, *capsys.readouterr())


def train(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Outcome:
    """Train a small run: 96 digits of 8x8, six steps an epoch."""
    return genbench(capsys, "--no-ui", *TINY, *arguments)


def start(*arguments: str, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    """Start a command line in a process of its own, its output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", *arguments], cwd=cwd, text=True, encoding="utf-8",
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def process(*arguments: str, cwd: Path, **environment: str) -> Outcome:
    """Run a command line in a process of its own to its end."""
    running = start(*arguments, cwd=cwd, **environment)
    out, err = running.communicate(timeout=100)
    return Outcome(running.returncode, out, err)


def until(true: Callable[[], object], timeout: float = 20.0) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < end, f"not within {timeout:g} s: {true}"
        time.sleep(0.02)


def check_golden(name: str, text: str) -> None:
    """Hold `text` against tests/goldens/NAME.txt.

    GENBENCH_UPDATE_GOLDENS=1 writes the file instead: `GENBENCH_UPDATE_GOLDENS=1 python -m pytest tests -k golden`,
    then read what changed with `git diff tests/goldens`.
    """
    path = GOLDENS / f"{name}.txt"
    text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    if os.environ.get("GENBENCH_UPDATE_GOLDENS"):
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} is missing: write it with GENBENCH_UPDATE_GOLDENS=1"
    assert text == path.read_text(encoding="utf-8")
