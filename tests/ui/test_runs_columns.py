"""What the columns of the list say, and which of them a narrow window keeps."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from workbench.runs.folder import RunFolder
from workbench.runs.listing import RunRow
from workbench.ui.runs.columns import COLUMNS, fitting, key_number, progress, state, texts, titled

ROW = RunRow(
    RunFolder(Path("runs/20260901-100000-vae-mnist")), status="running", model="vae", dataset="mnist",
    settings={"epochs": 20, "steps": None}, metrics={"loss": 94.12345}, key="loss",
    step=1204, steps_total=9360, epoch=2.5726, seconds=185.0, heartbeat=1.0, tags=("paper", "good"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "epoch", "words"),
    [
        ({"epochs": 20, "steps": None}, 2.5726, "epoch 2.6/20"),
        ({"epochs": 20, "steps": None}, 20.0, "epoch 20/20"),
        ({"epochs": 20, "steps": 9360}, 2.5726, "step 1,204/9,360"),
    ],
)
def test_progress_is_told_in_what_was_asked_for(settings: dict[str, int], epoch: float, words: str) -> None:
    assert progress(replace(ROW, settings=settings, epoch=epoch)) == words


def test_a_state_is_a_sign_and_a_word() -> None:
    assert state(ROW, here=True, unicode=True) == "● training here"
    assert state(ROW, here=False, unicode=False) == "* training"


def test_numbers_stand_under_numbers() -> None:
    assert key_number(ROW) == "    94.12 loss"
    assert texts(ROW, here=False, unicode=True)["took"] == "3 min 05 s"


def test_a_narrowing_window_drops_columns_by_importance() -> None:
    rows = [texts(ROW, here=False, unicode=True)]
    kept = [list(fitting(rows, room)) for room in range(200, 50, -1)]
    gone: list[str] = []
    for wider, narrower in pairwise(kept):
        gone += [title for title in wider if title not in narrower]
    everything = [column.title for column in COLUMNS]
    assert kept[0] == everything
    assert kept[-1] == ["run", "state", "key number"]
    assert set(gone) >= {"took", "tags", "dataset", "model", "last heard", "progress"}
    assert gone.index("took") < gone.index("progress")


@pytest.mark.parametrize("room", [60, 72, 112, 150, 196])
def test_the_columns_fit(room: int) -> None:
    long = {**texts(ROW, here=True, unicode=True), "run": "a-name-that-goes-on-" * 4}
    widths = fitting([long, texts(ROW, here=False, unicode=True)], room)
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= room
    assert widths["run"] >= 18


@pytest.mark.parametrize("room", [60, 72, 112])
@pytest.mark.parametrize("sort", [column.title for column in COLUMNS])
def test_the_column_that_is_sorted_by_is_always_there(sort: str, room: int) -> None:
    long = {**texts(ROW, here=True, unicode=True), "dataset": "a-long-name-" * 5, "tags": ""}
    widths = fitting([long], room, sort)
    assert {"run", "state", sort} <= widths.keys()
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= room


def test_wide_characters_take_two_cells() -> None:
    named = texts(
        replace(ROW, folder=RunFolder(Path("runs/数字の実験をもう一度する二十"))), here=False, unicode=True
    )
    assert fitting([named], 200)["run"] == 28


def test_an_order_of_another_version_is_that_of_the_one_last_heard_of() -> None:
    assert titled("colour").by == "heartbeat"
