"""Small classifiers of labelled sets, made for their features: trained in seconds, and kept.

Everything is a function of the set: own generators, CPU, float32. A cache that is damaged is made again.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.base import ImageShape
from workbench.data import catalogue
from workbench.data.imageset import ImageSet, Split, to_unit
from workbench.evaluation.generation import Between, nothing
from workbench.runs import files

RECIPE = 1  # raise it with anything that changes what comes out
FEATURES = 64

_SEED = 20_26
_BATCH = 128
_RATE = 5e-3
_WIDTHS = (16, 32, 64)
_ROUNDS = 8  # of a small set
_SEEN = 20_000  # images shown of a set of middling size; a large one is shown once
_PIXELS = 1 << 27  # and in no case more pixels than these


class Trained(NamedTuple):
    """A network (N, C, H, W) in [0, 1] -> (N, 64), and what is known of it."""

    network: nn.Module
    facts: Mapping[str, Any]


def why_not(images: ImageSet) -> str | None:
    """Why no classifier can be trained on a set, as the end of a sentence; None where one can."""
    labels = images.train.labels
    if labels is None:
        return "has no labels to train a classifier with"
    return "has one class only, which leaves nothing to tell apart" if len(labels.unique()) < 2 else None


def cached(images: ImageSet, between: Between = nothing) -> Trained:
    """The classifier of a set, from the cache or trained now; the same either way, to the bit."""
    path = catalogue.user_cache() / "features" / f"{_key(images)}.safetensors"
    network = _network(images.shape, len(images.classes))
    if (accuracy := _read(path, network)) is None:
        network = _network(images.shape, len(images.classes))  # afresh: a damaged file may have left half of it
        accuracy = _trained(network, images, between)
        _write(path, network, accuracy)
    network.eval().requires_grad_(False)
    steps = _steps(images)
    facts = {
        "recipe": RECIPE,
        "steps": steps,
        "batch": _BATCH,
        "held-out accuracy": None if accuracy < 0 else accuracy,
        "held-out images": len(images.test),
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "torch": torch.__version__,
    }
    return Trained(network.features, facts)


class _Classifier(nn.Module):
    """Three convolutions, batch-normalised, and two linear layers: 64 features, then the classes."""

    def __init__(self, shape: ImageShape, classes: int) -> None:
        super().__init__()
        fold = 2 if shape.size < 64 else 4  # pixels become channels: four or sixteen times less work
        first, second, third = _WIDTHS
        self.features = nn.Sequential(
            nn.PixelUnshuffle(fold),                                           # (N, C·fold², H / fold, W / fold)
            *_convolution(shape.channels * fold**2, first), nn.MaxPool2d(2),   # (N, 16, H / 2 fold, ...)
            *_convolution(first, second),
            *_convolution(second, third), nn.AdaptiveAvgPool2d((2, 2)),        # (N, 64, 2, 2)
            nn.Flatten(), nn.Linear(4 * third, FEATURES),                      # (N, 64)
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.features(x)))


def _convolution(channels: int, out: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()]


def _network(shape: ImageShape, classes: int) -> _Classifier:
    """A network with weights drawn by a generator of its own (He et al. 2015)."""
    with torch.device("meta"):  # torch would draw from the global generator
        network = _Classifier(shape, classes)
    network = network.to_empty(device="cpu").to(memory_format=torch.channels_last)  # half the time on a CPU
    generator = torch.Generator().manual_seed(_SEED)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network


def _steps(images: ImageSet) -> int:
    count, pixels = len(images.train), images.shape.size**2
    seen = min(_ROUNDS * count, max(count, _SEEN), _PIXELS // pixels)
    return max(1, seen // min(_BATCH, count))


def _trained(network: _Classifier, images: ImageSet, between: Between) -> float:
    """Train in place: AdamW, the rate up for a fifth of the steps and then down to 0. Returns `_accuracy`."""
    labels = images.train.labels
    assert labels is not None
    steps, count = _steps(images), len(labels)
    batch = min(_BATCH, count)
    generator = torch.Generator().manual_seed(_SEED)
    rounds = -(-steps * batch // count)
    order = torch.cat([torch.randperm(count, generator=generator) for _ in range(rounds)])
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=1e-2)
    network.train()
    with torch.inference_mode(False), torch.enable_grad():
        for step in range(steps):
            between()
            for group in optimiser.param_groups:
                group["lr"] = _RATE * min((step + 1) / (0.2 * steps), (steps - step) / (0.8 * steps))
            chosen = order[step * batch : (step + 1) * batch]
            shown = to_unit(images.train.images[chosen]).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(network(shown), labels[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return _accuracy(network.eval(), images.test)


def _accuracy(network: nn.Module, split: Split) -> float:
    """The share of a labelled split whose class is told; -1 without labels."""
    if split.labels is None or not len(split):
        return -1.0
    with torch.inference_mode():
        told = torch.cat([network(to_unit(part)).argmax(1) for part in split.images.split(256)])
    return float((told == split.labels).double().mean())


def _key(images: ImageSet) -> str:
    return f"{images.fingerprint}-{RECIPE}-{hashlib.sha256(torch.__version__.encode()).hexdigest()[:8]}"


def _read(path: Path, network: nn.Module) -> float | None:
    """Put kept weights into `network` and return its accuracy; None where they are not there or not whole."""
    from safetensors import SafetensorError, safe_open

    try:
        if not path.is_file():
            return None
        with safe_open(path, framework="pt") as file:
            notes = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in list(file.keys())}
        accuracy = float(notes["accuracy"])
        if notes["sha256"] != _checksum(state, notes["accuracy"]):
            return None
        network.load_state_dict(state)  # copies, so the memory format stays
    except (OSError, SafetensorError, KeyError, ValueError, RuntimeError):
        return None
    return accuracy


def _write(path: Path, network: nn.Module, accuracy: float) -> None:
    """Keep the weights; a cache that cannot be written costs only time."""
    from safetensors.torch import save

    state = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    notes = {"accuracy": repr(accuracy)}
    notes["sha256"] = _checksum(state, notes["accuracy"])
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write(path, save(state, notes))


def _checksum(state: Mapping[str, Tensor], accuracy: str) -> str:
    digest = hashlib.sha256(accuracy.encode())
    for name, tensor in sorted(state.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        digest.update(tensor.contiguous().numpy().reshape(-1).data)
    return digest.hexdigest()
