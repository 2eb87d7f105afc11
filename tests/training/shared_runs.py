"""Command lines, one after another, in each of the processes that torchrun starts: starting is what takes time.

`python -m torch.distributed.run --nproc-per-node=2 tests/training/shared_runs.py '[["--no-ui", ...], ...]'`
What breaks, each thing once, is told by GENBENCH_TEST_BREAK: a list of [process, how, step].
"""

import json
import math
import os
import signal
import sys
from dataclasses import replace
from typing import NoReturn

import pytest
from torch import Tensor

from models.base import Batch
from models.errors import InputError
from tests.harness import no_drawings
from workbench import cli, session
from workbench.training.steps import Steps


def breaking(how: str, at: int) -> None:
    """Let this process go wrong in a step, or before the first."""
    honest, patch = Steps.seen, pytest.MonkeyPatch()

    def seen(steps: Steps, pixels: Tensor, labels: Tensor | None, step: int) -> Batch:
        found = honest(steps, pixels, labels, step)
        if step + 1 != at:
            return found
        patch.undo()
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "raise":
            raise ValueError("the flux is out of range")
        return replace(found, images=found.images * math.nan)

    def lost(*_: object) -> NoReturn:
        raise InputError("There is no folder here.")

    if how == "data":
        patch.setattr(session, "images_of", lost)
    else:
        patch.setattr(Steps, "seen", seen)


if __name__ == "__main__":
    for process, how, at in json.loads(os.environ["GENBENCH_TEST_BREAK"]):
        if str(process) == os.environ["RANK"]:
            breaking(how, at)
    with no_drawings():
        codes = [cli.run(line) for line in json.loads(sys.argv[1])]
    sys.stdout.flush()
    os._exit(max(codes))
