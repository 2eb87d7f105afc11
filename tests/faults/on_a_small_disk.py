"""What `test_disk.py` runs in a process with mounts of its own: small runs on disks of a few megabytes.

`python -m tests.faults.on_a_small_disk FOLDER` prints one JSON object of what happened.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.harness import begin, train
from workbench.runs import checkpoint, files
from workbench.training import recorder, saving
from workbench.training.control import Control
from workbench.training.events import Evaluated, Event, Finished, Notice


def mount(place: Path, *options: str) -> None:
    """Mount something in this process's own view of the files."""
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", *options, str(place)], check=True)


def fill(place: Path) -> Path:
    """A file that leaves no room for anything."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return ballast
    raise AssertionError


def lines(path: Path) -> Any:
    """(split, step) of all lines; each of them must be whole."""
    text = path.read_text(encoding="utf-8")
    assert text.endswith("\n")
    return [[record["split"], record["step"]] for record in map(json.loads, text.splitlines())]


def summary(told: list[Event]) -> dict[str, Any]:
    """What a person sees of a run."""
    (finished,) = [event for event in told if isinstance(event, Finished)]
    notices = [f"{event.step}: {event.text}" for event in told if isinstance(event, Notice)]
    return {"status": finished.status, "step": finished.step, "reason": finished.reason, "notices": notices}


def files_alone(place: Path) -> dict[str, Any]:
    """Writing and appending until there is no room, and on a disk that is read-only."""
    path, said = place / "x.json", []
    files.write_json(path, {"old": True})
    for data in (bytes(3_000_000), bytes(900_000)):
        try:
            files.write(path, data)
        except files.DiskError as error:
            said.append(str(error))
    whole = path.stat().st_size
    log, count = place / "metrics.jsonl", 0
    try:
        while True:
            files.append_line(log, {"step": count, "padding": "x" * 3000})
            count += 1
    except files.DiskError as error:
        said.append(str(error))
    steps = [json.loads(line)["step"] for line in log.read_text(encoding="utf-8").splitlines()]
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
    attempts: list[Callable[[], object]] = [lambda: files.write(path, b"1"), lambda: files.append_text(log, "1\n")]
    for attempt in attempts:
        try:
            attempt()
        except files.DiskError as error:
            said.append(str(error))
    leftovers = [file.name for file in place.rglob("*.tmp")]
    return {"said": said, "whole": whole, "lines": steps == list(range(count)) and count > 9, "left": leftovers}


def filled_and_freed(place: Path) -> dict[str, Any]:
    """The disk is full from epoch 2 to epoch 5 of 7."""
    run = begin(place / "runs", "ae", "mine", epochs="7", every="1")
    control = Control()
    seen: dict[str, Any] = {}

    def fill_and_free(event: Event) -> None:
        if not isinstance(event, Evaluated):
            return
        epoch = round(event.record.epoch)
        control.ask("checkpoint")
        if epoch == 2:
            seen["ballast"] = fill(place)
            seen["good"] = checkpoint.latest(run.folder)[0].step
        if epoch == 5:
            seen["then"] = checkpoint.latest(run.folder)[0].step
            seen["whole"] = lines(run.folder.metrics_file)
            seen.pop("ballast").unlink()

    told = train(run, [fill_and_free], control)
    expected = sorted({(e.record.step, e.record.split) for e in told if hasattr(e, "record")})
    found = lines(run.folder.metrics_file)
    return seen | summary(told) | {
        "complete": sorted((step, split) for split, step in found) == expected,
        "last": checkpoint.latest(run.folder)[0].step,
        "damaged": checkpoint.latest(run.folder)[1],
        "state": run.folder.stored_state().status,
        "left": [file.name for file in place.rglob("*.tmp")],
    }  # fmt: skip


def full_to_the_end(place: Path) -> dict[str, Any]:
    """The disk is full from epoch 3 on."""
    run = begin(place / "runs", "ae", "mine", epochs="5", every="1")

    control = Control()

    def full(event: Event) -> None:
        if isinstance(event, Evaluated) and event.record.epoch == 3:
            control.ask("checkpoint")
            fill(place)

    told = train(run, [full], control)
    return summary(told) | {"last": checkpoint.latest(run.folder)[0].step, "lines": lines(run.folder.metrics_file)}


def folder_removed(place: Path) -> dict[str, Any]:
    """Somebody removes the run's folder in its middle."""
    run = begin(place / "runs", "ae", "mine", epochs="5", every="1")

    def remove(event: Event) -> None:
        if isinstance(event, Evaluated) and event.record.epoch == 3:
            shutil.rmtree(run.folder.path)

    return summary(train(run, [remove])) | {"back": run.folder.path.exists()}


def pictures_read_only(place: Path) -> dict[str, Any]:
    """The folders of samples and curves cannot be written to."""
    run = begin(place / "runs", "ae", "mine", epochs="2", every="1", latent="2")
    for kind in ("samples", "curves"):
        mount(run.folder.path / kind, "-t", "tmpfs", "-o", "ro", "none")
    told = train(run, draw=True)
    drawn = sorted(path.relative_to(run.folder.path).as_posix() for path in run.folder.path.rglob("*.png"))
    return summary(told) | {"drawn": drawn, "arrays": len(list(run.folder.snapshots.iterdir()))}


SCENES = [files_alone, filled_and_freed, full_to_the_end, folder_removed, pictures_read_only]


def main() -> None:
    """Play all scenes, each on a disk of its own."""
    folder = Path(sys.argv[1])
    recorder.RETRY_SECONDS, saving.RETRY_SECONDS = 0.0, 1000.0  # checkpoints are asked for
    saving.LAST_PAUSES = (0.0, 0.0)
    files.PAUSES = (0.0, 0.0, 0.0)
    os.environ["GENBENCH_DATA_DIR"] = str(folder / "data")
    told = {}
    for scene in SCENES:
        place = folder / scene.__name__
        mount(place, "-t", "tmpfs", "-o", "size=1m" if scene is files_alone else "size=3m", "none")
        told[scene.__name__] = scene(place)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
