"""What a second process brings, measured; and what limits many GPUs, on paper.

python benchmarks/parallel.py                  both tables, some minutes on two idle cores
python benchmarks/parallel.py paper            the one that only counts
python benchmarks/parallel.py --steps 20 --pairs 1
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from report import Rows, keep, table
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from trial import state

import models
from models.base import Batch, ImageShape
from models.settings import parse
from workbench.processes import Place
from workbench.training.minimise import Minimiser
from workbench.training.state import TrainingState
from workbench.training.team import Team

MEASURED = (
    "", "images/s, 1 process", "2 processes", "ratio", "smallest", "largest", "of 2", "pairs",
)  # fmt: skip
COUNTED = (
    "", "parameters", "kB a step", "messages", "MFLOP an image", "8 GPUs, µs", "64 GPUs, µs", "images a GPU, of 8",
    "of 64",
)  # fmt: skip
RUNS = {
    "AE, mlp, B = 128": ("--network", "mlp", "--batch-size", "128"),
    "AE, conv, B = 128": ("--network", "conv", "--batch-size", "128"),
}
COMMON = ("--threads", "1", "--device", "cpu", "--evaluate", "none", "--every", "100000", "--save-every", "86400")

# What the paper table assumes: bytes a second of each GPU in one direction, seconds a message needs from one GPU to
# the next and to begin at all, and operations a second that such small networks reach in bfloat16.
NVLINK, INFINIBAND = (450e9, 2e-6), (50e9, 5e-6)  # of an H200: NVLink 4; NDR InfiniBand, one port a GPU
START, REACHED = 10e-6, 0.15 * 989e12
SHARE = 0.1  # of a step that messages may take


def measure(folder: Path, steps: int, pairs: int, dataset: str) -> Rows:
    """One process of one thread and two of one thread each, in turns, on batches of the same size."""
    rows: Rows = []
    for name, flags in RUNS.items():
        settings = ("--model", "ae", "--dataset", dataset, "--steps", str(steps), *COMMON, *flags)
        alone, both = [], []
        for _ in range(pairs):
            alone.append(rate(folder, [], settings))
            both.append(rate(folder, ["-m", "torch.distributed.run", "--nproc-per-node=2"], settings))
        ratios = [two / one for one, two in zip(alone, both, strict=True)]
        rows.append([
            name, f"{median(alone):,.0f}", f"{median(both):,.0f}", f"{median(ratios):.2f}", f"{min(ratios):.2f}",
            f"{max(ratios):.2f}", f"{median(ratios) / 2:.0%}", str(pairs),
        ])  # fmt: skip
    return rows


def rate(folder: Path, launcher: list[str], settings: tuple[str, ...]) -> float:
    """Images per second in the steps of a run of its own."""
    before = set((folder / "runs").glob("*"))
    command = [sys.executable, *launcher, "-m", "workbench", "--no-ui", "--quiet", "--runs-dir", "runs", *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    (run,) = set((folder / "runs").glob("*")) - before
    return float(state(run)["images_per_second"])


@contextmanager
def counting() -> Iterator[list[int]]:
    """The bytes of each message that a step would send, were it one of many processes."""
    sent: list[int] = []

    def all_reduce(tensor: Tensor, *_: Any, **__: Any) -> None:
        sent.append(tensor.numel() * tensor.element_size())

    with (
        mock.patch.object(dist, "all_reduce", all_reduce),
        mock.patch.object(dist, "is_initialized", return_value=True),
        mock.patch.object(dist, "get_world_size", return_value=2),
    ):
        yield sent


def count(name: str, shape: ImageShape, network: str) -> tuple[int, list[int], float]:
    """Parameters of a model with its default settings, messages of a step in bytes, operations an image."""
    model = models.load(name)(parse(models.settings(name), {"network": network}), shape)
    state, size = TrainingState(model, 0.0), 8
    images = torch.rand(size, shape.channels, shape.size, shape.size)
    minimise = Minimiser(state, torch.device("cpu"), None, Team(Place(0, 2, 0, 2)))
    with counting() as sent, FlopCounterMode(display=False) as operations:
        model.training_step(Batch(images, None, 0, torch.Generator()), minimise)
    return sum(p.numel() for p in model.parameters()), sent, operations.get_total_flops() / size


def seconds(messages: list[int], gpus: int, link: tuple[float, float]) -> float:
    """Of all-reduces over a ring, that is 2 (N - 1) / N of the bytes; small ones are as fast as a tree is deep."""
    rate, hop = link
    each = START + 2 * math.log2(gpus) * hop
    return len(messages) * each + 2 * (gpus - 1) / gpus * sum(messages) / rate


def paper() -> Rows:
    """For each model what its steps send, how long that takes, and how much work hides it."""
    rows: Rows = []
    grey, colour = ImageShape(1, 28), ImageShape(3, 64)
    for name, shape in (("ae", grey), ("vae", grey), ("gan", colour)):
        for network in ("mlp", "conv"):
            parameters, sent, operations = count(name, shape, network)
            times = seconds(sent, 8, NVLINK), seconds(sent, 64, INFINIBAND)
            # A step of n images takes n operations / REACHED; messages are SHARE of step and messages together.
            enough = [time * (1 - SHARE) / SHARE * REACHED / operations for time in times]
            rows.append([
                f"{name.upper()}, {network}, {shape.channels} x {shape.size} x {shape.size}",
                f"{parameters:,}", f"{sum(sent) / 1000:,.0f}", str(len(sent)), f"{operations / 1e6:,.1f}",
                *(f"{1e6 * time:,.0f}" for time in times), *(f"{n:,.0f}" for n in enough),
            ])  # fmt: skip
    return rows


def main() -> None:
    """Measure or count, and print or keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", default="all", choices=["all", "measure", "paper"])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/benchmarks.md")
    wanted = parser.parse_args()
    tables = {}
    if wanted.what != "paper":
        with tempfile.TemporaryDirectory() as folder:
            rows = measure(Path(folder), wanted.steps, wanted.pairs, wanted.dataset)
        tables["parallel"] = table(MEASURED, rows)
    if wanted.what != "measure":
        tables["parallel-paper"] = table(COUNTED, paper())
    for name, text in tables.items():
        print(text, end="\n\n")
        if wanted.update:
            keep(name, text)


if __name__ == "__main__":
    main()
