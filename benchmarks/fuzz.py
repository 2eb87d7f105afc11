"""Fuzzing of what reads files that others may have damaged: IDX files and run folders.

    python -m pip install atheris                       not a dependency: nothing else needs it
    python benchmarks/fuzz.py idx --seconds 660         workbench/data/idx.py, plain and gzipped
    python benchmarks/fuzz.py runs --seconds 660        a run folder with one file replaced, all its readers

A reader may answer, with much, little or nothing, or raise `InputError`; anything else is a finding. Each new
finding is printed and its input kept in --findings. The search starts from tests/faults/corpus, which
`tests/faults/test_corpus.py` replays, and never writes to it; `--seed` writes its small valid files anew.
"""

import argparse
import importlib
import json
import math
import os
import random
import struct
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parents[1]
CORPUS = ROOT / "tests" / "faults" / "corpus"
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

Target = Callable[[bytes, Path], None]  # one input, and a folder of its own

DIMENSIONS = (1, 3)
STEP = 8
FILES = (
    "config.json", "state.json", "metrics.jsonl", "environment.json", "tags.json", "log.txt",
    f"checkpoints/step-{STEP:09d}.safetensors", f"snapshots/step-{STEP:09d}.npz",
)  # fmt: skip


def idx(data: bytes, place: Path) -> None:
    """The first byte chooses the number of dimensions and whether the rest, the file, is gzipped."""
    import gzip

    import torch

    from models.errors import InputError
    from workbench.data.idx import read_idx

    choice, content = data[:1] or b"\0", data[1:]
    dimensions = DIMENSIONS[choice[0] % 2]
    path = place / "file"
    path.write_bytes(gzip.compress(content, 1) if choice[0] & 2 else content)
    try:
        values = read_idx(path, dimensions)
    except InputError:
        return
    assert values.dtype == torch.uint8
    assert values.dim() == dimensions
    assert values.numel() > 0


def runs(data: bytes, place: Path) -> None:
    """The first byte chooses which file of a run folder the rest replaces; then all that read it do so."""
    from models.errors import InputError
    from workbench.runs import checkpoint, listing, pictures
    from workbench.runs.folder import RunFolder
    from workbench.runs.history import History
    from workbench.runs.reader import RunReader

    folder = RunFolder(place / "runs" / "run")
    if not folder.path.exists():
        make_run(folder.path)
    name, content = FILES[(data[:1] or b"\0")[0] % len(FILES)], data[1:]
    path = folder.path / name
    whole = path.read_bytes()
    path.write_bytes(content)
    try:
        if path == folder.metrics_file:
            history = History.read(path)
            history.last_epoch()
            for metric in {name for record in history.records for name in record.metrics}:
                history.curve(metric, "train")
        reader = RunReader(folder)
        while reader.poll().behind:
            pass
        assert isinstance(reader.problem, str)
        (row,) = listing.Listing(folder.path.parent).rows()
        for column in (*listing.COLUMNS, *row.metrics):
            listing.ordered([row, row], column)
        for read in (
            lambda: checkpoint.load(path), lambda: checkpoint.latest(folder), lambda: pictures.load(path),
            lambda: reader.snapshot(STEP),
            folder.config, folder.images, folder.metrics, folder.state, folder.tags,
        ):  # fmt: skip
            try:
                read()
            except InputError:
                continue
    finally:
        path.write_bytes(whole)


TARGETS: dict[str, Target] = {"idx": idx, "runs": runs}


def make_run(path: Path) -> None:
    """A small finished run with one file of each kind."""
    import numpy as np
    import torch

    from models.metric import Metric
    from workbench.config import resolve
    from workbench.runs import checkpoint, files, pictures
    from workbench.runs.folder import RunFolder
    from workbench.runs.history import Record
    from workbench.runs.state import State

    folder = RunFolder(path)
    path.mkdir(parents=True)
    images = {"fingerprint": "0" * 16, "channels": 1, "size": 8, "train": 64, "test": 8, "classes": ["a", "b"]}
    folder.write_config(resolve("ae", {"dataset": "digits"}), images, {"loss": Metric("", "A loss.", "lower")})
    files.write_json(folder.environment_file, {"device": "cpu", "threads": 1, "versions": {"genbench": "0"}})
    folder.write_state(
        State("done", STEP, 2.0, 1.0, 64.0, STEP, {"loss": 0.5, "train_loss": 0.25}, notes=("A note.",))
    )
    folder.set_tags(["keep"])
    folder.log("started")
    for step in (4, STEP):
        for split in ("train", "test"):
            record = Record(
                step, step * 16, step / 4, step / 8, split, {"loss": 1 / step}, {"loss": 0.0}, {"loss": 1.0}
            )
            files.append_line(folder.metrics_file, record.to_json())
    checkpoint.save(folder, checkpoint.Checkpoint(STEP, {"model.weight": torch.arange(4.0)}, {"lr": 0.1}))
    grey = np.zeros((2, 1, 8, 8), np.uint8)
    facts = pictures.Facts(STEP, 2.0, final=True, seed=0, weights="last weights", codes_from="", classes=("a", "b"))
    points, labels = np.zeros((2, 2), np.float32), np.zeros(2, np.int64)
    pictures.save(folder, pictures.Pictures(facts, grey, grey, grey, points, labels))


def seed_corpus() -> None:
    """Write the small valid inputs that the search starts from."""
    import gzip

    values = random.Random(0).randbytes(2 * 4 * 4)
    images = struct.pack(">BBBB3I", 0, 0, 8, 3, 2, 4, 4) + values
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 5) + values[:5]
    inputs = {
        "idx/images": b"\1" + images, "idx/labels": b"\0" + labels, "idx/images-zipped": b"\3" + images,
        "idx/labels-gz": b"\0" + gzip.compress(labels, mtime=0),
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        make_run(Path(place, "run"))
        for number, name in enumerate(FILES):
            inputs[f"runs/{Path(name).name}"] = bytes([number]) + Path(place, "run", name).read_bytes()
    for name, content in inputs.items():
        (CORPUS / name).parent.mkdir(parents=True, exist_ok=True)
        (CORPUS / name).write_bytes(content)


# What a number, a text or a list of a JSON file may have become.
_HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 10**400, 1e308, math.nan, -math.inf, "", "x", "\udcff\x1b[2J", "9" * 5000,
    [], [[]], {}, {"": None}, [{}], json.loads("[" * 300 + "]" * 300),
)  # fmt: skip


def mutated(data: bytes, most: int, seed: int, by_bytes: Callable[[bytes, int], bytes]) -> bytes:
    """Another input: half the time one value in one line of JSON is replaced, else bytes change.

    Bytes alone would spend their time on texts that are no JSON.
    """
    dice = random.Random(seed)
    if dice.random() < 0.5:
        return by_bytes(data, most)
    lines = data[1:].splitlines() if b"\n{" in data[1:] else [data[1:]]
    chosen = dice.randrange(len(lines))
    try:
        value = json.loads(lines[chosen])
    except (ValueError, RecursionError):
        return by_bytes(data, most)
    places: list[tuple[Any, Any]] = []
    open_ = [value]
    while open_:
        inner = open_.pop()
        keys = list(inner) if isinstance(inner, dict) else range(len(inner)) if isinstance(inner, list) else ()
        places += [(inner, key) for key in keys]
        open_ += [inner[key] for key in keys]
    if places:
        inner, key = dice.choice(places)
        inner[key] = dice.choice(_HOSTILE)
        lines[chosen] = json.dumps(value).encode()
    result = data[:1] + b"\n".join(lines) + b"\n"
    return result if len(result) <= most else by_bytes(data, most)


def guarded(target: Target, place: Path, findings: Path) -> Callable[[bytes], None]:
    """The target, its findings kept by kind and place instead of raised: one search finds many."""
    seen = set()

    def attempt(data: bytes) -> None:
        try:
            target(data, place)
        except Exception as error:  # noqa: BLE001 (every kind is a finding)
            here = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__}-{Path(here.filename).stem}-{here.lineno}"
            if kind not in seen:
                seen.add(kind)
                (findings / kind).write_bytes(data)
                print(f"FINDING {findings / kind}", traceback.format_exc(), sep="\n", flush=True)

    return attempt


def search(target: str, seconds: int, place: Path, findings: Path) -> NoReturn:
    """Fuzz until time is up. Ends this process, as libFuzzer does."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["workbench", "gzip", "zipfile", "numpy.lib"]):
        for module in ("data.idx", "runs.reader", "runs.listing", "runs.checkpoint"):
            importlib.import_module(f"workbench.{module}")
    found = place / "found"
    found.mkdir()
    options = [
        f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=20", "-print_final_stats=1",
        "-max_len=8192",
        "-use_value_profile=1", f"-artifact_prefix={findings}/",
    ]  # fmt: skip
    arguments = [target, *options, str(found), str(CORPUS / target)]
    mutator = {}
    if target == "runs":
        mutator["custom_mutator"] = lambda data, most, seed: mutated(data, most, seed, atheris.Mutate)
    atheris.Setup(arguments, guarded(TARGETS[target], place, findings), **mutator)
    atheris.Fuzz()
    raise AssertionError("libFuzzer came back")


def main() -> None:
    """Search one target for some time; the exit code is 1 where there were findings."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=660)
    parser.add_argument("--findings", type=Path, help="an empty folder for inputs; else a new one")
    parser.add_argument("--seed", action="store_true", help="write the corpus' valid files and leave")
    chosen = parser.parse_args()
    if chosen.seed:
        seed_corpus()
        return
    findings = chosen.findings or Path(tempfile.mkdtemp(prefix="genbench-findings-"))
    findings.mkdir(parents=True, exist_ok=True)
    memory = Path("/dev/shm")  # files that are written ten thousand times a second
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as place:
        child = os.fork()
        if not child:
            search(chosen.target, chosen.seconds, Path(place), findings.resolve())
        _, status = os.waitpid(child, 0)
    found = sorted(path.name for path in findings.iterdir())
    print(f"{len(found)} findings in {findings}", *found, sep="\n")
    sys.exit(int(bool(found) or os.waitstatus_to_exitcode(status) != 0))


if __name__ == "__main__":
    main()
