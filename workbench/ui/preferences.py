"""What the workbench remembers between starts: the theme, the layout, how charts and pictures are drawn."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from models.errors import InputError
from workbench.runs import files, reading


@dataclass
class Preferences:
    """Choices of a person. A file that is damaged, or of another version, costs no more than these defaults."""

    theme: str = ""  # "" chooses by what the terminal can do
    renderer: str = ""  # "" likewise
    axis: str = "epoch"
    smoothing: float = 0.6
    band: bool = True
    maximised: str = ""  # the pane that fills the Watch view; "" shows all
    sort: str = "last heard"
    reverse: bool = False
    told_until: float = 0.0  # runs that were interrupted later than this, in seconds since 1970, are news

    @classmethod
    def read(cls) -> "Preferences":
        """What was remembered last; what makes no sense is passed over."""
        with suppress(InputError):
            written = reading.read_json(_path())
            known: dict[str, Any] = asdict(cls())
            return cls(**{n: v for n, v in written.items() if n in known and type(v) is type(known[n])})
        return cls()

    def write(self) -> None:
        """Remember; a home that cannot be written to is no reason to complain."""
        with suppress(OSError):
            _path().parent.mkdir(parents=True, exist_ok=True)
            files.write(_path(), json.dumps(asdict(self), indent=2).encode())


def _path() -> Path:
    from platformdirs import user_config_dir

    return Path(os.environ.get("GENBENCH_CONFIG_DIR") or user_config_dir("genbench")) / "workbench.json"
