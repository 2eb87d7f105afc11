"""A model against held-out images: its own metrics, its reconstructions, its likelihood."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from models.base import Bounded, Encodes, Reconstructs
from workbench.appraisal.subject import BATCH, Subject, number
from workbench.data.imageset import drawn, thresholded, to_bytes, to_unit
from workbench.evaluation import intervals
from workbench.evaluation import likelihood as bounds_of
from workbench.evaluation import reconstruction as rebuilt_images
from workbench.evaluation.intervals import Estimate, of_mean, of_repeats
from workbench.runs.evaluations import Measured
from workbench.training.evaluate import BATCH as ITS_BATCH
from workbench.training.evaluate import by_batch
from workbench.training.state import Model

_BOOTSTRAP = f"percentile bootstrap over images, {intervals.RESAMPLES} resamples"
_OVER_BATCHES = f"Student's t over batches of {ITS_BATCH} images"


def held_out(subject: Subject) -> Iterator[Measured]:
    """The metrics that the model declares, with the weights that are shown and with the last ones."""
    yield from _declared(subject, subject.model, "")
    if subject.last is not None:
        yield from _declared(subject, subject.last, "last")


def _declared(subject: Subject, model: Model, condition: str) -> Iterator[Measured]:
    sums: dict[str, float] = {}
    whole: dict[str, list[float]] = {}
    count = 0
    for size, terms in by_batch(model, subject.images.test, subject.run_seed, subject.device, subject.clock):
        count += size
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + float(term) * size
            whole.setdefault(name, []).extend([float(term)] * (size == ITS_BATCH))
    protocol = {**subject.on_held_out(count), "batch": ITS_BATCH}
    for name, metric in model.metrics.items():
        known = len(whole[name]) > 1  # one batch only has no spread
        spread = of_repeats(whole[name]) if known else Estimate(0.0)
        half, value = spread.value - spread.low, sums[name] / count
        yield Measured(
            f"{name}@{condition}" if condition else name, "held-out", name, metric.unit, metric.better, metric.help,
            f"{type(model).__name__}'s own metric", "last weights" if condition else "", value,
            value - half if known else None, value + half if known else None,
            {**protocol, "interval": _OVER_BATCHES if known else "none: one batch"},
        )  # fmt: skip


def reconstruction(subject: Subject) -> Iterator[Measured]:
    """How near the model's version of a held-out image comes to it."""
    model = subject.model
    assert isinstance(model, Reconstructs)
    images = subject.held_out(subject.sizes.held_out)
    rows: dict[str, list[Tensor]] = {"mse": [], "psnr": [], "ssim": []}
    for part in subject.batches(images):
        x = to_unit(part)
        y = model.reconstruct(x)
        rows["mse"].append(rebuilt_images.squared_error(x, y))
        rows["psnr"].append(rebuilt_images.psnr(x, y))
        rows["ssim"].append(rebuilt_images.ssim(x, y))
    protocol = {**subject.on_held_out(len(images)), "interval": _BOOTSTRAP}
    facts: dict[str, dict[str, Any]] = {
        "mse": {},
        "psnr": {"at most": rebuilt_images.PSNR_CAP},
        "ssim": {"window": rebuilt_images.SSIM_WINDOW},
    }
    for name, values in rows.items():
        yield number(name, _over_images(values), {**protocol, **facts[name]})


def likelihood_conditions(subject: Subject) -> Sequence[str]:
    """In what form held-out images are given: as they are; and binarised, in a full evaluation of binary models."""
    own = subject.images.binarise or "grey"
    model = subject.model
    more = isinstance(model, Bounded) and model.of_binary and subject.effort == "full" and own == "grey"
    return [own, "static", "dynamic"] if more else [own]


def _as(condition: str, subject: Subject, images: Tensor) -> Tensor:
    """uint8 held-out images, binarised where the run itself does not do so already."""
    if condition == (subject.images.binarise or "grey"):
        return images
    if condition == "static":
        return thresholded(images)
    return to_bytes(drawn(images, torch.Generator().manual_seed(0)))


def likelihood_protocol(subject: Subject, model: Bounded, count: int) -> dict[str, Any]:
    """Which images, and what p(x|z) is."""
    return {**subject.on_held_out(count), "p(x|z)": model.likelihood, "interval": _BOOTSTRAP}


def likelihood(subject: Subject) -> Iterator[Measured]:
    """The evidence lower bound, its terms, and how much of the code is used."""
    model = subject.model
    assert isinstance(model, Bounded)
    shape = subject.images.shape
    conditions = likelihood_conditions(subject)
    for at, condition in enumerate(conditions):
        images = _as(condition, subject, subject.held_out(subject.sizes.held_out))
        protocol = likelihood_protocol(subject, model, len(images))
        rows: dict[str, list[Tensor]] = {"elbo": [], "reconstruction": [], "kl": []}
        noise = subject.generator()
        dimensions: list[Tensor] = []
        for part in subject.batches(images, at, len(conditions)):
            terms = bounds_of.elbo(model, to_unit(part), noise)
            rows["elbo"].append(-terms.elbo)
            rows["reconstruction"].append(-terms.reconstruction)
            rows["kl"].append(terms.kl)
            dimensions.append(terms.kl_per_dimension)
        for name, values in rows.items():
            yield number(name, _over_images(values), protocol, condition)
        bits = [bounds_of.bits_per_dimension(-values, shape) for values in rows["elbo"]]
        yield number("bpd", _over_images(bits), protocol, condition)
        if condition == (subject.images.binarise or "grey") and isinstance(model, Encodes):
            means = torch.cat([model.encode(to_unit(part.to(subject.device))) for part in images.split(BATCH)])
            vector = torch.cat(dimensions).mean(0).tolist()
            active = bounds_of.active_units(means)
            facts = {**protocol, "dimensions": means.shape[1], "threshold": 0.01, "interval": "none: a count"}
            yield number("active_units", active, facts, vector=vector)


def bound(subject: Subject) -> Iterator[Measured]:
    """The importance-weighted bound, by far the dearest: last."""
    model = subject.model
    assert isinstance(model, Bounded)
    sizes = subject.sizes
    conditions = likelihood_conditions(subject)
    for at, condition in enumerate(conditions):
        images = to_unit(_as(condition, subject, subject.held_out(sizes.bounded)).to(subject.device))
        found = bounds_of.importance_bound(
            model, images, subject.generator(), tuple(sizes.bounds), subject.clock.pass_of(at, len(conditions))
        )
        protocol = likelihood_protocol(subject, model, len(images))
        drawn_as = {"decoded at once": bounds_of.AT_ONCE, "drawn at once": bounds_of.SAMPLES_AT_ONCE}
        for k, values in found.items():
            yield number(f"iw{k}", _over_images([-values]), {**protocol, **drawn_as, "samples": k}, condition)


def _over_images(parts: Sequence[Tensor]) -> Estimate:
    return of_mean(torch.cat(list(parts)).double().cpu().numpy())
