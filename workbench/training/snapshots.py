"""What a model can show at one moment: samples, reconstructions, codes, paths between codes.

Every picture draws from a stream of its own, fixed by the run's seed, so the same noise and the same images
are shown throughout a run and drawing never changes training.
"""

from functools import partial
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from models.base import Encodes, Latent, Reconstructs
from workbench.data.imageset import ImageSet, to_bytes, to_unit
from workbench.sampling import Sampler, encode_all
from workbench.training.events import Images, Snapshot
from workbench.training.order import generator
from workbench.training.state import Model

SAMPLES = 64
RECONSTRUCTED = 24
CODES = 2000
PATHS, POINTS = 8, 9
DIMENSIONS = 10
REACH = 3.0  # a traversal goes this many standard deviations to either side


def take(
    model: Model, images: ImageSet, sampler: Sampler, seed: int, step: int, epoch: float, final: bool
) -> Snapshot:
    """Ask the model for everything it can show. Paths and traversals only at the end of a run."""
    device = next(model.parameters()).device
    samples = _bytes(sampler.draw(SAMPLES, generator(device, seed, "pictures")))
    start = partial(Snapshot, step, epoch, final, samples, sampler.caption)
    if isinstance(model, Latent) and not isinstance(model, Encodes):
        between = _drawn_path(model, generator(device, seed, "pictures", 1)) if final else None
        return start(interpolation=between)

    shown = to_unit(images.test.images[:RECONSTRUCTED].to(device))
    pair = None
    if isinstance(model, Reconstructs):
        pair = (_bytes(shown), _bytes(model.reconstruct(shown)))
    if not isinstance(model, Encodes):
        return start(pair)

    codes = encode_all(model, images.test.images[:CODES])
    labels = None if images.test.labels is None else images.test.labels[:CODES].cpu().numpy()
    if not final:
        return start(pair, codes.cpu().numpy(), labels)
    rows, dimensions = traverse(model, codes)
    return start(pair, codes.cpu().numpy(), labels, _path_between_images(model, shown), rows, dimensions)


def path(start: Tensor, end: Tensor, kind: Literal["linear", "spherical"], points: int) -> Tensor:
    """`points` codes from `start` to `end`, both included: (R, D), (R, D) -> (R, points, D).

    Spherical (Shoemake 1985; White 2016, arXiv 1609.04468) keeps the length that codes of a Gaussian prior
    have; the straight line between two of them passes through shorter codes that the decoder has never seen.
    """
    t = torch.linspace(0, 1, points, device=start.device)[None, :, None]  # 1, points, 1
    a, b = start[:, None], end[:, None]  # R, 1, D
    straight = (1 - t) * a + t * b
    if kind == "linear":
        return straight
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=-1).clamp(-1, 1)[..., None]
    angle = torch.arccos(cosine)  # R, 1, 1
    curved = (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle).clamp_min(1e-6)
    return torch.where(torch.sin(angle) > 1e-3, curved, straight)  # nearly parallel: the line is the arc


def traverse(model: Encodes, codes: Tensor) -> tuple[Images, tuple[int, ...]]:
    """Move the first code along its most active dimensions. Returns (R, POINTS, C, H, W) and the dimensions."""
    mean, deviation = codes.mean(0), codes.std(0, correction=0)  # D
    order = deviation.argsort(descending=True)[:DIMENSIONS]
    rows = codes[:1, None].repeat(len(order), POINTS, 1)  # R, POINTS, D
    steps = torch.linspace(-REACH, REACH, POINTS, device=codes.device)
    for row, dimension in enumerate(order):
        rows[row, :, dimension] = mean[dimension] + steps * deviation[dimension]
    return _decoded(model, rows), tuple(int(d) for d in order)


def _path_between_images(model: Encodes, shown: Tensor) -> Images | None:
    """Between pairs of held-out images; each row begins and ends with the images themselves."""
    rows = min(PATHS, len(shown) // 2)
    if not rows:
        return None
    start, end = shown[:rows], shown[rows : 2 * rows]
    assert isinstance(model, Reconstructs)
    middle = _decoded(model, path(model.encode(start), model.encode(end), model.interpolation, POINTS))
    return np.concatenate([_bytes(start)[:, None], middle, _bytes(end)[:, None]], axis=1)


def _drawn_path(model: Latent, gen: torch.Generator) -> Images:
    start, end = model.draw_codes(2 * PATHS, gen).split(PATHS)
    return _decoded(model, path(start, end, model.interpolation, POINTS))


def _decoded(model: Latent, codes: Tensor) -> Images:
    """(R, K, D) -> (R, K, C, H, W)."""
    rows, columns = codes.shape[:2]
    images = _bytes(model.decode(codes.flatten(0, 1)))
    return images.reshape(rows, columns, *images.shape[1:])


def _bytes(images: Tensor) -> Images:
    return to_bytes(images).cpu().numpy()
