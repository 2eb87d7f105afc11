"""Folders of many pictures: decoded by processes, interrupted, kept on the disk, damaged, without room."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from models.errors import InputError
from tests.harness import begin, train
from workbench.config import TrainingSettings
from workbench.data import decoded, decoding, folder, store
from workbench.data.imageset import ImageSet
from workbench.data.load import load
from workbench.data.mapped import Mapped
from workbench.training import supply
from workbench.training.events import Evaluated, Snapshot

MANY = 1100
HOME = Path(__file__).parents[2]
Progress = Callable[[str, int, int], None]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More pictures than threads are used for, in two classes; one of them is broken."""
    root = tmp_path_factory.mktemp("many") / "pictures"
    contents = []
    for n in range(50):
        noise = np.random.Generator(np.random.PCG64(n)).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(noise).save(root.with_suffix(".png"))
        contents.append(root.with_suffix(".png").read_bytes())
    for n in range(MANY):
        path = root / ("cats" if n % 3 else "dogs") / f"{n:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents[n % 50] if n != 7 else b"no picture")
    return root


def read(pictures: Path, data: Path, progress: Progress | None = None, **more: str) -> ImageSet:
    return load(f"folder:{pictures}", data_dir=data, image_size=8, progress=progress, **more)  # type: ignore[arg-type]


def whole(images: ImageSet) -> torch.Tensor:
    cpu = torch.device("cpu")
    return torch.cat([images.train.images.to(cpu), images.test.images.to(cpu)])


def test_processes_and_threads_see_the_same(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[tuple[str, int, int]] = []
    many = read(pictures, tmp_path / "a", lambda *words: said.append(words))
    assert [said[0], said[-1]] == [("decoding images", 0, MANY), ("decoding images", MANY, MANY)]
    assert len(said) > 10
    assert not psutil.Process().children()
    monkeypatch.setattr(decoding, "MANY", MANY + 1)
    few = read(pictures, tmp_path / "b")
    assert torch.equal(whole(many), whole(few))
    assert many.fingerprint == few.fingerprint
    assert many.notices == few.notices
    assert "left out: cats/0007.png" in many.notices[0]


def test_the_processes_do_not_import_torch() -> None:
    code = "import sys, workbench.data.decode_worker; print({'torch', 'pydantic', 'rich'} & set(sys.modules))"
    line = [sys.executable, "-P", "-c", code]
    env = {**os.environ, "PYTHONPATH": str(HOME)}
    assert subprocess.run(line, capture_output=True, text=True, check=True, env=env).stdout == "set()\n"


KILLED = """
import os, signal, subprocess, sys
from pathlib import Path
from workbench.data.load import load
start, pids = subprocess.Popen.__init__, []
def noting(self, *line, **how):  # looking for children at the kill would give them time to finish
    start(self, *line, **how)
    pids.append(self.pid)
subprocess.Popen.__init__ = noting
def progress(what, done, total):
    if done >= 300:
        print(done, *pids, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
load("folder:" + sys.argv[1], data_dir=Path(sys.argv[2]), image_size=8, progress=progress)
"""


def test_a_kill_loses_nothing_and_leaves_nobody_behind(pictures: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-c", KILLED, str(pictures), str(tmp_path)]
    env = {**os.environ, "PYTHONPATH": str(HOME), "OMP_NUM_THREADS": "1"}
    killed = subprocess.run(line, capture_output=True, text=True, check=False, env=env)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    done, *workers = map(int, killed.stdout.split())
    assert workers
    until = time.monotonic() + 20
    while any(_alive(pid) for pid in workers):
        assert time.monotonic() < until
        time.sleep(0.02)
    said: list[int] = []
    again = read(pictures, tmp_path, lambda _, at, total: said.append(at))
    assert done <= said[0] < MANY
    assert sorted(p.name[-7:] for p in (tmp_path / "decoded").iterdir()) == [".pixels"]
    assert again.fingerprint == read(pictures, tmp_path / "elsewhere").fingerprint


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_whoever_interrupts_goes_on_where_it_was(pictures: Path, tmp_path: Path) -> None:
    """Also where what was decoded last did not reach the disk, as after a power cut."""

    def interrupt(what: str, at: int, total: int) -> None:
        if at >= 500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(pictures, tmp_path, interrupt)
    assert not psutil.Process().children()
    (part,) = (tmp_path / "decoded").glob(".*.part")
    begun = store.Store.open(part, writable=True)
    done = len(begun.rows(store.COLOUR)) + len(begun.rows(store.BROKEN))
    begun.pixels[begun.rows(store.COLOUR)[:3]] = 0
    said: list[int] = []
    again = read(pictures, tmp_path, lambda _, at, total: said.append(at))
    assert said[0] == done - 3 >= 490
    assert again.fingerprint == read(pictures, tmp_path / "elsewhere").fingerprint


def test_a_process_that_dies_is_replaced(pictures: Path, tmp_path: Path) -> None:
    killed: list[psutil.Process] = []

    def kill(what: str, at: int, total: int) -> None:
        if at >= 100 and not killed:
            killed.extend(psutil.Process().children())
            for child in killed:
                child.kill()

    images = read(pictures, tmp_path, kill)
    assert killed
    assert len(images.train) + len(images.test) == MANY - 1
    assert len(images.notices) == 1


def test_two_at_once_decode_once(pictures: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: read(pictures, tmp_path, lambda *words: said.append(words[0])), range(2)))
    assert found[0].fingerprint == found[1].fingerprint
    assert said.count("decoding images") < 2 * MANY / 64
    assert "waiting for another process to decode the images" in said


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder is treated like one of gigabytes."""
    monkeypatch.setattr(folder, "IN_MEMORY", 0)


def test_where_images_lie_changes_nothing(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights, numbers and pictures, bit for bit."""
    settings = {
        "dataset": f"folder:{pictures}", "data_dir": str(tmp_path), "limit": "200", "epochs": "2",
        "sampler": "mixture", "every": "1",
    }  # fmt: skip
    runs, kinds = [], []
    for number, bytes_in_memory in enumerate((1 << 20, 0)):
        monkeypatch.setattr(folder, "IN_MEMORY", bytes_in_memory)
        prepared = begin(tmp_path / f"runs{number}", **settings)
        kinds.append(type(prepared.images.train.images))
        events = train(prepared)
        weights = torch.cat([value.flatten().double() for value in prepared.state.model.state_dict().values()])
        shown = [event for event in events if isinstance(event, Snapshot)]
        told = [event.record.metrics for event in events if isinstance(event, Evaluated)]
        runs.append(
            (weights, told, [(picture.samples.tobytes(), np.asarray(picture.codes).tobytes()) for picture in shown])
        )
    assert kinds == [torch.Tensor, Mapped]
    (one, other) = runs
    assert torch.equal(one[0], other[0])
    assert one[1] == other[1] != []
    assert one[2] == other[2]


@pytest.mark.usefixtures("on_disk")
def test_views_of_images_on_the_disk(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = read(pictures, tmp_path)
    few = read(pictures, tmp_path, limit=100)  # type: ignore[arg-type]
    monkeypatch.setattr(folder, "IN_MEMORY", 1 << 30)
    memory = read(pictures, tmp_path)
    mapped = images.train.images
    assert isinstance(mapped, Mapped)
    assert images.shape == memory.shape
    assert torch.equal(torch.cat(list(mapped.split(100))), memory.train.images)  # type: ignore[arg-type]
    order = torch.tensor([5, 900, 5, 0])
    assert torch.equal(mapped[order], memory.train.images[order])
    assert torch.equal(mapped[10:20][-1], memory.train.images[19])
    assert images.train.labels is not None
    assert memory.train.labels is not None
    assert images.train.labels.tolist() == memory.train.labels.tolist()
    assert len({images.fingerprint, few.fingerprint}) == 2


@pytest.mark.usefixtures("on_disk")
def test_binarised_on_the_disk(pictures: Path, tmp_path: Path) -> None:
    greys = read(pictures, tmp_path)
    static = read(pictures, tmp_path, binarise="static")
    assert torch.equal(whole(static), (whole(greys) > 127).to(torch.uint8) * 255)
    dynamic = read(pictures, tmp_path, binarise="dynamic")
    drawn = dynamic.test.images.to(torch.device("cpu"))
    assert set(drawn.unique().tolist()) == {0, 255}
    assert abs(drawn.double().mean() - greys.test.images.to(torch.device("cpu")).double().mean()) < 3
    some = torch.tensor([40, 3])
    assert torch.equal(dynamic.test.images[some], drawn[some])
    assert len({greys.fingerprint, static.fingerprint, dynamic.fingerprint}) == 3


@pytest.mark.usefixtures("on_disk")
def test_damage_is_found_without_reading_all(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that was written to is looked at as a whole; another one a stretch at a time."""
    monkeypatch.setattr(store, "CHECKED", 192 * 100)
    first = read(pictures, tmp_path)
    (kept,) = (tmp_path / "decoded").iterdir()
    changed = kept.stat()
    said: list[int] = []

    def damage(at: int) -> None:
        content = bytearray(kept.read_bytes())
        content[at] ^= 1
        kept.write_bytes(content)

    damage(4096 + 192 * 500)  # in a picture
    assert read(pictures, tmp_path, lambda *_: said.append(1)).fingerprint == first.fingerprint
    assert said
    for at in (0, 50, 4096 + 192 * MANY + 5, -1):  # head, head, prints, states
        said.clear()
        damage(at)
        os.utime(kept, ns=(changed.st_mtime_ns, changed.st_mtime_ns))
        assert read(pictures, tmp_path, lambda *_: said.append(1)).fingerprint == first.fingerprint
        assert said, at
    # A copy has another time. It is whole, so it is taken, and from then on is known.
    shutil.copy(kept, tmp_path / "copy")
    (tmp_path / "copy").replace(kept)
    said.clear()
    assert read(pictures, tmp_path, lambda *_: said.append(1)).fingerprint == first.fingerprint
    assert not said
    assert kept.stat().st_mtime_ns % 10**9 == 0


def test_a_full_disk(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a cache where memory allows, and a sentence either way."""
    first = read(pictures, tmp_path / "roomy")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    images = read(pictures, tmp_path / "full")
    assert images.fingerprint == first.fingerprint
    assert images.notices[1] == (
        f"The decoded images (0.2 MB) cannot be kept in {tmp_path / 'full' / 'decoded'}: no space left on device. "
        "They are decoded anew at each start until there is room, or another --data-dir."
    )
    monkeypatch.setattr(decoded, "SHARE", 0.0)
    with pytest.raises(
        InputError, match=r"no space left on device, and .* Make room there, or give another --data"
    ):
        read(pictures, tmp_path / "full")


def test_images_in_memory_that_a_device_has_no_room_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are fetched batch by batch, over the ends of epochs; also the same step twice, and one out of turn."""
    digits = load("digits", image_size=8, limit=70).train
    settings, cpu = TrainingSettings(batch_size=16), torch.device("cpu")
    here = supply.Supply(digits, settings, cpu)
    monkeypatch.setattr(supply, "fits", lambda *_: False)
    ahead = supply.Supply(digits, settings, cpu)
    for step in (0, 1, 2, 3, 4, 5, 5, 2, 40):
        for found, expected in zip(ahead.batch(step), here.batch(step), strict=True):
            assert found is not None
            assert expected is not None
            assert torch.equal(found, expected)
    ahead.close()
