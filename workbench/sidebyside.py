"""What several runs have to show beside one another, gathered from their folders: one model in memory at a time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from models.base import Encodes, Reconstructs
from models.errors import InputError
from models.metric import Metric
from workbench import figures, session
from workbench.album import flat
from workbench.comparison import Column, Comparison
from workbench.config import RunConfig
from workbench.data import imageset
from workbench.data.imageset import ImageSet, to_bytes, to_unit
from workbench.evaluation.projection import Points
from workbench.figures import Panel, Series, Shown
from workbench.figures.comparison import SAMPLES
from workbench.runs import pictures
from workbench.runs.folder import RunFolder
from workbench.runs.history import History, Split
from workbench.sampling import encode_all
from workbench.training.order import generator
from workbench.training.snapshots import CODES, RECONSTRUCTED
from workbench.training.state import Model

MOST_PANELS = 6
SEED = 0  # of the pictures, not of the runs: the same for all

_WORDS: dict[Split, str] = {"test": "held-out", "train": "training"}
_CURVE = 2  # values that make a line

_Told = tuple[str, History, Mapping[str, Metric]]  # of a run: its label, its numbers and what they are of


def picture(comparison: Comparison, device: str = "auto") -> bytes:
    """The bytes of a PNG of these runs. It says which runs it lacks, and why."""
    gathered = _Gathered(device)
    runs = [gathered.of(column) for column in comparison.columns]
    sets = dict.fromkeys(column.facts["dataset"] for column in comparison.columns if "dataset" in column.facts)
    count = f"{len(runs)} runs" if runs[1:] else "1 run"
    caption = (
        "Curves end in the newest value. Samples are drawn with the same seed; models whose codes have the same "
        "size see the same noise. Latent spaces of more than two dimensions are projected by PCA, each by its own."
    )
    header = figures.Header(
        f"{count} on {' and '.join(sets)}" if sets else count, " · ".join(run.label for run in runs), caption
    )
    page = figures.comparison(runs, panels(comparison.columns), gathered.originals, header, gathered.notes)
    return figures.png(page)


def panels(columns: Sequence[Column]) -> list[Panel]:
    """A chart for each metric that two or more runs have (any, of one run), a line or a lone dot for each run."""
    told = [(column.label, History.read(column.folder.metrics_file), column.folder.metrics()) for column in columns]
    keys = [(name, metric.unit) for _, _, metrics in told for name, metric in metrics.items()]
    least = min(2, len(columns))
    shared = [key for key in dict.fromkeys(keys) if keys.count(key) >= least]
    found: list[Panel] = []
    for name, unit in sorted(shared, key=lambda key: -keys.count(key)):
        drawn = {split: _lines(told, name, unit, split) for split in _WORDS}
        # Held-out values, unless they are dots alone and those of training make lines.
        split = max(
            drawn, key=lambda it: (len(drawn[it]) >= least, any(len(line.x) >= _CURVE for line in drawn[it]))
        )
        if len(drawn[split]) >= least:
            limits = (0.0, 1.0) if unit == "probability" else None
            found.append(Panel(f"{name}, {_WORDS[split]}", unit, drawn[split], limits))
    return found[:MOST_PANELS]


def _lines(told: Sequence[_Told], name: str, unit: str, split: Split) -> tuple[Series, ...]:
    """The curves of the runs that have values of this metric; one value is a curve too, drawn as a dot."""
    having = [
        (label, history) for label, history, metrics in told if name in metrics and metrics[name].unit == unit
    ]
    curves = [(label, history.curve(name, split)) for label, history in having]
    return tuple(Series(label, curve.epoch, curve.value) for label, curve in curves if len(curve.epoch))


@dataclass
class _Gathered:
    """What was gathered so far: the images that all reconstruct, and what could not be had."""

    device: str
    originals: NDArray[np.uint8] | None = None
    notes: list[str] = field(default_factory=list)
    _held_out: str = ""  # which images `originals` are of
    _last: tuple[object, ImageSet] | None = None  # so that runs on the same images read them once

    def of(self, column: Column) -> Shown:
        """What a run has to show. Its model is gone when this returns."""
        try:
            model, config, step = session.trained_model(column.folder, self.device)
        except InputError as error:
            self.notes.append(f"{column.label} has no pictures: {error}")
            return Shown(column.label)
        detail = f"{config.model_name} · step {step:,} · {config.training.shown_weights}"
        with torch.inference_mode():
            noise = generator(next(model.parameters()).device, SEED, "pictures")
            drawn = to_bytes(model.sample(SAMPLES, noise)).cpu().numpy()
            if not isinstance(model, Reconstructs | Encodes):
                return Shown(column.label, detail, drawn)
            try:
                images = self._images(config, column)
            except InputError as error:
                self.notes.append(f"{column.label} has no reconstructions and no codes: {error}")
                return Shown(column.label, detail, drawn)
            rebuilt = self._rebuilt(model, images, column.label)
            points, labels, axes = _codes(model, images, column.folder, step)
        return Shown(column.label, detail, drawn, rebuilt, points, labels, images.classes, axes)

    def _images(self, config: RunConfig, column: Column) -> ImageSet:
        """The images of a run. Raises `InputError` where they are not there, or other than the run has seen."""
        if self._last is None or self._last[0] != config.data:
            self._last = None  # not two sets in memory
            self._last = (config.data, session.images_of(config))
        images = self._last[1]
        if images.fingerprint != column.folder.images().get("fingerprint"):
            raise InputError(f"it was trained on other images than {config.data.dataset} holds now.")
        return images

    def _rebuilt(self, model: Model, images: ImageSet, label: str) -> NDArray[np.uint8] | None:
        """Reconstructions of the images that all are shown with; None, with a note, where the run has others."""
        if not isinstance(model, Reconstructs):
            return None
        held_out = images.test.images
        mark = imageset.fingerprint(imageset.Split(held_out, None))
        if self.originals is None:
            self.originals = held_out[:RECONSTRUCTED].to(torch.device("cpu")).numpy()
            self._held_out = mark
        if mark != self._held_out:
            self.notes.append(f"{label} has other held-out images, so its reconstructions are left out.")
            return None
        device = next(model.parameters()).device
        return to_bytes(model.reconstruct(to_unit(held_out[:RECONSTRUCTED].to(device)))).cpu().numpy()


def _points_near(folder: RunFolder, step: int) -> Points | None:
    """The codes in the run's own pictures of this moment, or of the nearest; None where there are none."""
    nearest = min(pictures.steps(folder), key=lambda kept: abs(kept - step), default=None)
    if nearest is not None:
        with suppress(InputError):
            return pictures.load(folder.snapshot(nearest)).points
    return None


def _codes(
    model: Model, images: ImageSet, folder: RunFolder, step: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None, tuple[str, str]]:
    """Codes of held-out images in the plane, their labels, and the names of the axes.

    They face as in the run's own pictures: how PCA turns an axis is by chance, and a mirrored cloud looks new.
    """
    if not isinstance(model, Encodes):
        return None, None, ("", "")
    labels = None if images.test.labels is None else images.test.labels[:CODES].numpy()
    codes = encode_all(model, images.test.images[:CODES]).cpu().numpy()
    points, axes, _ = flat(codes, labels, _points_near(folder, step))
    return points.astype(np.float64), labels, axes
