"""A run from its first second to its last, as somebody sees it who watches."""

import asyncio
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.ui.feed import ScriptedLauncher, ScriptedRun
from tests.ui.watching import trained, watching
from workbench.config import RunConfig
from workbench.runs import files, requests
from workbench.runs.state import process_started
from workbench.ui.cells import Cells
from workbench.ui.job import Job


class SlowLauncher(ScriptedLauncher):
    """Prepares until it is told to go on."""

    def start(self, config: RunConfig, runs_dir: Path) -> Job:
        """A job without a folder yet."""
        job = super().start(config, runs_dir)
        job.stage, job.folder = "Loading digits 45%", None
        return job


def test_a_run_from_its_first_second_to_its_last(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = SlowLauncher()
        async with watching(tmp_path, launcher=launcher) as it:
            assert "No run is open." in it.text
            await it.pilot.press("1", "s")
            preparing = await it.news()
            assert "vae on digits" in preparing
            assert "Loading digits 45%" in preparing
            assert "Loss" not in preparing

            assert "not begun yet" in it.why_not("p")
            await it.press("X", "X")
            assert launcher.workers[0].given_up
            assert "Stopping ..." in it.text

            launcher.jobs[0].stage, launcher.jobs[0].folder = "", launcher.run.folder
            begun = await it.news()
            assert "training" in begun.splitlines()[1]
            assert "The first pictures come after 5 epochs; s takes some" in begun

            launcher.run.train(70)
            live = await it.news()
            assert "epoch  5.8/20" in live.splitlines()[1]
            assert "step 60 · samples/step-000000060.png" in live
            assert "training  ─◆─ held-out" in live

            await it.press("X")
            assert "It is saved and can be resumed." in it.text
            await it.press("X")
            assert launcher.asked() == ["stop"]
            assert "stopping" in (await it.news()).splitlines()[1]
            launcher.end("stopped")
            ended = await it.news()
            assert "■ stopped" in ended.splitlines()[1]
            assert "step 70: stopped." in ended
            assert it.why_not("p") == "The run is stopped: nothing trains that could be asked."

    asyncio.run(story())


def test_what_can_be_asked_of_a_run_that_trains_here(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        async with watching(tmp_path, launcher=launcher) as it:
            await it.pilot.press("1", "s")
            launcher.run.train(10)
            await it.news()
            assert "‖ paused" not in it.text
            assert "paused" in (await it.press("p")).splitlines()[1], "before the run has heard of it"
            assert launcher.asked() == ["pause"]
            assert "p go on" in (await it.press("left")).splitlines()[-1]
            launcher.run.status("paused")
            assert "‖ paused" in (await it.news()).splitlines()[1]
            assert "taken now; the run stays paused" in await it.press("s")
            assert "training" in (await it.press("p")).splitlines()[1]
            launcher.run.status("running")
            await it.press("s", "c")
            assert launcher.asked() == ["pictures", "resume", "pictures", "checkpoint"]
            assert "trained here already" in it.why_not("u")

    asyncio.run(story())


def test_a_run_that_cannot_begin_says_why_and_what_to_do(tmp_path: Path) -> None:
    async def story() -> None:
        sentence = "There is no device 'cuda' here. This machine and this torch have cpu."
        async with watching(tmp_path, launcher=ScriptedLauncher(refuse=sentence)) as it:
            await it.pilot.press("1", "s")
            screen = await it.news()
            assert sentence in screen
            assert "1  back to the form" in screen

    asyncio.run(story())


def test_a_finished_run_is_shown_by_the_same_panes(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        run.end()
        async with watching(tmp_path, run) as it:
            first, second = it.text.splitlines()[1:3]
            assert "✓ done  first" in first
            assert "took 12 s" in first
            assert "GPU" not in second
            for words in ("L Loss", "S Samples", "R Reconstructions", "Z Latent", "M Metrics", "G Log"):
                assert words in it.text
            assert it.why_not("p") == "The run is done: nothing trains that could be asked."
            assert it.why_not("u") == ""
            assert "nothing trains" in (await it.press("X")).splitlines()[-1]

    asyncio.run(story())


def written_by_another_process(run: ScriptedRun, **changes: Any) -> None:
    """Let the state name the process that started this one."""
    parent = psutil.Process(os.getppid())
    state = json.loads(run.folder.state_file.read_text())
    files.write_json(
        run.folder.state_file, state | {"pid": parent.pid, "pid_started": process_started(parent.pid)} | changes
    )


def test_a_run_of_another_process_grows_and_is_asked_through_its_folder(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=60)
        written_by_another_process(run)
        async with watching(tmp_path, run) as it:
            assert "● training" in it.text.splitlines()[1]
            assert f"is being trained by process {os.getppid()} on" in it.why_not("u")
            assert "stopping" in (await it.press("p", "s", "c", "X", "X")).splitlines()[1]
            assert requests.take(run.folder) == ["pause", "pictures", "checkpoint", "stop"]
            assert "stopping already" in it.why_not("X")
            run.train(60)
            written_by_another_process(run)
            screen = await it.news()
            assert "step 120/240" in screen
            assert "step 120 · samples/step-000000120.png" in screen

    asyncio.run(story())


def test_a_run_whose_process_is_gone_is_interrupted_and_can_be_resumed(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=60)
        written_by_another_process(run, pid_started=1.0)
        launcher = ScriptedLauncher()
        async with watching(tmp_path, run, launcher=launcher) as it:
            assert "◌ interrupted" in it.text.splitlines()[1]
            assert "u goes on from the last checkpoint" in it.text.splitlines()[2]
            await it.press("u")
            assert launcher.jobs[0].title == "first"
            run.status("running")
            assert "● training" in (await it.news()).splitlines()[1]
            assert it.why_not("p") == ""

    asyncio.run(story())


def test_a_request_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=60)
        written_by_another_process(run)
        run.folder.requests.write_text("in the way of a folder")
        async with watching(tmp_path, run) as it:
            for key in ("p", "s", "c"):
                assert "first cannot be asked" in (await it.press(key)).splitlines()[-1]
            assert "● training" in it.text.splitlines()[1]

    asyncio.run(story())


def test_a_request_that_nobody_hears_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.ui.asking.PATIENCE", 0.2)

    async def story() -> None:
        run = trained(tmp_path, steps=60)
        written_by_another_process(run)
        async with watching(tmp_path, run) as it:
            assert "paused" in (await it.press("p")).splitlines()[1]
            await it.pilot.pause(0.3)
            assert "● training" in (await it.news()).splitlines()[1]

    asyncio.run(story())


def test_a_process_that_is_killed_is_told_at_once_and_its_run_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        async with watching(tmp_path, launcher=launcher) as it:
            await it.pilot.press("1", "s")
            launcher.run.train(10)
            await it.news()
            launcher.jobs[0].death = "Its process was killed by signal 9: out of memory?"
            launcher.jobs[0].ended.set()
            screen = await it.news()
            assert "◌ interrupted" in screen.splitlines()[1]
            assert "killed by signal 9: out of memory? u goes on from the last" in screen.splitlines()[-1]
            await it.press("u")
            assert len(launcher.jobs) == 2
            launcher.run.status("running")
            assert "● training" in (await it.news()).splitlines()[1]
            assert it.why_not("p") == ""

    asyncio.run(story())


def test_a_run_that_fails_says_so_in_words(tmp_path: Path) -> None:
    async def story() -> None:
        reason = "ValueError: the batch is empty. The traceback is in log.txt."
        launcher = ScriptedLauncher()
        async with watching(tmp_path, launcher=launcher) as it:
            await it.pilot.press("1", "s")
            launcher.run.train(10)
            await it.news()
            launcher.run.folder.log("Traceback (most recent call last):\n  File 'x.py', line 1, in y\nValueError")
            launcher.end("failed", reason)
            screen = await it.news()
            assert "✗ failed" in screen.splitlines()[1]
            assert "ValueError: the batch is empty." in screen.splitlines()[2]
            assert "step 10: failed. ValueError: the batch is" in screen
            assert "Traceback (most" not in screen
            assert reason in screen.splitlines()[-1]

    asyncio.run(story())


def test_a_value_that_is_not_finite_is_a_mark_in_chart_and_table(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=100)
        run.step += 2
        run.bad("loss")
        run.status("diverged", "loss is not finite at step 102.")
        async with watching(tmp_path, run) as it:
            assert "∞ diverged" in it.text.splitlines()[1]
            assert "✗ not finite" in it.text
            run.step += 2
            run.bad("kl")
            await it.news()

    asyncio.run(story())


def test_a_run_that_goes_on_shows_no_number_twice(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=120)
        async with watching(tmp_path, run) as it:
            kept = run.folder.metrics_file.read_text().splitlines(keepends=True)
            files.write(run.folder.metrics_file, "".join(kept[:20]).encode())  # back to the checkpoint
            run.step = 40
            run.train(4)
            await it.news()
            assert it.view.reader is not None
            assert len(it.view.reader.traces["loss", "train"]) == 22
            assert "step  44/240" in it.text.splitlines()[1]

    asyncio.run(story())


def test_a_run_that_is_deleted_meanwhile_is_said_to_be_gone(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        run.end()
        async with watching(tmp_path, run) as it:
            run.folder.path.rename(tmp_path / ".elsewhere")
            assert "is gone" in await it.news()

    asyncio.run(story())


def test_looking_costs_no_drawing_where_nothing_is_new(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path)
        run.end()
        async with watching(tmp_path, run) as it:
            drawn: list[Mapping[str, Any]] = []
            for pane in it.view.query(Cells):
                pane.refresh = lambda *_, **given: drawn.append(given)  # type: ignore[method-assign, assignment]
            for _ in range(3):
                it.view.tick()
            assert drawn == []

    asyncio.run(story())


def test_long_histories_are_read_in_parts(tmp_path: Path) -> None:
    async def story() -> None:
        run = trained(tmp_path, steps=24)
        with run.folder.metrics_file.open("a") as file:
            for step in range(30, 40_030, 2):
                line = {"step": step, "images": 0, "epoch": step / 12, "seconds": step / 20, "split": "train"}
                file.write(json.dumps({**line, "metrics": {"loss": 1.0, "kl": 2.0}}) + "\n")
        async with watching(tmp_path, run) as it:
            for _ in range(100):
                await it.pilot.pause(0.03)
                if it.view.reader and len(it.view.reader.traces["loss", "train"]) == 20_012:
                    break
            else:
                raise AssertionError("it was not read to its end")

    asyncio.run(story())


def test_an_end_that_could_not_be_written_is_no_training(tmp_path: Path) -> None:
    async def story() -> None:
        launcher = ScriptedLauncher()
        async with watching(tmp_path, launcher=launcher) as it:
            await it.pilot.press("1", "s")
            launcher.run.train(10)
            assert "● training" in await it.news()
            launcher.jobs[0].ended.set()  # as on a full disk: the state says running for ever
            assert "✗ failed" in await it.news()
            assert "is the disk full?" in it.text
            assert "nothing trains" in it.why_not("p")

    asyncio.run(story())
