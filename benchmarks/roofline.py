"""How near the training step is to what the machine could do: three fractions, and which limit binds.

    python benchmarks/roofline.py                    three models, both networks, both precisions: four minutes
    python benchmarks/roofline.py --update           the same, and the table in docs/benchmarks.md
    python benchmarks/roofline.py --quick            a second each

*MFU* is the step's FLOPs, by torch's counter, over its time and the rate of a large matrix product. *Roofline* is
the least time for each operation, the longer of its arithmetic at that rate and its bytes at the rate of a copy,
over the step's time. *Launch*, on a GPU, is the time of an empty CUDA graph of as many kernels over that of the
step. Rates are measured between the steps, in this process.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # both as genbench has them; read when torch is imported
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

import argparse

from limits import fractions
from report import Rows, publish

HEADER = (
    "", "ms a step", "GFLOP a step", "kernels", "MFU", "roofline", "of that, arithmetic", "launch", "binds",
    "convolutions, of the time", "threads", "products", "rounds",
)  # fmt: skip


def measure(title: str, model: str, options: argparse.Namespace, **settings: str) -> list[str]:
    """One row."""
    given = {"dataset": "digits", "image_size": "28", "device": options.device, "evaluate": "none"}
    given |= {"batch_size": str(options.batch)}
    if options.threads:
        given["threads"] = str(options.threads)
    rounds, steps = (2, 3) if options.quick else (15, 10)
    found = fractions(model, {**given, **settings}, rounds, steps)
    cells = [
        title, f"{1000 * found.seconds:.2f}", f"{found.flops / 1e9:.2f}", str(found.kernels), f"{found.mfu:.0%}",
        f"**{found.roofline:.0%}**", f"{found.arithmetic:.0%}", f"{found.launch:.0%}" if found.launch else "–",
        found.binds, f"{found.convolutions:.0%}", str(found.machine.threads), found.machine.products, str(rounds),
    ]  # fmt: skip
    print(" | ".join(cells), flush=True)
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--quick", action="store_true", help="two rounds of three steps: to see that it works")
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    rows: Rows = [
        measure(f"{title}, {said}{of}", model, options, network=network, precision=precision)
        for precision, of in (("float32", ""), ("bfloat16", ", bfloat16"))
        for model, title in (("ae", "AE"), ("vae", "VAE"), ("gan", "GAN"))
        for network, said in (("mlp", "MLP"), ("conv", "convolutions"))
    ]
    publish("roofline", HEADER, rows, options.update)


if __name__ == "__main__":
    main()
