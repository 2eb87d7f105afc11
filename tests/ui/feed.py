"""Runs without torch: folders filled by a script, and a launcher whose runs go on when the test says so."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.metric import Metric
from workbench.config import RunConfig, resolve
from workbench.runs import evaluations, files, pictures, requests
from workbench.runs.evaluations import Effort, Evaluation, Measured
from workbench.runs.folder import RunFolder
from workbench.runs.pictures import Facts, Pictures
from workbench.runs.state import State
from workbench.ui.job import Job, Measurement

METRICS = {
    "vae": {
        "loss": Metric("nats per image", "Negative evidence lower bound.", "lower"),
        "kl": Metric("nats per image", "Distance of the codes from the prior."),
    },
    "ae": {"loss": Metric("squared error per pixel", "How far rebuilt images are.", "lower")},
    "gan": {
        "d_loss": Metric("nats", "Loss of the discriminator.", None, "losses"),
        "g_loss": Metric("nats", "Loss of the generator.", None, "losses"),
    },
}
EPOCH = 12  # steps


class ScriptedRun:
    """A run folder that grows by calls, as the trainer would fill it. Numbers are functions of the step."""

    def __init__(self, runs_dir: Path, model: str = "vae", name: str | None = None, **settings: str) -> None:
        self.config = resolve(model, {"dataset": "digits", "epochs": "20", "every": "5", **settings})
        self.folder = RunFolder.create(runs_dir, self.config, name)
        images = {
            "fingerprint": "scripted", "channels": 1, "size": 28, "train": EPOCH * 128, "test": 180,
            "classes": [str(digit) for digit in range(10)],
        }  # fmt: skip
        self.folder.write_config(self.config, images, METRICS[model])
        self.step, self.total = 0, EPOCH * self.config.training.epochs
        self.status("running")

    def status(self, status: Any, reason: str = "") -> None:
        """Write `state.json`."""
        held_out = self.values(0.1) if self.step >= EPOCH else {}
        self.folder.write_state(
            State(
                status, self.step, self.step / EPOCH, self.step * 0.05, 2100.0, self.total, reason=reason,
                metrics={**held_out, **{f"train_{n}": v for n, v in self.values(0).items()}},
            )
        )  # fmt: skip

    def values(self, offset: float) -> dict[str, float]:
        """The metrics at this step; training and held-out differ by `offset`."""
        decay = 100 + 400 * math.exp(-self.step / 40) + offset * 30
        return {name: decay / (1 + 3 * index) for index, name in enumerate(METRICS[self.config.model_name])}

    def train(self, steps: int, every: int = 2) -> None:
        """Report every `every` steps, evaluate and take pictures at the end of each fifth epoch."""
        for _ in range(steps):
            self.step += 1
            if self.step % every == 0:
                self._record("train", 0)
            if self.step % (5 * EPOCH) == 0:
                self._record("test", 0.1)
                self.look()
        self.status("running")

    def _record(self, split: str, offset: float) -> None:
        mean = self.values(offset)
        line: dict[str, Any] = {
            "step": self.step, "images": self.step * 128, "epoch": round(self.step / EPOCH, 4),
            "seconds": self.step * 0.05, "split": split, "metrics": mean,
        }  # fmt: skip
        if split == "train":
            line["low"] = {name: 0.95 * value for name, value in mean.items()}
            line["high"] = {name: 1.05 * value for name, value in mean.items()}
        files.append_line(self.folder.metrics_file, line)

    def bad(self, metric: str) -> None:
        """Report a value that is not finite, as a diverged run does."""
        values = {**self.values(0), metric: math.nan}
        files.append_line(
            self.folder.metrics_file,
            {
                "step": self.step,
                "images": 0,
                "epoch": self.step / EPOCH,
                "seconds": 0.0,
                "split": "train",
                "metrics": values,
            },
        )

    def look(self) -> None:
        """Take pictures: a bar that moves with the step, so that every moment looks different."""
        encodes = self.config.model_name != "gan"
        images = np.zeros((64, 1, 28, 28), np.uint8)
        at = self.step // (5 * EPOCH) % 7 * 4
        images[:, :, 4:24, at : at + 4] = 255
        labels = np.arange(180) % 10
        angle = labels * 0.63 + self.step / 100
        points = np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32) * (
            1 + np.arange(180)[:, None] / 400
        )
        facts = Facts(
            self.step, self.step / EPOCH, False, 0, "averaged weights", "Codes drawn from the prior, N(0, I).",
            ("PC 1 (40% of variance)", "PC 2 (20% of variance)"), "Projected by PCA.", tuple("0123456789"),
        )  # fmt: skip
        parts = (
            {"originals": images[:24], "rebuilt": images[:24] // 2, "points": points, "labels": labels}
            if encodes
            else {}
        )
        pictures.save(self.folder, Pictures(facts, images, **parts))  # type: ignore[arg-type]

    def evaluate(
        self, fd: float = 20.0, half: float = 1.0, ssim: float = 0.8, effort: Effort = "fast",
        notes: tuple[str, ...] = (), **protocol: Any,
    ) -> None:  # fmt: skip
        """Write `evaluation.json`, with a measure of each group that this model has."""
        encodes = self.config.model_name != "gan"
        ways = {"split": "test", "images": 180, **protocol}
        measured = [
            Measured("fd", "generation", "FD-digits", "", "lower", "Distance.", "Heusel et al. 2017", "prior", fd,
                     fd - half, fd + half, ways),
            Measured("recall", "generation", "Recall", "share", "higher", "Reach.", "prdc", "", None, note="few"),
        ]  # fmt: skip
        if encodes:
            measured += [
                Measured("active", "latent", "Active units", "", None, "In use.", "Burda et al. 2016", "", 14.0),
                Measured("ssim", "reconstruction", "SSIM", "", "higher", "Likeness.", "torchmetrics", "", ssim,
                         ssim - 0.002, ssim + 0.002, ways),
            ]  # fmt: skip
        found = Evaluation(
            self.step, "averaged weights", "the prior, N(0, I)", effort, 0, 1.5, tuple(measured), notes=notes
        )
        evaluations.save(self.folder, found)

    def end(self, status: Any = "done", reason: str = "") -> None:
        """Finish, with a line in the log."""
        self.folder.log(f"step {self.step}: {status}. {reason}")
        self.status(status, reason)


class ScriptedWorker:
    """The process of a scripted run is that of the test; it notes what it is told."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.given_up = self.terminated = False

    def give_up(self) -> None:
        """Stop before the run begins."""
        self.given_up = True

    def terminate(self) -> None:
        """SIGTERM."""
        self.terminated = True


class ScriptedLauncher:
    """Starts scripted runs. The test drives them: `launcher.run.train(10)`, `launcher.end()`."""

    def __init__(self, refuse: str = "") -> None:
        self.refuse = refuse
        self.jobs: list[Job] = []
        self.measurements: list[Measurement] = []
        self.workers: list[ScriptedWorker] = []
        self.warmed = 0
        self.configs: list[RunConfig] = []
        self.changes: Mapping[str, Any] = {}
        self.run: ScriptedRun

    def warm(self) -> None:
        """There is nothing to import."""
        self.warmed += 1

    def close(self) -> None:
        """Nothing waits."""
        self.warmed = 0

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """Begin at once, or refuse with the sentence given."""
        job = self._job(f"{config.model_name} on {config.data.dataset}")
        self.configs.append(config)
        if self.refuse:
            job.error = self.refuse
            job.ended.set()
            return job
        self.run = ScriptedRun(runs_dir, config.model_name)
        job.stage, job.folder = "", self.run.folder
        return job

    def resume(self, folder: RunFolder, changes: Mapping[str, Any]) -> Job:
        """Go on with a scripted run."""
        job = self._job(folder.name)
        self.changes = changes
        job.stage, job.folder = "", folder
        return job

    def measure(self, folder: RunFolder) -> Measurement:
        """Measure a run; `measurements[-1].ended.set()` is its end."""
        self.workers.append(ScriptedWorker())
        self.measurements.append(Measurement(folder, self.workers[-1]))
        self.measurements[-1].stage = "generation 40%"
        return self.measurements[-1]

    def _job(self, title: str) -> Job:
        self.workers.append(ScriptedWorker())
        self.jobs.append(Job(title, self.workers[-1]))
        return self.jobs[-1]

    def asked(self) -> list[requests.Request]:
        """What the run was asked through its folder since the last call."""
        return requests.take(self.run.folder)

    def end(self, status: Any = "done", reason: str = "") -> None:
        """The run ends, and its process with it."""
        self.run.end(status, reason)
        self.jobs[-1].ended.set()


def bench_arguments(runs_dir: Path, launcher: ScriptedLauncher | None = None) -> Sequence[Any]:
    """What a Workbench is made from in tests: a truecolour terminal with Unicode."""
    from workbench.terminal.capability import detect

    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    return runs_dir, launcher or ScriptedLauncher(), detect(environ, "utf-8")
