"""A process that decodes pictures into a store: `python -m workbench.data.decode_worker STORE ROOT`.

In: a line of JSON for each batch, [[position, path below ROOT], ...]. Out: an empty line when it is done. It ends
when the lines do, so it never outlives whoever started it. Torch is not imported.
"""

import json
import os
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path

from workbench.data.decode import decode
from workbench.data.decoding import attempt
from workbench.data.store import Store


def main() -> None:
    """Decode until there is nothing more to do."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(OSError, AttributeError):
        os.nice(5)  # a screen, and a training beside it, come first
    warnings.simplefilter("ignore")  # Pillow's remarks on odd files; what matters it raises
    store, root = Store.open(Path(sys.argv[1]), writable=True), Path(sys.argv[2])
    for line in sys.stdin.buffer:
        for index, name in json.loads(line):
            attempt(store, index, root / name, decode)
        sys.stdout.buffer.write(b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
