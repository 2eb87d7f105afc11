"""Measure a run that is trained: `genbench evaluate`, and whatever needs numbers that are not there yet."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from models.errors import InputError
from workbench import session
from workbench.appraisal import Clock, Subject, appraise
from workbench.appraisal.at_end import samplers
from workbench.appraisal.clock import Progress
from workbench.config import RunConfig, Sampler
from workbench.evaluation import features
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

    One that was cut short takes nothing away of what was measured before at the same step, and says so.

    Raises `InputError` where the run has no checkpoint, its images are not there any more, somebody else measures
    it, or its folder cannot be written.
    """
    with folder.measuring():
        state, config = session.trained(folder, wanted.device)
        _refuse_early(wanted, config)
        images = session.images_of_run(folder, progress)
        whole = session.whole_images(config, images)
        shown, last = state.shown.eval(), state.model.eval()
        chosen = (wanted.sampler,) if wanted.sampler else samplers(shown, wanted.effort, config.training.sampler)
        subject = Subject(
            shown, None if shown is last else last, images, whole, chosen, wanted.effort, config.training.seed,
            Clock(wanted.budget, cancelled, progress), wanted.inception, wanted.bounded,
        )  # fmt: skip
        return _kept(folder, appraise(subject, state.step, config.training.shown_weights))


def _refuse_early(wanted: Wanted, config: RunConfig) -> None:
    """What would fail after minutes."""
    if wanted.sampler is not None:
        config.with_changes({"sampler": wanted.sampler})
    if wanted.inception is not None:
        features.check_inception(wanted.inception)


def _kept(folder: RunFolder, found: Evaluation) -> Evaluation:
    """Keep an evaluation in the run's folder, unless there is a better one; returns it with what is to be said."""
    earlier = _earlier(folder, found) if found.notes else None
    if earlier is not None and _stays(earlier, found):
        return replace(found, notes=(*found.notes, "What was measured before stays."))
    if earlier is not None:
        found = _with_rest(found, earlier)
    try:
        if found.measured:
            evaluations.save(folder, found)
    except files.DiskError as error:
        raise InputError(f"{error}. Make room, then measure again: genbench evaluate {folder.name}.") from None
    return found


def _earlier(folder: RunFolder, found: Evaluation) -> Evaluation | None:
    """What was measured before of the same weights, if anything was and can be read."""
    with suppress(InputError):
        earlier = evaluations.load(folder)
        same = earlier is not None and (earlier.step, earlier.weights) == (found.step, found.weights)
        return earlier if same else None
    return None


def _stays(earlier: Evaluation, found: Evaluation) -> bool:
    """Whether one that was cut short is to leave an earlier one as it is: that was to measure more, or is whole."""
    if earlier.effort == found.effort:
        return not earlier.notes
    return earlier.effort == "full"


def _with_rest(found: Evaluation, earlier: Evaluation) -> Evaluation:
    """An evaluation that was cut short, and what the earlier one has beyond it; each has its own protocol."""
    own = {one.key for one in found.measured}
    rest = tuple(one for one in earlier.measured if one.key not in own)
    said = (f"{len(rest)} numbers are those of the evaluation before.",) if rest else ()
    return replace(found, measured=(*found.measured, *rest), notes=(*found.notes, *said))
