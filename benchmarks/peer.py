"""One run for `peers.py`, in a process of its own: by pythae's trainer, or by genbench's on pythae's network.

    PYTHAE'S-PYTHON benchmarks/peer.py pythae images.npy FOLDER --epochs 5
    python benchmarks/peer.py genbench DATA_DIR FOLDER --epochs 5

Prints JSON: seconds in training (genbench's also of the steps alone), the mean training loss of the last epoch,
parameters, threads.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, cast

LATENT, BATCH, RATE = 32, 128, 1e-3


def pythae(options: argparse.Namespace) -> dict[str, Any]:
    """pythae's VAE with its default networks, by its own trainer with its default settings."""
    import numpy as np
    import torch
    from pythae.models import VAE, VAEConfig  # type: ignore[import-not-found]
    from pythae.pipelines import TrainingPipeline  # type: ignore[import-not-found]
    from pythae.trainers import BaseTrainerConfig  # type: ignore[import-not-found]
    from pythae.trainers.training_callbacks import TrainingCallback  # type: ignore[import-not-found]

    losses: list[float] = []

    class Losses(TrainingCallback):  # type: ignore[misc]
        def on_log(self, training_config: Any, logs: dict[str, Any], **_: Any) -> None:
            losses.append(float(logs["train_epoch_loss"]))

    images = np.load(options.data).astype(np.float32) / 255
    config = BaseTrainerConfig(
        output_dir=str(options.folder), num_epochs=options.epochs, per_device_train_batch_size=BATCH,
        learning_rate=RATE, no_cuda=True,
    )  # fmt: skip
    model = VAE(VAEConfig(input_dim=tuple(images.shape[1:]), latent_dim=LATENT))
    began = time.perf_counter()
    TrainingPipeline(training_config=config, model=model)(train_data=images, callbacks=[Losses()])
    return {
        "seconds": time.perf_counter() - began, "loss": losses[-1], "threads": torch.get_num_threads(),
        "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip


def genbench(options: argparse.Namespace) -> dict[str, Any]:
    """The same network by genbench's trainer, with pictures and checkpoints."""
    import torch

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from networks import PythaeVAE

    from workbench import session
    from workbench.config import resolve
    from workbench.runs.history import History
    from workbench.training.control import Control
    from workbench.training.state import TrainingState

    given = {
        "dataset": "mnist", "data_dir": str(options.data), "epochs": str(options.epochs), "evaluate": "none",
        "latent": str(LATENT), "batch_size": str(BATCH), "learning_rate": str(RATE), "device": "cpu",
    }  # fmt: skip
    given |= {"limit": str(options.limit)} if options.limit else {}
    given |= {"threads": str(options.threads)} if options.threads else {}
    run = session.begin(resolve("vae", given), options.folder, None)
    torch.manual_seed(0)
    run.state = TrainingState(
        PythaeVAE(cast(Any, run.config.model), run.images.shape), run.config.training.averaging
    )
    finished = run.run([], Control())
    assert finished.status == "done", finished.reason
    state = run.folder.stored_state()
    records = [r for r in History.read(run.folder.metrics_file).records if r.split == "train"]
    return {
        "seconds": finished.seconds, "steps": state.step * BATCH / state.images_per_second,
        "loss": last_epoch(records, options.epochs), "threads": run.machine.threads,
        "parameters": sum(p.numel() for p in run.state.model.parameters()),
    }  # fmt: skip


def last_epoch(records: list[Any], epochs: int) -> float:
    """The mean training loss of the last epoch, each record by its steps."""
    total = count = before = 0
    for record in records:
        if record.epoch > epochs - 1:
            total += record.metrics["loss"] * (record.step - before)
            count += record.step - before
        before = record.step
    return total / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("who", choices=["pythae", "genbench"])
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    facts = {"pythae": pythae, "genbench": genbench}[options.who](options)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
