"""0 done, 1 failed or diverged or below an expectation, 130 interrupted; and what each leaves in the run."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import Tensor

import models
from models.base import Batch, Minimise
from tests.command import TINY, genbench, start, train
from workbench.runs import checkpoint
from workbench.runs.folder import RunFolder

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def the_run() -> RunFolder:
    (path,) = Path("runs").iterdir()
    return RunFolder.open(path)


def test_expectations_that_are_met(capsys: Capture) -> None:
    expected = ("--expect", "recon_mse<0.9", "--expect", "kl >= 0", "--expect", "images_per_second>1",
                "--expect", "train_loss<1e6", "--expect", "seconds<=100")  # fmt: skip
    assert train(capsys, "--steps", "3", "--quiet", *expected) == (0, "", "")


def test_expectations_that_are_not_met_are_named_with_the_distance(capsys: Capture) -> None:
    expected = ("--expect", "recon_mse<=0.001", "--expect", "kl>=0", "--expect", "loss<1")
    done = train(capsys, "--steps", "3", "--json", "--quiet", *expected)
    assert done.code == 1
    found = json.loads(done.out)["metrics"]
    mse, loss = found["recon_mse"], found["loss"]
    assert done.err.splitlines() == [
        f"Expected recon_mse <= 0.001; it is {mse:.6g}, off by {mse - 0.001:.3g}.",
        f"Expected loss < 1; it is {loss:.6g}, off by {loss - 1:.3g}.",
    ]
    assert the_run().state().status == "done"


def break_at(step: int, monkeypatch: pytest.MonkeyPatch, error: Exception | None = None) -> None:
    """Make the VAE's loss NaN at one step, or raise there."""
    vae = models.load("vae")
    honest = vae.training_step

    def training_step(self: object, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        terms = honest(self, batch, minimise)  # type: ignore[arg-type]
        if batch.step + 1 == step:
            if error:
                raise error
            terms["kl"] = torch.tensor(float("nan"))
        return terms

    monkeypatch.setattr(vae, "training_step", training_step)


def test_a_divergence_names_the_loss_and_the_step(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(9, monkeypatch)
    done = train(capsys, "--steps", "30", "--json", "--expect", "loss<=1e9")
    assert done.code == 1
    assert json.loads(done.out)["state"] == "diverged"
    assert (
        "Diverged: kl became nan at step 9. Try a lower --learning-rate or --clip 1. From step 6: genbench"
        in done.err
    )
    assert "Expected loss <= 1e+09; the run has no finite loss." in done.err
    state = the_run().state()
    assert (state.status, state.reason[:26]) == ("diverged", "kl became nan at step 9. T")


@pytest.mark.parametrize("model", models.names())
def test_a_learning_rate_that_is_far_too_high_ends_in_words(model: str, capsys: Capture) -> None:
    done = train(capsys, "--model", model, "--steps", "60", "--learning-rate", "1", "--averaging", "0",
                 "--network", "mlp", "--every", "1")  # fmt: skip
    state = the_run().state()
    assert state.status in {"diverged", "done"}  # whether it breaks is a matter of luck; how it breaks is not
    assert done.code == (state.status == "diverged")
    assert "Traceback" not in done.out + done.err
    if state.status == "diverged":
        assert "at step" in state.reason
    for path in the_run().checkpoints.glob("*"):
        assert all(t.isfinite().all() for t in checkpoint.load(path).tensors.values() if t.is_floating_point())


def test_a_bug_in_a_model_is_one_line_and_a_log(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(4, monkeypatch, IndexError("index 9 is out of range"))
    done = train(capsys, "--steps", "30", "--json")
    assert done.code == 1
    assert json.loads(done.out)["state"] == "failed"
    assert [line for line in done.err.splitlines() if "index 9" in line] == [
        f"Failed: IndexError: index 9 is out of range. The traceback is in {the_run().log_file}."
    ]
    assert "Traceback" not in done.err
    log = the_run().log_file.read_text()
    assert "Traceback (most recent call last)" in log
    assert "in training_step" in log
    state = the_run().state()
    assert (state.status, state.step) == ("failed", 3)


def test_too_little_memory_says_what_to_change(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    break_at(2, monkeypatch, torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert train(capsys, "--steps", "3").code == 1
    assert the_run().state().reason == (
        "The device ran out of memory with --batch-size 16. Try --batch-size 8, or a smaller --width."
    )


def test_too_little_memory_says_what_would_fit(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    vae = models.load("vae")
    honest = vae.training_step

    def training_step(self: object, batch: Batch, minimise: Minimise) -> dict[str, Tensor]:
        if batch.step >= 7 and len(batch.images) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return honest(self, batch, minimise)  # type: ignore[arg-type]

    monkeypatch.setattr(vae, "training_step", training_step)
    assert train(capsys, "--steps", "12").code == 1
    command = f"{the_run().resume_command} --batch-size 4"
    assert the_run().state().reason == (
        "The device ran out of memory with --batch-size 16. A step of 4 images fits. Go on from step 6 with it: "
        f"{command}"
    )
    monkeypatch.setattr(vae, "training_step", honest)
    assert genbench(capsys, *shlex.split(command)[1:], "--name", "smaller", "--quiet").code == 0
    child = RunFolder(Path("runs/smaller"))
    assert (child.parent() or {})["step"] == 6
    assert child.state().step == 48  # the same two epochs


def test_an_interrupted_run_is_saved_and_goes_on(tmp_path: Path, capsys: Capture) -> None:
    running = start("--no-ui", *TINY, "--steps", "1000000", "--name", "mine", cwd=tmp_path)
    assert running.stdout is not None
    for line in running.stdout:
        if line.startswith("epoch"):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "")
    assert "Stopped after " in out
    assert f"genbench --no-ui --resume {Path('runs/mine')}" in out

    state = the_run().state()
    assert state.status == "stopped"
    assert checkpoint.latest(the_run())[0].step == state.step > 0
    longer = str(state.step + 5)
    resumed = genbench(capsys, "--no-ui", "--resume", "mine", "--steps", longer, "--json", "--quiet")
    assert json.loads(resumed.out)["steps"] == state.step + 5


SLOW = """
import sys, time
from workbench import cli, session
from workbench.training.events import Snapshot
def album(*_):
    def sink(event):
        if isinstance(event, Snapshot):
            print("drawing", flush=True)
            time.sleep(60)
    return sink
session.Album = album
sys.exit(cli.run(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="sends a signal as a shell on Unix does")
def test_a_second_interrupt_leaves_at_once(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--no-ui", *TINY, "--steps", "6", "--quiet"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    assert running.stdout.readline() == "drawing\n"
    running.send_signal(signal.SIGINT)
    time.sleep(0.6)
    assert running.poll() is None  # the first lets the picture end
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert time.monotonic() - began < 10
    assert (running.returncode, out, err.strip()) == (130, "", "Interrupted.")
    assert the_run().state().status == "interrupted"
    the_run().lock()  # nobody holds it any more
