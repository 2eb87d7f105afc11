"""The lab's experiments with the lab's settings, and the README's table of them.

    python benchmarks/lab.py                 train what is missing (an hour on 2 cores), print the table
    python benchmarks/lab.py --update        the same, and write table and picture into the README

A run that is already done in --runs-dir is not repeated.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True)
class Experiment:
    """One row: the flags, the number the lab saw, and what a plain network of the kind reaches."""

    name: str
    flags: str
    metric: str
    lab: str
    plain: str


EXPERIMENTS = (
    Experiment("ae-conv", "--model ae --dataset mnist", "recon_mse", "0.0054", "0.00295"),
    Experiment("ae-mlp", "--model ae --dataset mnist --network mlp", "recon_mse", "0.0054", "0.00505"),
    Experiment("vae-conv", "--model vae --dataset mnist", "loss", "105.4 (KL 26.3)", "94.5 (KL 23.6)"),
    Experiment("vae-mlp", "--model vae --dataset mnist --network mlp", "loss", "105.4 (KL 26.3)", "101.4"),
    Experiment("gan-conv", "--model gan", "d_loss", "D 0.2 to 1.0, G 1.5 to 6.0", ""),
)


def finished(folder: Path) -> dict[str, Any] | None:
    """The state of a run that is done, or None."""
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    except OSError:
        return None
    return state if state["status"] == "done" else None


def train(experiment: Experiment, runs: Path, extra: list[str]) -> dict[str, Any]:
    """Train one experiment unless it is there, and return its state."""
    folder = runs / experiment.name
    if (state := finished(folder)) is not None:
        return state
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "workbench", "--no-ui", *experiment.flags.split(), *extra]
    subprocess.run([*command, "--runs-dir", str(runs), "--name", experiment.name], check=True, cwd=REPOSITORY)
    state = finished(folder)
    assert state is not None, f"{experiment.name} did not finish"
    return state


def row(experiment: Experiment, state: dict[str, Any]) -> str:
    """One line of the table."""
    values = state["metrics"]
    if experiment.metric == "recon_mse":
        ours = f"**{values['recon_mse']:.5f}** squared error per pixel"
    elif experiment.metric == "loss":
        ours = f"**{values['loss']:.1f}** nats per image (KL {values['kl']:.1f})"
    else:
        losses = f"D {values['train_d_loss']:.2f}, G {values['train_g_loss']:.1f}"
        ours = f"{losses} nats at the end, spread {values['spread']:.2f}"
    plain = experiment.plain or "–"
    return f"| `genbench --no-ui {experiment.flags}` | {ours} | {experiment.lab} | {plain} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs-dir", type=Path, default=REPOSITORY / "runs" / "lab")
    parser.add_argument("--data-dir", type=Path, default=None)
    parser.add_argument("--threads", default=None)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    extra = [f"--data-dir={options.data_dir.resolve()}"] if options.data_dir else []
    extra += [f"--threads={options.threads}"] if options.threads else []

    rows = [row(one, train(one, options.runs_dir, extra)) for one in EXPERIMENTS]
    table = "\n".join(["| command | ours | the lab | plain pair |", "| --- | --- | --- | --- |", *rows])
    print(table)
    if options.update:
        readme = REPOSITORY / "README.md"
        text = re.sub(
            r"(<!-- table: lab -->\n).*?(<!-- end -->)",
            lambda found: f"{found[1]}{table}\n{found[2]}",
            readme.read_text(encoding="utf-8"), flags=re.DOTALL,
        )  # fmt: skip
        readme.write_text(text, encoding="utf-8")
        for name, picture in (("vae-conv", "vae-mnist"), ("gan-conv", "gan-abstract")):
            target = REPOSITORY / "docs" / "pictures" / f"{picture}.png"
            shutil.copy(options.runs_dir / name / "summary.png", target)


if __name__ == "__main__":
    main()
