"""What a run computes with, where that is ours to choose: threads by trying, matrix products by processor."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.harness import begin, small_config, train
from workbench import session
from workbench.runs import reading
from workbench.session import Session
from workbench.training import calibrate, devices
from workbench.training.calibrate import measure_threads


def undecided(run: Session, most: int) -> devices.Machine:
    return replace(run.machine, threads=most, threads_from="")


def test_trying_changes_no_weight_and_no_random_number(tmp_path: Path) -> None:
    run = begin(tmp_path, "gan", dataset="digits")
    before = {name: tensor.clone() for name, tensor in run.state.model.state_dict().items()}
    random, threads = torch.random.get_rng_state(), torch.get_num_threads()
    tried = measure_threads(undecided(run, 2), run.state.model, run.images.train, run.config.training)
    assert tried.threads in {1, 2}
    assert tried.threads_from.startswith("measured: ")
    assert all(torch.equal(before[name], tensor) for name, tensor in run.state.model.state_dict().items())
    assert torch.equal(random, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert not any(optimizer.state for optimizer in run.state.optimizers.values())
    run.folder.unlock()


@pytest.mark.parametrize(
    ("seconds", "threads", "words"),
    [
        (
            {1: 1.0, 2: 0.625, 4: 0.6},
            2,
            "measured: 1.60 times as fast as with 1",
        ),  # four are hardly faster than two
        ({1: 1.0, 2: 0.95}, 1, "measured: 0.95 times as fast as with 2"),
        ({1: 1.0, 2: 8.0}, 1, "measured: 8.00 times as fast as with 2"),
    ],
)
def test_more_threads_are_taken_where_they_pay(
    seconds: dict[int, float], threads: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begin(tmp_path)
    monkeypatch.setattr(calibrate, "_seconds", lambda *_: seconds)
    chosen = measure_threads(undecided(run, 4), run.state.model, run.images.train, run.config.training)
    assert (chosen.threads, chosen.threads_from) == (threads, words)
    run.folder.unlock()


def test_what_was_chosen_stands_in_the_record_and_holds_for_the_next_sitting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "available_cores", lambda: 2)
    config = small_config(steps="3")
    config = replace(config, training=config.training.model_copy(update={"threads": None}))
    run = session.begin(config, tmp_path, "run")
    facts = reading.read_json(run.folder.environment_file)
    assert facts["threads"] == run.machine.threads
    assert facts["threads_from"].startswith("measured: ")
    train(run)
    again = session.resume(run.folder, {"steps": 5})
    assert (again.machine.threads, again.machine.threads_from) == (run.machine.threads, "as before")
    assert again.machine.products == run.machine.products
    again.folder.unlock()


def test_a_run_of_a_genbench_that_knew_no_other_products_goes_on_with_the_default(tmp_path: Path) -> None:
    run = begin(tmp_path, "ae", steps="3")
    train(run)
    environment = run.folder.environment_file
    environment.write_text(environment.read_text().replace(f'"products": "{run.machine.products}",', ""))
    again = session.resume(run.folder, {"steps": 5})
    assert again.machine.products == "default"
    assert again.notices == []
    again.folder.unlock()


@pytest.mark.skipif(not devices.onednn_pays(), reason="torch's own matrix products are the best here")
def test_products_of_onednn_are_as_exact_as_the_default(tmp_path: Path) -> None:
    run = begin(tmp_path)
    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(128, 784, generator=generator), torch.randn(784, 512, generator=generator)
    exact = a.double() @ b.double()
    default = (a @ b - exact).abs().mean()
    with devices.computing_on(replace(run.machine, products="oneDNN")):
        assert (a @ b - exact).abs().mean() < 4 * default
    assert torch.equal((a @ b - exact).abs().mean(), default)  # the setting is put back
    run.folder.unlock()
