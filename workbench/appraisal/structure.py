"""How the codes of a model that encodes lie: by class, beside the prior, and along paths."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.base import Bounded, Encodes
from workbench.appraisal.subject import BATCH, Subject, missing, number
from workbench.data.imageset import to_unit
from workbench.evaluation import intervals
from workbench.evaluation import latent as codes_in
from workbench.evaluation.intervals import of_mean, of_repeats
from workbench.runs.evaluations import Measured
from workbench.training.snapshots import path

SETS = 3  # sets of draws of the prior
PATHS, POINTS = 200, 17
PASSES = 6  # codes of held-out images, of training images, classes, draws, the prior, paths: for progress
_LEAST = 50  # codes of the prior and of images

_BOOTSTRAP = f"percentile bootstrap over images, {intervals.RESAMPLES} resamples"


def latent(subject: Subject) -> Iterator[Measured]:
    """Everything that is asked of codes."""
    model = subject.model
    assert isinstance(model, Encodes)
    images = subject.held_out(subject.sizes.held_out)
    codes = torch.cat([model.encode(to_unit(part)).float() for part in subject.batches(images, 0, PASSES)])
    protocol = {**subject.on_held_out(len(images)), "dimensions": codes.shape[1]}
    yield from _by_class(subject, model, codes.cpu().numpy(), protocol)
    yield from _beside_the_prior(subject, model, images, protocol)
    yield from _along_paths(subject, model, images)


def _by_class(
    subject: Subject, model: Encodes, codes: NDArray[np.float32], protocol: dict[str, Any]
) -> Iterator[Measured]:
    """Whether codes tell what an image shows."""
    train, test = subject.images.train, subject.images.test
    if train.labels is None or test.labels is None or len(subject.images.classes) < 2:
        labelled = train.labels is not None and test.labels is not None
        why = "all images are of one class" if labelled else "the images have no labels"
        for name in ("probe", "knn", "silhouette"):
            yield missing(name, why)
        return
    count = min(subject.sizes.codes, len(train))
    noise = subject.generator()
    learned = torch.cat(
        [
            model.encode(subject.images.seen(part, noise)).float()
            for part in subject.batches(train.images[:count], 1, PASSES)
        ]
    )
    known = (learned.cpu().numpy(), train.labels[:count].numpy())
    asked = (codes, test.labels[: len(codes)].numpy())
    whole = {**protocol, "training codes": count, "classes": len(subject.images.classes), "interval": _BOOTSTRAP}
    for name, judge in (("probe", codes_in.linear_probe), ("knn", codes_in.nearest_neighbours)):
        subject.clock(2, PASSES)
        yield number(name, of_mean(judge(*known, *asked)), whole)
    subject.clock(2, PASSES)
    values = codes_in.silhouette(*asked)
    if len(values):
        yield number("silhouette", of_mean(values), {**protocol, "codes": len(values), "interval": _BOOTSTRAP})
    else:
        yield missing("silhouette", "too few codes for their classes")


def _beside_the_prior(
    subject: Subject, model: Encodes, images: Tensor, protocol: dict[str, Any]
) -> Iterator[Measured]:
    """How near the aggregate posterior comes to what `sample` draws codes from."""
    if len(images) < _LEAST:
        for name in ("mmd", "sliced_wasserstein"):
            yield missing(name, f"{len(images)} held-out images are fewer than {_LEAST}")
        return
    noise = subject.generator()
    posterior = torch.cat([_drawn(model, to_unit(part), noise) for part in subject.batches(images, 3, PASSES)])
    found: dict[str, list[float]] = {"mmd": [], "sliced_wasserstein": []}
    for index in range(SETS):
        subject.clock(4, PASSES)
        prior = model.draw_codes(len(images), subject.generator(1 + index)).float()
        unit = prior.std().clamp_min(1e-12)
        pair = ((posterior / unit).cpu().numpy(), (prior / unit).cpu().numpy())
        found["mmd"].append(codes_in.mmd(*pair))
        found["sliced_wasserstein"].append(codes_in.sliced_wasserstein(*pair))
    facts: dict[str, dict[str, Any]] = {
        "mmd": {"kernel": "inverse multiquadratic, sum over 7 scales", "scales": list(codes_in.MMD_SCALES)},
        "sliced_wasserstein": {"order": codes_in.SLICED_ORDER, "projections": 128},
    }
    for name, values in found.items():
        interval = {"interval": f"Student's t over {SETS} sets of draws of the prior"}
        yield number(name, of_repeats(values), {**protocol, **facts[name], **interval})


def _drawn(model: Encodes, images: Tensor, noise: torch.Generator) -> Tensor:
    """One z ~ q(z|x) an image, or its code where there is no posterior."""
    return (model.draw_posterior(images, noise) if isinstance(model, Bounded) else model.encode(images)).float()


def _along_paths(subject: Subject, model: Encodes, images: Tensor) -> Iterator[Measured]:
    """How evenly the picture changes from one held-out image to another."""
    count = min(PATHS, len(images) // 2)
    if count < 2:
        yield missing("evenness", "too few held-out images for paths between them")
        return
    start, end = to_unit(images[: 2 * count].to(subject.device)).split(count)
    codes = path(model.encode(start), model.encode(end), model.interpolation, POINTS)  # R, K, D
    decoded: list[NDArray[np.float64]] = []
    for rows in codes.split(max(1, BATCH // POINTS)):
        subject.clock(5, PASSES)
        pictures = model.decode(rows.flatten(0, 1)).unflatten(0, rows.shape[:2])
        decoded.append(codes_in.evenness(pictures.float().cpu().numpy()))
    values = np.concatenate(decoded)
    values = values[np.isfinite(values)]
    if not len(values):
        yield missing("evenness", "nothing changes along any path")
        return
    # Not which kind of path: that belongs to the model, as the measure says.
    facts = {**subject.on_held_out(2 * count), "paths": count, "points": POINTS}
    yield number("evenness", of_mean(values), {**facts, "interval": _BOOTSTRAP.replace("images", "paths")})
