"""Command lines, one after another, in each of the processes that torchrun starts: starting is what takes time.

`python -m torch.distributed.run --nproc-per-node=2 tests/training/shared_runs.py '[["--no-ui", ...], ...]'`
The last process fails, or is killed, in the step that GENBENCH_TEST_BREAK names: {"raise": 7}, {"kill": 7}.
"""

import json
import os
import signal
import sys
from typing import Any

from tests.harness import no_drawings
from workbench import cli
from workbench.training.steps import Steps


def breaking(how: str, at: int) -> None:
    """Let the last process end badly in a step."""
    honest = Steps.take

    def take(steps: Any) -> None:
        if int(os.environ["RANK"]) == int(os.environ["WORLD_SIZE"]) - 1 and steps._state.step + 1 == at:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("the flux is out of range")
        honest(steps)

    Steps.take = take  # type: ignore[method-assign]


if __name__ == "__main__":
    for how, at in json.loads(os.environ.get("GENBENCH_TEST_BREAK", "{}")).items():
        breaking(how, at)
    with no_drawings():
        codes = [cli.run(line) for line in json.loads(sys.argv[1])]
    sys.stdout.flush()
    os._exit(max(codes))
