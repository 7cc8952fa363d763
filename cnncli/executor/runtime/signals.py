"""Ctrl-C and SIGTERM while a network trains: the step that is under way is finished, then the training is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A signal has ended the training; ``exit_code`` is as a shell has it: 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """That of a stop, or of a Ctrl-C which Python itself has raised."""
    return stop.exit_code if isinstance(stop, Stopped) else 128 + signal.SIGINT


@contextmanager
def termination_raised() -> Iterator[None]:
    """Within the block SIGTERM raises Stopped, as Ctrl-C raises KeyboardInterrupt: without it the process just ends.

    In another thread than the main one there is none to catch.
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
    """Which signal has come, if any; a second one of the kind is not waited for."""

    def __init__(self) -> None:
        self.signal = 0

    def __bool__(self) -> bool:
        return self.signal != 0

    @property
    def exit_code(self) -> int:
        """As a shell has it: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.signal


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Catch both signals within the block. In another thread than the main one there are none to catch."""
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
