"""What must also hold on a GPU: `python -m pytest -m gpu -n 0`."""

from pathlib import Path

import pytest
import torch

import models
from tests.harness import begin, train
from workbench import session
from workbench.runs import checkpoint

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
def test_resuming_on_the_gpu_is_exact(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    try:
        whole = begin(tmp_path, name, "whole", steps="30", device="cuda", dataset="digits")
        train(whole)
        pieces = begin(tmp_path, name, "pieces", steps="7", device="cuda", dataset="digits")
        train(pieces)
        for steps in (18, 30):
            train(session.resume(pieces.folder, {"steps": steps}))
    finally:
        torch.use_deterministic_algorithms(False)
    ours, theirs = (checkpoint.latest(run.folder)[0].tensors for run in (whole, pieces))
    assert [key for key in ours if not torch.equal(ours[key], theirs[key])] == []


def test_a_run_goes_on_on_another_device(tmp_path: Path) -> None:
    run = begin(tmp_path, "vae", steps="5", device="cuda")
    train(run)
    train(session.resume(run.folder, {"steps": 8, "device": "cpu"}))
    assert run.folder.state().step == 8
