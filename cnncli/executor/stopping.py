"""Ctrl-C and SIGTERM while a network trains: the step that is under way is finished, then the training is saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
