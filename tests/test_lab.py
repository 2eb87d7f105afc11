"""The lab's experiments begin as they must on the real MNIST: `python -m pytest -m slow -n 0`."""

from pathlib import Path

import pytest

from tests.harness import train
from workbench import session
from workbench.config import resolve

# Two of the lab's 20 epochs on one thread: what the README's runs had reached by then, with a margin.
AFTER_TWO_EPOCHS = {("ae", "conv"): ("recon_mse", 0.0066), ("ae", "mlp"): ("recon_mse", 0.019),
                    ("vae", "conv"): ("loss", 105.5), ("vae", "mlp"): ("loss", 127.0)}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("model", "network"), AFTER_TWO_EPOCHS)
def test_two_epochs_of_mnist(model: str, network: str, shared_data: Path, tmp_path: Path) -> None:
    given = {"dataset": "mnist", "data_dir": str(shared_data), "network": network, "epochs": "2", "every": "2"}
    run = session.begin(resolve(model, given), tmp_path, None)
    train(run)
    metric, bound = AFTER_TWO_EPOCHS[model, network]
    found = run.folder.state().metrics[metric]
    assert found is not None
    assert found < bound
