"""Numbers, times and names as a person reads them."""

import pytest

from workbench import units


@pytest.mark.parametrize(
    ("value", "text"),
    [(94.1234, "94.12"), (0.002951, "0.002951"), (1.2e-7, "1.200e-07"), (22610.4, "22,610"), (0.0, "0.000"),
     (-3.0, "-3.000"), (None, "–"), (1e12, "1.000e+12")],
)  # fmt: skip
def test_a_number_has_four_figures(value: float | None, text: str) -> None:
    assert units.number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")]
)
def test_a_duration(seconds: float, text: str) -> None:
    assert units.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "1 h"), (86400 * 3, "3 d")]
)
def test_an_age_is_in_one_unit(seconds: float, text: str) -> None:
    assert units.age(seconds) == text


def test_settings_and_sets_read_as_they_are_typed() -> None:
    assert [units.plain(value) for value in (None, 0.001, 3, True, "conv")] == [
        "none",
        "0.001",
        "3",
        "true",
        "conv",
    ]
    assert units.dataset_title("folder:/somewhere/flowers") == "flowers"
    assert units.dataset_title("mnist") == "mnist"
