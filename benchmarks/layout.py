"""How images and weights lie in memory: channels first, as torch has them, or last, in turns.

python benchmarks/layout.py               ten rounds of each: two minutes
python benchmarks/layout.py --update      the same, and the table in docs/benchmarks.md
"""

import argparse
from functools import partial
from statistics import median

import torch
from plain import built
from report import Rows, publish, ranged
from variants import Variant, in_turns, laid_out

from workbench.training import devices

HEADER = (
    "",
    "channels last, times as fast: median (range)",
    "first, ms a step",
    "last",
    "genbench has them",
    "rounds",
)
CASES = {
    "AE, 28x28": ("ae", {"image_size": "28"}),
    "VAE, 28x28": ("vae", {"image_size": "28"}),
    "GAN, 28x28": ("gan", {"image_size": "28"}),
    "GAN, 64x64, colour": ("gan", {"dataset": "abstract", "limit": "512", "image_size": "64"}),
    "VAE, 28x28, bfloat16": ("vae", {"image_size": "28", "precision": "bfloat16"}),
    "GAN, 28x28, bfloat16": ("gan", {"image_size": "28", "precision": "bfloat16"}),
}


def measure(title: str, device: str, rounds: int) -> list[str]:
    """One row."""
    model, settings = CASES[title]
    given = {"dataset": "digits", "device": device, "precision": "float32", "threads": "2", **settings}
    found = in_turns(
        model,
        {
            "first": Variant(given, partial(laid_out, torch.contiguous_format)),
            "last": Variant(given, partial(laid_out, torch.channels_last)),
        },
        rounds, 5,
    )  # fmt: skip
    first, last = found["first"].seconds, found["last"].seconds
    ratios = [a / b for a, b in zip(first, last, strict=True)]
    machine = devices.Machine(torch.device(device), given["precision"] == "bfloat16", 2)
    chosen = devices.layout(built(model), machine)
    cells = [
        title, ranged(ratios), f"{1000 * median(first):.1f}", f"{1000 * median(last):.1f}",
        "last" if chosen == torch.channels_last else "first", str(rounds),
    ]  # fmt: skip
    print(" | ".join(cells), flush=True)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    rows: Rows = [measure(title, options.device, options.rounds) for title in CASES]
    publish("layout", HEADER, rows, options.update)


if __name__ == "__main__":
    main()
