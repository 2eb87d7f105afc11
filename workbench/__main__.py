"""`genbench`, and `python -m workbench`."""

import os
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn


def main() -> None:
    """Run the command line and leave with its exit code."""
    ours = Path(__file__).parent.parent / "models" / "__init__.py"
    spec = find_spec("models")
    if spec is None or spec.origin is None or not Path(spec.origin).samefile(ours):
        where = spec.origin if spec and spec.origin else "another place"
        sys.exit(_refuse(f"The package `models` here comes from {where}, not from genbench. "
                         "Start `genbench` instead of `python -m workbench`, or change the folder."))  # fmt: skip
    from workbench.cores import share_cores

    share_cores()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it --deterministic is refused on a GPU
    from workbench.cli import run

    _leave(run(sys.argv[1:]))


def _leave(code: int) -> NoReturn:
    """End the process; what still goes on inside a library is neither waited for nor torn down."""
    distributed = sys.modules.get("torch.distributed")
    left = distributed is not None and distributed.is_available() and distributed.is_initialized()
    if threading.active_count() > 1 or left:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _refuse(sentence: str) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201 (nothing else may be imported yet)
    return 2


if __name__ == "__main__":
    main()
