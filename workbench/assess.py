"""Measure a run that is trained: `genbench evaluate`, and whatever needs numbers that are not there yet."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import InputError
from workbench import session
from workbench.appraisal import Clock, Subject, appraise
from workbench.appraisal.at_end import samplers
from workbench.appraisal.clock import Progress
from workbench.config import Sampler
from workbench.runs import evaluations, files
from workbench.runs.evaluations import Effort, Evaluation
from workbench.runs.folder import RunFolder


@dataclass(frozen=True)
class Wanted:
    """What is to be measured."""

    effort: Effort = "full"
    sampler: Sampler | None = None  # None: the run's own; in a full evaluation every one
    device: str = "auto"
    budget: float | None = None  # seconds; None is without end
    inception: Path | None = None  # weights of Inception, for its features
    bounded: int | None = None  # images of the importance-weighted bound


def assess_run(
    folder: RunFolder, wanted: Wanted = Wanted(), *, progress: Progress | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Evaluation:  # fmt: skip
    """Measure a run by its latest checkpoint, and keep the result in its folder.

    One that was cut short replaces none that is whole, and says so.

    Raises `InputError` where the run has no checkpoint, its images are not there any more, or its folder cannot be
    written.
    """
    if not os.access(folder.path, os.W_OK | os.X_OK):
        raise InputError(f"What is measured is kept in {folder.path}, which cannot be written: permission denied.")
    state, config = session.trained(folder, wanted.device)
    if wanted.sampler is not None:
        config.with_changes({"sampler": wanted.sampler})  # refuse now what would fail after minutes
    images = session.images_of_run(folder, progress)
    whole = session.whole_images(config, images)
    shown, last = state.shown.eval(), state.model.eval()
    chosen = (wanted.sampler,) if wanted.sampler else samplers(shown, wanted.effort, config.training.sampler)
    subject = Subject(
        shown, None if shown is last else last, images, whole, chosen, wanted.effort, config.training.seed,
        Clock(wanted.budget, cancelled, progress), wanted.inception, wanted.bounded,
    )  # fmt: skip
    evaluation = appraise(subject, state.step, config.training.shown_weights)
    if evaluation.notes and _has_whole(folder, state.step):
        return replace(evaluation, notes=(*evaluation.notes, "The evaluation of before, which is whole, stays."))
    if evaluation.measured:
        _keep(folder, evaluation)
    return evaluation


def _keep(folder: RunFolder, evaluation: Evaluation) -> None:
    try:
        evaluations.save(folder, evaluation)
    except files.DiskError as error:
        raise InputError(f"{error}. Make room, then measure again: genbench evaluate {folder.name}.") from None


def _has_whole(folder: RunFolder, step: int) -> bool:
    """Whether the folder has an evaluation of this step that was cut short by nothing."""
    with suppress(InputError):
        found = evaluations.load(folder)
        return found is not None and found.step == step and not found.notes
    return False
