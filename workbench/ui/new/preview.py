"""Images of the chosen set, read in a thread of their own.

Reading imports torch. The thread is a daemon and is looked at, never waited for: whoever leaves, leaves at once.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from models.errors import InputError
from workbench import bugs
from workbench.ui.garbage import uncollected
from workbench.ui.new.form import Form
from workbench.units import Pace, dataset_title

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHOWN = 96  # images
LOOKED_AT = 4096  # of a set that stays on the disk


class Wanted(NamedTuple):
    """What decides which images a run would see."""

    dataset: str
    data_dir: Path | None
    image_size: int | None
    channels: int | None
    limit: int | None
    data_seed: int


@dataclass(frozen=True, eq=False)
class Preview:
    """Some images of a set, and what is known of all of them."""

    title: str
    images: "NDArray[np.uint8]"  # (N, C, H, W), in mixed order
    train: int
    test: int
    classes: tuple[str, ...]
    low: float  # of all pixels to train on, or of many of them, in [0, 1]
    high: float
    mean: float

    @property
    def shape(self) -> str:
        """28x28 grey."""
        _, channels, height, width = self.images.shape
        return f"{width}x{height} {'colour' if channels == 3 else 'grey'}"


def read(wanted: Wanted, progress: Callable[[str, int, int], None]) -> Preview:
    """Read a set and keep a little of it. Raises `InputError` where it cannot be read."""
    with uncollected():
        import torch

        from workbench.data.imageset import shuffled
        from workbench.data.load import load

    found = load(
        wanted.dataset, data_dir=wanted.data_dir, image_size=wanted.image_size, channels=wanted.channels,
        limit=wanted.limit, seed=wanted.data_seed, progress=progress,
    )  # fmt: skip
    order = shuffled(len(found.train), 0)
    some = found.train.images[order[:SHOWN]].numpy()
    pixels = found.train.images
    if not isinstance(pixels, torch.Tensor):
        pixels = pixels[order[:LOOKED_AT]]
    mean = pixels.sum(dtype=torch.int64).item() / pixels.numel() / 255
    low, high = pixels.min().item() / 255, pixels.max().item() / 255
    return Preview(found.title, some, len(found.train), len(found.test), found.classes, low, high, mean)


def wanted(form: Form) -> Wanted | None:
    """What to read for a form; None where it is not valid or the images are not on this machine."""
    data = form.images()
    if data is None or form.to_download:
        return None
    return Wanted(data.dataset, data.data_dir, data.image_size, data.channels, data.limit, data.data_seed)


class Reader:
    """Reads one set after another in the background, and remembers what it has read."""

    def __init__(self) -> None:
        self.stage = ""  # how far the reading is
        self._known: dict[Wanted, Preview | str] = {}
        self._wish: Wanted | None = None
        self._thread: threading.Thread | None = None

    def known(self, wish: Wanted) -> Preview | str | None:
        """What was read, or why it could not be; None while that is not known."""
        return self._known.get(wish)

    def ask(self, wish: Wanted) -> None:
        """See to it that a set is read. What is being read for an older wish is given up as soon as it can be."""
        self._wish = wish
        if wish in self._known or (self._thread is not None and self._thread.is_alive()):
            return
        self.stage = f"Reading {dataset_title(wish.dataset)} ..."
        self._thread = threading.Thread(target=self._read, args=(wish,), name="preview", daemon=True)
        self._thread.start()

    def _read(self, wish: Wanted) -> None:
        pace = Pace()

        def progress(what: str, done: int, total: int) -> None:
            if wish != self._wish:
                raise _GivenUp
            self.stage = pace.words(what, done, total)

        try:
            self._known[wish] = read(wish, progress)
        except _GivenUp:
            pass
        except InputError as error:
            self._known[wish] = str(error)
        except Exception as error:  # noqa: BLE001 (a bug: it is said in the preview's place)
            self._known[wish] = bugs.keep(error)


class _GivenUp(Exception):  # noqa: N818 (no error)
    """Nobody wants to see this set any more."""
