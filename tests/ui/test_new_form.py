"""The form without a screen: what it keeps, what it derives, what it refuses, and the steps of its values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

import models
from models.errors import InputError
from workbench.config import resolve, settings_of
from workbench.terminal.look import Look
from workbench.ui.new import about, sentences
from workbench.ui.new.form import Form
from workbench.ui.new.stepping import stepped
from workbench.units import plain


def values(form: Form) -> dict[str, str]:
    """Every row's value."""
    return {field.name: field.value for field in form.fields()}


def test_a_model_keeps_what_was_changed_and_brings_its_own_defaults() -> None:
    form = Form("vae", {})
    form.set("width", "64")
    form.set("beta", "4")
    form.choose("gan")
    assert (form.dataset, values(form)["epochs"], values(form)["width"]) == ("abstract", "50", "64")
    assert "beta" not in values(form)
    assert form.config() == resolve("gan", {"width": "64"})
    form.choose("vae")
    assert form.config() == resolve("vae", {"width": "64", "beta": "4"})


def test_images_bring_their_length_and_stay_with_another_model() -> None:
    form = Form("vae", {})
    assert (values(form)["epochs"], values(form)["every"]) == ("60", "5")
    form.set("dataset", "mnist")
    assert (values(form)["epochs"], values(form)["every"]) == ("20", "1")
    form.choose("gan")
    assert form.dataset == "mnist"
    form.set("dataset", "abstract")
    form.choose("vae")
    assert form.dataset == "digits", "a set that is the model's own is no choice to be kept"


def test_a_value_that_is_the_default_counts_as_not_given() -> None:
    form = Form("vae", {"epochs": "60", "width": "8"})
    assert form.changed == ["width"]
    form.step("epochs", True)
    form.step("epochs", False)
    form.set("width", "32")
    form.set("dataset", "mnist")
    assert form.changed == []
    assert values(form)["epochs"] == "20"


def test_wrong_values_stay_with_a_sentence_each() -> None:
    form = Form("vae", {"width": "2", "image_size": "30", "epochs": "4", "steps": "9"})
    errors = {field.name: field.error for field in form.fields() if field.error}
    assert errors.keys() == {"width", "image_size", "epochs", "steps"}
    assert errors["width"].startswith("width must be a whole number from 4 to 512; got 2")
    assert "multiple of 4" in errors["image_size"]
    assert errors["epochs"] == errors["steps"]
    assert sentences.outlook(form) == "To be put right first: width, image_size, epochs, steps."
    with pytest.raises(InputError, match="width must be"):
        form.config()
    form.reset("width", "image_size")
    assert "not both" in sentences.outlook(form)
    form.reset("epochs")
    assert form.config().training.steps == 9


def test_a_folder_that_is_gone_is_an_error_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / "flowers").mkdir()
    form = Form("ae", {"dataset": f"folder:{tmp_path}/flowers"})
    assert form.problems == {}
    assert sentences.outlook(form) == "trains ae on flowers: 20 epochs."
    (tmp_path / "flowers").rmdir()
    form.choose("vae")
    assert "There is no folder" in form.problems["dataset"]
    assert form.info is None
    form.set("dataset", "digits")
    assert form.problems == {}


def test_what_starting_would_do() -> None:
    form = Form("vae", {})
    assert sentences.outlook(form) == "trains vae on digits: 60 epochs, 720 steps; about a minute on 2 cores."
    form.set("epochs", "1")
    form.set("limit", "300")
    assert sentences.outlook(form) == "trains vae on digits: 1 epoch, 2 steps."
    form.set("dataset", "cifar10")
    form.reset("epochs", "limit")
    form.set("steps", "1200")
    assert sentences.outlook(form) == "downloads cifar10 (170 MB) first, then trains vae on it: 1,200 steps.", (
        "the data folder of the tests is empty"
    )
    assert "downloads 170 MB to" in sentences.no_preview(form)


def climbed(model: str, name: str, value: Any, up: bool, times: int) -> list[str]:
    """The values that so many steps give."""
    found = []
    for _ in range(times):
        value = stepped(settings_of(model)[name][1], value, up)
        found.append(plain(value))
    return found


@pytest.mark.parametrize(
    ("name", "value", "up", "expected"),
    [
        ("learning_rate", 1e-3, True, ["0.002", "0.005", "0.01", "0.02"]),
        ("learning_rate", 1e-3, False, ["0.0005", "0.0002", "0.0001", "5e-05"]),
        ("learning_rate", 0.5, True, ["1", "1"]),
        ("learning_rate", 3e-4, True, ["0.0005"]),
        ("batch_size", 128, True, ["256", "512"]),
        ("batch_size", 100, False, ["64", "32"]),
        ("latent", 700, True, ["1024", "1024"]),
        ("width", 5, False, ["4", "4"]),
        ("epochs", 2, False, ["1", "1"]),
        ("epochs", 49, True, ["50", "55"]),
        ("epochs", 100, False, ["95"]),
        ("steps", None, True, ["1000", "1100"]),
        ("steps", None, False, ["none"]),
        ("limit", 2, False, ["none"]),
        ("image_size", None, True, ["32", "64", "128", "128"]),
        ("image_size", 8, False, ["none"]),
        ("averaging", 0.999, True, ["0.9995", "0.9998", "0.9999", "0.9999"]),
        ("averaging", 0.999, False, ["0.998", "0.995", "0.99", "0.98", "0.95", "0.9", "0.8"]),
        ("averaging", 0.0, False, ["0"]),
        ("beta", 0.002, False, ["0.001", "0", "0"]),
        ("beta", 0.0, True, ["0.001", "0.002"]),
        ("clip", None, True, ["1", "2"]),
        ("seed", 0, False, ["0"]),
        ("network", "conv", True, ["mlp", "conv"]),
        ("precision", "auto", False, ["bfloat16"]),
        ("device", "auto", True, ["auto"]),
        ("data_dir", None, True, ["none"]),
    ],
)  # fmt: skip
def test_the_steps_of_a_value(name: str, value: Any, up: bool, expected: list[str]) -> None:
    assert climbed("vae", name, value, up, len(expected)) == expected


@hypothesis_given(st.sampled_from(models.names()), st.data())
def test_every_step_is_allowed(model: str, data: st.DataObject) -> None:
    form = Form(model, {})
    name = data.draw(st.sampled_from([field.name for field in form.fields()]))
    for up in data.draw(st.lists(st.booleans(), max_size=40)):
        before = form.text(name)
        assert form.step(name, up) == (form.text(name) != before)
        assert form.problems == {}


def test_a_step_passes_over_what_is_not_allowed() -> None:
    form = Form("vae", {})
    assert [form.step("channels", True) and form.text("channels") for _ in range(3)] == ["1", "3", False]
    form.set("epochs", "many")
    assert form.step("epochs", True), "from a value that is none, a step begins at the default"
    assert form.text("epochs") == "65"


@pytest.mark.parametrize("model", models.names())
def test_the_page_of_a_model_keeps_formulas_and_has_plain_letters_for_ascii(model: str) -> None:
    page = about.page(model, unicode=True)
    formulas = [line for line in models.about(model).split("\n") if line.startswith("    ")]
    assert formulas
    for line in formulas:
        assert line.replace("[", "\\[") in page or line in page
    plain_page = about.page(model, unicode=False)
    assert plain_page.isascii()
    assert plain_page.count("?") == page.count("?"), "a letter has no name in ASCII"


def test_a_long_command_breaks_between_flags_and_stays_one_command() -> None:
    pieces = Form("vae", {"width": "64", "epochs": "3", "learning_rate": "0.002"}).command(Path("runs"))
    rows = sentences.command_rows(pieces, 40, Look())
    assert len(rows) == 3
    assert all(len(row) <= 40 for row in rows)
    assert "".join(row.removesuffix("\\") for row in rows).split() == " ".join(pieces).split()
    many = Form("vae", {field.name: "1" for field in Form("vae", {}).fields()}).command(Path("runs"))
    assert sentences.command_rows(many, 60, Look())[-1] == "  ... and more: y copies all of it"
