"""When an endpoint of our own must end."""

from __future__ import annotations

import signal
import time
from types import FrameType

_LOOK_S = 0.1


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end an endpoint: SIGTERM, and SIGINT where it is not ignored already."""
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return (signal.SIGTERM,) if ignored else (signal.SIGTERM, signal.SIGINT)


def wait_until_stopped() -> None:
    """Block until one of `stop_signals` arrives. For servers whose work is done by threads of native code."""
    arrived: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    for number in stop_signals():
        signal.signal(number, note)
    # Not an Event: setting one in a handler that interrupts its own wait can deadlock.
    while not arrived:
        time.sleep(_LOOK_S)
