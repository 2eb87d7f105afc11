"""The numbers of a run over time."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from workbench.runs import files
from workbench.runs.history import History, Record, truncate


def record(step: int, split: str = "train", **metrics: float) -> Record:
    return Record(step, step * 16, step / 6, step / 10, split, metrics, {}, {})  # type: ignore[arg-type]


def written(path: Path, *records: Record) -> Path:
    for one in records:
        files.append_line(path, one.to_json())
    return path


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    records = [record(1, loss=3.0), Record(2, 32, 0.5, 0.2, "train", {"loss": 2.0}, {"loss": 1.0}, {"loss": 9.0}),
               record(6, "test", loss=2.5, kl=0.1)]  # fmt: skip
    assert History.read(written(tmp_path / "m", *records)).records == records


def test_a_curve_has_a_row_for_each_record_of_its_split(tmp_path: Path) -> None:
    spiky = Record(4, 64, 4 / 6, 0.4, "train", {"loss": 2.0}, {"loss": 1.0}, {"loss": 9.0})
    history = History([record(1, loss=3.0), record(2, "test", loss=8.0), record(3, kl=1.0), spiky])
    curve = history.curve("loss", "train")
    assert curve.step.tolist() == [1, 4]
    assert curve.value.tolist() == [3.0, 2.0]
    assert curve.epoch.tolist() == [1 / 6, 4 / 6]
    np.testing.assert_equal(curve.low, [math.nan, 1.0])
    np.testing.assert_equal(curve.high, [math.nan, 9.0])
    assert history.last("test") == {"loss": 8.0}
    nothing = history.curve("unknown", "test")
    assert nothing.value.shape == (0,)
    assert nothing.value.dtype == np.dtype(np.float64)
    assert History().last("train") == {}


def test_a_number_that_was_not_finite_is_a_gap(tmp_path: Path) -> None:
    path = written(tmp_path / "m", record(1, loss=math.nan, kl=1.0))
    assert json.loads(path.read_text())["metrics"] == {"loss": None, "kl": 1.0}
    history = History.read(path)
    assert math.isnan(history.curve("loss", "train").value[0])
    assert history.curve("kl", "train").value.tolist() == [1.0]
    assert math.isnan(history.last("train")["loss"])


@pytest.mark.parametrize(
    "damage",
    [{"metrics": None}, {"metrics": 3}, {"metrics": {"loss": "high"}}, {"step": None}, {"step": "first"},
     {"epoch": []}, {"low": [1]}],
)  # fmt: skip
def test_a_line_of_wrong_types_is_passed_over(damage: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "m"
    good = record(2, loss=1.0).to_json()
    path.write_text(json.dumps(good | damage) + "\n" + json.dumps(good | {"unknown": 1}) + "\n{}\n")
    history = History.read(path)
    assert history.records == [record(2, loss=1.0)]
    assert history.curve("loss", "train").value.tolist() == [1.0]
    truncate(path, 5)
    assert History.read(path).records == [record(2, loss=1.0)]


def test_truncating_drops_what_comes_after(tmp_path: Path) -> None:
    path = written(tmp_path / "m", *(record(step, loss=float(step)) for step in range(1, 9)))
    with path.open("a") as file:
        file.write('{"step": 9, "ima')
    truncate(path, 5)
    assert [one.step for one in History.read(path).records] == [1, 2, 3, 4, 5]
    assert path.read_bytes().endswith(b"}\n")
    truncate(tmp_path / "missing", 5)
    assert (tmp_path / "missing").read_bytes() == b""


def test_last_epoch_weighs_reports_by_their_steps() -> None:
    # Six steps an epoch. Reports of unequal length; the mean over steps 7 to 12 by hand.
    history = History([record(6, loss=100.0), record(7, loss=1.0), record(10, loss=2.0), record(12, loss=4.0)])
    assert history.last_epoch() == pytest.approx({"loss": (1 * 1 + 3 * 2 + 2 * 4) / 6})
    assert History([record(2, loss=1.0), record(3, loss=4.0)]).last_epoch() == pytest.approx({"loss": 2.0})
    assert History([record(6, "test", loss=1.0)]).last_epoch() == {}
