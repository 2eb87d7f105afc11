"""The sink that turns snapshots into the pictures of a run folder: arrays at once, then drawings."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FuturesTimeoutError
from contextlib import contextmanager, suppress
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.base import Encodes, Latent
from models.errors import InputError
from models.metric import Metric
from workbench import figures
from workbench.config import RunConfig
from workbench.data.imageset import ImageSet
from workbench.evaluation import projection
from workbench.figures import Header, Panel, Series, png
from workbench.figures.text import tidy
from workbench.runs import files, pictures
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.runs.pictures import Facts, Pictures
from workbench.training.events import Event, LeftOutError, Snapshot, Started
from workbench.training.snapshots import POINTS, REACH
from workbench.training.state import Model
from workbench.units import plain

T = TypeVar("T")
Labels = NDArray[np.int64]
Flat = tuple[projection.Points, tuple[str, str], str]  # codes in the plane, its axes, how they came there
Draw = Callable[[Header | None, int], Image.Image]  # a picture with its header, or bare and `width` pixels wide


class Album:
    """Keeps each snapshot and draws it at full resolution; at the end also t-SNE, paths, traversals, a summary."""

    def __init__(
        self, folder: RunFolder, config: RunConfig, images: ImageSet, model: Model, history: History,
        hurried: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        """`hurried` says whether somebody waits for the run to end, so that no further picture is begun."""
        self._folder, self._config, self._images, self._model = folder, config, images, model
        self._hurried = hurried
        self._history = history
        self._started: Started | None = None
        self._title = f"{type(model).__name__} on {images.title}"
        self._failures: dict[str, Exception] = {}  # of the moment at hand, by what could not be made
        self._told: set[str] = set()  # what could not be made at the moment before, and was told

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started = event
            self._make_up()
        if not isinstance(event, Snapshot):
            return
        self._failures.clear()
        codes: Flat | None = None
        with self._apart("latent"):
            codes = None if event.codes is None else flat(event.codes, event.labels, self._before())
        with self._apart("snapshots"):
            self._keep(event, codes)  # first, so that whoever watches need not wait for the drawings
        names = [f"step-{event.step:09d}"] + ["final"] * event.final
        sheet: list[tuple[str, Draw]] = []
        for kind, title, draw, header in self._drawings(event, codes):
            if self._hurried():
                break
            with self._apart(kind):
                picture = png(draw(header, figures.CONTENT))
                sheet.append((title, draw))
                self._write(kind, names, picture)
        if event.final and not self._hurried():
            with self._apart("t-SNE"):
                self._tsne(event)
        if event.final and not self._hurried():
            with self._apart("summary"):
                self._summary(event, sheet)
        self._tell_failures()

    def _make_up(self) -> None:
        """Draw what a kill, or somebody's hurry, left undrawn of the newest moment, whose arrays are kept."""
        kept = self._newest()
        if kept is None:
            return
        facts, name = kept.facts, f"step-{kept.facts.step:09d}"
        pair = None if kept.originals is None or kept.rebuilt is None else (kept.originals, kept.rebuilt)
        moment = Snapshot(facts.step, facts.epoch, False, kept.samples, facts.codes_from, pair, labels=kept.labels)
        flat = None if kept.points is None else (kept.points, (facts.axes[0], facts.axes[1]), facts.projection)
        for kind, _, draw, header in self._drawings(moment, flat):
            if kind != "curves" and not self._folder.picture(kind, name).exists():
                with self._apart(kind):
                    self._write(kind, [name], png(draw(header, figures.CONTENT)))

    @contextmanager
    def _apart(self, what: str) -> Iterator[None]:
        """What fails in here costs nothing else."""
        try:
            yield
        except files.DiskError as error:  # whatever there is no room for, it is one trouble
            self._failures.setdefault("disk", error)
        except Exception as error:  # noqa: BLE001 (told when all else is made)
            self._failures.setdefault(what, error)

    def _tell_failures(self) -> None:
        """Raise the first failure that was not told at the moment before, in a sentence, the disk's first."""
        news = [what for what in ("disk", *self._failures) if what in self._failures.keys() - self._told]
        self._told = (self._told & self._failures.keys()) | set(news[:1])
        if not news:
            return
        error = self._failures[news[0]]
        if isinstance(error, files.DiskError):
            raise LeftOutError(f"{error}. Training goes on; pictures are tried again.")
        with suppress(files.DiskError):
            self._folder.log("".join(traceback.format_exception(error)))
        raise LeftOutError(f"{news[0]} could not be drawn ({error}); the traceback is in {self._folder.log_file}.")

    def _before(self) -> projection.Points | None:
        """The points of the snapshot before, also of another sitting."""
        kept = self._newest()
        return None if kept is None else kept.points

    def _newest(self) -> Pictures | None:
        """The arrays of the newest snapshot, if there is one that can be read."""
        with suppress(IndexError, InputError):
            return pictures.load(self._folder.snapshot(pictures.steps(self._folder)[-1]))
        return None

    def _keep(self, event: Snapshot, flat: Flat | None) -> None:
        """The arrays of a snapshot, for screens that show any moment of the run."""
        points, axes, how = flat or (None, (), "")
        originals, rebuilt = event.reconstructions or (None, None)
        facts = Facts(
            event.step, event.epoch, event.final, self._config.training.seed, self._config.training.shown_weights,
            event.codes_from, axes, how, self._images.classes if event.labels is not None else (),
        )  # fmt: skip
        pictures.save(self._folder, Pictures(facts, event.samples, originals, rebuilt, points, event.labels))

    def _drawings(self, event: Snapshot, flat: Flat | None) -> list[tuple[str, str, Draw, Header]]:
        """(folder, title, drawing, header) of each picture the snapshot has something for."""
        found: list[tuple[str, str, Draw, Header]] = [
            ("curves", "Curves", self._curves, self._header(event, "training curves"))
        ]

        def add(kind: str, title: str, draw: Draw, caption: str) -> None:
            found.append((kind, title, draw, self._header(event, title.lower(), caption)))

        add(
            "samples",
            "Samples",
            lambda h, w: figures.samples(event.samples, h, width=w),
            event.codes_from,
        )
        if (pair := event.reconstructions) is not None:
            add("reconstructions", "Reconstructions", lambda h, w: figures.reconstructions(*pair, h, width=w),
                "Held-out images above what the model makes of them.")  # fmt: skip
        if flat is not None:
            points, axes, how = flat
            add("latent", "Latent space", lambda h, w: self._scatter(points, event.labels, axes, h, w), how)
        if (between := event.interpolation) is not None:
            add("interpolation", "Interpolation",
                lambda h, w: figures.strips(between, h, (), ("A", "B"), w),
                self._path_caption())  # fmt: skip
        if (rows := event.traversal) is not None:
            labels = [f"z{d}" for d in event.traversed]
            # The ends and the middle only: nine labels do not fit above small images.
            reach = [f"{t:g}" if t in {-REACH, 0, REACH} else "" for t in np.linspace(-REACH, REACH, POINTS)]
            add("traversal", "Latent traversal", lambda h, w: figures.strips(rows, h, labels, reach, w),
                "One held-out image's code; in each row one dimension, the most active first, is moved from "
                f"{REACH:g} standard deviations below the mean of all codes to {REACH:g} above it.")  # fmt: skip
        return found

    def _scatter(
        self, points: projection.Points, labels: Labels | None, axes: tuple[str, str], header: Header | None,
        width: int,
    ) -> Image.Image:  # fmt: skip
        return figures.scatter(points.astype(np.float64), labels, self._images.classes, header, axes, width=width)

    def _curves(self, header: Header | None, width: int) -> Image.Image:
        return figures.curves(panels(self._history, self._model.metrics), header, width=width)

    def _tsne(self, event: Snapshot) -> None:
        if event.codes is None or event.codes.shape[1] <= 2:
            return
        shown = event.codes[: projection.TSNE_POINTS]
        points = self._unless_hurried(lambda: projection.tsne(shown, self._config.training.seed))
        if points is None:
            return
        labels = None if event.labels is None else event.labels[: len(shown)]
        header = self._header(
            event, "latent space, t-SNE",
            "t-SNE of the codes of held-out images. Neighbours are neighbours; distances between clusters and "
            "their sizes mean nothing.",
        )  # fmt: skip
        picture = self._scatter(points, labels, ("t-SNE 1", "t-SNE 2"), header, figures.CONTENT)
        files.write(self._folder.picture("latent", "tsne"), png(picture))

    def _unless_hurried(self, work: Callable[[], T]) -> T | None:
        """What takes seconds, in a thread that can be left alone: its result, or None where nobody waits for it."""
        executor = ThreadPoolExecutor(1)
        future = executor.submit(work)
        executor.shutdown(wait=False)
        while not self._hurried():
            with suppress(FuturesTimeoutError):
                return future.result(timeout=0.1)
        return None

    def _summary(self, event: Snapshot, sheet: list[tuple[str, Draw]]) -> None:
        last, metrics = self._history.last("test"), self._model.metrics
        numbers = [(name, tidy(last[name], 4), metric.unit) for name, metric in metrics.items()]
        captions = ["Numbers are of the held-out images.", event.codes_from]
        captions += [self._path_caption()] if event.interpolation is not None else []
        picture = figures.summary(
            self._header(event, "summary", " ".join(captions)),
            [(title, draw(None, figures.COLUMN)) for title, draw in sheet],
            self._facts(), numbers,
        )  # fmt: skip
        files.write(self._folder.summary_file, png(picture), new_folder=False)

    def _facts(self) -> list[tuple[str, str]]:
        """What the run was: its images, every setting that is set, and what it ran on."""
        images, training = self._images, self._config.training
        size, tone = images.shape.size, "grey" if images.shape.channels == 1 else "colour"
        facts = {
            "run": self._folder.name,
            "dataset": images.title,
            "images": f"{len(images.train):,} + {len(images.test):,} held out",
            "image": f"{size}x{size} {tone}",
        }
        # The dataset is named above as a person knows it; a data_dir is of one machine, and no part of a result.
        hidden = {"dataset", "data_dir", "image_size", "channels", "epochs" if training.steps else "steps"}
        for _, name, value in self._config.items():
            if value is not None and name not in hidden:
                facts[name] = plain(value)
        if self._started is not None:
            facts |= {
                "device": self._started.device, "precision": self._started.precision,
                "parameters": f"{self._started.parameters:,}",
            }  # fmt: skip
        return list(facts.items())

    def _write(self, kind: str, names: list[str], picture: bytes) -> None:
        always = {"curves": ["curves"], "interpolation": ["final"], "traversal": ["final"]}
        for name in always.get(kind, names):
            files.write(self._folder.picture(kind, name), picture)

    def _header(self, event: Snapshot, what: str, caption: str = "") -> Header:
        where = f"step {event.step:,}, epoch {event.epoch:g}"
        return Header(
            self._title,
            f"{what} at {where} · seed {self._config.training.seed} · {self._config.training.shown_weights}",
            caption,
        )

    def _path_caption(self) -> str:
        kind = self._model.interpolation if isinstance(self._model, Latent) else "linear"
        of = (
            "the codes of two held-out images, shown at the ends"
            if isinstance(self._model, Encodes)
            else "two codes"
        )
        return f"{kind.capitalize()} interpolation between {of}."


def panels(history: History, metrics: Mapping[str, Metric]) -> list[Panel]:
    """The charts of a run: a panel for each metric, training and held-out, or for metrics that belong together."""
    titles: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        titles.setdefault(metric.panel or name, []).append(name)
    found = []
    for title, names in titles.items():
        lines = []
        for name in names:
            # Metrics that share a panel are told apart by name, and shown as training saw them.
            for split, label in (("train", "training"), ("test", "held-out"))[: 1 if len(names) > 1 else 2]:
                curve = history.curve(name, split)  # type: ignore[arg-type]
                band = (curve.low, curve.high) if split == "train" else (None, None)
                lines.append(Series(name if len(names) > 1 else label, curve.epoch, curve.value, *band))
        unit = metrics[names[0]].unit
        found.append(Panel(title, unit, tuple(lines), (0, 1) if unit == "probability" else None))
    return found


def flat(codes: projection.Points, labels: Labels | None, before: projection.Points | None) -> Flat:
    """Codes in the plane, turned as `before`, the names of its axes, and how they came there."""
    D = codes.shape[1]
    if D == 2:
        return codes, ("z0", "z1"), "Codes of held-out images: the latent space as it is."
    if D == 1:
        rows = np.zeros_like(codes) if labels is None else labels[:, None].astype(np.float32)
        how = "Codes of held-out images: the one latent dimension as it is, a row for each class."
        return np.hstack([codes, rows]), ("z0", "class"), how
    points, (first, second) = projection.pca(codes)
    names = (f"PC 1 ({first:.0%} of variance)", f"PC 2 ({second:.0%} of variance)")
    turned = projection.facing(points, before)
    return turned, names, f"Codes of held-out images, {D} dimensions, projected by PCA."
