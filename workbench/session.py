"""From a configuration to a trained run: what the console and the workbench both start.

Everything that can be refused is refused before the run's folder exists.
"""

import os
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

import models
from models.base import ImageShape
from models.errors import InputError
from workbench.album import Album
from workbench.config import RunConfig, steps_per_epoch
from workbench.data.imageset import ImageSet, Progress
from workbench.data.load import load
from workbench.runs import checkpoint, history, pictures
from workbench.runs.folder import RunFolder, State, check_name
from workbench.runs.history import History
from workbench.training import devices
from workbench.training.control import Control
from workbench.training.events import Finished, Notice, Sink
from workbench.training.loop import Trainer
from workbench.training.order import seed_for
from workbench.training.recorder import Recorder
from workbench.training.state import Model, TrainingState


@dataclass
class Session:
    """One sitting of one run, ready to train."""

    config: RunConfig
    folder: RunFolder
    images: ImageSet
    state: TrainingState
    machine: devices.Machine
    notices: Sequence[str] = ()

    def run(self, sinks: Sequence[Sink], control: Control) -> Finished:
        """Train to the end. A bug ends the run as failed: traceback to `log.txt`, one line to the sinks."""
        past = History.read(self.folder.metrics_file)
        recorder = Recorder(self.folder, past)
        album = Album(self.folder, self.config, self.images, self.state.model, past)
        try:
            trainer = Trainer(
                self.state, self.images, self.config.training, self.machine,
                self.folder, [recorder, album, *sinks], control,
            )  # fmt: skip
            for text in (*self.images.notices, *self.notices):
                trainer.tell(Notice(self.state.step, text))
            return trainer.run()
        except Exception as error:  # noqa: BLE001 (a bug must not take the program that shows the run)
            finished = Finished("failed", self.state.step, _failure(error, self.config, self.folder))
            with suppress(OSError):
                self.folder.log(traceback.format_exc())
            everyone: list[Sink] = [recorder, *sinks]
            for sink in everyone:
                with suppress(Exception):  # what failed may be this sink, or the disk
                    sink(finished)
            return finished
        finally:
            self.folder.unlock()


def begin(
    config: RunConfig, runs_dir: Path, name: str | None, progress: Progress | None = None, spare_cores: int = 0
) -> Session:
    """Prepare a new run. Raises `InputError` for whatever is wrong, with nothing left behind."""
    machine = devices.choose(config.training, spare_cores)
    check_writable(runs_dir)
    if name is not None:
        check_name(runs_dir, name)
    images = _images(config, progress)
    state = _state(config, images.shape, machine)
    folder = RunFolder.create(runs_dir, config, name)
    try:
        folder.lock()
        folder.write_config(config, describe_images(images), state.model.metrics)
        folder.write_state(State("running"))
        folder.write_environment(_environment(config, machine))
    except BaseException:
        folder.unlock()
        folder.remove()
        raise
    return Session(config, folder, images, state, machine)


def resume(
    folder: RunFolder, changes: dict[str, Any], progress: Progress | None = None, spare_cores: int = 0
) -> Session:
    """Prepare to go on with a run from its last checkpoint.

    `changes` may give `epochs` or `steps`, to go further, `device`, `threads`, and where the data lies now.
    Raises `InputError` where the run cannot go on: it is being written, has no checkpoint, is finished, or its
    images have changed.
    """
    folder.lock()
    try:
        config = folder.config().with_changes(changes)
        machine = devices.choose(config.training, spare_cores)
        images = _images(config, progress)
        if images.fingerprint != folder.images()["fingerprint"]:
            raise InputError(
                f"{folder.name} was trained on other images than {config.data.dataset} holds now. "
                "Put the old images back, or start a new run."
            )
        state = _state(config, images.shape, machine)
        saved, broken = checkpoint.latest(folder)
        state.restore(saved)
        epoch = steps_per_epoch(len(images.train), config.training.batch_size)
        total = config.training.steps or config.training.epochs * epoch
        if state.step >= total:
            raise InputError(
                f"{folder.name} has done all its {total} steps. Give --epochs or --steps above that to go further."
            )
        history.truncate(folder.metrics_file, state.step)
        pictures.truncate(folder, state.step)
        folder.write_config(config, describe_images(images), state.model.metrics)
        folder.write_environment(_environment(config, machine))
    except BaseException:
        folder.unlock()
        raise
    return Session(config, folder, images, state, machine, broken)


def trained_model(folder: RunFolder, device: str = "auto") -> tuple[Model, RunConfig, int]:
    """The model of a run as evaluation sees it, its configuration, and the step it was saved at."""
    config = folder.config()
    machine = devices.choose(config.training.model_copy(update={"device": device}))
    facts = folder.images()
    state = _state(config, ImageShape(int(facts["channels"]), int(facts["size"])), machine)
    saved, _ = checkpoint.latest(folder)
    state.restore(saved)
    return state.shown.eval(), config, state.step


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
    parent = runs_dir.absolute()
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"Runs cannot be written to {runs_dir}: {parent} is a file. Choose another --runs-dir.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"Runs cannot be written to {runs_dir}: permission denied. Choose another --runs-dir.")


def _images(config: RunConfig, progress: Progress | None) -> ImageSet:
    data = config.data
    return load(
        data.dataset, data_dir=data.data_dir, image_size=data.image_size, channels=data.channels,
        limit=data.limit, seed=data.data_seed, progress=progress,
    )  # fmt: skip


def _state(config: RunConfig, shape: ImageShape, machine: devices.Machine) -> TrainingState:
    # The first weights are drawn on the CPU, so that every device starts from the same ones; the global
    # generator is put back, since it is not ours.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(config.training.seed, "weights"))
        model = models.load(config.model_name)(config.model, shape)
    return TrainingState(model.to(machine.device), config.training.averaging)


def _environment(config: RunConfig, machine: devices.Machine) -> dict[str, Any]:
    gpu = machine.device.type == "cuda"
    return {
        "device": str(machine.device),
        "device_name": torch.cuda.get_device_name(machine.device) if gpu else "",
        "precision": machine.precision,
        "threads": machine.threads,
        "seed": config.training.seed,
    }


def _failure(error: Exception, config: RunConfig, folder: RunFolder) -> str:
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, OSError):
        return f"The run could not be written ({error.strerror or error}). Its last checkpoint can be resumed."
    if isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error):
        half = max(config.training.batch_size // 2, 2)
        return f"The device ran out of memory. Try --batch-size {half}, or a smaller --width."
    return f"{type(error).__name__}: {str(error).rstrip('.')}. The traceback is in {folder.log_file}."
