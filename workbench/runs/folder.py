"""One run folder: its paths, its identity, its state.

Opening a folder reads nothing but `config.json`; every other file may be missing or still growing.
"""

import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import filelock
import psutil
from pydantic import TypeAdapter, ValidationError

from models.errors import InputError
from workbench import __version__
from workbench.config import RunConfig
from workbench.runs import files

FORMAT = 1

_TAKEN = "{} exists already. Choose another --name, or --resume it."

Status = Literal["running", "paused", "done", "stopped", "diverged", "failed", "interrupted"]


@dataclass(frozen=True)
class State:
    """Where a run stands: `state.json`. "interrupted" is never written: it is a run whose process is gone."""

    status: Status
    step: int = 0
    epoch: float = 0.0
    seconds: float = 0.0  # wall time in training, pictures included, over all sittings
    images_per_second: float = 0.0
    steps_total: int = 0
    metrics: Mapping[str, float | None] = field(default_factory=dict)  # last held-out values, and train_... ones
    reason: str = ""  # one sentence for diverged and failed
    notes: tuple[str, ...] = ()  # what a person should know: mode collapse, skipped images, ...
    pid: int = 0
    pid_started: float = 0.0  # a pid alone may have been given to another process
    host: str = ""
    heartbeat: float = 0.0  # seconds since 1970


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.json"
        self.environment_file = path / "environment.json"
        self.state_file = path / "state.json"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "log.txt"
        self.summary_file = path / "summary.png"
        self.checkpoints = path / "checkpoints"
        self._lock = filelock.FileLock(path / ".lock")

    @property
    def name(self) -> str:
        """The folder's own name, by which a person asks for the run."""
        return self.path.name

    @classmethod
    def create(cls, runs_dir: Path, config: RunConfig, name: str | None = None) -> "RunFolder":
        """Make a new folder that nobody else has, e.g. runs/20261122-161903-vae-mnist.

        Raises `InputError` when `name` is taken or the place cannot be written to.
        """
        dataset = config.data.dataset.removeprefix("folder:").rstrip("/")
        stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{config.model_name}-{Path(dataset).name[:60]}"
        if name is not None:
            check_name(runs_dir, name)
        for attempt in range(1000):
            path = runs_dir / (name or stem + (f"-{attempt + 1}" if attempt else ""))
            try:
                runs_dir.mkdir(parents=True, exist_ok=True)
                path.mkdir()
                return cls(path)
            except FileExistsError:
                if name is not None or not runs_dir.is_dir():
                    raise InputError(_TAKEN.format(path)) from None
            except OSError as error:
                raise InputError(
                    f"Runs cannot be written to {runs_dir} ({error.strerror}). Choose another --runs-dir."
                ) from None
        raise InputError(f"No free name was found for {stem} in {runs_dir}.")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """Open an existing run. Raises `InputError` where the folder holds none of a format we know."""
        folder = cls(path)
        found = files.read_json(folder.config_file).get("format")
        if found != FORMAT:
            raise InputError(
                f"{folder.config_file} has format {found!r}; this genbench reads format {FORMAT}. "
                "Open it with the version that wrote it."
            )
        return folder

    def remove(self) -> None:
        """Delete the run and everything in it."""
        self.unlock()
        shutil.rmtree(self.path)

    def lock(self) -> None:
        """Become the one process that writes this run. Raises `InputError` naming the one that does."""
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            state = self.state()
            raise InputError(
                f"{self.name} is being written by process {state.pid} on {state.host}. "
                "Wait for it, or stop it first."
            ) from None

    def unlock(self) -> None:
        """Let another process write this run."""
        self._lock.release()

    def write_config(self, config: RunConfig, images: Mapping[str, Any]) -> None:
        """Write `config.json`, before the first step. `images` says which images they are, and their shape."""
        files.write_json(self.config_file, {"format": FORMAT, **config.to_json(), "images": images})

    def config(self) -> RunConfig:
        """The configuration of this run. Raises `InputError` naming what is not valid in the file."""
        written = files.read_json(self.config_file)
        try:
            return RunConfig.from_json(written)
        except InputError as error:
            raise InputError(f"{self.config_file} does not hold a valid configuration. {error}") from None
        except (KeyError, TypeError, AttributeError):
            raise InputError(f"{self.config_file} lacks its model, data or training settings.") from None

    def images(self) -> dict[str, Any]:
        """Which images the run was trained on: fingerprint, channels, size, train, test, classes."""
        facts = files.read_json(self.config_file).get("images")
        if not isinstance(facts, dict) or not {"fingerprint", "channels", "size"} <= facts.keys():
            raise InputError(f"{self.config_file} does not say which images the run was trained on.")
        return facts

    def write_environment(self, facts: Mapping[str, Any]) -> None:
        """Write `environment.json`: versions, machine and command line, with `facts` of the trainer."""
        versions = {"genbench": __version__}
        for name in ("torch", "torchvision", "numpy"):
            with suppress(metadata.PackageNotFoundError):
                versions[name] = metadata.version(name)
        files.write_json(
            self.environment_file,
            {
                "command": sys.argv,
                "commit": _commit(),
                "python": platform.python_version(),
                "versions": versions,
                "system": platform.platform(),
                "processor": platform.processor() or platform.machine(),
                **facts,
            },
        )

    def write_state(self, state: State) -> None:
        """Replace `state.json`, stamped with this process and the time."""
        stamp = {"pid": os.getpid(), "pid_started": psutil.Process().create_time(),
                 "host": socket.gethostname(), "heartbeat": time.time()}  # fmt: skip
        files.write_json(self.state_file, files.finite(asdict(state) | stamp))

    def state(self) -> State:
        """Where the run stands now; a run that says it is running but whose process is gone is interrupted."""
        written = files.read_json(self.state_file)
        known = {name: written[name] for name in State.__dataclass_fields__ if name in written}
        try:
            state = TypeAdapter(State).validate_python(known)
        except ValidationError as error:
            wrong = ", ".join(str(item["loc"][0]) for item in error.errors() if item["loc"])
            raise InputError(f"{self.state_file} does not say where the run stands ({wrong}).") from None
        gone = state.status in {"running", "paused"} and not _alive(state)
        return replace(state, status="interrupted") if gone else state

    def picture(self, kind: str, name: str) -> Path:
        """Where a picture goes: samples/step-000001800.png, latent/tsne.png, ..."""
        return self.path / kind / f"{name}.png"

    def pictures(self) -> list[Path]:
        """The pictures to look at first: the final one of each kind, or the newest; the contact sheet last."""
        found = []
        for kind in sorted(path for path in self.path.iterdir() if path.is_dir()):
            drawn = sorted(kind.glob("*.png"))
            named = [path for path in drawn if path.stem in {"final", "curves", "tsne"}]
            found += named or drawn[-1:]
        return [*found, *([self.summary_file] if self.summary_file.exists() else [])]

    def log(self, text: str) -> None:
        """Append to `log.txt`, each entry with its time."""
        with self.log_file.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text.rstrip()}\n")


def check_name(runs_dir: Path, name: str) -> None:
    """Raise `InputError` where a new run cannot be called `name`."""
    impossible = name.strip(" .") == "" or set(name) & set("/\\:") or not name.isprintable()
    if impossible or len(name.encode()) > 255:
        raise InputError(f"A run's name becomes a folder's name; {name!r} cannot be one.")
    if (runs_dir / name).exists():
        raise InputError(_TAKEN.format(runs_dir / name))


def _commit() -> str:
    """The commit of genbench's own source, where it runs from a checkout; "" elsewhere."""
    here = Path(__file__).parent
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["git", "-C", str(here), "rev-parse", "HEAD"]
        inside = subprocess.run(["git", "-C", str(here), "ls-files", "--error-unmatch", __file__], capture_output=True, timeout=5, check=False)
        if inside.returncode == 0:
            return subprocess.run(asked, capture_output=True, timeout=5, check=True, text=True).stdout.strip()
    return ""


def _alive(state: State) -> bool:
    """Whether the process that wrote `state` still runs; one on another host is believed."""
    if state.host != socket.gethostname():
        return True
    try:
        return abs(psutil.Process(state.pid).create_time() - state.pid_started) < 1
    except (psutil.Error, ValueError):
        return False
