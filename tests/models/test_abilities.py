"""What a model can do is told without torch, and told truly."""

import pytest

import models
from models import base


@pytest.mark.parametrize("name", models.names())
def test_abilities_are_the_classes_that_the_model_inherits(name: str) -> None:
    inherited = {cls.__name__ for cls in models.load(name).__mro__ if cls.__module__ == base.__name__}
    told = {ability for ability in models.abilities(name) if hasattr(base, ability)}
    assert inherited <= told
    assert {"Encodes", "Reconstructs", "Latent", "Diagnoses"} & told == inherited & {
        "Encodes", "Reconstructs", "Latent", "Diagnoses",
    }  # fmt: skip
