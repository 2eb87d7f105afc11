"""Two processes train as one: real ones, started by torchrun, against runs of one process."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from models.errors import InputError
from tests.command import TINY, Outcome, until
from tests.harness import begin, small_config, train
from workbench import cli, session
from workbench.processes import Place, place
from workbench.runs import checkpoint, requests
from workbench.runs.folder import RunFolder
from workbench.training.team import Team

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
SCRIPT = Path(__file__).parent / "shared_runs.py"
STEPS, PIECE = 8, 3
# Eight steps of Adam at 1e-3 move a weight by up to 8e-3; the two add their floats in another order.
TOLERANCE = 5e-6
# A bias before batch norm has no gradient but rounding, of which Adam makes whole steps; the mean takes them out.
FREE = re.compile(r"generator\.([25]\.bias|[36]\.running_mean)")


Break = tuple[int, str, int]  # which process, how, at what step


class Case(NamedTuple):
    """A model and settings that reach something that must be of the whole batch."""

    model: str
    settings: dict[str, str]


CASES = {
    "ae": Case("ae", {"clip": "0.5"}),  # moments of codes; the norm of the mean gradient
    "vae": Case("vae", {"binarise": "dynamic"}),  # noise of codes and of pixels
    "gan": Case("gan", {"averaging": "0"}),  # batch norm in both networks; evaluated by its own weights
    "gan-mlp": Case("gan", {"network": "mlp"}),  # batch norm of rows
}


def launch(*lines: list[str], cwd: Path, breaking: Sequence[Break]) -> Outcome:
    """Run command lines in two processes, where something breaks."""
    environment = {"OMP_NUM_THREADS": "1", "GENBENCH_TEST_BREAK": json.dumps(breaking)}
    root = str(SCRIPT.parents[2])
    done = subprocess.run(
        [*TORCHRUN, str(SCRIPT), json.dumps(lines)],
        cwd=cwd, env={**os.environ, **environment, "PYTHONPATH": root}, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def line(case: str, name: str, steps: int = STEPS) -> list[str]:
    model, settings = CASES[case]
    words = [word for key, value in settings.items() for word in (f"--{key}", value)]
    return ["--no-ui", *TINY, "--model", model, *words, "--steps", str(steps), "--name", name]


def weights(folder: RunFolder) -> dict[str, torch.Tensor]:
    saved = checkpoint.latest(folder)[0]
    assert saved.step == STEPS
    return dict(saved.tensors)


def assert_close(ours: RunFolder, theirs: RunFolder) -> None:
    first, second = weights(ours), weights(theirs)
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        far = float((tensor.double() - second[name].double()).abs().max())
        free = "network='mlp'" in str(ours.config().model) and FREE.search(name)
        assert free or far < TOLERANCE * max(1.0, float(tensor.abs().max())), f"{name} is {far:.2g} off"


def means(folder: RunFolder) -> dict[str, float]:
    """Each metric over the whole run, by split: where reports fall is left to the clock."""
    found: dict[str, float] = {}
    before = {"train": 0, "test": 0}
    for record in map(json.loads, folder.metrics_file.read_text().splitlines()):
        split, count = record["split"], record["step"] - before[record["split"]]
        before[split] += count
        for name, value in record["metrics"].items():
            found[f"{split} {name}"] = found.get(f"{split} {name}", 0.0) + count * value
    return {name: total / STEPS for name, total in found.items()}


class Both(NamedTuple):
    """Runs of one process and of two in one folder, and what the two said."""

    runs: Path
    said: Outcome


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    place = tmp_path_factory.mktemp("shared")
    runs = place / "runs"
    for case, (model, settings) in CASES.items():
        train(begin(runs, model, f"{case}-one", steps=str(STEPS), **settings))
    train(begin(runs, "gan", "one-then-two", steps=str(PIECE)))
    said = launch(
        *(line(case, f"{case}-two") for case in CASES),
        ["--no-ui", "--resume", "one-then-two", "--steps", str(STEPS)],
        ["--no-ui", *TINY, "--model", "gan", "--steps", str(PIECE), "--name", "two-then-one"],
        line("gan", "spoilt", 100_000),
        line("ae", "broken", 100_000),
        cwd=place, breaking=[(1, "raise", 20), (1, "nan", 10)],
    )  # fmt: skip
    train(session.resume(RunFolder.open(runs / "two-then-one"), {"steps": STEPS}))
    return Both(runs, said)


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one(case: str, both: Both) -> None:
    one, two = (RunFolder(both.runs / f"{case}-{count}") for count in ("one", "two"))
    assert_close(one, two)
    assert two.stored_state().status == "done"
    before, now = means(one), means(two)
    assert before.keys() == now.keys()
    for name, value in before.items():
        if name != "train spread":  # of each half of a batch; the mean of both is told
            assert now[name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("run", ["one-then-two", "two-then-one"])
def test_a_run_goes_on_with_another_number_of_processes(run: str, both: Both) -> None:
    folder = RunFolder(both.runs / run)
    assert folder.stored_state().status == "done"
    whole = begin(both.runs, "gan", f"{run}-whole", steps=str(STEPS))
    train(whole)
    assert_close(folder, whole.folder)
    assert "processes" in " ".join(folder.stored_state().notes)


def test_one_process_writes_and_speaks(both: Both) -> None:
    assert {path.name for path in both.runs.iterdir()} >= {"ae-two", "vae-two", "gan-two"}
    folder = RunFolder(both.runs / "ae-two")
    steps = [json.loads(text)["step"] for text in folder.metrics_file.read_text().splitlines()]
    assert steps == sorted(steps)
    assert len(re.findall("training from step", folder.log_file.read_text())) == 1
    assert "on 2 x cpu" in folder.log_file.read_text()
    assert json.loads(folder.environment_file.read_text())["processes"] == 2
    assert both.said.out.count("on 2 x cpu") == len(CASES) + 4
    assert both.said.out.count("ae-two") == both.said.out.count("vae-two") * 2 > 0  # "vae-two" ends in "ae-two"


def test_what_is_not_finite_at_one_process_reaches_the_weights_of_none(both: Both) -> None:
    state = RunFolder(both.runs / "spoilt").stored_state()
    assert state.status == "diverged"
    assert state.reason.startswith("d_loss became nan at step 10. The weights were left as they were before it.")


def test_where_one_process_fails_all_end_and_one_says_why(both: Both) -> None:
    words = "Process 2 of 2 failed: ValueError: the flux is out of range."
    assert both.said.code == 1
    folder = assert_failed(both.runs, words, both.said)
    assert "ValueError: the flux is out of range" in folder.log_file.read_text()  # with its traceback
    assert "ValueError" not in both.said.err


@pytest.mark.slow
def test_where_one_process_is_killed_all_end(tmp_path: Path) -> None:
    said = launch(line("ae", "broken", 100_000), cwd=tmp_path, breaking=[(1, "kill", 20)])
    assert_failed(tmp_path / "runs", "One of the 2 processes is gone: killed, or out of memory.", said)


@pytest.mark.slow
def test_where_the_leader_is_killed_all_end(tmp_path: Path) -> None:
    began = time.monotonic()
    assert launch(line("ae", "broken", 100_000), cwd=tmp_path, breaking=[(0, "kill", 20)]).code == 1
    assert time.monotonic() - began < 25
    assert RunFolder(tmp_path / "runs" / "broken").state().status == "interrupted"


@pytest.mark.slow
def test_images_that_one_process_cannot_have_are_a_refusal(tmp_path: Path) -> None:
    said = launch(line("ae", "broken"), cwd=tmp_path, breaking=[(1, "data", 0)])
    refused = [text for text in said.err.splitlines() if text.startswith("genbench: ")]
    assert refused == ["genbench: Process 2 of 2 cannot train: There is no folder here."]
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
def test_torchrun_pauses_and_ends_like_any_other_run(tmp_path: Path) -> None:
    words = [*line("gan", "mine", 1_000_000), "--quiet"]
    folder = RunFolder(tmp_path / "runs" / "mine")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SCRIPT.parents[2])}
    running = subprocess.Popen([*TORCHRUN, "-m", "workbench", *words], cwd=tmp_path, env=environment)

    def is_(status: str) -> bool:
        return folder.state_file.exists() and folder.state().status == status and folder.state().step > 0

    until(lambda: is_("running"), 40)
    wishes: list[tuple[requests.Request, str]] = [("pause", "paused"), ("resume", "running")]
    for wish, status in wishes:
        requests.ask(folder, wish)
        until(partial(is_, status))
    running.terminate()
    running.wait(25)
    state = folder.state()
    assert state.status == "stopped"
    assert checkpoint.latest(folder)[0].step == state.step


def assert_failed(runs: Path, words: str, said: Outcome) -> RunFolder:
    folder = RunFolder(runs / "broken")
    state = folder.state()
    assert (said.code, state.status) == (1, "failed")
    assert state.reason == f"{words} Go on with: genbench --no-ui --resume runs/broken"
    assert said.out.count(words) == 1
    assert "Traceback" not in said.out
    return folder


def test_what_cannot_be_shared_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team = Team(Place(0, 2, 0, 2))
    with pytest.raises(InputError) as refused:
        session.begin(small_config("ae", batch_size="15"), tmp_path / "runs", None, team=team)
    assert str(refused.value) == (
        "2 processes cannot share a batch of 15 images equally. "
        "Choose a --batch-size that is a multiple of 2, such as 14 or 16."
    )
    for name, value in {"RANK": 0, "LOCAL_RANK": 0, "WORLD_SIZE": 2, "MASTER_ADDR": "localhost"}.items():
        monkeypatch.setenv(name, str(value))
    assert place() == Place()
    monkeypatch.setenv("MASTER_PORT", "1")
    assert place() == Place(0, 2, 0, 2)
    with pytest.raises(InputError, match=r"a GPU each, or on cpu; got --device cuda:0\."):
        session.begin(small_config("ae", device="cuda:0"), tmp_path / "runs", None, team=team)
    assert cli.run(["runs"]) == 2
    assert "Several processes can train together, and nothing else" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "2")
    with pytest.raises(InputError, match="Start genbench with torchrun"):
        place()
    assert not (tmp_path / "runs").exists()
