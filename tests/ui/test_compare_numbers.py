"""What is compared, from run folders: short names, charts, the table of numbers, the settings that differ."""

from pathlib import Path
from typing import Any

import pytest

from tests.ui.feed import ScriptedRun
from workbench.runs import files, reading
from workbench.runs.reader import RunReader
from workbench.ui.compare.members import Member, differing, name_them
from workbench.ui.compare.numbers import metrics_table, panels, settings_table, usual_split


def members(*runs: ScriptedRun) -> list[Member]:
    """The runs as they are compared."""
    found = [Member(number, RunReader(run.folder)) for number, run in enumerate(runs)]
    for member in found:
        member.reader.poll(budget=10)
    name_them(found)
    return found


def stamped(runs_dir: Path, minute: int, model: str = "vae", **settings: str) -> ScriptedRun:
    """A run that nobody gave a name."""
    return ScriptedRun(runs_dir, model, f"20260901-10{minute:02}00-{model}-digits", **settings)


def labels(*runs: ScriptedRun) -> list[str]:
    return [member.label for member in members(*runs)]


def test_a_short_name_is_what_sets_a_run_apart(tmp_path: Path) -> None:
    first = stamped(tmp_path, 0)
    assert labels(first, stamped(tmp_path, 1, beta="4")) == ["beta 1", "beta 4"]
    assert labels(first, stamped(tmp_path, 2, "ae")) == ["vae", "ae"]
    assert labels(first, stamped(tmp_path, 3, seed="7")) == ["seed 0", "seed 7"]
    assert labels(first, stamped(tmp_path, 4, "gan"), stamped(tmp_path, 5, beta="4", seed="1")) == [
        "vae beta 1", "gan", "vae beta 4",
    ]  # fmt: skip
    long, short = stamped(tmp_path, 6, epochs="9"), stamped(tmp_path, 7, "ae", epochs="9")
    assert labels(first, long, short) == ["vae epochs 20", "vae epochs 9", "ae"]


def test_runs_that_are_alike_are_told_apart_by_the_time_of_day(tmp_path: Path) -> None:
    assert labels(stamped(tmp_path, 0), stamped(tmp_path, 1)) == ["vae-digits 100000", "vae-digits 100100"]


def test_threads_and_device_set_no_run_apart(tmp_path: Path) -> None:
    assert labels(stamped(tmp_path, 0, threads="1"), stamped(tmp_path, 1, threads="2"))[0] == "vae-digits 100000"


def test_a_name_that_a_person_chose_stands(tmp_path: Path) -> None:
    named = ScriptedRun(tmp_path, name="my-run", beta="4")
    assert labels(stamped(tmp_path, 0), named)[1] == "my-run"


def test_only_settings_that_differ_are_listed(tmp_path: Path) -> None:
    told = differing(members(stamped(tmp_path, 0, beta="4", seed="1"), stamped(tmp_path, 1, seed="1")))
    assert told == {"beta": ["4", "1"]}


def test_a_setting_that_one_model_has_not_is_empty(tmp_path: Path) -> None:
    told = differing(members(stamped(tmp_path, 0), stamped(tmp_path, 1, "ae")))
    assert next(iter(told)) == "model"
    assert told["beta"] == ["1", ""]


def test_one_chart_for_each_metric_with_a_curve_of_each_run_that_has_it(tmp_path: Path) -> None:
    first, second, third = stamped(tmp_path, 0), stamped(tmp_path, 1, beta="4"), stamped(tmp_path, 2, "gan")
    for run in (first, second, third):
        run.train(60)
    found = {panel.title: panel for panel in panels(members(first, second, third), "train")}
    assert [line.index for line in found["loss, training"].lines] == [0, 1]
    assert [line.label for line in found["d_loss, training"].lines] == ["gan"]
    assert next(iter(found)) == "loss, training", "what most runs have comes first"


def test_numbers_of_one_name_in_different_units_share_no_chart(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, "ae")
    for run in (first, second):
        run.train(60)
    both = members(first, second)
    titles = [panel.title for panel in panels(both, "train")]
    assert titles == ["loss, training", "kl, training", "loss, training, squared error per pixel"]
    rows = metrics_table(both, "test", None).rows
    assert (rows[0].name, rows[0].unit) == ("loss", "nats per image")
    assert all("" in row.cells for row in rows)


def test_training_is_drawn_until_there_is_a_curve_of_held_out_numbers(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, beta="4")
    for run in (first, second):
        run.train(120)
    assert usual_split(members(first, second)) == "train"
    first.train(120)
    assert usual_split(members(first, second)) == "test"
    assert panels(members(first, second), "test")[0].title == "loss, held-out"


def test_the_best_is_marked_where_the_metric_says_what_is_better(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, width="8")
    first.train(120)
    second.train(240)
    loss, kl = metrics_table(members(first, second), "test", None).rows
    assert loss.best == {1}
    assert kl.best == frozenset(), "neither end is better"


def test_no_loss_is_best_where_another_setting_defines_it(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, beta="4", width="8")
    for run in (first, second):
        run.train(60)
    table = metrics_table(members(first, second), "test", None)
    assert table.rows[0].best == frozenset()
    assert table.note == "other beta: no best loss"


def test_no_number_is_best_on_other_images(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, image_size="16")
    for run in (first, second):
        run.train(60)
    table = metrics_table(members(first, second), "test", None)
    assert all(row.best == frozenset() for row in table.rows)
    assert table.note == "other images: no best"


def test_a_value_that_is_not_finite_is_never_best(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, beta="4")
    first.train(60)
    second.train(60)
    second.step += 1
    second.bad("loss")
    loss = metrics_table(members(first, second), "train", None).rows[0]
    assert loss.cells[1] == "NaN"
    assert loss.best == frozenset()


@pytest.mark.parametrize("step", [60, 119, 120])
def test_numbers_at_a_moment_are_the_newest_before_it(step: int, tmp_path: Path) -> None:
    run = stamped(tmp_path, 0)
    run.train(180)
    (member,) = members(run)
    known = [record for record in records(run) if record["split"] == "test" and record["step"] <= step]
    assert member.value("loss", "test", step) == known[-1]["metrics"]["loss"]
    assert member.value("loss", "test", 59) is None


def records(run: ScriptedRun) -> list[dict[str, Any]]:
    import json

    return [json.loads(line) for line in run.folder.metrics_file.read_text(encoding="utf-8").splitlines()]


def test_tables_for_a_document(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1, width="8")
    first.train(120)
    second.train(240)
    both = members(first, second)
    lines = metrics_table(both, "test", None).markdown(both).splitlines()
    assert lines[0] == "|  | width 32 | width 8 | unit |"
    assert lines[1] == "| --- | ---: | ---: | --- |"
    assert lines[2] == "| loss | 122.9 | **104.0** | nats per image |"
    assert settings_table(both).markdown(both).splitlines()[2:] == ["| width | 32 | 8 |"]


def test_a_run_whose_configuration_is_not_valid_is_compared_by_its_numbers(tmp_path: Path) -> None:
    first, second = stamped(tmp_path, 0), stamped(tmp_path, 1)
    for run in (first, second):
        run.train(60)
    written = reading.read_json(second.folder.config_file)
    files.write_json(second.folder.config_file, {**written, "model": {**written["model"], "beta": -1}})
    both = members(first, second)
    assert both[1].settings == {}
    assert len(panels(both, "train")[0].lines) == 2
