"""The configuration of a run: defaults, recipes, text in, JSON out and back."""

import contextlib
import io
import json
import math
import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import models
from models.errors import InputError
from models.settings import describe
from workbench import cli
from workbench.config import (
    GROUPS,
    RunConfig,
    changes,
    command,
    defaults,
    groups,
    problems,
    resolve,
    settings_of,
    typed,
)  # fmt: skip

MODELS = models.names()


@pytest.mark.parametrize("model", MODELS)
def test_every_default_is_valid_and_explained(model: str) -> None:
    config = resolve(model, {})
    for group, cls in groups(model).items():
        assert cls.model_validate(getattr(config, group).model_dump()) == getattr(config, group)
        for setting in describe(cls).values():
            assert setting.help.endswith("."), setting.name
            assert setting.allowed(), setting.name


@pytest.mark.parametrize("model", MODELS)
def test_no_two_groups_share_a_name(model: str) -> None:
    names = Counter(name for cls in groups(model).values() for name in describe(cls))
    assert [name for name, count in names.items() if count > 1] == []
    assert len(settings_of(model)) == len(names)


@pytest.mark.parametrize(
    ("model", "dataset", "recipe"),
    [
        ("ae", "mnist", {"latent": 32, "learning_rate": 1e-3, "batch_size": 128, "epochs": 20}),
        ("vae", "mnist", {"latent": 32, "learning_rate": 1e-3, "batch_size": 128, "epochs": 20, "beta": 1.0}),
        ("gan", None, {"latent": 100, "learning_rate": 2e-4, "beta1": 0.5, "batch_size": 64, "epochs": 50,
                       "dataset": "abstract"}),
        ("vae", None, {"dataset": "digits", "epochs": 60, "every": 5, "batch_size": 128}),
        ("gan", "mnist", {"epochs": 50, "batch_size": 64}),
    ],
)  # fmt: skip
def test_the_recipe_of_the_lab_is_the_default(model: str, dataset: str | None, recipe: dict[str, Any]) -> None:
    config = resolve(model, {"dataset": dataset} if dataset else {})
    values = {name: value for _, name, value in config.items()}
    assert {name: values[name] for name in recipe} == recipe
    assert {name: defaults(model, dataset)[name] for name in recipe} == recipe


def test_what_is_given_wins_over_every_recipe() -> None:
    training = resolve("gan", {"dataset": "digits", "epochs": "3", "batch_size": "7"}).training
    assert (training.epochs, training.batch_size, training.every) == (3, 7, 5)


@pytest.mark.parametrize("model", MODELS)
def test_json_there_and_back(model: str, tmp_path: Path) -> None:
    config = resolve(
        model,
        {"dataset": f"folder:{tmp_path}", "image_size": "32", "clip": "0.5", "data_dir": str(tmp_path),
         "learning_rate": "3e-4", "steps": "none", "seed": str(2**63 - 1), "network": "mlp"},
    )  # fmt: skip
    text = json.dumps(config.to_json(), allow_nan=False)
    assert RunConfig.from_json(json.loads(text)) == config
    assert set(json.loads(text)) == set(GROUPS)


def test_a_folder_is_kept_by_its_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flowers").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("ae", {"dataset": "folder:flowers"}).data.dataset == f"folder:{tmp_path / 'flowers'}"


def test_problems_of_all_groups_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        resolve(
            "vae", {"width": "2", "limit": "1", "epochs": "-3", "wdith": "8", "image_size": "10", "channels": "2"}
        )
    lines = str(caught.value).splitlines()
    assert len(lines) == 6
    for name in ("width", "limit", "epochs", "image_size", "channels"):
        assert [line for line in lines if line.startswith(f"{name} must be ")], name
    assert "There is no setting 'wdith'. Did you mean 'width'?" in lines


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "3.7", "true", "1e999", "0x10", "1_0_", "none", "--seed"]
)
@pytest.mark.parametrize("name", ["width", "epochs", "seed"])
def test_what_is_no_whole_number(name: str, text: str) -> None:
    with pytest.raises(InputError, match=rf"^{name} must be a whole number"):
        resolve("ae", {name: text})


@example("~nobody-of-this-name").via("a home folder that is not there")
@example("NaN").via("the number that compares with nothing")
@example("none").via("is a value of the optional ones only")
@example("1e400").via("overflows")
@given(
    st.one_of(
        st.text(max_size=12), st.integers().map(str), st.floats().map(repr), st.from_regex(r"-?[\d.e+_]{1,9}")
    )
)
def test_any_text_is_a_value_within_bounds_or_a_sentence(text: str) -> None:
    for name, (_, setting) in settings_of("gan").items():
        if name == "dataset":
            continue
        sentence, config = "", resolve("gan", {})
        try:
            config = resolve("gan", {name: text})
        except InputError as error:
            sentence = str(error)
        if sentence:
            assert sentence.startswith(f"{name} must be ")
            continue
        value = next(value for _, found, value in config.items() if found == name)
        if isinstance(value, int | float):
            assert math.isfinite(value)
            assert setting.low is None or value > setting.low or (value == setting.low and not setting.open_low)
            assert setting.high is None or value <= setting.high
        elif value is None:
            assert setting.optional
        elif setting.choices:
            assert value in setting.choices
        else:
            assert str(value) == text or isinstance(value, Path)


def test_what_a_resumed_run_may_change() -> None:
    assert changes({"epochs": "9", "device": "cpu"}) == {"epochs": 9, "steps": None, "device": "cpu"}
    assert changes({"steps": "9"}) == {"steps": 9}
    assert changes({}) == {}
    for given_, words in (
        ({"steps": "3", "epochs": "1"}, "not both"),
        ({"threads": "0"}, "threads must be"),
    ):
        with pytest.raises(InputError, match=words):
            changes(given_)


def test_settings_cannot_be_changed_in_place() -> None:
    config = resolve("ae", {})
    with pytest.raises(ValueError, match="frozen"):
        config.training.epochs = 3  # type: ignore[misc]


def test_changes_reach_the_group_that_has_the_setting(tmp_path: Path) -> None:
    config = resolve("vae", {}).with_changes({"epochs": 3, "data_dir": tmp_path})
    assert config.training.epochs == 3
    assert config.data.data_dir == tmp_path
    assert RunConfig.from_json(config.to_json()) == config


def texts(model: str) -> st.SearchStrategy[dict[str, str]]:
    """Some settings of a model, each with a text that is allowed."""
    words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=9)
    found: dict[str, st.SearchStrategy[str]] = {
        "dataset": st.sampled_from(["digits", "abstract", "mnist"]),
        "image_size": st.integers(2, 32).map(lambda n: str(4 * n)),
        "channels": st.sampled_from(["1", "3"]),
    }
    for name, (_, setting) in settings_of(model).items():
        low, high = setting.low or 0, min(setting.high or 1e9, 1e9)
        if setting.kind == "whole":
            value = st.integers(int(low), int(high)).map(str)
        elif setting.kind == "number":
            value = st.floats(low, high, exclude_min=setting.open_low, exclude_max=setting.open_high).map(repr)
        else:
            choices = ("true", "false") if setting.kind == "switch" else setting.choices
            value = st.sampled_from(choices) if choices else words
        found.setdefault(name, value | st.just("none") if setting.optional else value)
    if "Encodes" not in models.abilities(model):
        found["sampler"] = st.just("own")  # the others are fitted to codes
    return st.fixed_dictionaries({}, optional=found).filter(lambda given: not {"epochs", "steps"} <= given.keys())


@given(st.sampled_from(MODELS).flatmap(lambda model: st.tuples(st.just(model), texts(model))))
def test_a_command_line_there_and_back(case: tuple[str, dict[str, str]]) -> None:
    model, given_ = case
    line = " ".join(command(model, given_, Path("all runs")))
    assert line.startswith("genbench --no-ui --runs-dir 'all runs' --model ")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.run([*shlex.split(line)[1:], "--dry-run"]) == cli.DONE
    config = resolve(model, given_)
    assert RunConfig.from_json(json.loads(out.getvalue())) == config


@given(st.sampled_from(MODELS).flatmap(lambda model: st.tuples(st.just(model), texts(model))))
def test_a_configuration_there_and_back_as_text(case: tuple[str, dict[str, str]]) -> None:
    model, given_ = case
    config = resolve(model, given_)
    again = resolve(model, typed(config))
    if config.training.steps is not None:
        again = again.with_changes({"epochs": config.training.epochs})
    assert again == config


def test_a_command_line_says_no_more_than_it_must() -> None:
    assert command("vae", {"epochs": "3", "device": "-x y"}) == [
        "genbench --no-ui", "--model vae", "--epochs 3", "--device='-x y'",
    ]  # fmt: skip


def test_problems_are_told_by_setting() -> None:
    given_ = {
        "width": "2",
        "epochs": "3",
        "steps": "4",
        "image_size": "30",
        "dataset": "mnits",
        "wdith": "8",
        "seed": "1",
    }
    found = problems("vae", given_)
    assert found.keys() == given_.keys() - {"seed"}
    assert found["epochs"] == found["steps"]
    with pytest.raises(InputError) as caught:
        resolve("vae", given_)
    assert set(str(caught.value).splitlines()) == set(found.values())
    assert problems("vae", {"seed": "1"}) == {}
