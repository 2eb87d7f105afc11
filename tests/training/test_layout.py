"""How weights lie in memory: with the channels last where that is faster, and moments as their weights do."""

from pathlib import Path

import pytest
import torch

from tests.harness import begin, trainer
from workbench.training import devices
from workbench.training.devices import Machine

FIRST, LAST = torch.contiguous_format, torch.channels_last


@pytest.mark.parametrize(
    ("model", "network", "device", "bfloat16", "layout"),
    [
        ("gan", "conv", "cpu", False, LAST),
        ("gan", "conv", "cpu", True, FIRST),
        ("gan", "conv", "cuda", True, LAST),
        ("gan", "conv", "cuda", False, FIRST),
        ("gan", "mlp", "cpu", False, FIRST),  # nothing to lay out
        ("vae", "conv", "cpu", False, FIRST),  # group norm
        ("vae", "conv", "cuda", True, FIRST),
        ("gan", "conv", "mps", False, FIRST),
    ],
)
def test_batch_norm_has_its_channels_last_where_it_pays(
    model: str, network: str, device: str, bfloat16: bool, layout: torch.memory_format, tmp_path: Path
) -> None:
    found = begin(tmp_path, model, network=network).state.model
    assert devices.layout(found, Machine(torch.device(device), bfloat16, 1)) == layout


def test_weights_moments_and_averages_lie_alike_also_after_a_checkpoint(tmp_path: Path) -> None:
    first, second = (begin(tmp_path / name, "gan") for name in ("first", "second"))
    taking = trainer(first)
    for _ in range(2):
        taking.step()
    saved = first.state.to_checkpoint(0.0)
    second.state.restore(
        type(saved)(saved.step, {n: t.contiguous() for n, t in saved.tensors.items()}, saved.facts)
    )
    for run in (first, second):
        model, average = run.state.model, run.state.shown
        weights = [p for p in model.parameters() if p.dim() == 4]
        assert all(p.is_contiguous(memory_format=LAST) for p in weights)
        assert [p.stride() for p in average.parameters()] == [p.stride() for p in model.parameters()]
        for optimizer in run.state.optimizers.values():
            for parameter, values in optimizer.state.items():
                assert values["exp_avg"].stride() == values["exp_avg_sq"].stride() == parameter.stride()
