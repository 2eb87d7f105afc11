"""What the work costs as it grows: larger batches, images and sets, longer runs, more of them.

python benchmarks/growth.py all --update                 every table, and into docs/benchmarks.md: ten minutes
python benchmarks/growth.py runs                         one: batch, size, data, history or runs
python benchmarks/growth.py all --quick                  the small ends: to see that it works
"""

import argparse
import gc
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil
import torch
from report import Rows, keep, table, verdict

sys.path.insert(0, str(Path(__file__).parents[1]))

from chart import loss as drawn_loss
from chart import milliseconds, redraw
from trial import FORM, program

from tests.harness import begin, train, trainer
from workbench import session
from workbench.config import resolve
from workbench.data.imageset import Split
from workbench.runs.listing import Listing
from workbench.runs.reader import RunReader
from workbench.terminal.chart import View
from workbench.training import devices
from workbench.training.loop import Trainer

STEPS = 5
OPENS = 0.5  # seconds that the list of runs may take


@contextmanager
def training(count: int, size: int, batch: int, threads: str, **settings: str) -> Iterator[Trainer]:
    """A trainer with so many made-up images."""
    given = {"dataset": "digits", "image_size": str(size), "batch_size": str(batch), "device": "cpu"}
    given |= {"evaluate": "none", "threads": threads, **settings}
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        run = session.begin(resolve("vae", given), Path(folder), None)
        made = torch.randint(0, 256, (count, 1, size, size), dtype=torch.uint8)
        run.images = replace(run.images, train=Split(made, None))
        found = trainer(run)
        with devices.computing_on(found.machine):
            found.state.model.train()
            found.step()
            yield found
    gc.collect()


def per_image(found: Trainer, steps: int) -> float:
    """Microseconds an image: the median of single steps."""
    taken = []
    for _ in range(steps):
        begin_ = time.perf_counter()
        found.step()
        taken.append((time.perf_counter() - begin_) / found.settings.batch_size)
    found.report()
    return 1e6 * median(taken)


def memory() -> str:
    """What this process holds, in MB."""
    return f"{psutil.Process().memory_info().rss / 1e6:,.0f}"


def by_batch(options: argparse.Namespace) -> Rows:
    """Time and memory against the images in a step."""
    rows: Rows = []
    for batch in (16, 64) if options.quick else (16, 64, 256, 1024, 4096):
        cells = [f"{batch:,}"]
        for network in ("mlp", "conv"):
            with training(max(batch, 512), 28, batch, options.threads, network=network) as found:
                cells += [f"{per_image(found, STEPS if batch > 256 else 4 * STEPS):.1f}", memory()]
        rows.append(cells)
    return rows


def by_size(options: argparse.Namespace) -> Rows:
    """Time and memory against the pixels of an image."""
    rows: Rows = []
    for size in (28,) if options.quick else (28, 64, 128):
        with training(128, size, 32, options.threads) as found:
            taken = per_image(found, STEPS)
        rows.append([f"{size}x{size}", f"{taken:,.0f}", f"{1000 * taken / size**2:.0f}", memory()])
    return rows


def by_data(options: argparse.Namespace) -> Rows:
    """Time and memory against the images of a set."""
    rows: Rows = []
    for count in (2_000,) if options.quick else (2_000, 60_000, 1_000_000):
        with training(count, 28, 128, options.threads, network="mlp") as found:
            taken = per_image(found, 8 * STEPS)
            shuffled = milliseconds(torch.randperm, count)
        rows.append([f"{count:,}", f"{taken:.1f}", f"{shuffled:.1f}", f"{count * 784 / 1e6:,.0f}", memory()])
    return rows


def read_whole(reader: RunReader) -> None:
    """Look until nothing is left to be read."""
    while reader.poll().behind:
        pass


def by_history(options: argparse.Namespace) -> Rows:
    """What a look at a run costs against the records that it has written."""
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="genbench-") as folder:
        run = begin(Path(folder), "vae", "run", steps="6")
        train(run)
        file = run.folder.metrics_file
        line = next(text for text in file.read_text(encoding="utf-8").splitlines() if '"train"' in text)
        step = int(line.partition('"step": ')[2].partition(",")[0])
        for count in (1_000,) if options.quick else (1_000, 10_000, 100_000, 1_000_000):
            one = [line.replace(f'"step": {step},', f'"step": {at},', 1) for at in range(1, count + 1)]
            file.write_text("\n".join(one) + "\n", encoding="utf-8")
            reader = RunReader(run.folder)
            opened = milliseconds(read_whole, reader)
            looks = []
            for at in range(count + 1, count + 21):
                with file.open("a", encoding="utf-8") as written:
                    written.write(line.replace(f'"step": {step},', f'"step": {at},', 1) + "\n")
                looks.append(milliseconds(reader.poll))
            lines, view = drawn_loss(count), View(smoothing=0.9)
            redraw(lines, view, 100, 30)
            drawn = median(milliseconds(redraw, lines, view, 100, 30) for _ in range(15))
            rows.append([f"{count:,}", f"{opened:,.0f}", f"{median(looks):.2f}", f"{drawn:.1f}", memory()])
    return rows


def by_runs(options: argparse.Namespace) -> Rows:
    """How soon the list of runs is on the screen, against how many there are."""
    rows: Rows = []
    with tempfile.TemporaryDirectory(prefix="genbench-") as made:
        folder = Path(made)
        run = begin(folder / "runs", "vae", "20260101-000000-vae-digits", steps="6")
        train(run)
        have = 1
        for count in (10,) if options.quick else (10, 100, 1_000, 10_000):
            for number in range(have, count):
                target = folder / "runs" / f"20260102-{number:06d}-vae-digits"
                target.mkdir()
                for file in (run.folder.config_file, run.folder.state_file, run.folder.metrics_file):
                    shutil.copy(file, target / file.name)
            have = count
            listing = Listing(folder / "runs")
            first, again = milliseconds(listing.rows), median(milliseconds(listing.rows) for _ in range(5))
            seen, whole = [], []
            for _ in range(1 if options.quick else 3):
                with program(folder) as bench:
                    bench.wait(FORM)
                    bench.press("3")
                    seen.append(bench.wait(f"-{count - 1:06d}-vae" if count > 1 else "vae", 60))
                    whole.append(seen[-1] + bench.wait(f"{count:,} runs", 60))
                    bench.press("q")
                    bench.ends()
            rows.append([
                f"{count:,}", f"{1000 * median(seen):,.0f}", f"{1000 * median(whole):,.0f}", f"{first:,.0f}",
                f"{again:,.0f}", f"< {1000 * OPENS:.0f}", verdict(median(seen) < OPENS),
            ])  # fmt: skip
    return rows


GROWTH: dict[str, tuple[tuple[str, ...], Callable[[argparse.Namespace], Rows]]] = {
    "batch": (("images a step", "MLP: µs an image", "memory, MB", "convolutions: µs", "memory, MB"), by_batch),
    "size": (("image", "µs an image", "ns a pixel", "memory, MB"), by_size),
    "data": (("images", "µs an image", "an epoch's order, ms", "the images, MB", "memory, MB"), by_data),
    "history": (
        ("records", "opening the run, ms", "a look at a new one, ms", "drawing the chart, ms", "memory, MB"),
        by_history,
    ),
    "runs": (
        ("runs", "from the key to the first on the screen, ms", "to all of them", "reading all, ms",
         "looking again, ms", "must be", "is"),
        by_runs,
    ),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*GROWTH, "all"])
    parser.add_argument("--threads", default="1")
    parser.add_argument("--quick", action="store_true", help="the small ends: to see that it works")
    parser.add_argument("--update", action="store_true", help="write the tables into docs/benchmarks.md")
    options = parser.parse_args()
    for name, (header, measure) in GROWTH.items():
        if options.what in {name, "all"}:
            text = table(header, measure(options))
            print(text, flush=True)
            if options.update:
                keep(f"growth-{name}", text)


if __name__ == "__main__":
    main()
