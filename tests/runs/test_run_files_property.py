"""Any JSON at any place of a run's files: nothing raises, and what was written whole is read as it was."""

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.errors import InputError
from models.metric import Metric
from tests.harness import small_config
from workbench import cli
from workbench.runs import files, listing, query, reading
from workbench.runs.folder import RunFolder
from workbench.runs.state import State, judged
from workbench.runs.history import History, Record
from workbench.runs.listing import Listing
from workbench.runs.reader import RunReader
from workbench.runs.trace import AXES

FACTS = {"fingerprint": "0" * 16, "channels": 1, "size": 8, "train": 96, "test": 10, "classes": []}
METRICS = {"loss": Metric("nats", "All of it.", "lower"), "kl": Metric("nats", "A part of it.")}

names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8)
finite = st.floats(allow_nan=False, allow_infinity=False)
amounts = st.floats(0, 1e15)
leaves = (
    st.none() | st.booleans() | st.floats() | st.text() | st.integers() | st.integers(-(10**400), 10**400)
    | st.sampled_from(["", "vae", "../vae", "base", "settings", "running", "nan", "folder:/x", -1, 2**63, 1e308])
)  # fmt: skip
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
counts, numbers = st.integers(0, 2**53), st.dictionaries(names, finite, max_size=3)
records = st.builds(
    Record, counts, counts, amounts, amounts, st.sampled_from(["train", "test"]), numbers, numbers
)  # fmt: skip
states = st.builds(
    State, st.sampled_from(["done", "stopped", "diverged", "failed"]), counts, amounts, amounts, amounts, counts,
    numbers, names, st.lists(names, max_size=3).map(tuple),
)  # fmt: skip
several = settings(
    max_examples=25, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
many = settings(several, max_examples=60)


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder.create(tmp_path / "runs", small_config(), "mine")
    made.write_config(small_config(), FACTS, METRICS)
    made.write_state(State("stopped", 6, 1.0, 2.0, 9.0, 120, {"loss": 94.5, "train_loss": 90.0}, "", ("a note",)))
    made.write_environment({"device": "cpu"})
    made.set_tags(["paper"])
    for step in (3, 6):
        record = Record(step, step * 16, step / 6, step / 10, "train", {"loss": 1.0, "kl": math.nan}, {"loss": 0.5})
        files.append_line(made.metrics_file, record.to_json())
    made.log("something")
    return made


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all that lies in a JSON value, itself included."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*way, name))


def replaced(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """The value with another at one place."""
    if not way:
        return new
    copy = value.copy()
    copy[way[0]] = replaced(value[way[0]], way[1:], new)
    return copy


@pytest.mark.parametrize("name", ["config.json", "state.json", "environment.json", "tags.json", "metrics.jsonl"])
def test_any_value_at_any_place_raises_nothing(
    name: str, folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    path, runs_dir = folder.path / name, folder.path.parent
    written = [json.loads(line) for line in path.read_text().splitlines()] if name.endswith("l") else None
    whole = written or json.loads(path.read_text())

    @several
    @given(st.sampled_from([*places(whole)]), values)
    def holds(way: tuple[Any, ...], value: Any) -> None:
        now = replaced(whole, way, value)
        lines = (now if isinstance(now, list) else [now]) if written else [now]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        rows = Listing(runs_dir).rows()
        for column in (*listing.COLUMNS, "loss", "width"):
            listing.ordered(rows, column)
        with suppress(InputError):  # no run has such a number any more
            for row in rows:
                query.parse("vae lr>1 loss<2 step>1 width=4", rows).matches(row)
        run = RunReader(folder)
        run.poll(1.0)
        for trace in run.traces.values():
            for axis in AXES:
                low, high = trace.extent(axis) or (0.0, 1.0)
                trace.window(axis, low, high, 50, 0.5)
        for words in (["show", str(folder.path)], ["runs", "--runs-dir", str(runs_dir)]):
            code = cli.run(words)
            said = capsys.readouterr()
            assert (code, said.err) == (0, "")
            assert "mine" in said.out

    holds()


@many
@given(st.binary(max_size=300) | values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_an_object_or_a_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(data)
    found: dict[str, Any] = {}
    with suppress(InputError):
        found = reading.read_json(path)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for record in reading.read_lines(path):
        json.dumps(record, allow_nan=False).encode()


@many
@given(st.lists(records, max_size=4))
def test_records_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, told: list[Record]) -> None:
    path = tmp_path_factory.getbasetemp() / "metrics.jsonl"
    path.unlink(missing_ok=True)
    for record in told:
        files.append_line(path, record.to_json())
    # Only what a trainer writes: steps that rise, and reports of steps that were made.
    last, expected = {"train": 0, "test": -1}, []
    for record in told:
        if record.step > last[record.split]:
            last[record.split] = record.step
            expected.append(record)
    assert History.read(path).records == expected


@many
@given(states, st.lists(st.from_regex(r"[A-Za-z0-9_.-]{1,30}", fullmatch=True), max_size=4, unique=True))
def test_a_state_and_tags_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, state: State, tags: list[str]
) -> None:
    folder = RunFolder(tmp_path_factory.getbasetemp())
    folder.write_state(state)
    stored = folder.stored_state()
    stamp = {name: getattr(stored, name) for name in ("pid", "pid_started", "host", "heartbeat")}
    assert stored == replace(state, **stamp)
    assert judged(stored) == stored
    folder.set_tags(tags)
    assert folder.stored_tags() == tuple(tags)
