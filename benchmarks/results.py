"""What the models are worth: trained and measured for each seed, as docs/results.md has it.

    python benchmarks/results.py digits               train and measure what is missing, print the table; minutes
    python benchmarks/results.py mnist --data-dir PATH           the lab's settings on MNIST; an hour or two
    python benchmarks/results.py binarised --data-dir PATH       likelihoods that others publish; half an hour
    python benchmarks/results.py digits --update      the same, and write the table into the page

Each number is the mean over seeds with half the range between the smallest and the largest; of one seed with
half its 95 % interval.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from lab import REPOSITORY, Experiment, train
from report import publish

PAGE = REPOSITORY / "docs" / "results.md"


class Column(NamedTuple):
    """One model of a table."""

    title: str
    flags: str
    sampler: str = ""  # the condition of the rows of generation


SETS: dict[str, tuple[Column, ...]] = {
    "digits": (
        Column("AE", "--model ae --dataset digits"),
        Column("AE, mixture", "--model ae --dataset digits", "mixture"),
        Column("VAE", "--model vae --dataset digits"),
        Column("VAE, mixture", "--model vae --dataset digits", "mixture"),
        Column("GAN", "--model gan --dataset digits"),
    ),
    "mnist": (
        Column("AE", "--model ae --dataset mnist"),
        Column("AE, mixture", "--model ae --dataset mnist", "mixture"),
        Column("VAE", "--model vae --dataset mnist"),
        Column("VAE, mixture", "--model vae --dataset mnist", "mixture"),
        Column("GAN", "--model gan --dataset mnist --epochs 20"),
    ),
    "binarised": (
        Column("VAE, drawn anew each step", "--model vae --dataset mnist --binarise dynamic"),
        Column("VAE, rounded", "--model vae --dataset mnist --binarise static"),
    ),
}
EVALUATE = {
    "digits": ("--bounded", "100"),
    "mnist": ("--bounded", "100"),
    "binarised": ("--fast", "--bounded", "10000"),  # k = 100 over all test images: their spread is 20 nats
}
ROWS = (
    "recon_mse", "recon_mse@last", "loss", "loss@last", "mse", "psnr", "ssim",
    "elbo@dynamic", "iw1@dynamic", "iw100@dynamic", "iw5000@dynamic",
    "elbo@static", "iw1@static", "iw100@static", "iw5000@static", "active_units",
    "probe", "knn", "silhouette", "mmd", "sliced_wasserstein", "evenness",
    "fd", "kid", "precision", "recall", "density", "coverage", "nearest_train", "diversity",
)  # fmt: skip
_GENERATION = ROWS[ROWS.index("fd") :]


def measured(column: Column, seed: int, runs: Path, extra: list[str], how: Sequence[str]) -> dict[str, Any]:
    """The numbers of one run by key; trained and measured where that was not done yet."""
    words = column.flags.split()
    name = "-".join([words[1], words[3], *words[5::2], str(seed)])
    train(Experiment(name, column.flags, "", "", ""), runs, [*extra, f"--seed={seed}", "--evaluate=none"])
    found = runs / name / "evaluation.json"
    if not found.exists():
        command = [sys.executable, "-m", "workbench", "evaluate", str(runs / name), "--quiet", *how]
        subprocess.run(command, check=True, cwd=REPOSITORY)
    numbers: list[dict[str, Any]] = json.loads(found.read_text(encoding="utf-8"))["measured"]
    return {one["key"]: one for one in numbers}


def cell(numbers: Sequence[dict[str, Any]]) -> str:
    """Mean and half the range over seeds, or value and half the interval of one."""
    values = [one["value"] for one in numbers if one["value"] is not None]
    if not values:
        return "–"
    half = (max(values) - min(values)) / 2
    if len(values) == 1 and numbers[0]["low"] is not None:
        half = (numbers[0]["high"] - numbers[0]["low"]) / 2
    return f"{mean(values):.4g}" + (f" ± {half:.2g}" if half else "")


def rows_of(columns: Sequence[Column], runs: Sequence[Sequence[dict[str, Any]]]) -> list[list[str]]:
    """The table: a measure a row, a model a column."""
    rows = []
    for key in ROWS:
        cells, heading = [], ""
        for column, seeds in zip(columns, runs, strict=True):
            if column.sampler and key not in _GENERATION:
                cells.append("")
                continue
            wanted = f"{key}@{column.sampler}" if column.sampler else key
            numbers = [numbers[wanted] for numbers in seeds if wanted in numbers]
            cells.append(cell(numbers) if numbers else "–")
            if numbers and not heading:
                one = numbers[0]
                arrow = {"lower": " ↓", "higher": " ↑", None: ""}[one["better"]]
                condition = f" ({one['condition']})" if one["condition"] and not column.sampler else ""
                heading = f"{one['title']}{condition}{arrow}, {one['unit']}".replace("|", "\\|")
        if heading:
            rows.append([heading, *cells])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=SETS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--runs-dir", type=Path, default=REPOSITORY / "runs" / "results")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--threads", default=None)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    extra = [f"--data-dir={options.data_dir.resolve()}"] if options.data_dir else []
    extra += [f"--threads={options.threads}"] if options.threads else []
    columns = SETS[options.set]
    runs = [
        [measured(column, seed, options.runs_dir, extra, EVALUATE[options.set]) for seed in range(options.seeds)]
        for column in columns
    ]
    header = ["measure", *(column.title for column in columns)]
    publish(options.set, header, rows_of(columns, runs), options.update, PAGE)


if __name__ == "__main__":
    main()
