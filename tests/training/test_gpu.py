"""What must also hold on a GPU: `python -m pytest -m gpu -n 0`."""

import warnings
from pathlib import Path

import pytest
import torch

import models
from models.base import Batch
from tests.harness import begin, train
from workbench import session
from workbench.runs import checkpoint
from workbench.training import supply
from workbench.training.events import Notice
from workbench.training.meter import Meter
from workbench.training.minimise import Minimiser

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]


@pytest.mark.parametrize("name", models.names())
def test_a_model_trains_on_the_gpu_in_bfloat16(name: str, tmp_path: Path) -> None:
    run = begin(tmp_path, name, steps="30", device="cuda", dataset="digits")
    assert run.machine.precision == "bfloat16"
    train(run)
    assert run.folder.state().status == "done"


@pytest.mark.parametrize("name", models.names())
def test_resuming_on_the_gpu_is_exact(name: str, tmp_path: Path) -> None:
    settings = {"device": "cuda", "dataset": "digits", "deterministic": "true"}
    whole = begin(tmp_path, name, "whole", steps="30", **settings)
    train(whole)
    pieces = begin(tmp_path, name, "pieces", steps="7", **settings)
    train(pieces)
    for steps in (9, 14, 18, 25, 30):
        train(session.resume(pieces.folder, {"steps": steps}))
    ours, theirs = (checkpoint.latest(run.folder)[0].tensors for run in (whole, pieces))
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("name", models.names())
def test_a_replayed_step_is_the_step(name: str, network: str, precision: str, tmp_path: Path) -> None:
    settings = {"network": network, "precision": precision, "device": "cuda", "deterministic": "true"}
    tensors = []
    for graphs in ("true", "false"):
        run = begin(tmp_path, name, graphs, dataset="digits", steps="30", cuda_graphs=graphs, **settings)
        told = [event.text for event in train(run) if isinstance(event, Notice)]
        assert [text for text in told if "launched by itself" in text] == []
        tensors.append(checkpoint.latest(run.folder)[0].tensors)
    replayed, plain = tensors
    assert [key for key in plain if not torch.equal(replayed[key], plain[key])] == []


def test_a_run_goes_on_on_another_device(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="5", device="cuda")
    train(run)
    train(session.resume(run.folder, {"steps": 8, "device": "cpu"}))
    assert run.folder.state().step == 8


@pytest.mark.parametrize("name", models.names())
def test_no_step_waits_for_the_gpu(name: str, tmp_path: Path) -> None:
    run = begin(tmp_path, name, device="cuda", dataset="digits")
    device = run.machine.device
    minimise, numbers = Minimiser(run.state, device, None), Meter()
    images = torch.rand(16, *run.images.shape[:1], run.images.shape.size, run.images.shape.size, device=device)
    noise = torch.Generator(device)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mode is a prototype, it says
            torch.cuda.set_sync_debug_mode("error")
        for step in range(3):
            terms = run.state.model.training_step(Batch(images, None, step, noise), minimise)
            numbers.add(numbers.row(terms, minimise.flags))
            run.state.average_weights()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert numbers.read(3)[0] == 3


def test_what_does_not_fit_says_what_would(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", device="cuda", width="512", image_size="64", batch_size="96", steps="3")
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_allocated() + 3 * 2**30) / total)
    try:
        train(run)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    state = run.folder.state()
    assert state.status == "failed"
    assert "The device ran out of memory with --batch-size 96. A step of" in state.reason


def test_images_the_gpu_has_no_room_for_train_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched ahead into pinned memory and copied while the step before computes: not a bit is other."""
    weights = []
    for share in (supply.SHARE, 0.0):
        monkeypatch.setattr(supply, "SHARE", share)
        run = begin(tmp_path, "vae", str(share), steps="60", device="cuda", dataset="digits", deterministic="true")
        train(run)
        weights.append(run.state.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
