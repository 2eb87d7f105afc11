"""genbench against pythae and against a plain script, each as it is started: whole processes, in turns.

    python benchmarks/peers.py --data-dir PATH                    five pairs of five epochs of MNIST each: long
    python benchmarks/peers.py --data-dir PATH --update           the same, and the table in docs/benchmarks.md
    python benchmarks/peers.py --data-dir PATH --quick            one pair of one epoch of 2,048 images

pythae is installed into --peer-dir, a virtual environment of its own that uses the torch of this one. It trains its
own VAE with its own defaults (784-512-32-512-784, Adam 1e-3, batches of 128); a pair is one run of each side.
"""

import argparse
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from peer import LATENT, last_epoch
from plain import built, unpacked
from report import Rows, publish, ranged, verdict

from models.errors import InputError
from workbench.data.load import load
from workbench.runs.history import History

HERE = Path(__file__).parent
PINNED = ("pythae==0.1.2", "cloudpickle==3.1.1", "imageio==2.37.0", "tqdm==4.67.1")
HEADER = (
    "", "what is timed", "times as fast: median (range)", "theirs, s", "ours", "their loss", "ours",
    "their parameters", "ours", "threads, theirs and ours", "pairs", "must be", "is",
)  # fmt: skip
Facts = dict[str, Any]


class Side(NamedTuple):
    """What one run of a side gave."""

    seconds: float
    loss: float
    parameters: int
    threads: int
    steps: float = 0.0  # seconds in steps alone


def python_of_pythae(folder: Path) -> str:
    """A Python that has pythae beside this environment's torch. Installs it where it is not there yet."""
    python = folder / "bin" / "python"
    if not (folder / "has-pythae").exists():
        venv.create(folder, with_pip=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        shared = folder / "lib" / version / "site-packages" / "the-same-torch.pth"
        shared.write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", *PINNED], check=True)
        (folder / "has-pythae").touch()
    return str(python)


class Bench:
    """Runs of both sides, as often as they are asked for."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self._options, self._folder, self._count = options, folder, 0
        self._images = folder / "images.npy"
        images = load("mnist", data_dir=options.data_dir, limit=options.limit).train.pixels.numpy()
        np.save(self._images, images)
        self.images, self.pairs = len(images), options.pairs
        self._python = python_of_pythae(options.peer_dir)
        unpacked(options.data_dir, folder)

    def _run(self, command: list[str]) -> tuple[float, str]:
        """Wall seconds of a process, and the last line that it prints."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OMP_")}
        if self._options.threads:
            environment["OMP_NUM_THREADS"] = str(self._options.threads)
        began = time.perf_counter()
        done = subprocess.run(
            command, env=environment, cwd=self._folder, check=True, stdout=subprocess.PIPE, text=True
        )
        return time.perf_counter() - began, done.stdout.strip().splitlines()[-1]

    def _new(self) -> Path:
        self._count += 1
        return self._folder / f"run-{self._count}"

    def _peer(self, who: str, python: str, data: Path) -> tuple[float, Facts]:
        line = [
            python,
            str(HERE / "peer.py"),
            who,
            str(data),
            str(self._new()),
            "--epochs",
            str(self._options.epochs),
        ]
        for name in ("limit", "threads"):
            if value := getattr(self._options, name):
                line += [f"--{name}", str(value)]
        seconds, said = self._run(line)
        return seconds, json.loads(said)

    def pythae(self, whole: bool) -> Side:
        """pythae's trainer; `whole` counts the process from its start."""
        seconds, facts = self._peer("pythae", self._python, self._images)
        return Side(seconds if whole else facts["seconds"], facts["loss"], facts["parameters"], facts["threads"])

    def equal(self) -> Side:
        """genbench's trainer on pythae's network."""
        _, facts = self._peer("genbench", sys.executable, self._options.data_dir)
        return Side(facts["seconds"], facts["loss"], facts["parameters"], facts["threads"], facts["steps"])

    def plain(self) -> Side:
        """The plain script."""
        steps = self._options.epochs * (self.images // 128)
        line = [sys.executable, str(HERE / "plain.py"), "vae", "--data-dir", str(self._options.data_dir)]
        seconds, said = self._run(
            [*line, "--folder", str(self._folder), "--steps", str(steps), "--tail", str(self.images // 128)]
        )
        facts = json.loads(said)
        return Side(seconds, facts["loss"], facts["parameters"], facts["threads"])

    def genbench(self, width: int, evaluate: str = "fast") -> Side:
        """`genbench --no-ui` with everything it does: pictures, checkpoints, measuring."""
        runs = self._new()
        line = [sys.executable, "-m", "workbench", "--no-ui", "--quiet", "--model", "vae", "--network", "mlp"]
        line += ["--dataset", "mnist", "--data-dir", str(self._options.data_dir), "--width", str(width)]
        line += ["--epochs", str(self._options.epochs), "--device", "cpu", "--runs-dir", str(runs), "--name", "run"]
        line += ["--evaluate", evaluate]
        for name in ("limit", "threads"):
            if value := getattr(self._options, name):
                line += [f"--{name}", str(value)]
        seconds, _ = self._run([*line, "--json"])
        records = [r for r in History.read(runs / "run" / "metrics.jsonl").records if r.split == "train"]
        environment = json.loads((runs / "run" / "environment.json").read_text(encoding="utf-8"))
        loss = last_epoch(records, self._options.epochs)
        return Side(seconds, loss, parameters(width), environment["threads"])


def parameters(width: int) -> int:
    """Parameters of genbench's VAE of this width, MLP, on MNIST."""
    model = built("vae", network="mlp", width=str(width), latent=str(LATENT))
    return sum(p.numel() for p in model.parameters())


def nearest_width(count: int) -> int:
    """The width that gives most nearly `count` parameters."""
    return min(range(8, 65), key=lambda width: abs(parameters(width) - count))


def in_turns(*sides: Callable[[], Side], pairs: int) -> list[tuple[Side, ...]]:
    """Runs of all sides, one after another, again and again; the first is theirs."""
    return [tuple(side() for side in sides) for _ in range(pairs)]


def whole(theirs: Callable[[], Side], bench: Bench, width: int, titles: tuple[str, str], equal: bool) -> Rows:
    """Two rows: their process against `genbench --no-ui`, which measures itself, and against one that does not."""
    found = in_turns(theirs, lambda: bench.genbench(width), lambda: bench.genbench(width, "none"),
                     pairs=bench.pairs)  # fmt: skip
    timed = "the process, with all that it does"
    return [
        row(f"{titles[0]}; `{titles[1]}{more}`", timed, [(side[0], side[ours]) for side in found], None, equal)
        for ours, more in ((1, ""), (2, " --evaluate none"))
    ]


def row(title: str, timed: str, both: list[tuple[Side, Side]], must: float | None, equal: bool) -> list[str]:
    """What the turns gave. Where the objective is one, losses have to agree within 1 %."""
    ratios = [theirs.seconds / ours.seconds for theirs, ours in both]
    a, b = (Side(median(s.seconds for s in side), median(s.loss for s in side), side[0].parameters, side[0].threads)
            for side in zip(*both, strict=True))  # fmt: skip
    good = (must is None or median(ratios) >= must) and (not equal or abs(a.loss - b.loss) <= 0.01 * a.loss)
    losses = [f"{a.loss:.4g}", f"{b.loss:.4g}"] if equal else [f"{a.loss:.4g}", f"{b.loss:.4g} (another objective)"]
    wanted = ([] if must is None else [f">= {must:g}"]) + ["losses within 1 %"] * equal
    cells = [
        title, timed, ranged(ratios), f"{a.seconds:.1f}",
        f"{b.seconds:.1f}", *losses, f"{a.parameters:,}", f"{b.parameters:,}", f"{a.threads} and {b.threads}",
        str(len(both)), ", ".join(wanted), verdict(good) if wanted else "",
    ]  # fmt: skip
    print(" | ".join(cells), flush=True)
    return cells


def measure(options: argparse.Namespace, folder: Path) -> Rows:
    """All rows."""
    bench = Bench(options, folder)
    width = nearest_width(bench.equal().parameters)  # this run also fills caches
    equal = [(a, b) for a, b in in_turns(lambda: bench.pythae(False), bench.equal, pairs=bench.pairs)]
    steps = [(theirs, ours._replace(seconds=ours.steps)) for theirs, ours in equal]
    trainers = "pythae's trainer; genbench's, the same network"
    command = "genbench --no-ui --model vae --network mlp"
    return [
        row(trainers, "training; ours the steps alone", steps, 2.0, True),
        row(trainers, "training; ours with pictures and checkpoints", equal, None, True),
        *whole(lambda: bench.pythae(True), bench, width, ("a pythae script", f"{command} --width {width}"), False),
        *whole(bench.plain, bench, 32, ("`plain.py vae`", command), True),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True, help="holds the folder mnist")
    parser.add_argument(
        "--peer-dir", type=Path, default=None, help="where pythae is installed; default: thrown away"
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, help="for both")
    parser.add_argument("--quick", action="store_true", help="one pair of one epoch of 2,048 images")
    parser.add_argument("--update", action="store_true", help="write the table into docs/benchmarks.md")
    options = parser.parse_args()
    options.data_dir, options.limit = options.data_dir.absolute(), None
    if options.quick:
        options.pairs, options.epochs, options.limit = 1, 1, 2048
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        options.peer_dir = (options.peer_dir or Path(folder) / "pythae").absolute()
        try:
            rows = measure(options, Path(folder))
        except InputError as error:
            sys.exit(str(error))
    publish("peers", HEADER, rows, options.update)


if __name__ == "__main__":
    main()
