"""What can be done with a run that is there: go on with it, or begin another one from its settings."""

from typing import TYPE_CHECKING

from models.errors import InputError
from workbench.config import RunConfig, changes, differing, typed
from workbench.runs.folder import RunFolder
from workbench.runs.state import State
from workbench.ui.dialogs import Ask

if TYPE_CHECKING:
    from workbench.ui.app import Workbench


async def clone(bench: "Workbench", folder: RunFolder) -> None:
    """Open the settings of a run in the form."""
    try:
        config = folder.config()
    except InputError as error:
        bench.say(str(error), bad=True)
        return
    own = differing(config)
    await bench.edit_run(config.model_name, {name: text for name, text in typed(config).items() if name in own})


async def resume(bench: "Workbench", folder: RunFolder) -> None:
    """Go on with a run here; asks how far where it has done all it was asked to."""
    try:
        config = folder.config()
    except InputError as error:
        bench.say(str(error), bad=True)
        return
    try:
        state = folder.state()
    except InputError:  # where it stands is found out when it goes on
        state = State("interrupted")
    if state.status != "done":
        await bench.resume_run(folder, {})
        return
    unit, done = _length(config, state)

    async def further(answer: str | None) -> None:
        if answer is None:
            return
        try:
            changed = changes({unit: answer.replace(",", "").strip()})
        except InputError as error:
            bench.say(str(error), bad=True)
            return
        if changed[unit] <= done:
            bench.say(f"{folder.name} has done {done:,} {unit} already: more than that, to go further.", bad=True)
            return
        await bench.resume_run(folder, changed)

    question = f"{folder.name} has done all its {done:,} {unit}.\nHow many should it have done in the end?"
    bench.push_screen(Ask(question, value=str(2 * done)), further)


def trained_by(bench: "Workbench", folder: RunFolder, instead: str) -> str:
    """Why a run can neither go on nor be deleted: somebody trains it. `instead` is what can be done."""
    if folder.name in bench.names_here():
        return f"{folder.name} is being trained here already: {instead}"
    try:
        state = folder.stored_state()
        return f"{folder.name} is being trained by process {state.pid} on {state.host}: {instead}"
    except InputError:
        return f"{folder.name} is being trained by another process: {instead}"


def _length(config: RunConfig, state: State) -> tuple[str, int]:
    """(epochs or steps, how many the run has done)."""
    if config.training.steps is not None:
        return "steps", state.step
    return "epochs", round(state.epoch)
