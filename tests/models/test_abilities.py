"""What a model can do is told without torch, and told truly."""

import pytest

import models
from models import base


@pytest.mark.parametrize("name", models.names())
def test_abilities_are_the_classes_that_the_model_inherits(name: str) -> None:
    inherited = {cls.__name__ for cls in models.load(name).__mro__ if cls.__module__ == base.__name__}
    told = {ability for ability in models.abilities(name) if hasattr(base, ability)}
    assert inherited <= told
    every = {"Encodes", "Reconstructs", "Latent", "Bounded", "Diagnoses"}
    assert every & told == inherited & every


def test_the_vae_has_a_bound() -> None:
    assert "Bounded" in models.abilities("vae")
