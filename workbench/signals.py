"""What signals mean to a process that trains.

SIGINT and SIGTERM end the run after its step, saved, without further pictures; a second one leaves at once.
SIGUSR1, which Slurm can send some time before the end, saves and goes on. SIGHUP, the terminal is gone: so it goes
on without.
"""

import os
import signal
import time
from contextlib import AbstractContextManager, suppress
from types import FrameType
from typing import NoReturn

from workbench.training.control import Control

_ENDING = (signal.SIGINT, signal.SIGTERM)
_SAVE, _HANG_UP = getattr(signal, "SIGUSR1", None), getattr(signal, "SIGHUP", None)
AGAIN_SECONDS = 0.4  # after which another signal is meant as another one
SHARED_AGAIN_SECONDS = 20.0  # torchrun passes on what a terminal has sent already; after 30 s it kills
_SHOW_CURSOR = b"\r\x1b[?25h\x1b[K"


class Signals(AbstractContextManager["Signals"]):
    """Handlers for one run of this process's main thread; what was there before comes back at the end."""

    def __init__(self) -> None:
        self.received = 0  # the signal that ended the run
        self._received_at = 0.0
        self._again = AGAIN_SECONDS
        self._control: Control | None = None
        self._terminals = [number for number in (0, 1, 2) if _is_terminal(number)]

    def __enter__(self) -> "Signals":
        numbers = [number for number in (*_ENDING, _SAVE, _HANG_UP) if number is not None]
        self._before = {number: signal.signal(number, self._handle) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def lead_to(self, control: Control) -> None:
        """From now on there is something to save."""
        self._control = control

    def expect_more(self) -> None:
        """One of several processes hears of one wish more than once."""
        self._again = SHARED_AGAIN_SECONDS

    @property
    def exit_code(self) -> int:
        """As a shell reports a process that a signal has ended."""
        return 128 + (self.received or signal.SIGINT)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == _HANG_UP:
            self._let_go()
        elif number == _SAVE:
            if self._control is not None:
                self._control.ask("checkpoint")
        elif self.received:
            # One who ends a whole group of processes may reach this one twice.
            if time.monotonic() - self._received_at >= self._again:
                self._leave_at_once(number)
        else:
            self.received, self._received_at = number, time.monotonic()
            if self._control is not None:
                self._control.stop(hurried=True)
            elif number == signal.SIGINT:
                raise KeyboardInterrupt
            else:
                raise SystemExit(self.exit_code)

    def _let_go(self) -> None:
        """Whoever writes to a terminal that is gone fails; from now on nobody does."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in self._terminals:
            os.dup2(nowhere, number)
        os.close(nowhere)

    def _leave_at_once(self, number: int) -> NoReturn:
        """Every file is whole at every moment, so there is nothing to wait for but the terminal's cursor."""
        with suppress(OSError):
            for terminal in self._terminals[-1:]:
                os.write(terminal, _SHOW_CURSOR)
            os.write(2, b"Interrupted.\n")
        os._exit(128 + number)


def _is_terminal(number: int) -> bool:
    try:
        return os.isatty(number)
    except OSError:
        return False
