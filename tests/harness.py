"""Small runs for tests: real data, real folders, seconds."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from workbench import session
from workbench.config import RunConfig, resolve
from workbench.session import Session
from workbench.training.control import Control
from workbench.training.events import Event, Sink
from workbench.training.loop import Trainer

SMALL = {
    "dataset": "digits", "image_size": "8", "limit": "96", "width": "4", "latent": "4", "batch_size": "16",
    "threads": "1", "device": "cpu", "every": "100",
    "evaluate": "none",
}  # fmt: skip


def small_config(model: str = "vae", **settings: str) -> RunConfig:
    """A configuration that trains a step in about a millisecond: 96 digits of 8x8 in batches of 16."""
    return resolve(model, {**SMALL, **settings})


def begin(runs: Path, model: str = "vae", name: str | None = None, **settings: str) -> Session:
    """A small run, ready to train."""
    return session.begin(small_config(model, **settings), runs, name)


@contextmanager
def no_drawings() -> Iterator[None]:
    """Runs without PNGs: they take longer than the runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "Album", lambda *_: lambda event: None)
        yield


class Unrecorded:
    """A record that keeps nothing and has no trouble."""

    trouble = ""

    def __call__(self, event: Event) -> None:
        pass

    def settle(self) -> bool:
        return True


def trainer(prepared: Session) -> Trainer:
    """The trainer of a prepared run, to take single steps with; nothing is recorded."""
    prepared.folder.unlock()
    return Trainer(
        prepared.state, prepared.images, prepared.config.training, prepared.machine,
        prepared.folder, Unrecorded(), [], Control(),
    )  # fmt: skip


def train(
    prepared: Session, sinks: Sequence[Sink] = (), control: Control | None = None, *, draw: bool = False
) -> list[Event]:
    """Train to the end and return what was told. Snapshots are taken as ever; `draw` also makes the PNGs."""
    events: list[Event] = []
    with nullcontext() if draw else no_drawings():
        prepared.run([events.append, *sinks], control or Control())
    return events
