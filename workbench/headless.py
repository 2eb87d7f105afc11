"""`genbench --no-ui`: one run from start to exit code."""

import json
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape

import models
from workbench import expectations, session
from workbench.config import RunConfig, changes
from workbench.console import DataProgress, RunConsole, print_result
from workbench.runs import listing
from workbench.runs.folder import RunFolder
from workbench.training.control import Control

OVERALL = ("images_per_second", "seconds")


@dataclass(frozen=True)
class Options:
    """What the command line says besides the settings."""

    runs_dir: Path
    name: str | None = None
    resume: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    quiet: bool = False
    as_json: bool = False
    expect: Sequence[str] = ()


def train(config: RunConfig | None, options: Options) -> int:
    """Train a new run, or go on with one, and say how it ended. Returns the exit code."""
    # With --json, stdout carries that one object and nothing else.
    console = Console(stderr=options.as_json, highlight=False)
    resumed = None if config else listing.find(str(options.resume), options.runs_dir)
    metrics = models.load(config.model_name if config else resumed.config().model_name).metrics  # type: ignore[union-attr]
    named = [*metrics, *(f"train_{name}" for name in metrics), *OVERALL]
    wanted = expectations.parse(options.expect, named)

    with DataProgress(console, options.quiet) as progress:
        if config:
            prepared = session.begin(config, options.runs_dir, options.name, progress)
        else:
            assert resumed is not None
            prepared = session.resume(resumed, changes(options.given), progress)
    if not options.quiet:
        console.print(f"[bold]{escape(str(prepared.folder.path))}", soft_wrap=True)

    control = Control()
    with _signals(control), RunConsole(console, options.quiet) as screen:
        finished = prepared.run([screen], control)

    # The file's state would be an older one where the disk is full.
    result = summarise(prepared.folder) | {"state": finished.status}
    failures = [failure for one in wanted if (failure := one.failure({**result, **result["metrics"]}))]
    if not options.quiet:
        print_result(console, result, metrics, prepared.folder.summary_file)
    for failure in failures:
        Console(stderr=True).print(failure, style="red", markup=False, soft_wrap=True)
    if options.as_json:
        sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
    if finished.status == "stopped":
        return 130
    return int(finished.status != "done" or bool(failures))


def summarise(folder: RunFolder) -> dict[str, Any]:
    """What `--json` prints of a run."""
    state, config = folder.state(), folder.config()
    return {
        "run": str(folder.path),
        "state": state.status,
        "model": config.model_name,
        "dataset": config.data.dataset,
        "steps": state.step,
        "epochs": round(state.epoch, 3),
        "images_per_second": state.images_per_second,
        "seconds": round(state.seconds, 2),
        "metrics": dict(state.metrics),
    }


@contextmanager
def _signals(control: Control) -> Iterator[None]:
    """Ctrl+C and SIGTERM end the run at the next step, saved; a second one ends it at once."""
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        control.stop()

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
