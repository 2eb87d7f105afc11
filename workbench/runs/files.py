"""All writing of run files: whole files that appear at once, lines that are appended, one lock.

Everything that a run keeps goes through these few functions, so what happens on a full disk or a kill is
decided, and can be tested, in one place.
"""

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.errors import InputError


def write(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was: never half a file, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Some systems (Windows, some network drives) cannot, and need no help from us."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write strict, readable JSON: a number that is not finite raises `ValueError`."""
    write(path, (json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object. Raises `InputError` naming the file when it is missing or damaged."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path} is missing, so {path.parent} is not a run that can be opened.") from None
    except ValueError:
        raise InputError(f"{path} cannot be read: it is not JSON.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} should hold a JSON object; it holds a {type(value).__name__}.")
    return value


def to_line(record: Mapping[str, Any]) -> str:
    """One record as one line of strict JSON."""
    return json.dumps(finite(record), allow_nan=False, ensure_ascii=False) + "\n"


def append_line(path: Path, record: Mapping[str, Any]) -> None:
    """Append one JSON object as one line; a torn line left by a kill is closed first."""
    line = to_line(record).encode()
    with path.open("ab") as file:
        if file.tell() and not _ends_with_newline(path):
            line = b"\n" + line
        file.write(line)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, one a line. A missing file has none; a damaged line is passed over."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def finite(record: Mapping[str, Any]) -> dict[str, Any]:
    """`record` with numbers that JSON does not have as null, and their names under "notices"."""
    lost: list[str] = []

    def clean(value: Any, name: str) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            lost.append(f"{name} is {value}")
            return None
        if isinstance(value, list | tuple):
            return [clean(inner, f"{name}[{index}]") for index, inner in enumerate(value)]
        if isinstance(value, Mapping):
            return {key: clean(inner, f"{name}.{key}" if name else str(key)) for key, inner in value.items()}
        return value

    cleaned: dict[str, Any] = clean(record, "")
    return cleaned | ({"notices": lost} if lost else {})
