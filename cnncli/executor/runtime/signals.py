"""Ctrl-C and SIGTERM while a network trains: the current step is completed, then the training is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal ended the training; ``exit_code`` follows the shell: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """The exit code of a Stopped, or of a Ctrl-C that Python itself raised."""
    return stop.exit_code if isinstance(stop, Stopped) else 128 + signal.SIGINT


@contextmanager
def termination_raised() -> Iterator[None]:
    """SIGTERM raises Stopped inside the ``with`` block, as Ctrl-C raises KeyboardInterrupt; by default it just kills.

    Does nothing outside of the main thread, which gets all signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)

    def received(number: int, frame: FrameType | None) -> None:
        raise Stopped(128 + number)

    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, received)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class StopRequest:
    """The signal that was received, if any; a second one of the same kind acts at once."""

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """The shell's exit code: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Catch both signals inside the ``with`` block; does nothing outside of the main thread."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def received(number: int, frame: FrameType | None) -> None:
        request.signal = number
        signal.signal(number, before[signal.Signals(number)])

    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, received)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
