"""The runs of a folder that holds thousands: the newest are shown while the rest is read."""

from pathlib import Path

import pytest

from tests.measured import run
from workbench.runs.listing import RunRow
from workbench.ui import known
from workbench.ui.known import Known


def test_the_newest_runs_are_told_before_all_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        run(tmp_path, f"run-{number:02d}")
    monkeypatch.setattr(known, "FIRST_SECONDS", 1e-4)
    parts: list[list[RunRow]] = []
    runs = Known(tmp_path)
    assert [row.name for row in runs.rows(parts.append)] == [f"run-{number:02d}" for number in reversed(range(30))]
    sizes = [len(part) for part in parts]
    assert sizes == sorted(sizes)
    assert 0 < len(sizes) < 10
    assert sizes[-1] < 30
