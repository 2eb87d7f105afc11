"""Matrix products of a step by torch's default library and by oneDNN, in turns, on one thread: time and exactness.

python benchmarks/products.py                   seconds
python benchmarks/products.py --update          the same, and the table in docs/benchmarks.md
"""

import argparse
import time
from statistics import median

import torch
from report import Rows, publish, ranged

from workbench.training import devices

SHAPES = [(128, 784, 512), (128, 512, 256), (512, 128, 784), (1024, 1024, 1024)]
KINDS = ("default", "oneDNN")
TIMES = 20


def milliseconds(a: torch.Tensor, b: torch.Tensor, products: str) -> float:
    """The median of some products."""
    taken = []
    with devices.products_of(products):
        for _ in range(TIMES):
            begin = time.perf_counter()
            a @ b
            taken.append(time.perf_counter() - begin)
    return 1000 * median(taken)


def off(a: torch.Tensor, b: torch.Tensor, products: str) -> float:
    """The largest error against float64, in parts of the largest number."""
    exact = a.double() @ b.double()
    with devices.products_of(products):
        return float((a @ b - exact).abs().max() / exact.abs().max())


def row(shape: tuple[int, int, int], rounds: int) -> list[str]:
    """One product: (M, K) by (K, N)."""
    rows, inner, columns = shape
    a, b = torch.randn(rows, inner), torch.randn(inner, columns)
    pairs = [tuple(milliseconds(a, b, kind) for kind in KINDS) for _ in range(rounds)]
    ratios = [theirs / ours for theirs, ours in pairs]
    cells = [f"{rows}x{inner} by {inner}x{columns}", ranged(ratios)]
    for index, kind in enumerate(KINDS):
        taken = median(pair[index] for pair in pairs)
        cells += [f"{taken:.3f}", f"{2e-6 * rows * inner * columns / taken:.0f}", f"{off(a, b, kind):.0e}"]
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rows: Rows = [row(shape, options.rounds) for shape in SHAPES]
    header = ["product", "oneDNN, times as fast"]
    for name in ("torch's default", "oneDNN"):
        header += [f"{name}, ms", "GFLOP/s", "error"]
    publish("products", header, rows, options.update)
    print(f"genbench takes {devices.best_products(torch.device('cpu'))} on this processor.")


if __name__ == "__main__":
    main()
