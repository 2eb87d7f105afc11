"""Where the traceback of a bug goes: a file of its own, never the screen."""

import tempfile
import traceback


def keep(error: BaseException) -> str:
    """Write the traceback to a temporary file and return one line that says what and where."""
    with tempfile.NamedTemporaryFile("w", prefix="genbench-", suffix=".log", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return f"a bug of ours ({type(error).__name__}: {error}). Traceback: {file.name}"
