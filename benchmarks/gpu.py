"""What a GPU makes of the three models: images a second, against a DataLoader loop, with and without the screen.

    python benchmarks/gpu.py                              28x28 and 64x64, float32 and bfloat16
    python benchmarks/gpu.py --update                     the same, and the table in docs/benchmarks.md, row by row
    python benchmarks/gpu.py --only vae-mlp               rows of one network
    python benchmarks/gpu.py --device cpu --quick         a dry run of the same code where there is no GPU

The plain loop is `plain.py`'s with the same network on the same device, in turns with the trainer in one process:
images through Pillow and ToTensor, a DataLoader, torch's default Adam in float32, `.item()` at each step. The
screen is the real workbench on a pseudo terminal; runs with it and without it take turns. So do steps that are
replayed as one CUDA graph and steps whose kernels are launched one by one (`--cuda-graphs false`). A turn of the
plain loop is at most as long as ours. The screen is measured for 28x28 in bfloat16 alone.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import load as screen
import torch
import trial
from limits import fractions
from PIL import Image
from plain import STEPS
from report import Rows, keep, ranged, table
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms.functional import to_tensor
from turns import QUIET, compare
from variants import Variant, in_turns

from workbench.config import resolve
from workbench.session import images_of

HEADER = (
    "", "ours, images/s", "the plain loop's", "times as fast: median (range)",
    "replayed, of launched one by one: median (range)", "with the screen, of without (range)", "GPU busy", "MFU",
    "roofline", "launch", "binds",
    "convolutions, of the time", "pairs",
)  # fmt: skip

NETWORKS = {"vae-mlp": ("vae", "mlp"), "ae": ("ae", "conv"), "vae": ("vae", "conv"), "gan": ("gan", "conv")}


class Pictures(Dataset[Tensor]):
    """A set's images as Pillow pictures, turned to tensors one by one."""

    def __init__(self, images: Tensor) -> None:
        arrays = images.permute(0, 2, 3, 1).numpy()
        self._pictures = [Image.fromarray(array.squeeze(-1) if array.shape[-1] == 1 else array) for array in arrays]

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Tensor:
        return to_tensor(self._pictures[index])


def their_step(model_name: str, images: Tensor, batch: int, device: str) -> Callable[[Any], Callable[[], float]]:
    """What makes a step of the plain loop, data included, for a model."""
    loader = DataLoader(Pictures(images), batch_size=batch, shuffle=True, drop_last=True)

    def for_ever() -> Iterator[Tensor]:
        while True:
            yield from loader

    source = for_ever()

    def make(model: Any) -> Callable[[], float]:
        step = STEPS[model_name](model)
        return lambda: step(next(source).to(device))

    return make


def with_the_screen(given: dict[str, str], pairs: int, steps: int) -> list[float]:
    """Throughput with the workbench attached over that without it, pair by pair."""
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()] + [f"--steps={steps}"]
    found = []
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        for _ in range(pairs):
            without = trial.state(trial.headless(Path(folder), *flags))["images_per_second"]
            run, _, _ = screen.attached(Path(folder), *flags)
            found.append(trial.state(run)["images_per_second"] / without)
    return found


def measure(model: str, network: str, size: int, precision: str, options: argparse.Namespace) -> list[str]:
    """One row."""
    pairs, seconds, rounds, screened = (1, 0.6, 1, 1.0) if options.quick else (5, 1.5, 10, 10.0)
    given = {"dataset": "digits", "image_size": str(size), "device": options.device, "precision": precision}
    given |= {"batch_size": str(options.batch), "network": network}
    if options.quick:
        given |= {"width": "4", "limit": "256", "batch_size": "32"}
    config = resolve(model, {**given, **QUIET})
    batch = config.training.batch_size
    theirs = their_step(model, images_of(config).train.pixels, batch, options.device)
    found = compare(config, theirs, pairs, seconds, most=seconds)
    ways = in_turns(
        model, {on: Variant({**given, **QUIET, "cuda_graphs": on}) for on in ("true", "false")}, rounds, 50
    )
    gains = [slow / fast for slow, fast in zip(ways["false"].seconds, ways["true"].seconds, strict=True)]
    why = ways["true"].unreplayed or ("" if options.device.startswith("cuda") else "no GPU")
    limits = fractions(model, given, rounds, 10)
    watched = []
    if size == 28 and (precision == "bfloat16" or options.quick):
        given |= {"model": model, "evaluate": "none", "every": "1000000"}
        watched = with_the_screen(given, min(pairs, 3), round(screened / median(found.ours)))
    cells = [
        f"{model.upper()}, {network}, {size}x{size}, {precision}",
        f"{batch / median(found.ours):,.0f}", f"{batch / median(found.theirs):,.0f}", ranged(found.ratios),
        f"not replayed: {why}" if why else ranged(gains), _shares(watched),
        f"{limits.busy:.0%}", f"{limits.mfu:.0%}", f"{limits.roofline:.0%}",
        f"{limits.launch:.0%}" if limits.launch else "–", limits.binds, f"{limits.convolutions:.0%}", str(pairs),
    ]  # fmt: skip
    print(" | ".join(cells), flush=True)
    return cells


def _shares(values: list[float]) -> str:
    return f"{median(values):.3f} ({min(values):.2f}–{max(values):.2f})" if values else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--only", choices=NETWORKS, action="append", help="this network alone; may be given again")
    parser.add_argument("--quick", action="store_true", help="small networks, one pair: to see that it works")
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    if options.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("There is no CUDA device here. Give --device cpu --quick to see the same code run on the CPU.")
    if options.update and not options.device.startswith("cuda"):
        sys.exit("The table is of a GPU: nothing is measured.")
    rows: Rows = []
    for network in options.only or NETWORKS:
        for size, precision in product((28, 64), ("float32",) if options.quick else ("float32", "bfloat16")):
            rows.append(measure(*NETWORKS[network], size, precision, options))
            if options.update:
                keep("gpu", table(HEADER, rows))
    print(table(HEADER, rows))


if __name__ == "__main__":
    main()
