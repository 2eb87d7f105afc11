"""Kills training with SIGKILL at random moments, resumes each time, and compares the end with an undisturbed run.

`python benchmarks/torture.py` kills each model 200 times: about fifteen minutes on two cores. `--kills N` takes
another number, `--model NAME` one model, `--update` writes the table in docs/reliability.md.

A chain is one run, killed again and again until it is done. Half of the kills come at a random time, the other
half within milliseconds of the moment at which a temporary file appears, that is while a checkpoint, a picture or a
state is being written. One kill in twenty hits the real command, `genbench --no-ui --resume`; the others a process
forked from one that has torch imported, which saves the seconds that importing takes.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import report
import sklearn.datasets
import torch

import models
from models.errors import InputError
from tests.harness import small_config
from workbench import figures, session
from workbench.config import RunConfig
from workbench.runs import checkpoint, reading
from workbench.runs.folder import RunFolder
from workbench.runs.history import History
from workbench.training.control import Control

PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
EPOCH, ROUND, STEPS = 6, 600, 1200  # steps
SETTINGS = {"steps": str(STEPS), "latent": "2", "every": str(ROUND // EPOCH), "save_every": "0.05"}
LONGEST = 2.5  # seconds until a kill
REAL = 20  # one kill in so many hits the real command


def train(config: RunConfig, runs: Path, name: str) -> None:
    """One sitting: the run begins or goes on, to its end."""
    folder = RunFolder(runs / name)
    begun = folder.config_file.exists()
    if not begun and folder.path.exists():  # killed before the configuration was there: there is no run yet
        shutil.rmtree(folder.path)
    prepared = session.resume(folder, {}) if begun else session.begin(config, runs, name)
    prepared.run([], Control())


def warm() -> None:
    """Import what every sitting needs, once."""
    sklearn.datasets.load_digits()
    figures.png(figures.samples(np.zeros((4, 1, 8, 8), np.uint8), None))


def forked(config: RunConfig, runs: Path, name: str) -> int:
    """Train in a process of its own; its pid."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            train(config, runs, name)
            code = 0
        except InputError as error:
            (runs / f"{name}.refused").write_text(str(error), encoding="utf-8")
        finally:
            os._exit(code)
    return pid


def command(runs: Path, name: str) -> int:
    """Go on with the real command; its pid."""
    line = [sys.executable, "-m", "workbench", "--no-ui", "--quiet", "--runs-dir", str(runs), "--resume", name]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid


def ended(pid: int) -> int | None:
    """The wait status of a process that has ended."""
    done, status = os.waitpid(pid, os.WNOHANG)
    return status if done else None


def kill(pid: int, run: Path, chance: random.Random, real: bool) -> str:
    """Kill a sitting at a moment of chance. Returns when that was; "ended" where it was done before."""
    aimed = chance.random() < 0.5
    begin, after = time.monotonic(), chance.uniform(0, LONGEST) + 3 * real
    skip = chance.randrange(12)  # temporary files to let pass
    while time.monotonic() - begin < after or aimed:
        if (status := ended(pid)) is not None:
            return "ended" if status == 0 else "failed"
        if aimed and any(run.glob("**/.*.tmp")):
            skip -= 1
            if skip < 0:
                time.sleep(chance.uniform(0, 0.004))
                break
        if not aimed:
            time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "while a file was written" if aimed else "at a random time"


def done(folder: RunFolder) -> bool:
    """Whether a run says that it has ended well."""
    return folder.state_file.exists() and folder.stored_state().status == "done"


def problems(folder: RunFolder) -> list[str]:
    """What a kill has spoilt: a checkpoint that cannot be loaded, numbers that are missing or there twice."""
    if not folder.config_file.exists() or not checkpoint.any_there(folder):
        return []
    try:
        saved, broken = checkpoint.latest(folder)
    except InputError as error:
        return [f"unloadable: {error}"]
    found = [f"unloadable: {sentence}" for sentence in broken]
    # The lines as they are: a reader would pass over what stands twice. A kill may have torn the last one.
    lines = list(reading.read_lines(folder.metrics_file))
    for split in ("train", "test"):
        steps = [line["step"] for line in lines if line["split"] == split]
        if steps != sorted(set(steps)):
            found.append(f"metrics: {split} has a step twice")
        if split == "train" and (not steps or max(steps) < saved.step):
            found.append(f"metrics: {split} ends at {max(steps, default=0)}, before the checkpoint of {saved.step}")
        if split == "test" and set(range(ROUND, saved.step, ROUND)) - set(steps):
            found.append("metrics: an evaluation is missing")
    return found


def result(folder: RunFolder) -> tuple[dict[str, torch.Tensor], dict[int, dict[str, float]]]:
    """What a run ended with: every tensor of its last checkpoint, and its numbers of held-out images by step."""
    records = [record for record in History.read(folder.metrics_file).records if record.split == "test"]
    return dict(checkpoint.latest(folder)[0].tensors), {r.step: dict(r.metrics) for r in records}


def same(one: RunFolder, other: RunFolder) -> bool:
    """Whether two runs ended alike, bit for bit."""
    (tensors, numbers), (others, other_numbers) = result(one), result(other)
    if checkpoint.best_rank(one) != checkpoint.best_rank(other):
        return False
    equal = tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in tensors)
    return equal and numbers == other_numbers


def torture(model: str, kills: int, runs: Path, chance: random.Random) -> Counter[str]:
    """Chains of kills of one model, until there were enough; what was found."""
    config = small_config(model, **SETTINGS)
    if os.waitpid(forked(config, runs, f"{model}-whole"), 0)[1]:
        raise SystemExit(f"The undisturbed run of {model} failed: {runs}")
    whole, found = RunFolder(runs / f"{model}-whole"), Counter[str]()
    while found["kills"] < kills:
        folder = RunFolder(runs / f"{model}-{found['chains']}")
        how = ""
        while how != "ended":
            real = folder.config_file.exists() and chance.randrange(REAL) == 0
            pid = command(runs, folder.name) if real else forked(config, runs, folder.name)
            how = kill(pid, folder.path, chance, real)
            found[how] += 1
            found["kills"] += how not in {"ended", "failed"}
            found["of the real command"] += real and how not in {"ended", "failed"}
            if done(folder):  # whether or not it could still leave by itself
                how = "ended"
            for problem in problems(folder):
                found[problem.partition(":")[0]] += 1
                print(f"  {folder.path}: {problem}", flush=True)
            if how == "failed":
                found["lost"] += 1
                print(f"  {folder.path}: it could not go on", flush=True)
                break
        if how == "ended" and not same(whole, folder):
            found["different"] += 1
            print(f"  {folder.path}: differs from {whole.path}", flush=True)
        elif how == "ended":
            shutil.rmtree(folder.path)
        found["chains"] += 1
        print(f"{model}: {found['kills']} kills, {found['chains']} chains", flush=True)
    return found


def main() -> None:
    """Torture the models that were asked for, and tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--model", action="append", choices=models.names())
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--update", action="store_true", help="write the table in docs/reliability.md")
    given = parser.parse_args()
    rows, spoilt = [], 0
    began = time.monotonic()
    warm()
    runs = Path(tempfile.mkdtemp(prefix="genbench-torture-"))
    for model in given.model or models.names():
        found = torture(model, given.kills, runs, random.Random(f"{given.seed} {model}"))
        counts = [found[name] for name in ("unloadable", "lost", "metrics", "different")]
        spoilt += sum(counts)
        of = [found[n] for n in ("kills", "while a file was written", "of the real command", "chains")]
        rows.append([model, *map(str, [*of, *counts])])
    header = [
        "model", "kills", "of these while a file was written", "of the real command", "runs, all finished",
        "unloadable checkpoints", "runs lost", "numbers missing or twice", "runs that differ in a bit",
    ]  # fmt: skip
    text = f"{report.table(header, rows)}\n\nSeed {given.seed}, {(time.monotonic() - began) / 60:.0f} minutes."
    print(text)
    if given.update:
        report.keep("torture", text, PAGE)
    if spoilt:
        raise SystemExit(f"Something was spoilt; the runs are in {runs}")
    shutil.rmtree(runs)


if __name__ == "__main__":
    main()
