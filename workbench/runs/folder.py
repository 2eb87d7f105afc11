"""One run folder: its paths, its identity, its state.

Opening a folder reads nothing but `config.json`; every other file may be missing or still growing.
"""

import os
import platform
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import psutil
from pydantic import Field, TypeAdapter, ValidationError

from models.errors import InputError
from models.metric import Metric
from workbench import __version__
from workbench.config import RunConfig
from workbench.data.catalogue import printable
from workbench.runs import files, reading
from workbench.runs.locks import HeldError, Lock, NoLocksError
from workbench.runs.state import State, judged

FORMAT = 1

_TAG = re.compile(r"[\w.-]{1,30}")
ABANDONED_SECONDS = 10.0
_TAKEN = "{} exists already. Choose another --name, or --resume it."

def wrong_tag(words: Iterable[str]) -> str:
    """What is wrong with the first word that cannot be a tag; "" where all can."""
    wrong = next((word for word in words if not _TAG.fullmatch(word)), None)
    return f"{wrong!r} cannot be a tag: use 1 to 30 letters, digits, '-', '_' or '.'." if wrong is not None else ""


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.json"
        self.environment_file = path / "environment.json"
        self.state_file = path / "state.json"
        self.metrics_file = path / "metrics.jsonl"
        self.log_file = path / "log.txt"
        self.tags_file = path / "tags.json"
        self.summary_file = path / "summary.png"
        self.evaluation_file = path / "evaluation.json"
        self.checkpoints = path / "checkpoints"
        self.snapshots = path / "snapshots"
        self.requests = path / "requests"
        self.output_file = path / "output.txt"
        self._lock, self._measuring = Lock(path / ".lock"), Lock(path / ".measuring")

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
        stem = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{config.model_name}-{printable(Path(dataset).name)[:60]}"
        if name is not None:
            check_name(runs_dir, name)
        for attempt in range(1000):
            path = runs_dir / (name or stem + (f"-{attempt + 1}" if attempt else ""))
            try:
                runs_dir.mkdir(parents=True, exist_ok=True)
                path.mkdir()
                return cls(path)
            except FileExistsError:
                if name is not None and _is_empty(path):
                    return cls(path)
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
        folder.stored_config()
        return folder

    def remove(self) -> None:
        """Delete the run and everything in it: at once for whoever looks, then file by file.

        Raises `InputError` where somebody writes the run, this process included, or it cannot be deleted.
        """
        with self.measuring():
            self.lock()
        hidden = self.path.with_name(f".deleted-{uuid.uuid4().hex}")
        try:
            self.path.rename(hidden)
        except OSError as error:
            raise InputError(f"{self.path} cannot be deleted ({error.strerror}).") from None
        finally:
            self.unlock()
        try:
            shutil.rmtree(hidden)
        except OSError as error:
            raise InputError(f"{self.name} is deleted, but {hidden} is left of it ({error.strerror}).") from None

    def lock(self) -> None:
        """Become the one that writes this run. Raises `InputError` where somebody does already, or nobody can."""
        try:
            self._take(self._lock)
        except HeldError as other:
            raise self._busy(str(other)) from None
        except NoLocksError:
            self._believe_state()

    def _take(self, lock: Lock) -> None:
        """Take a lock of this run. Raises as `Lock.take` does, and `InputError` where nobody can have it."""
        if not self.path.is_dir():  # the lock would make it anew
            raise InputError(f"There is no run at {self.path} any more.")
        try:
            lock.take()
        except OSError as error:
            raise InputError(f"{self.path} cannot be written to ({error.strerror}).") from None

    def _believe_state(self) -> None:
        """Without locks: whoever says that it trains the run, and lives, is believed."""
        with suppress(InputError):
            if self.state().status in {"running", "paused"}:
                raise self._busy(self._lock.holder())

    def _busy(self, writer: str) -> InputError:
        """Who writes the run, and how to watch it instead."""
        return InputError(
            f"{self.name} is being written by {writer}. Watch it instead: genbench, then 3 and Enter; "
            "p pauses it and X stops it there."
        )

    def unlock(self) -> None:
        """Let another process write this run."""
        self._lock.release()

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Be the only one that measures this run. Raises `InputError` where somebody does already, or nobody can."""
        try:
            self._take(self._measuring)
        except HeldError as other:
            raise InputError(
                f"{self.name} is being measured by {other}. Wait until that is done, or end that process."
            ) from None
        except NoLocksError:  # two that measure do the same twice, and no harm
            pass
        try:
            yield
        finally:
            self._measuring.release()

    @property
    def resume_command(self) -> str:
        """What a person types to go on with the run."""
        return f"genbench --no-ui --resume {shlex.quote(str(self.path))}"

    def write_config(
        self, config: RunConfig, images: Mapping[str, Any], metrics: Mapping[str, Metric],
        parent: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Write `config.json`, before the first step: what was asked for, and what its reader must know.

        `images` says which images they are, and their shape; `metrics` what the model's numbers mean; `parent`
        from which run and step it goes on with other settings.
        """
        described = {name: asdict(metric) for name, metric in metrics.items()}
        facts = {"images": images, "metrics": described, "parent": parent}
        files.write_json(self.config_file, {"format": FORMAT, **config.to_json(), **facts})

    def stored_config(self) -> dict[str, Any]:
        """What `config.json` holds, its settings unchecked. Raises `InputError` for another format than ours."""
        written = reading.read_json(self.config_file)
        if (found := written.get("format")) != FORMAT:
            raise InputError(
                f"{self.config_file} has format {found!r}; this genbench reads format {FORMAT}. "
                "Open it with the version that wrote it."
            )
        return written

    def config(self) -> RunConfig:
        """The configuration of this run. Raises `InputError` naming what is not valid in the file."""
        written = self.stored_config()
        try:
            return RunConfig.from_json(written)
        except InputError as error:
            raise InputError(f"{self.config_file} does not hold a valid configuration. {error}") from None
        except (KeyError, TypeError, AttributeError, ValueError):
            raise InputError(f"{self.config_file} lacks its model, data or training settings.") from None

    def images(self) -> dict[str, Any]:
        """Which images the run was trained on: fingerprint, channels, size, train, test, classes."""
        facts = self.stored_config().get("images")
        if (
            not isinstance(facts, dict)
            or facts.get("channels") not in (1, 3)
            or not (isinstance(facts.get("size"), int) and 1 <= facts["size"] <= 4096 and facts.get("fingerprint"))
        ):
            raise InputError(f"{self.config_file} does not say which images the run was trained on.")
        return facts

    def parent(self) -> dict[str, Any] | None:
        """`run` and `step` that this run goes on from with other settings; None for a run from the start."""
        facts = self.stored_config().get("parent")
        return facts if isinstance(facts, dict) and {"run", "step"} <= facts.keys() else None

    def metrics(self) -> dict[str, Metric]:
        """What the run's numbers mean, the one it is known by first; {} of a run that does not say."""
        return metrics_of(self.stored_config())

    def tags(self) -> tuple[str, ...]:
        """The words a person gave the run; none where the file holds none."""
        with suppress(InputError):
            return self.stored_tags()
        return ()

    def stored_tags(self) -> tuple[str, ...]:
        """The same. Raises `InputError` where there is a file that cannot be read."""
        if not os.path.lexists(self.tags_file):
            return ()
        words = reading.read_json(self.tags_file).get("tags")
        if not isinstance(words, list):
            raise InputError(f"{self.tags_file} does not hold a list of tags.")
        return tuple(word for word in words if isinstance(word, str) and not wrong_tag([word]))

    def set_tags(self, words: Iterable[str]) -> None:
        """Replace the run's tags. Raises `InputError` for a word that cannot be one."""
        tags = list(dict.fromkeys(words))
        if wrong := wrong_tag(tags):
            raise InputError(wrong)
        files.write_json(self.tags_file, {"tags": tags})

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
        files.write_json(self.state_file, files.finite(asdict(state.stamped())))

    def state(self) -> State:
        """Where the run stands now; a run that says it is running but whose process is gone is interrupted."""
        return judged(self.stored_state())

    def stored_state(self) -> State:
        """Where the run stood when it last said so. Raises `InputError` where the file does not tell."""
        written = reading.read_json(self.state_file)
        try:
            state = State.read(written)
        except ValidationError as error:
            wrong = ", ".join(str(item["loc"][0]) for item in error.errors() if item["loc"])
            raise InputError(f"{self.state_file} does not say where the run stands ({wrong}).") from None
        with suppress(OSError):  # a run that has nothing to say, since it is paused or draws, touches the file
            state = replace(state, heartbeat=max(state.heartbeat, self.state_file.stat().st_mtime))
        return state

    def snapshot(self, step: int) -> Path:
        """Where the arrays of one moment go: snapshots/step-000001800.npz."""
        return self.snapshots / f"step-{step:09d}.npz"

    def picture(self, kind: str, name: str) -> Path:
        """Where a picture goes: samples/step-000001800.png, latent/tsne.png, ..."""
        return self.path / kind / f"{name}.png"

    def export(self, name: str) -> Path:
        """Where a chart goes that a person wrote out: exports/loss-20261122-161903.csv."""
        return self.path / "exports" / name

    def pictures(self) -> list[Path]:
        """The pictures to look at first: the final one of each kind, or the newest; the contact sheet last."""
        found = []
        for kind in sorted(path for path in self.path.glob("*") if path.is_dir()):
            drawn = sorted(kind.glob("*.png"))
            named = [path for path in drawn if path.stem in {"final", "curves", "tsne"}]
            found += named or drawn[-1:]
        return [*found, *([self.summary_file] if self.summary_file.exists() else [])]

    def log(self, text: str) -> None:
        """Append to `log.txt`, each entry with its time."""
        line = f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text.rstrip()}\n"
        files.append_text(self.log_file, line)


@cache
def _metrics() -> TypeAdapter[Metric]:
    return TypeAdapter(Metric)


def metrics_of(config: Mapping[str, Any]) -> dict[str, Metric]:
    """The `metrics` of what `config.json` holds; what cannot be understood is left out."""
    written = config.get("metrics")
    found = {}
    for name, facts in written.items() if isinstance(written, dict) else ():
        with suppress(ValidationError):
            found[name] = _metrics().validate_python(facts)
    return found


def check_name(runs_dir: Path, name: str) -> None:
    """Raise `InputError` where a new run cannot be called `name`."""
    impossible = name.strip(" .") == "" or name.startswith(".") or set(name) & set("/\\:") or not name.isprintable()
    if impossible or len(name.encode()) > 255:
        raise InputError(f"A run's name becomes a folder's name; {name!r} cannot be one.")
    if (runs_dir / name).exists() and not _is_empty(runs_dir / name):
        raise InputError(_TAKEN.format(runs_dir / name))


def _is_empty(path: Path) -> bool:
    """Whether a folder has held nothing for a while: a kill came between its making and its configuration."""
    with suppress(OSError):
        old = time.time() - path.stat().st_mtime > ABANDONED_SECONDS
        return old and all(entry.name.startswith(".") for entry in path.iterdir())
    return False


def _commit() -> str:
    """The commit of genbench's own source, where it runs from a checkout; "" elsewhere."""
    here = Path(__file__).parent
    with suppress(OSError, subprocess.SubprocessError):
        _git(here, "ls-files", "--error-unmatch", __file__)  # fails where it is no part of the checkout
        return _git(here, "rev-parse", "HEAD")
    return ""


def _git(folder: Path, *arguments: str) -> str:
    line = ["git", "-C", str(folder), *arguments]
    return subprocess.run(line, capture_output=True, timeout=5, check=True, text=True).stdout.strip()
