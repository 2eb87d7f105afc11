"""Runs in one table: a best one only where that is fair, and everything that a reader must know said."""

import csv
import io
import json
from pathlib import Path

import pytest

from models.errors import InputError
from tests.command import check_golden
from tests.measured import PROTOCOL, evaluation, number, run
from workbench.comparison import NOT_COMPARED, Comparison, cell_text, compare, csv_text, markdown, to_json
from workbench.runs.evaluations import Measured


def two(tmp_path: Path, first: Measured | None, second: Measured | None) -> Comparison:
    """The comparison of two runs of one number each."""
    found = [evaluation() if one is None else evaluation(one) for one in (first, second)]
    return compare([run(tmp_path, name, one) for name, one in zip("ab", found, strict=True)])


def test_the_best_is_ahead_by_more_than_the_intervals(tmp_path: Path) -> None:
    (row,) = two(tmp_path, number("mse", 0.02, 0.001), number("mse", 0.03, 0.001)).rows
    assert (row.best, row.note, row.heading) == (0, "", "MSE ↓")


def test_a_lead_within_the_intervals_is_none(tmp_path: Path) -> None:
    (row,) = two(tmp_path, number("ssim", 0.91, 0.01), number("ssim", 0.90, 0.01)).rows
    assert (row.best, row.note) == (None, "")


def test_other_protocols_are_not_compared_and_it_is_said_in_what(tmp_path: Path) -> None:
    other = number("mse", 0.03, 0.001, protocol={**PROTOCOL, "hash": "ffff", "images": 90})
    found = two(tmp_path, number("mse", 0.02, 0.001), other)
    assert (found.rows[0].best, found.rows[0].note) == (None, NOT_COMPARED)
    assert "MSE is not compared: the protocols differ in images, hash." in found.notes


def test_other_units_are_not_compared(tmp_path: Path) -> None:
    found = two(tmp_path, number("mse", 0.02), number("mse", 3.0, unit="squared error per image"))
    assert (found.rows[0].best, found.rows[0].note) == (None, NOT_COMPARED)
    assert "MSE is not compared: the protocols differ in unit." in found.notes


def test_rows_stand_in_the_order_of_the_groups(tmp_path: Path) -> None:
    first = evaluation(number("fd", 3.0), number("mse", 0.02))
    second = evaluation(
        number("ssim", 0.9), number("active", 4.0), number("fd@last", 5.0, condition="last weights")
    )
    found = compare([run(tmp_path, "a", first), run(tmp_path, "b", second)])
    assert [row.key for row in found.rows] == ["mse", "ssim", "active", "fd", "fd@last"]
    assert [row.title for row in found.rows][-1] == "FD-digits (last weights)"
    assert [heading for heading, _ in found.groups()] == ["Reconstruction", "Latent space", "Generation"]
    assert found.rows[0].cells[1] is None


def test_a_run_without_numbers_is_a_column_of_dashes(tmp_path: Path) -> None:
    folders = [run(tmp_path, "a", evaluation(number("mse", 0.02))), run(tmp_path, "b")]
    found = compare(folders)
    assert found.rows[0].cells[1] is None
    assert found.notes == ("b is not evaluated: genbench evaluate b",)
    assert "| MSE ↓ | 0.02000 | – |" in markdown(found)


def test_damage_costs_a_run_its_numbers_only(tmp_path: Path) -> None:
    folders = [run(tmp_path, name, evaluation(number("mse", 0.02))) for name in "abc"]
    folders[1].evaluation_file.write_text('{"format": 1, "step": "x"}')
    folders[2].config_file.write_text("{")
    found = compare(folders)
    assert [column.label for column in found.columns] == ["a", "b", "c"]
    assert [one is not None for one in found.rows[0].cells] == [True, False, True]
    assert any("is damaged" in note and "genbench evaluate b" in note for note in found.notes)
    assert any("config.json" in note for note in found.notes)


def test_unmeasured_numbers_say_why(tmp_path: Path) -> None:
    why = "there are too few images"
    found = two(tmp_path, number("mse", None, note=why), number("mse", 0.02))
    assert found.rows[0].best is None
    assert f"a, MSE: {why}" in found.notes


def test_labels_are_those_of_the_workbench(tmp_path: Path) -> None:
    names = ["20261122-161903-ae-digits", "20261122-161904-ae-digits"]
    folders = [run(tmp_path, name, evaluation(), latent=str(at + 2)) for at, name in enumerate(names)]
    assert [column.label for column in compare(folders).columns] == ["latent 2", "latent 3"]


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.002583, 0.002562, 0.002604, "0.002583 ± 0.000021"),
        (0.9, 0.85, 0.92, "0.9000 ± 0.035"),
        (22610.0, 22460.0, 22760.0, "22,610 ± 150"),
        (0.995, 0.99499, 0.99501, "0.9950 ± 0.00001"),
        (3.0, 3.0, 3.0, "3.000 ± 0"),
        (0.02114, 0.02054, 0.02174, "0.02114 ± 0.00060"),
        (17.81, 17.687, 17.933, "17.81 ± 0.12"),
        (104.0, 102.0, 106.0, "104.0 ± 2.0"),
        (1.2e-7, 1.17e-7, 1.23e-7, "1.200e-07 ± 3.0e-09"),
        (178.6, 178.58, 178.62, "178.6 ± 0.02"),
        (14.0, None, None, "14.00"),
        (-84.25, -84.5, -84.0, "-84.25 ± 0.25"),
        (1.5, None, None, "1.500"),
        (None, None, None, "–"),
    ],
)
def test_a_cell_tells_four_figures_and_the_half_width(
    value: float | None, low: float | None, high: float | None, text: str
) -> None:
    assert cell_text(number("mse", value, low=low, high=high)) == text


def test_a_count_is_told_as_one() -> None:
    assert cell_text(number("active", 14.0)) == "14"


def test_numbers_of_other_names_stand_in_rows_of_their_own(tmp_path: Path) -> None:
    digits = run(tmp_path, "a", evaluation(number("fd", 3.0, 0.1), number("fd@last", 4.0, 0.1)))
    colours = run(tmp_path, "b", evaluation(number("fd", 178.6, 0.1, title="FD-cifar10")))
    found = compare([digits, colours])
    assert [(row.title, [one and one.value for one in row.cells]) for row in found.rows] == [
        ("FD-digits", [3.0, None]), ("FD-cifar10", [None, 178.6]), ("FD-digits", [4.0, None]),
    ]  # fmt: skip
    assert all(row.best is None and not row.note for row in found.rows)


def test_between_1_and_8_runs(tmp_path: Path) -> None:
    folder = run(tmp_path, "a", evaluation())
    assert compare([folder]).rows == ()
    for count in (0, 9):
        with pytest.raises(InputError, match=f"1 to 8 runs can be compared at once; got {count}"):
            compare([folder] * count)


def three(tmp_path: Path) -> Comparison:
    """A table with everything in it."""
    first = evaluation(
        number("mse", 0.002583, 0.000021), number("ssim", 0.9312, 0.004), number("active", 4.0),
        number("fd", 3.214, 0.12), number("fd@last", 4.1, 0.2, condition="last weights"),
    )  # fmt: skip
    second = evaluation(
        number("mse", 0.003102, 0.00003), number("ssim", 0.9295, 0.004), number("active", 3.0),
        number("fd", 2.0, 0.1, protocol={**PROTOCOL, "images": 90}),
        number("fd@last", 9.3, 0.3, condition="last weights"),
        weights="last weights", sampler="a Gaussian mixture | 10",
    )  # fmt: skip
    return compare(
        [run(tmp_path, "narrow", first), run(tmp_path, "wide", second, "vae"), run(tmp_path, "new", None)]
    )


def test_golden_markdown(tmp_path: Path) -> None:
    check_golden("comparison-markdown", markdown(three(tmp_path)))


def test_golden_csv(tmp_path: Path) -> None:
    text = csv_text(three(tmp_path))
    check_golden("comparison-csv", text)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["key"]: row["best"] for row in rows if row["best"]} == {"mse": "narrow", "fd@last": "narrow"}
    assert all(None not in row for row in rows)


def test_golden_json(tmp_path: Path) -> None:
    text = to_json(three(tmp_path)).replace(str(tmp_path), "HERE")
    check_golden("comparison-json", text)
    read = json.loads(text)
    assert read["rows"][0]["cells"][0]["protocol"] == PROTOCOL
    assert read["rows"][0]["best"] == "narrow"


def test_links_lead_from_the_document_to_the_runs(tmp_path: Path) -> None:
    folder = run(tmp_path / "runs", "mine", evaluation(number("mse", 1.0)))
    assert "[mine](<../runs/mine>)" in markdown(compare([folder]), tmp_path / "out")
