"""What the convolutional networks of models/blocks.py cost beside the plain pair, in time and in what they reach.

    python benchmarks/plain_pair.py --data-dir PATH            steps in turns, and the loss after a few epochs
    python benchmarks/plain_pair.py --data-dir PATH --update   the same, and write the table into the page

The plain pair: convolutions of 32 and 64 channels, 4x4 with stride 2, a hidden layer of 256, SiLU, no averaging of
weights. Both sides take whole steps of genbench's loop, on the same images with the same noise.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import torch
from report import publish
from torch import nn

import models
from models.base import Batch
from models.settings import parse
from workbench.cores import available_cores
from workbench.data.imageset import ImageSet
from workbench.data.load import load
from workbench.training import devices
from workbench.training.evaluate import evaluate
from workbench.training.minimise import Minimiser
from workbench.training.order import Order, seed_for
from workbench.training.state import Model, TrainingState

CPU = torch.device("cpu")
STEPS, ROUNDS = 12, 9


def plain_pair(latent: int, outputs: int, width: int = 32, hidden: int = 256) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder: (B, 1, 28, 28) -> (B, outputs) and (B, latent) -> (B, 1, 28, 28)."""
    wide, flat = 2 * width, 2 * width * 49
    encoder = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.SiLU(), nn.Conv2d(width, wide, 4, 2, 1), nn.SiLU(), nn.Flatten(),
        nn.Linear(flat, hidden), nn.SiLU(), nn.Linear(hidden, outputs),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(latent, hidden), nn.SiLU(), nn.Linear(hidden, flat), nn.SiLU(), nn.Unflatten(1, (wide, 7, 7)),
        nn.ConvTranspose2d(wide, width, 4, 2, 1), nn.SiLU(), nn.ConvTranspose2d(width, 1, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


class Side:
    """A model in training, a few steps at a time."""

    def __init__(self, name: str, images: ImageSet, plain: bool) -> None:
        torch.manual_seed(seed_for(0, "weights"))
        kind = models.load(name)
        model: Model = kind(parse(kind.Config, {}), images.shape)
        if plain:
            latent = model.config.latent
            model.encoder, model.decoder = plain_pair(latent, 2 * latent if name == "vae" else latent)
        self.state = TrainingState(model, 0.0 if plain else 0.999)
        self._images, self._minimise = images, Minimiser(self.state, CPU, None)
        self._order, self._noise = Order(len(images.train), 128, 0, CPU), torch.Generator(CPU)

    @property
    def steps_per_epoch(self) -> int:
        """Steps of an epoch."""
        return self._order.steps_per_epoch

    def steps(self, count: int) -> float:
        """Take so many; seconds for one."""
        begin = time.perf_counter()
        for _ in range(count):
            step = self.state.step
            pixels = self._images.train.pixels[self._order.indices(step)]
            self._noise.manual_seed(seed_for(0, "noise", step))
            batch = Batch(self._images.seen(pixels, self._noise), None, step, self._noise)
            self.state.model.training_step(batch, self._minimise)
            self.state.step += 1
            self.state.average_weights()
        return (time.perf_counter() - begin) / count

    def loss(self, name: str) -> float:
        """The held-out metric of this name."""
        with self.state.for_looking() as model:
            return evaluate(model, self._images.test, 0, CPU, lambda: None)[name]


def compared(name: str, metric: str, images: ImageSet, epochs: int) -> list[str]:
    """A row: the time of a step on both sides, their ratio, and what both reach after some epochs."""
    sides = [Side(name, images, plain) for plain in (True, False)]
    for side in sides:
        side.steps(5)  # warm
    times = [[side.steps(STEPS) for side in sides] for _ in range(ROUNDS)]
    ratios = sorted(ours / plain for plain, ours in times)
    reached = []
    for side in sides:
        side.steps(epochs * side.steps_per_epoch - side.state.step)
        reached.append(f"{side.loss(metric):.4g}")
    sizes = [sum(p.numel() for p in side.state.model.parameters()) / 1e6 for side in sides]
    milliseconds = [1000 * median(row[i] for row in times) for i in range(2)]
    return [
        f"`{name}`", *(f"{one:.2f} M" for one in sizes), *(f"{one:.1f}" for one in milliseconds),
        f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})", *reached,
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=available_cores())
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    images = load("mnist", data_dir=options.data_dir)
    devices.keep_freed_memory()
    with devices.products_of(devices.best_products(CPU)):
        rows = [compared(*one, images, options.epochs) for one in (("ae", "recon_mse"), ("vae", "loss"))]
    after = f"after {options.epochs} epochs"
    header = ["model", "plain pair", "ours", "ms a step, plain", "ours", "time, ours over plain (min to max)",
              f"plain {after}", f"ours {after}"]  # fmt: skip
    publish("plain-pair", header, rows, options.update)


if __name__ == "__main__":
    main()
