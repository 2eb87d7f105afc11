"""The training loop alone: the same network, loss, optimizer and batch size in our trainer and in a plain loop.

    python benchmarks/loop.py --data-dir PATH                 every case, five pairs each: ten minutes
    python benchmarks/loop.py --data-dir PATH --update        the same, and the table in docs/benchmarks.md
    python benchmarks/loop.py --data-dir PATH --quick --only vae-mlp

The plain loop is `plain.py`'s: torchvision's MNIST through Pillow and ToTensor, a DataLoader, torch's default Adam,
`.item()` at each step. It takes as many threads as torch chooses; genbench tries which number is fastest, unless
--threads gives one for both.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # both as genbench has them; read when torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, cast

import torch
from networks import PythaeVAE
from plain import STEPS, adam, batches, unpacked
from report import Rows, publish, verdict
from turns import HEADER, QUIET, Pairs, compare

from models.errors import InputError
from workbench.config import resolve
from workbench.session import Session


class Case(NamedTuple):
    """One row: what is trained, and how many times as fast it must be."""

    title: str
    model: str
    settings: dict[str, str]
    must: float | None = None
    pythae: bool = False
    seconds: float = 3.0  # of our turns: so many that losses no longer fall steeply at the end


CASES = {
    "ae-mlp": Case("AE, MLP", "ae", {"network": "mlp"}, 3.0),
    "ae-conv": Case("AE, convolutions", "ae", {}, 1.15, seconds=6),
    "vae-mlp": Case("VAE, MLP", "vae", {"network": "mlp"}, 3.0),
    "vae-conv": Case("VAE, convolutions", "vae", {}, 1.15),
    "pythae-vae": Case("VAE, 784-512-32-512-784, as pythae has it", "vae", {}, 3.0, True),
    "gan": Case("GAN, convolutions", "gan", {"batch_size": "128"}),
    "vae-wide": Case("VAE, convolutions of width 128", "vae", {"width": "128"}, seconds=12),
    "vae-mlp-bf16": Case("VAE, MLP; ours in bfloat16", "vae", {"network": "mlp", "precision": "bfloat16"}),
    "vae-conv-bf16": Case("VAE, convolutions; ours in bfloat16", "vae", {"precision": "bfloat16"}),
}


def their_step(case: Case, folder: Path) -> Callable[[Any], Callable[[], float]]:
    """What makes a step of the plain loop, data included, for a model."""
    source = batches(folder, 128)

    def make(model: Any) -> Callable[[], float]:
        step = pythae_step(model) if case.pythae else STEPS[case.model](model)
        return lambda: step(next(source))

    return make


def pythae_step(model: PythaeVAE) -> Callable[[Any], float]:
    """A plain step with pythae's network and loss."""
    optimizer = adam(model, model.config)

    def step(x: torch.Tensor) -> float:
        loss = model.loss(x, torch.randn(len(x), model.config.latent))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def measure(case: Case, options: argparse.Namespace, folder: Path) -> Pairs:
    """The turns of one case."""
    given = {"dataset": "mnist", "device": "cpu", **QUIET, **case.settings}
    given |= {"data_dir": str(options.data_dir)}
    if options.threads:
        given["threads"] = str(options.threads)
        torch.set_num_threads(options.threads)

    def pythae(run: Session) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return PythaeVAE(cast(Any, run.config.model), run.images.shape)

    pairs, seconds = (2, 0.6) if options.quick else (options.pairs, case.seconds)
    make = pythae if case.pythae else None
    return compare(resolve(case.model, given), their_step(case, folder), pairs, seconds, make)


def row(case: Case, found: Pairs, threads: int) -> list[str]:
    """One line of the table. Losses are to agree within 1 %; those of a GAN wander and are only shown."""
    ours, theirs = found.losses
    equal = case.model == "gan" or abs(ours - theirs) <= 0.01 * abs(theirs)
    fast = case.must is None or median(found.ratios) >= case.must
    wanted = ([] if case.must is None else [f">= {case.must:g}"]) + ["losses within 1 %"] * (case.model != "gan")
    return [
        case.title, *found.cells(), f"{threads} and {found.our_threads}", found.products,
        ", ".join(wanted), verdict(equal and fast) if wanted else "",
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="holds the folder mnist")
    parser.add_argument("--only", choices=CASES, action="append", help="this case alone; may be given again")
    parser.add_argument("--threads", type=int, help="for both")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="two pairs of half a second: to see that it works")
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    options.data_dir = options.data_dir.absolute()
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        try:
            unpacked(options.data_dir, Path(folder))
        except InputError as error:
            sys.exit(str(error))
        threads = options.threads or torch.get_num_threads()
        for name in options.only or CASES:
            rows.append(row(CASES[name], measure(CASES[name], options, Path(folder)), threads))
            print(" | ".join(rows[-1]), flush=True)
    header = ("", *HEADER, "threads, theirs and ours", "our matrix products", "must be", "is")
    publish("loop", header, rows, options.update)


if __name__ == "__main__":
    main()
