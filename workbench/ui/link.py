"""The way to the terminal, which may stall or break: a laptop is closed, a connection hangs.

Whoever writes to a terminal that does not read waits for it, and Textual's event loop waits with its writer: no
key, no signal would be obeyed, and nobody would see to it that the run is saved. So what cannot be written within a
moment is dropped, and the screen is drawn anew when the terminal reads again.
"""

import io
import os
import select
import time
from contextlib import suppress

PATIENCE = 1.0  # seconds without a byte taken after which the terminal counts as stalled
_CANCEL = b"\x18"  # ends a sequence that was cut off
# No bracketed paste, no focus reports, no mouse, plain keys, the main screen, a cursor, no colours.
_MODES = (2004, 1004, 1000, 1003, 1015, 1006, 1049)
_AS_IT_WAS = "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[<u\x1b[?25h\x1b[0m"


class Link(io.TextIOBase):
    """A terminal to write to. Writing takes `PATIENCE` at most and never fails."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        try:
            # Opened anew: not to wait is a property of an opening, and the shell's own must go on waiting.
            self._descriptor = os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # a container may see its terminal under another's name; this one may wait after all
            self._descriptor = os.dup(descriptor)
        self._encoding = encoding
        self.stalled = False  # it does not read
        self._dropped = False  # what was drawn did not arrive, not all of it

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """That of the terminal."""
        return self._encoding

    def isatty(self) -> bool:
        """It is one."""
        return True

    def fileno(self) -> int:
        """The descriptor, to ask for the size."""
        return self._descriptor

    def writable(self) -> bool:
        """It is for writing only."""
        return True

    def write(self, text: str) -> int:
        """Write all of it, or mark the terminal as stalled and drop the rest, and what follows until it reads."""
        self._try_again()
        data = memoryview(text.encode(self._encoding, "replace"))
        patient_until = time.monotonic() + PATIENCE
        while data and not self.stalled:
            try:
                data = data[os.write(self._descriptor, data) :]
                patient_until = time.monotonic() + PATIENCE
            except BlockingIOError:
                left = patient_until - time.monotonic()
                self.stalled = left <= 0 or not select.select([], [self._descriptor], [], left)[1]
            except OSError:  # the terminal is gone
                self.stalled = True
        self._dropped = self._dropped or bool(data)
        return len(text)

    def is_back(self) -> bool:
        """Whether a terminal that was stalled reads again, so that everything must be drawn anew."""
        self._try_again()
        back = self._dropped and not self.stalled
        self._dropped = self._dropped and not back
        return back

    def _try_again(self) -> None:
        """A terminal that reads again is written to again: above all the words that put it back as it was."""
        if not self.stalled or not select.select([], [self._descriptor], [], 0)[1]:
            return
        with suppress(OSError):  # BlockingIOError among them
            os.write(self._descriptor, _CANCEL)
            self.stalled = False

    def close(self) -> None:
        """Give the descriptor back; before that a terminal that missed something is told again to be as it was."""
        if not self.closed:
            if self._dropped:
                select.select([], [self._descriptor], [], PATIENCE)
                self.write(_AS_IT_WAS)
            os.close(self._descriptor)
        super().close()
