"""Command lines, one after another, in each of the processes that torchrun starts: starting is what takes time.

`python -m torch.distributed.run --nproc-per-node=2 tests/training/shared_runs.py '[["--no-ui", ...], ...]'`
What breaks is told by GENBENCH_TEST_BREAK, as [process, how, step].
"""

import json
import os
import signal
import sys
from typing import Any, NoReturn

from models.errors import InputError
from tests.harness import no_drawings
from workbench import cli, session
from workbench.training.steps import Steps


def breaking(how: str, at: int) -> None:
    """Let this process end badly in a step, or before the first."""
    honest = Steps.take

    def take(steps: Any) -> None:
        if steps._state.step + 1 == at:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("the flux is out of range")
        honest(steps)

    def lost(*_: object) -> NoReturn:
        raise InputError("There is no folder here.")

    if how == "data":
        session.images_of = lost
    else:
        Steps.take = take  # type: ignore[method-assign]


if __name__ == "__main__":
    process, *broken = json.loads(os.environ["GENBENCH_TEST_BREAK"])
    if str(process) == os.environ["RANK"]:
        breaking(*broken)
    with no_drawings():
        codes = [cli.run(line) for line in json.loads(sys.argv[1])]
    sys.stdout.flush()
    os._exit(max(codes))
