"""When to try again, and after how long. Pure: what happened goes in, seconds or None come out."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_WAIT_S = 120.0
"""A server that asks for a longer pause is not waited for."""
_FIRST_WAIT_S = 0.5
_LAST_WAIT_S = 30.0
_LAST_DOUBLING = 6


def wait_s(attempt: int, headers: Mapping[str, str], draw: random.Random) -> float | None:
    """Return how long to wait before the next attempt, in seconds; None: give up.

    Args:
        attempt: Attempts made so far, >= 1.
        headers: Of the answer, names in lower case; empty where none came.
        draw: Source of the jitter.

    The server's `retry-after-ms` or `retry-after` (seconds or an HTTP date, RFC 9110 §10.2.3) goes first; without
    one the wait is drawn from [0, 0.5 s * 2^attempt], at most 30 s ("full jitter").
    """
    asked = retry_after_s(headers)
    if asked is not None:
        return asked if asked <= LONGEST_WAIT_S else None
    return draw.uniform(0, min(_LAST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(attempt, _LAST_DOUBLING)))


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the pause a server asks for, in seconds, >= 0; None where it asks for none that can be read."""
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            pause = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if math.isfinite(pause) and pause >= 0:
            return pause
    return _until(headers.get("retry-after", ""), headers.get("date", ""))


def _until(moment: str, now: str) -> float | None:
    """Return the seconds from the server's own clock to a date; the local clock is used only without one."""
    try:
        target = parsedate_to_datetime(moment)
    except ValueError:
        return None
    try:
        start = parsedate_to_datetime(now)
    except ValueError:
        start = datetime.now(UTC)
    if target.tzinfo is None or start.tzinfo is None:
        return None
    return max(0.0, (target - start).total_seconds())
