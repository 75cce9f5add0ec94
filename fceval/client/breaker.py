"""When to stop asking an endpoint that fails every time. Pure: failures and the clock in, leave to send out.

After a run of equal failures with no answer in between, nothing more is sent for a while; then one request tries
again. If it is answered, all goes on; if it fails as the others did, the endpoint is down, and the run stops.
"""

from __future__ import annotations

import math
from enum import Enum


class Leave(Enum):
    """What a request that wants to be sent is told."""

    GO = "go"
    WAIT = "wait"
    TRY = "try"
    """Go, as the one that finds out whether the endpoint is back."""


class Breaker:
    """Counts equal failures in a row."""

    def __init__(self, threshold: int, pause_s: float) -> None:
        """Make a breaker.

        Args:
            threshold: Equal failures in a row that open it, >= 1; 0: it never opens.
            pause_s: How long nothing is sent then, in seconds.
        """
        self._threshold = threshold
        self._pause_s = pause_s
        self._kind = ""
        self._failures = 0
        self._open_until = -math.inf
        self._trying = False
        self.is_open = False
        """Nothing is sent but one request that tries."""
        self.tripped = False
        """The request that tried failed, too: the endpoint is down."""

    def leave(self, now: float) -> Leave:
        """Return whether a request may be sent now; whoever is told `TRY` is the one that tries."""
        if not self.is_open:
            return Leave.GO
        if not self.may_ask(now):
            return Leave.WAIT
        self._trying = True
        return Leave.TRY

    def may_ask(self, now: float) -> bool:
        """Return whether it is worth asking for leave now."""
        return not self.is_open or (not self._trying and now >= self._open_until)

    def wait_s(self, now: float) -> float:
        """Return how long the pause still lasts, in seconds; 0 while a request tries."""
        return max(0.0, self._open_until - now) if self.is_open else 0.0

    def answered(self) -> None:
        """Note an answer of the model, or a failure that is this request's own: the endpoint is there."""
        self._failures = 0
        self.is_open = self._trying = False

    def failed(self, kind: str, leave: Leave, now: float) -> None:
        """Note a failure.

        Args:
            kind: What failed; equal failures have equal kinds.
            leave: What the request was told before it was sent.
            now: On the clock of `leave`.
        """
        if leave is Leave.TRY:
            self._trying = False
            self.tripped = True
        elif not self.is_open:
            self._failures = self._failures + 1 if kind == self._kind else 1
            self._kind = kind
            if 0 < self._threshold <= self._failures:
                self.is_open = True
                self._open_until = now + self._pause_s

    def gave_up(self, leave: Leave) -> None:
        """Note that a request was not sent after all."""
        if leave is Leave.TRY:
            self._trying = False
