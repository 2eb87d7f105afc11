"""From a configuration to a trained run: what the console and the workbench both start.

Everything that can be refused is refused before the run's folder exists.
"""

import os
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import models
from models.base import ImageShape
from models.errors import InputError
from workbench import environment
from workbench.album import Album
from workbench.appraisal.at_end import AtEnd
from workbench.config import RunConfig, branched, steps_per_epoch
from workbench.data.catalogue import printable
from workbench.data.imageset import ImageSet, Progress
from workbench.data.load import load
from workbench.runs import checkpoint, damage, files, history, pictures, requests
from workbench.runs.folder import RunFolder, check_name
from workbench.runs.history import History
from workbench.runs.state import State
from workbench.training import devices
from workbench.training.calibrate import measure_threads
from workbench.training.control import Control
from workbench.training.events import Finished, Notice, Sink
from workbench.training.listener import Listener
from workbench.training.loop import Trainer
from workbench.training.memory import is_exhausted
from workbench.training.order import seed_for
from workbench.training.recorder import Recorder
from workbench.training.state import Model, TrainingState
from workbench.training.team import ALONE, Team


@dataclass
class Session:
    """One sitting of one run, ready to train."""

    config: RunConfig
    folder: RunFolder
    images: ImageSet
    state: TrainingState
    machine: devices.Machine
    notices: Sequence[str] = ()
    team: Team = ALONE

    def run(self, sinks: Sequence[Sink], control: Control) -> Finished:
        """Train to the end. A bug ends the run as failed: traceback to `log.txt`, one line to the sinks."""
        past = History.read(self.folder.metrics_file)
        recorder = Recorder(self.folder, past)
        measuring = AtEnd(
            self.folder, self.config, self.images, lambda: whole_images(self.config, self.images), self.state,
            lambda: control.hurried,
        )  # fmt: skip
        album = Album(self.folder, self.config, self.images, self.state.model, past, lambda: control.hurried)
        trainer = None
        try:
            self.team.share_state(self.state)
            trainer = Trainer(
                self.state, self.images, self.config.training, self.machine,
                self.folder, recorder, [album, measuring, *sinks], control, self.team,
            )  # fmt: skip
            with Listener(self.folder, control):
                for text in (*self.images.notices, *self.notices):
                    trainer.tell(Notice(self.state.step, text))
                return trainer.run()
        except Exception as error:  # noqa: BLE001 (a bug must not take the program that shows the run)
            said, trace = self._failure(error, trainer)
            with suppress(OSError):
                self.folder.log(trace)
            finished = Finished("failed", self.state.step, said)
            everyone: list[Sink] = [recorder, *sinks]
            for sink in everyone:
                with suppress(Exception):  # what failed may be this sink, or the disk
                    sink(finished)
            return finished
        finally:
            self.folder.unlock()

    def _failure(self, error: Exception, trainer: Trainer | None) -> tuple[str, str]:
        """What ended the run, in words, and its traceback: of this process, or of the one that is gone."""
        trace = traceback.format_exc()
        if not self.team.lost(error):
            return _failure(error, self.folder, trainer), trace
        said, theirs = self.team.reason()
        return f"{said} Go on with: {self.folder.resume_command}", theirs or trace


def begin(
    config: RunConfig, runs_dir: Path, name: str | None, progress: Progress | None = None, spare_cores: int = 0,
    team: Team = ALONE,
) -> Session:  # fmt: skip
    """Prepare a new run. Raises `InputError` for whatever is wrong, with nothing left behind."""
    machine = devices.choose(config.training, spare_cores)
    check_writable(runs_dir)
    if name is not None:
        check_name(runs_dir, name)
    images = _images_for_all(config, progress, machine, team)
    state = first_state(config, images.shape, machine)
    machine = measure_threads(machine, state.model, images.train, config.training)
    folder = _new_folder(config, runs_dir, name, images, state, machine)
    return Session(config, folder, images, state, machine, team=team)


def _new_folder(
    config: RunConfig, runs_dir: Path, name: str | None, images: ImageSet, state: TrainingState,
    machine: devices.Machine, parent: Mapping[str, Any] | None = None,
) -> RunFolder:  # fmt: skip
    """A new run's folder, locked, with all that is known before the first step."""
    folder = RunFolder.create(runs_dir, config, name)
    try:
        with _in_words():
            folder.lock()
            folder.write_config(config, describe_images(images), state.model.metrics, parent)
            folder.write_state(State("running"))
            folder.write_environment(environment.describe(config, machine))
            if parent is not None:
                checkpoint.save(folder, state.to_checkpoint(0.0))  # from here on it needs its parent no more
    except BaseException:
        folder.unlock()
        with suppress(InputError):
            folder.remove()
        raise
    return folder


@contextmanager
def _in_words() -> Iterator[None]:
    """What cannot be written before the first step is a refusal."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{error}. Free some space, or choose another --runs-dir.") from None


def resume(
    folder: RunFolder, changes: dict[str, Any], progress: Progress | None = None, spare_cores: int = 0,
    team: Team = ALONE,
) -> Session:  # fmt: skip
    """Prepare to go on with a run from its last checkpoint, as if it had not been interrupted.

    `changes` may give `epochs` or `steps`, to go further, `device`, `threads`, and where the data lies now.
    Raises `InputError` where the run cannot go on: it is being written, has no checkpoint, is finished, or its
    images have changed.
    """
    folder.lock()
    try:
        files.remove_leftovers(folder.path)
        requests.take(folder)  # what was asked of a sitting that has ended
        lost = damage.lost(folder)
        config = folder.config().with_changes(changes)
        machine, images, state, notices = _restored(folder, config, progress, spare_cores, team, same=True)
        notices = [*lost, *notices]
        total = _steps_total(config, images)
        if state.step >= total and (state.step > total or _is_done(folder)):
            epochs = state.step / steps_per_epoch(len(images.train), config.training.batch_size)
            raise InputError(
                f"{folder.name} has done {state.step:,} steps ({epochs:,.4g} epochs) already. "
                "Give --epochs or --steps above that to go further."
            )
        with _in_words():
            checkpoint.set_aside(folder, state.step)
            history.truncate(folder.metrics_file, state.step)
            pictures.truncate(folder, state.step)
            folder.write_config(config, describe_images(images), state.model.metrics, folder.parent())
            folder.write_environment(environment.describe(config, machine))
    except BaseException:
        folder.unlock()
        raise
    return Session(config, folder, images, state, machine, notices, team)


def branch(
    parent: RunFolder, given: Mapping[str, str], runs_dir: Path, name: str | None, progress: Progress | None = None,
    spare_cores: int = 0, team: Team = ALONE,
) -> Session:  # fmt: skip
    """Prepare a new run with other settings that goes on from the last checkpoint of `parent`, and names it.

    It begins at the same epoch, also where the settings make other steps of it. Raises `InputError` as `begin` and
    `resume` do, and where the settings make another architecture.
    """
    config = branched(parent.config(), given)
    check_writable(runs_dir)
    if name is not None:
        check_name(runs_dir, name)
    machine, images, state, notices = _restored(parent, config, progress, spare_cores, team, same=False)
    at = {"run": parent.name, "step": state.step}
    count = parent.images().get("train")
    if not isinstance(count, int) or count < 1:
        raise InputError(f"{parent.config_file} does not say how many images the run was trained on.")
    before = steps_per_epoch(count, parent.config().training.batch_size)
    now = steps_per_epoch(len(images.train), config.training.batch_size)
    state.step, state.evaluated = state.step * now // before, -1
    if config.training.steps and "steps" not in given:
        config = config.with_changes({"steps": config.training.steps * now // before})
    if state.step >= _steps_total(config, images):
        raise InputError(
            f"{parent.name} has done {at['step']:,} steps, and with these settings there are none left. "
            "Give more --epochs or --steps with them."
        )
    notices = [f"Goes on from step {at['step']:,} of {parent.name} with other settings.", *notices]
    folder = _new_folder(config, runs_dir, name, images, state, machine, at)
    return Session(config, folder, images, state, machine, notices, team)


def _restored(
    folder: RunFolder, config: RunConfig, progress: Progress | None, spare_cores: int, team: Team, same: bool
) -> tuple[devices.Machine, ImageSet, TrainingState, list[str]]:
    """A run's state as it was saved, on the machine and with the images to go on with; what is to be said of it.

    `same` is whether it goes on as the same run: on the same images, with the learning rates that were saved.
    """
    saved, notices = None, ["There was no checkpoint yet, so the run begins again."]
    if checkpoint.any_there(folder) or not same or _had_checkpoints(folder):
        saved, broken = checkpoint.latest(folder)
        notices = [f"{text} The run goes on from step {saved.step:,}." for text in broken]
    before = environment.before(folder) if same else {}
    machine = devices.choose(config.training, spare_cores, before)
    images = _images_for_all(config, progress, machine, team)
    asked = not same and config.data != folder.config().data  # other images are what was asked for
    if not asked:
        _check_same(folder, config, images)
    state = first_state(config, images.shape, machine)
    if saved is not None:
        if asked:
            _check_form(folder, images)
        state.restore(saved, own_rates=not same)
    machine = measure_threads(machine, state.model, images.train, config.training)
    return machine, images, state, notices + environment.other_bits(before, environment.describe(config, machine))


def _had_checkpoints(folder: RunFolder) -> bool:
    """Whether a run got so far that there were checkpoints: it is not begun again, which would cost its numbers."""
    ended, started = False, steps_per_epoch(folder.images().get("train") or 1, folder.config().training.batch_size)
    with suppress(InputError):
        ended = folder.stored_state().status not in {"running", "paused"}
    records = History.read(folder.metrics_file).records
    return ended or any(record.step > started for record in records) or folder.parent() is not None


def _is_done(folder: RunFolder) -> bool:
    """Whether nothing is left to do; a run killed in its last pictures has those left."""
    with suppress(InputError):
        return folder.stored_state().status == "done"
    return False


def _steps_total(config: RunConfig, images: ImageSet) -> int:
    epoch = steps_per_epoch(len(images.train), config.training.batch_size)
    return config.training.steps or config.training.epochs * epoch


def trained_model(folder: RunFolder, device: str = "auto") -> tuple[Model, RunConfig, int]:
    """The model of a run as evaluation sees it, its configuration, and the step it was saved at."""
    state, config = trained(folder, device)
    return state.shown.eval(), config, state.step


def trained(folder: RunFolder, device: str = "auto") -> tuple[TrainingState, RunConfig]:
    """A run as its latest checkpoint has it, and its configuration."""
    config = folder.config()
    machine = devices.choose(config.training.model_copy(update={"device": device}))
    facts = folder.images()
    state = first_state(config, ImageShape(int(facts["channels"]), int(facts["size"])), machine)
    saved, _ = checkpoint.latest(folder)
    state.restore(saved)
    return state, config


def images_of_run(folder: RunFolder, progress: Progress | None = None) -> ImageSet:
    """The images a run was trained on. Raises `InputError` where they are not there, or are others by now."""
    config = folder.config()
    images = images_of(config, progress)
    _check_same(folder, config, images)
    return images


def whole_images(config: RunConfig, images: ImageSet) -> ImageSet:
    """The images of a run without a limit on those to train on, so that runs differing by it share features."""
    return images if config.data.limit is None else images_of(config.with_changes({"limit": None}), None)


def _check_form(folder: RunFolder, images: ImageSet) -> None:
    """Refuse images that the networks of a run cannot take."""
    facts, shape = folder.images(), images.shape
    if (facts.get("channels"), facts.get("size")) != (shape.channels, shape.size):
        raise InputError(
            f"The networks of {folder.name} take images of {facts.get('size')}x{facts.get('size')} with "
            f"{facts.get('channels')} channel(s); these have {shape.size}x{shape.size} and {shape.channels}. "
            "Give --image-size and --channels of the run as well, or begin a new one."
        )


def _check_same(folder: RunFolder, config: RunConfig, images: ImageSet) -> None:
    if images.fingerprint != folder.images()["fingerprint"]:
        raise InputError(
            f"{folder.name} was trained on other images than {config.data.dataset} holds now. "
            "Put the old images back, or start a new run."
        )


def describe_images(images: ImageSet) -> dict[str, Any]:
    """What `config.json` says of the images: enough to build the model and to know them again."""
    return {
        "fingerprint": images.fingerprint,
        "channels": images.shape.channels,
        "size": images.shape.size,
        "train": len(images.train.images),
        "test": len(images.test.images),
        "classes": list(images.classes),
    }


def check_writable(runs_dir: Path) -> None:
    """Raise `InputError` where a run could not be written, before minutes are spent on data."""
    if any("\ud800" <= character <= "\udfff" for character in str(runs_dir)):  # safetensors opens no such path
        raise InputError(
            f"Runs cannot be kept in {printable(str(runs_dir))}: its name is not UTF-8. Choose another --runs-dir."
        )
    parent = runs_dir.absolute()
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"Runs cannot be written to {runs_dir}: {parent} is a file. Choose another --runs-dir.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"Runs cannot be written to {runs_dir}: permission denied. Choose another --runs-dir.")


def _images_for_all(config: RunConfig, progress: Progress | None, machine: devices.Machine, team: Team) -> ImageSet:
    """The images at all processes that train, this one first. Raises `InputError` where one cannot have them."""
    team.check_batch(config.training.batch_size)
    images = images_of(config, progress)
    team.check_batch(min(config.training.batch_size, len(images.train)))
    team.gather({"config": config.to_json(), "fingerprint": images.fingerprint, "products": machine.products})
    return images


def images_of(config: RunConfig, progress: Progress | None = None) -> ImageSet:
    """The images of a run as it sees them. Raises `InputError` where they cannot be had."""
    data = config.data
    return load(
        data.dataset, data_dir=data.data_dir, image_size=data.image_size, channels=data.channels,
        limit=data.limit, seed=data.data_seed, binarise=data.binarise, progress=progress,
    )  # fmt: skip


def first_state(config: RunConfig, shape: ImageShape, machine: devices.Machine) -> TrainingState:
    """A run as it is before its first step."""
    # The first weights are drawn on the CPU, so that every device starts from the same ones; the global
    # generator is put back, since it is not ours.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(config.training.seed, "weights"))
        model = models.load(config.model_name)(config.model, shape)
    model = model.to(memory_format=devices.layout(model, machine)).to(machine.device)
    return TrainingState(model, config.training.averaging)


def _failure(error: Exception, folder: RunFolder, trainer: Trainer | None) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        return f"{str(error).rstrip('.')}. The run's last checkpoint can be resumed."
    if is_exhausted(error):
        return _out_of_memory(error, folder, trainer)
    return f"{type(error).__name__}: {str(error).rstrip('.')}. The traceback is in {folder.log_file}."


def _out_of_memory(error: Exception, folder: RunFolder, trainer: Trainer | None) -> str:
    """What would fit: on a GPU by trying; on a CPU a try could end the process."""
    size = trainer.settings.batch_size if trainer else 2
    fits = trainer.smaller_batch(error) if trainer and isinstance(error, torch.OutOfMemoryError) else None
    said = f"The device ran out of memory with --batch-size {size}."
    if fits is None:
        return f"{said} Try --batch-size {max(size // 2, 2)}, or a smaller --width."
    if trainer is None or trainer.saved_step is None:
        return f"{said} A step of {fits} images fits: use --batch-size {fits}."
    return (
        f"{said} A step of {fits} images fits. Go on from step {trainer.saved_step:,} with it: "
        f"{folder.resume_command} --batch-size {fits}"
    )
