"""The sink that measures a model when its training is done, and keeps the result in the run's folder.

It hears of the end last but for the screens, when the run is already recorded as done: measuring counts as no time
of training, and whatever happens to it the run is whole.
"""

import traceback
from collections.abc import Callable
from contextlib import suppress

from models.base import Encodes
from workbench.appraisal.appraise import appraise
from workbench.appraisal.clock import Clock
from workbench.appraisal.subject import Subject
from workbench.config import FITTED, RunConfig, Sampler
from workbench.data.imageset import ImageSet
from workbench.runs import evaluations, files
from workbench.runs.evaluations import Effort
from workbench.runs.folder import RunFolder
from workbench.training.events import Event, Finished, LeftOutError
from workbench.training.state import Model, TrainingState


class AtEnd:
    """Measures once, at the end of a whole run."""

    def __init__(
        self, folder: RunFolder, config: RunConfig, images: ImageSet, whole: Callable[[], ImageSet],
        state: TrainingState, hurried: Callable[[], bool],
    ) -> None:  # fmt: skip
        """`whole` loads the images without a limit; `hurried` says that somebody waits for the run to end."""
        self._folder, self._config, self._images, self._whole = folder, config, images, whole
        self._state, self._hurried = state, hurried

    def __call__(self, event: Event) -> None:
        effort = self._config.training.evaluate
        if isinstance(event, Finished) and event.status == "done" and effort != "none" and not self._hurried():
            self._measure(effort, event.step)

    def _measure(self, effort: Effort, step: int) -> None:
        try:
            clock = Clock(cancelled=self._hurried)
            shown, last = self._state.shown.eval(), self._state.model.eval()
            training = self._config.training
            subject = Subject(
                shown, None if shown is last else last, self._images, self._whole(),
                samplers(shown, effort, training.sampler), effort, training.seed, clock,
            )  # fmt: skip
            found = appraise(subject, step, training.shown_weights)
            evaluations.save(self._folder, found)
        except files.DiskError as error:
            raise LeftOutError(f"{error}. Measure again later: genbench evaluate {self._folder.name}.") from None
        except Exception as error:  # noqa: BLE001 (a measure that fails must not take the run)
            with suppress(files.DiskError):
                self._folder.log(traceback.format_exc())
            said = f"The model could not be measured ({error}); the traceback is in {self._folder.log_file}."
            raise LeftOutError(said) from None
        if found.notes:
            raise LeftOutError(f"{' '.join(found.notes)} Measure the rest: genbench evaluate {self._folder.name}.")


def samplers(model: Model, effort: Effort, chosen: Sampler) -> tuple[Sampler, ...]:
    """Whose samples are measured: the run's own choice; in a full evaluation every one that the model has."""
    if effort == "fast" or not isinstance(model, Encodes):
        return (chosen,)
    return ("own", *FITTED)
