"""The loop that everybody writes: torchvision's MNIST, a DataLoader, torch's default Adam, `.item()` at each step.

    python benchmarks/plain.py vae --data-dir PATH --folder FOLDER        train an epoch, and print seconds and loss

What the other scripts compare genbench with. The networks are genbench's own modules; the losses are written as in
torch's examples.
"""

import argparse
import gzip
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

import models
from models.base import ImageShape
from models.errors import InputError
from models.settings import read

Step = Callable[[Tensor], float]  # a batch -> its loss
FILES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


def built(model: str, **settings: str) -> Any:
    """A model of genbench's for MNIST, with settings given as text."""
    cls = models.load(model)
    return cls(cls.Config(**read(cls.Config, settings)), ImageShape(1, 28))


def unpacked(data_dir: Path | None, folder: Path) -> Path:
    """Where torchvision finds MNIST: its four files, unpacked from DATA_DIR/mnist into `folder`."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        source = (data_dir or Path()) / "mnist" / f"{name}.gz"
        if data_dir is None or not source.is_file():
            raise InputError(f"There is no file {source}. Give --data-dir a folder that holds mnist/{FILES[0]}.gz.")
        with gzip.open(source) as packed, (raw / name).open("wb") as target:
            shutil.copyfileobj(packed, target)
    return folder


def batches(folder: Path, size: int) -> Iterator[Tensor]:
    """Batches for ever, an image at a time through Pillow and ToTensor: (B, 1, 28, 28) in [0, 1]."""
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import MNIST

    images = MNIST(str(folder), train=True, transform=transforms.ToTensor())
    loader = DataLoader(images, batch_size=size, shuffle=True, drop_last=True)
    while True:
        for x, _ in loader:
            yield x


def adam(module: nn.Module, config: Any) -> torch.optim.Adam:
    """Adam as torch makes it by default."""
    betas = (getattr(config, "beta1", 0.9), 0.999)
    return torch.optim.Adam(module.parameters(), lr=config.learning_rate, betas=betas)


def autoencoder(model: Any) -> Step:
    """One step of an autoencoder."""
    optimizer = adam(model, model.config)

    def step(x: Tensor) -> float:
        loss = F.mse_loss(torch.sigmoid(model.decoder(model.encoder(x))), x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def vae(model: Any) -> Step:
    """One step of a VAE."""
    optimizer = adam(model, model.config)

    def step(x: Tensor) -> float:
        mean, log_var = model.encoder(x).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        recon = F.binary_cross_entropy_with_logits(model.decoder(z), x, reduction="sum")
        kl = -0.5 * torch.sum(1 + log_var - mean.pow(2) - log_var.exp())
        loss = (recon + kl) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def gan(model: Any) -> Step:
    """One step of a GAN, as in torch's DCGAN example; the loss is that of D and of G together."""
    config, criterion = model.config, nn.BCEWithLogitsLoss()
    by_d, by_g = adam(model.discriminator, config), adam(model.generator, config)

    def step(x: Tensor) -> float:
        real, fake = x.new_ones(len(x), 1), x.new_zeros(len(x), 1)
        model.discriminator.zero_grad()
        on_real = criterion(model.discriminator(2 * x - 1), real)
        on_real.backward()
        made = model.generator(torch.randn(len(x), config.latent, device=x.device))
        on_fake = criterion(model.discriminator(made.detach()), fake)
        on_fake.backward()
        by_d.step()
        model.generator.zero_grad()
        fooled = criterion(model.discriminator(made), real)
        fooled.backward()
        by_g.step()
        return on_real.item() + on_fake.item() + fooled.item()

    return step


STEPS: dict[str, Callable[[Any], Step]] = {"ae": autoencoder, "vae": vae, "gan": gan}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=STEPS)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where MNIST is unpacked to")
    parser.add_argument("--network", default="mlp")
    parser.add_argument("--width", default="32")
    parser.add_argument("--steps", type=int, default=468)
    parser.add_argument("--tail", type=int, help="steps at the end that the loss is the mean of; default: all")
    options = parser.parse_args()
    began = time.perf_counter()
    torch.manual_seed(0)
    model = built(options.model, network=options.network, width=options.width)
    step, source = STEPS[options.model](model), batches(unpacked(options.data_dir, options.folder), 128)
    losses = [step(next(source)) for _ in range(options.steps)]
    tail = losses[-(options.tail or len(losses)) :]
    facts = {
        "seconds": time.perf_counter() - began, "loss": sum(tail) / len(tail), "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
