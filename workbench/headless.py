"""`genbench --no-ui`: one run from start to exit code."""

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

import models
from models.errors import InputError
from models.metric import Metric
from workbench import expectations, follower, session
from workbench.appraisal.measures import MEASURES
from workbench.config import CHANGEABLE, RunConfig, changes, different
from workbench.console import DataProgress, Lasting, RunConsole, print_result
from workbench.runs import evaluations, listing
from workbench.runs.folder import RunFolder
from workbench.runs.state import State
from workbench.signals import Signals
from workbench.training.control import Control
from workbench.training.events import Finished
from workbench.training.team import Team, joined

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


def train(config: RunConfig | None, options: Options, signals: Signals) -> int:
    """Train a new run, or go on with one, and say how it ended. Returns the exit code.

    Of several processes that torchrun has started one does so; the others train with it and say nothing.
    """
    with joined() as team:
        if team.many:
            signals.expect_more()
        if team.place.leads:
            return _lead(config, options, signals, team)
        signals.lead_to(Control())  # it ends when the leader says so
        return follower.follow(team)


def _lead(config: RunConfig | None, options: Options, signals: Signals, team: Team) -> int:
    # With --json, stdout carries that one object and nothing else.
    console = Lasting(stderr=options.as_json, highlight=False)
    resumed = None if config else listing.find(str(options.resume), options.runs_dir)
    metrics = models.load(config.model_name if config else resumed.config().model_name).metrics  # type: ignore[union-attr]
    measures = () if options.given.get("evaluate") == "none" else MEASURES
    named = [*metrics, *(f"train_{name}" for name in metrics), *OVERALL, *measures]
    wanted = expectations.parse(options.expect, named)

    control = Control()
    with DataProgress(console, options.quiet) as progress:
        prepared = _prepare(config, resumed, options, progress, team)
    signals.lead_to(control)
    with suppress(OSError):
        if not options.quiet:
            console.print(f"[bold]{escape(str(prepared.folder.path))}", soft_wrap=True)
    with RunConsole(console, options.quiet) as screen:
        finished = prepared.run([screen], control)

    result = summarise(prepared, finished)
    failures = [
        failure
        for one in wanted
        if (failure := one.failure({**result["evaluation"], **result, **result["metrics"]}))
    ]
    with suppress(OSError):  # whoever listened may be gone by now
        _tell(console, result, metrics, prepared.folder, failures, options)
    if finished.status == "stopped":
        return signals.exit_code
    return int(finished.status != "done" or bool(failures))


def _prepare(
    config: RunConfig | None, resumed: RunFolder | None, options: Options, progress: DataProgress, team: Team
) -> session.Session:
    """A new run; or one that goes on, with other settings as a new run of its own."""
    if config:
        return session.begin(config, options.runs_dir, options.name, progress, team=team)
    assert resumed is not None
    given = different(resumed.config(), options.given)
    if given.keys() <= set(CHANGEABLE):
        if options.name is not None:
            raise InputError("A resumed run keeps its name: leave --name out, or change a setting, for a new run.")
        return session.resume(resumed, changes(given), progress, team=team)
    return session.branch(resumed, given, options.runs_dir, options.name, progress, team=team)


def _tell(
    console: Console, result: Mapping[str, Any], metrics: Mapping[str, Metric], folder: RunFolder,
    failures: Sequence[str], options: Options,
) -> None:  # fmt: skip
    """The result for a person, what was expected of it, and the same for a program."""
    if not options.quiet:
        print_result(console, result, metrics, folder)
    for failure in failures:
        Console(stderr=True).print(failure, style="red", markup=False, soft_wrap=True)
    if options.as_json:
        sys.stdout.write(json.dumps(result, allow_nan=False) + "\n")
        sys.stdout.flush()


def summarise(prepared: session.Session, finished: Finished) -> dict[str, Any]:
    """What `--json` prints of a run. How it ended is not asked of its files: a full disk may have kept them old."""
    state = State(finished.status, finished.step, seconds=finished.seconds)
    with suppress(InputError):  # the folder may be gone
        state = prepared.folder.stored_state()
    return {
        "run": str(prepared.folder.path),
        "state": finished.status,
        "model": prepared.config.model_name,
        "dataset": prepared.config.data.dataset,
        "steps": state.step,
        "epochs": round(state.epoch, 3),
        "images_per_second": state.images_per_second,
        "seconds": round(state.seconds, 2),
        "metrics": dict(state.metrics),
        "evaluation": evaluated(prepared.folder, state.step),
    }


def evaluated(folder: RunFolder, step: int) -> dict[str, float]:
    """What the run was measured to be worth at this step, by key; nothing where it was not measured."""
    with suppress(InputError):
        found = evaluations.load(folder)
        if found is not None and found.step == step:
            return {one.key: one.value for one in found.measured if one.value is not None}
    return {}
