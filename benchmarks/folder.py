"""What a folder of images costs: decoding it once, starting again, and training on more than memory holds.

    python benchmarks/folder.py all            # or decode, start, memory
    python benchmarks/folder.py all --count 5000 --images 400 --pairs 1   # short, to see that it works

torchvision's ImageFolder with Resize, CenterCrop and ToTensor in a DataLoader of two processes is what genbench is
held against. Both decode the same files in turns, on the same two cores, from a warm page cache.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from folder_bound import bounded
from numpy.typing import NDArray
from PIL import Image
from report import Rows, keep, table, verdict

HOME = Path(__file__).resolve().parents[1]
CORES, SIZE, BATCH = 2, 64, 128
KINDS = ((256, 256), (500, 375), (1600, 1200))
DECODE = (
    "JPEGs of", "genbench, images/s", "torchvision, images/s", "ratio", "of each pair", "later epochs, images/s",
    "torchvision's", "ratio of these", "must be", "is",
)  # fmt: skip
START = ("images", "first start, s", "second start, s", "of each", "must be", "is")
MEMORY = (
    "set, MB", "images", "memory allowed, MB", "of its own, peak, MB", "more than before the set, MB", "images/s",
    "steps",
)  # fmt: skip
LEAST_RATIO, MOST_SECONDS = 4.0, 1.0


def photograph(dice: np.random.Generator, width: int, height: int) -> Image.Image:
    """Noise whose spectrum falls like that of photographs; what is light is so in all colours."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    fall = 1 / np.maximum(np.hypot(rows, columns), 1 / width) ** 1.4

    def layer() -> NDArray[np.float64]:
        waves = np.fft.irfft2(fall * np.exp(2j * np.pi * dice.random(fall.shape)), s=(height, width))
        return 50 * (waves - waves.mean()) / waves.std()

    light = layer()
    colour = np.stack([128 + 0.8 * light + 0.2 * layer() for _ in range(3)], -1)
    return Image.fromarray(colour.clip(0, 255).astype(np.uint8))


def fill(root: Path, count: int, width: int, height: int, different: int = 50) -> int:
    """`count` JPEGs in ten classes, copies of a few different ones. Returns the mean length of a file."""
    dice = np.random.Generator(np.random.PCG64(0))
    root.mkdir(parents=True)
    contents = []
    for _ in range(min(different, count)):
        photograph(dice, width, height).save(root / "one.jpg", quality=85)
        contents.append((root / "one.jpg").read_bytes())
    (root / "one.jpg").unlink()
    for number in range(count):
        place = root / f"class{number % 10}"
        place.mkdir(exist_ok=True)
        (place / f"{number:06}.jpg").write_bytes(contents[number % len(contents)])
    return sum(map(len, contents)) // len(contents)


def seconds(act: Callable[[], object]) -> float:
    """How long something takes."""
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def decode(folder: Path, options: argparse.Namespace) -> Rows:
    """Decoding a folder for the first time, and the epochs after it."""
    rows: Rows = []
    for width, height in KINDS:
        root, count = folder / f"{width}x{height}", max(options.images * 256 * 256 // (width * height), 200)
        length = fill(root, count, width, height)
        found = [a_pair(root, folder / f"data-{width}-{pair}", count) for pair in range(options.pairs)]
        ours, theirs, our_later, their_later = zip(*found, strict=True)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        later = median(a / b for a, b in zip(our_later, their_later, strict=True))
        rows.append([
            f"{width}x{height}, {length / 1000:.0f} kB, {count:,} of them", f"{median(ours):,.0f}",
            f"{median(theirs):,.0f}", f"**{median(ratios):.2f}**", ", ".join(f"{ratio:.2f}" for ratio in ratios),
            f"{median(our_later):,.0f}", f"{median(their_later):,.0f}", f"{later:,.0f}", f">= {LEAST_RATIO:.0f}",
            verdict(median(ratios) >= LEAST_RATIO),
        ])  # fmt: skip
    return rows


def a_pair(root: Path, data: Path, count: int) -> tuple[float, float, float, float]:
    """Images a second of both: in the first epoch's decoding, and in an epoch after it."""
    loader = torchvision_loader(root)
    ours = count / seconds(lambda: loaded(root, data))
    theirs = count / seconds(lambda: list(map(len, loader)))
    images = loaded(root, data)
    later = len(images.train) / seconds(lambda: an_epoch(images))
    return ours, theirs, later, count / seconds(lambda: list(map(len, loader)))


def loaded(root: Path, data: Path) -> Any:
    """The set as genbench has it."""
    from workbench.data.load import load

    return load(f"folder:{root}", data_dir=data, image_size=SIZE, channels=3)


def an_epoch(images: Any) -> None:
    """Every training image once, as the loop sees it: in a random order, in batches, as floats."""
    import torch

    from workbench.config import TrainingSettings
    from workbench.data.imageset import to_unit
    from workbench.training.supply import Supply

    supply = Supply(images.train, TrainingSettings(batch_size=BATCH), torch.device("cpu"))
    for step in range(supply.order.steps_per_epoch):
        to_unit(supply.batch(step)[0])
    supply.close()


def torchvision_loader(root: Path) -> Any:
    """What most people's code reads a folder with."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    steps = [transforms.Resize(SIZE), transforms.CenterCrop(SIZE), transforms.ToTensor()]
    return DataLoader(datasets.ImageFolder(root, transforms.Compose(steps)), BATCH, shuffle=True, num_workers=2)


def start(folder: Path, options: argparse.Namespace) -> Rows:
    """Starting on many small files: the first time, and again in new processes."""
    fill(folder / "many", options.count, SIZE, SIZE)
    first = child("start", folder / "many", folder / "data")["seconds"]
    again = [child("start", folder / "many", folder / "data")["seconds"] for _ in range(options.pairs)]
    return [[
        f"{options.count:,}", f"{first:.1f}", f"{median(again):.2f}", ", ".join(f"{s:.2f}" for s in again),
        f"< {MOST_SECONDS:.0f}", verdict(median(again) < MOST_SECONDS),
    ]]  # fmt: skip


def memory(folder: Path, options: argparse.Namespace) -> Rows:
    """Training on sets up to several times as large as the memory that the process may have."""
    rows: Rows = []
    for share in (8, 4, 2, 1):
        count = max(options.count // share, 200)
        root, data = folder / f"many-{count}", folder / "data"
        fill(root, count, SIZE, SIZE)
        child("start", root, data)
        for kept in (data / "decoded").glob("*.pixels"):
            forget(kept)
        with bounded(options.megabytes << 20) as prefix:
            found = child("train", root, data, prefix)
        allowed = f"{options.megabytes:,}" if prefix is not None else "all"
        rows.append([
            f"{count * 3 * SIZE * SIZE / 1e6:,.0f}", f"{count:,}", allowed, f"{found['peak']:,.0f}",
            f"{found['peak'] - found['before']:,.0f}", f"{found['rate']:,.0f}", f"{found['steps']:,}",
        ])  # fmt: skip
    return rows


def forget(path: Path) -> None:
    """Let the system drop what it keeps of a file in memory."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def child(what: str, root: Path, data: Path, prefix: Sequence[str] | None = None) -> dict[str, float]:
    """Measure in a process of its own."""
    line = [*(prefix or []), sys.executable, __file__, f"child-{what}", "--root", str(root), "--data", str(data)]
    env = {**os.environ, "PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(line, check=True, stdout=subprocess.PIPE, text=True, env=env)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def own_memory() -> float:
    """Megabytes that are this process's alone; the rest of what it shows is the system's copy of files."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) / 1e3 for line in text.splitlines() if line.startswith("RssAnon"))


def in_child(what: str, root: Path, data: Path) -> None:
    """Load, and train for an epoch or 400 steps; print what it took as JSON."""
    import torch

    from workbench.config import TrainingSettings
    from workbench.data.imageset import to_unit
    from workbench.training.supply import Supply

    if what == "child-start":  # the imports above are not in the time
        print(json.dumps({"seconds": seconds(lambda: loaded(root, data))}))
        return

    torch.set_num_threads(1)
    before = peak = own_memory()
    images = loaded(root, data)
    model = torch.nn.Linear(3 * SIZE * SIZE, 8)  # next to nothing, so that the disk is what is measured
    supply = Supply(images.train, TrainingSettings(batch_size=BATCH), torch.device("cpu"))
    steps, begin = min(supply.order.steps_per_epoch, 400), time.perf_counter()
    for step in range(steps):
        model(to_unit(supply.batch(step)[0]).flatten(1)).square().mean().backward()
        peak = max(peak, own_memory())
    rate = steps * supply.order.batch_size / (time.perf_counter() - begin)
    print(json.dumps({"before": before, "peak": peak, "rate": rate, "steps": steps}))


MEASUREMENTS = {"decode": (DECODE, decode), "start": (START, start), "memory": (MEMORY, memory)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*MEASUREMENTS, "all", "child-start", "child-train"])
    parser.add_argument("--count", type=int, default=100_000, help="files of a large folder")
    parser.add_argument("--images", type=int, default=8000, help="files of 256x256 to decode; fewer larger ones")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=900, help="memory a training may have")
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--update", action="store_true", help="write the tables into docs/benchmarks.md")
    options = parser.parse_args()
    if options.what.startswith("child-"):
        in_child(options.what, options.root, options.data)
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    for name, (header, measure) in MEASUREMENTS.items():
        if options.what in {name, "all"}:
            with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
                text = table(header, measure(Path(folder), options))
            print(text, flush=True)
            if options.update:
                keep(f"folder-{name}", text)


if __name__ == "__main__":
    main()
