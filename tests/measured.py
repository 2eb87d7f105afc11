"""Evaluations made up for tests: numbers whose meaning, interval and protocol are written out, not measured."""

from pathlib import Path
from typing import Any

from tests.harness import small_config
from workbench.runs import evaluations
from workbench.runs.evaluations import Evaluation, Measured
from workbench.runs.folder import RunFolder

PROTOCOL = {"split": "test", "images": 180, "interval": "bootstrap, 1000 resamples", "hash": "0a1b"}


def number(key: str, value: float | None, half: float | None = None, **changed: Any) -> Measured:
    """A number by a known key, its interval `half` to either side, other fields as asked."""
    known: dict[str, dict[str, Any]] = {
        "mse": {"group": "reconstruction", "title": "MSE", "unit": "squared error per pixel", "better": "lower",
                "definition": "Mean squared difference of held-out images and their reconstructions.",
                "source": "scikit-learn"},
        "ssim": {"group": "reconstruction", "title": "SSIM", "unit": "", "better": "higher",
                 "definition": "Structural similarity of held-out images and their reconstructions.",
                 "source": "Wang et al. 2004"},
        "fd": {"group": "generation", "title": "FD-digits", "unit": "", "better": "lower",
               "definition": "Fréchet distance of the features of samples and held-out images.",
               "source": "Heusel et al. 2017"},
        "active": {"group": "latent", "title": "active dimensions", "unit": "dimensions", "better": None,
                   "definition": "Dimensions whose mean varies over the images.", "source": "Burda et al. 2016"},
    }  # fmt: skip
    low, high = (None, None) if half is None or value is None else (value - half, value + half)
    fields = {
        "key": key,
        "value": value,
        "low": low,
        "high": high,
        "protocol": PROTOCOL,
        **known[key.partition("@")[0]],
    }
    return Measured(**{**fields, **changed})


def evaluation(*measured: Measured, **changed: Any) -> Evaluation:
    """An evaluation of these numbers, other fields as asked."""
    fields: dict[str, Any] = {
        "step": 12, "weights": "averaged weights", "sampler": "a standard normal distribution", "effort": "fast",
        "seed": 0, "seconds": 1.5, "measured": measured,
    }  # fmt: skip
    return Evaluation(**{**fields, **changed})


def run(runs: Path, name: str, found: Evaluation | None = None, model: str = "ae", **settings: str) -> RunFolder:
    """A run that was never trained, with an evaluation where one is given."""
    config = small_config(model, **settings)
    folder = RunFolder.create(runs, config, name)
    folder.write_config(config, {"channels": 1, "size": 8}, {})
    if found is not None:
        evaluations.save(folder, found)
    return folder
