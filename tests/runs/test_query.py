"""The filter of a list of runs."""

from pathlib import Path
from typing import Any

import pytest

from models.errors import InputError
from tests.harness import small_config
from workbench.runs import query
from workbench.runs.folder import RunFolder
from workbench.runs.listing import RunRow


def row(name: str, model: str, settings: dict[str, Any] | None = None, **values: Any) -> RunRow:
    usual = {setting: value for _, setting, value in small_config(model).items()}
    facts = {"status": "done", "model": model, "dataset": "digits", "settings": usual | (settings or {})}
    return RunRow(RunFolder(Path("runs") / name), **facts | values)


ROWS = [
    row("20260101-vae", "vae", metrics={"loss": 94.0, "kl": None}, tags=("paper", "Best"), step=1, steps_total=2),
    row("20260102-vae-wide", "vae", {"width": 64, "clip": 1.0}, metrics={"loss": 110.5}, status="failed"),
    row("20260103-gan", "gan", {"learning_rate": 2e-4}, metrics={"d_loss": 1.3}, dataset="fashion-mnist"),
    row("my failed try", "gan", {"network": "mlp"}, status="stopped", dataset="mnist"),
    RunRow(RunFolder(Path("runs/torn")), problem="It is damaged."),
]


def found(text: str) -> list[int]:
    wanted = query.parse(text, ROWS)
    return [number for number, one in enumerate(ROWS) if wanted.matches(one)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("   ", [0, 1, 2, 3, 4]),
        ("vae", [0, 1]),
        ("WIDE", [1]),
        ("model:gan", [2, 3]),
        ("model:g", [2, 3]),  # as one types
        ("model=g", []),
        ("model=gan", [2, 3]),
        ("model!=gan", [0, 1, 4]),
        ("!model:gan", [0, 1, 4]),
        ("data:mnist", [3]),
        ("dataset:fash", [2]),
        ("state:done", [0, 2]),
        ("state:broken", [4]),
        ("!failed", [0, 2, 4]),  # neither in the name nor by state
        ("!state:failed !state:broken", [0, 2, 3]),
        ("tag:paper", [0]),
        ("tag:best", [0]),
        ("tag!=paper", [1, 2, 3, 4]),
        ("paper", [0]),
        ("lr>=1e-4", [0, 1, 2, 3]),
        ("lr<1e-3", [2, 3]),
        ("lr:2e-4", [2, 3]),
        ("learning-rate=0.001", [0, 1]),
        ("width > 8 state:failed", [1]),
        ("loss<100", [0]),
        ("loss<=110.5 loss>94", [1]),
        ("kl<1", []),  # not finite: neither less nor more
        ("kl=none", [0]),
        ("clip=none", [0, 2, 3]),
        ("clip!=none", [1]),
        ("!clip>0", [0, 2, 3, 4]),
        ("network=mlp", [3]),
        ("progress>=0.5", [0]),
        ("step>0 vae", [0]),
        ('"my failed" model:gan', [3]),
        ('name:"my', [3]),
        ("name=torn", [4]),
        ("beta=1", [0, 1]),
        ("beta!=2", [0, 1]),  # the others have no beta
        ("20260102-vae-wide", [1]),
    ],
)
def test_what_a_filter_finds(text: str, numbers: list[int]) -> None:
    assert found(text) == numbers


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lrr>=1", "There is no setting or metric 'lrr'. Did you mean 'lr'?"),
        ("los<3", "There is no setting or metric 'los'. Did you mean 'loss'?"),
        ("folder:x", "Filters: model: data: state: tag: name:"),
        ("lr>=", "'lr>=' lacks a value."),
        ("vae !", "'!' lacks a value."),
        ("lr>fast", "'lr>fast': 'fast' is not a number."),
        ("lr >= state:done", "'state:done' is not a number."),
        ("state>done", "'state>done': state has no order; use ':' or '='."),
        ("tag<x", "tag has no order"),
        ("state:dnoe", "There is no state 'dnoe'. Did you mean 'done'? There are broken, diverged, done,"),
        ("model:gna", "There is no model 'gna'. Did you mean 'gan'? There are ae, gan, vae."),
    ],
)
def test_what_is_no_filter_is_a_sentence(text: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        query.parse(text, ROWS)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_setting_is_known_before_there_is_a_run() -> None:
    assert query.parse("beta>1 latent<64 epochs=3 state:done").terms
    with pytest.raises(InputError, match="no setting or metric 'loss'"):
        query.parse("loss<3")
