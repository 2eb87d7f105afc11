"""What images are compared by: networks that turn images into (N, D) features, and facts that name them exactly.

Distances between images are only as good as the features they are taken on, and are comparable only on the very
same ones. So a `Features` carries a hash of its weights and of what is done to an image before them.

Shapes: N images, C channels, H = W; D features.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.base import ImageShape
from models.errors import InputError
from workbench.data.imageset import ImageSet, to_bytes, to_unit
from workbench.evaluation import classifiers
from workbench.evaluation.generation import Between, nothing

LEAST_IMAGES = 500  # labelled ones, for a classifier worth its name

_PIXELS = 1 << 20  # of images at a time
_ROUNDING = "rounded to 256 levels"


@dataclass(frozen=True)
class Features:
    """A network ready on a device, and what it is. Two are the same where their `hash` is."""

    name: str  # "mnist": the distance on it is called FD-mnist
    dimensions: int
    hash: str  # 16 hex digits over the weights and what is done to the images before
    description: str  # one sentence
    facts: Mapping[str, Any]  # for the protocol of every number taken on them
    network: nn.Module = field(repr=False, compare=False)
    device: torch.device = field(compare=False)
    bytes_in: bool = False  # the network takes uint8 instead of [0, 1]
    shape: ImageShape | None = None  # what it takes; None: any

    def __call__(self, images: Tensor, between: Between = nothing) -> NDArray[np.float32]:
        """(N, C, H, W), uint8 or floats in [0, 1] -> (N, D).

        Floats are rounded to the 256 levels that real images have. `between` is called before each batch and may
        raise to cancel.
        """
        if self.shape is not None and tuple(images.shape[1:]) != (self.shape.channels, *[self.shape.size] * 2):
            raise ValueError(f"features {self.name} are of {self.shape}; got images {tuple(images.shape[1:])}")
        if not len(images):
            return np.zeros((0, self.dimensions), np.float32)
        batch = max(1, min(256, _PIXELS // (299 * 299 if self.bytes_in else images[0].numel())))
        found = []
        with torch.inference_mode():
            for part in images.split(batch):
                between()
                levels = (part if part.dtype == torch.uint8 else to_bytes(part)).to(self.device)
                found.append(self.network(levels if self.bytes_in else to_unit(levels)).float().cpu())
        joined: NDArray[np.float32] = (
            torch.cat(found).numpy() if found else np.zeros((0, self.dimensions), np.float32)
        )
        return joined


def for_set(
    images: ImageSet, device: torch.device, inception_weights: Path | None = None, between: Between = nothing
) -> Features:
    """The best features there are for a set: Inception if its weights are given, else a classifier, else random."""
    if inception_weights is not None:
        return inception(inception_weights, device)
    if classifiers.why_not(images) is None and len(images.train) >= LEAST_IMAGES:
        return classifier(images, device, between)
    return random_convolutions(images.shape, device)


def classifier(images: ImageSet, device: torch.device, between: Between = nothing) -> Features:
    """64 features of a small network that was trained to tell the classes of the training images apart.

    Trained once for a set, on the CPU so that the device is not part of the ruler, and then kept in the user's
    cache. Raises `InputError` for a set without labels or with one class.
    """
    if (reason := classifiers.why_not(images)) is not None:
        raise InputError(f"{images.title} {reason}; use the random features instead.")
    trained = classifiers.cached(images, between)
    network = trained.network
    facts = {
        "features": f"classifier of {images.title}",
        "training images": len(images.train),
        "set": images.fingerprint,
        **trained.facts,
        "resizing": "none",
        "levels": _ROUNDING,
    }
    said = trained.facts["held-out accuracy"]
    accuracy = "unknown (no labels)" if said is None else f"{100 * said:.1f} %"
    description = (
        f"The {classifiers.FEATURES} penultimate features of a small convolutional classifier, trained on the "
        f"{len(images.train):,} labelled training images of {images.title}; its held-out accuracy is {accuracy}; "
        f"images are {_ROUNDING} and not resized."
    )
    return Features(
        images.title, classifiers.FEATURES, hashed(network, "unit"), description, facts,
        network.to(device), device, shape=images.shape,
    )  # fmt: skip


def random_convolutions(shape: ImageShape, device: torch.device) -> Features:
    """64 features of a convolutional network whose weights are drawn once for all, for sets without labels.

    They see strokes, colours and coarse layout, not what is shown (Naeem et al. 2020 compare on random features).
    """
    generator = torch.Generator().manual_seed(64)
    layers: list[nn.Module] = [_Centre()]
    channels, side = shape.channels, shape.size
    while side > 4:
        layers += [_drawn(channels, 32, 2, generator), nn.LeakyReLU(0.2)]
        channels, side = 32, -(-side // 2)
    layers += [_drawn(channels, 16, 1, generator), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    network = nn.Sequential(*layers).eval().requires_grad_(False)
    description = (
        "64 features of a small convolutional network with random weights, which was never trained (16 channels in "
        f"each quarter of the image); images are {_ROUNDING} and not resized."
    )
    facts = {"features": "random convolutions", "seed": 64, "resizing": "none", "levels": _ROUNDING}
    return Features(
        "random", 64, hashed(network, "unit"), description, facts, network.to(device), device, shape=shape
    )  # fmt: skip


class _Centre(nn.Module):
    """[0, 1] -> [-1, 1]."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


def _drawn(channels: int, out: int, stride: int, generator: torch.Generator) -> nn.Module:
    """A 3x3 convolution that keeps the size of numbers (He et al. 2015), with a few different thresholds."""
    with torch.device("meta"):  # torch would draw weights of its own, from the global generator
        layer = nn.Conv2d(channels, out, 3, stride, padding=1)
    layer = layer.to_empty(device="cpu")
    with torch.no_grad():
        layer.weight.normal_(0, (2 / (9 * channels)) ** 0.5, generator=generator)
        assert layer.bias is not None
        layer.bias.normal_(0, 0.1, generator=generator)
    return layer


def check_inception(weights: Path) -> None:
    """Raise `InputError` where there is no such file."""
    if not weights.is_file():
        raise InputError(
            f"There is no Inception weights file {weights}. Give torch-fidelity's "
            "weights-inception-2015-12-05-*.pth, which its releases on GitHub hold."
        )


def inception(weights: Path, device: torch.device) -> Features:
    """The 2,048 features of Inception v3 on which FID is defined, by torch-fidelity, with a weights file of yours.

    Grey becomes three equal channels; torch-fidelity resizes to 299x299 as TensorFlow 1 did. Raises `InputError`
    without the library or where the file is not what it should be.
    """
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise InputError(
            "FID needs torch-fidelity, which is not installed. Install it with: pip install 'genbench[fid]'."
        ) from None
    check_inception(weights)
    try:
        extractor = FeatureExtractorInceptionV3("inception", ["2048"], str(weights))
    except Exception as error:  # noqa: BLE001  whatever a file that is something else makes torch say
        raise InputError(
            f"{weights} is not a weights file of torch-fidelity's Inception v3 ({type(error).__name__}). Give its "
            "weights-inception-2015-12-05-*.pth."
        ) from None
    network = _Inception(extractor).eval().requires_grad_(False)
    resizing = "to 299x299, bilinear as in TensorFlow 1 (torch-fidelity); grey is repeated in three channels"
    return Features(
        "inception", 2048, hashed(extractor, resizing),
        "The 2,048 pool features of Inception v3, trained on ImageNet's photographs (torch-fidelity's weights, the "
        f"ones FID is defined on); its held-out accuracy is not measured here; images are {_ROUNDING} and resized "
        f"{resizing}.",
        {"features": "Inception v3, 2048", "weights file": weights.name, "resizing": resizing, "levels": _ROUNDING},
        network.to(device), device, bytes_in=True,
    )  # fmt: skip


class _Inception(nn.Module):
    """uint8 (N, 1 or 3, H, W) -> (N, 2048)."""

    def __init__(self, extractor: nn.Module) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, levels: Tensor) -> Tensor:
        colour = levels.expand(-1, 3, -1, -1) if levels.shape[1] == 1 else levels
        return self.extractor(colour)[0]


def hashed(network: nn.Module, before: str) -> str:
    """16 hex digits over every weight and over what is done to images before them."""
    digest = hashlib.sha256(before.encode())
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().reshape(-1).data)
    return digest.hexdigest()[:16]
