"""When to try again, and after how long. Pure: what happened goes in, seconds or None come out."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from fceval.client.outcome import Failed
from fceval.records import Attempt

LONGEST_WAIT_S = 120.0
"""A server that asks for a longer pause is not waited for."""
_FIRST_WAIT_S = 0.5
_LAST_WAIT_S = 30.0
_LAST_DOUBLING = 6
_BUDGETS = tuple(
    (f"x-ratelimit-remaining-{budget}", f"x-ratelimit-reset-{budget}") for budget in ("requests", "tokens")
)
"""Names of the headers that say what is left of a budget, and when there is more."""
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
_EPOCH_S = 1e9  # a number this large is a moment, not a duration


_SERVER_ERROR = 500
_SAME_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is tried."""

    max_attempts: int
    """>= 1."""
    max_case_s: float
    """Since its first attempt, in seconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """What follows a failed attempt."""

    wait_s: float | None = None
    """Seconds until the next attempt; None: there is none."""
    stops_run: bool = False
    """Nothing else needs to be asked either, for now."""
    why: str = ""
    """For a person, where the run stops."""


def next_step(  # noqa: PLR0913 -- what the decision rests on
    failed: Failed,
    attempts: Sequence[Attempt],
    elapsed_s: float,
    patience: Patience,
    draw: random.Random,
    *,
    others_pass: bool,
) -> Step:
    """Return what follows a failed attempt.

    Args:
        failed: What came of the last attempt.
        attempts: All of the request, the last one included.
        elapsed_s: Since the first one was sent.
        patience: How long a request is tried.
        draw: Source of the jitter.
        others_pass: Whether other requests have been answered since then.

    A server error that comes back the same three times while others pass is this request's own.
    """
    if not failed.retryable or len(attempts) >= min(patience.max_attempts, failed.most_attempts or math.inf):
        return Step()
    if others_pass and _is_same_error(attempts):
        return Step()
    pause_s = wait_s(len(attempts), failed.headers, draw)
    if pause_s is None:
        why = f"{failed.detail} (asks for a pause of {retry_after_s(failed.headers):g} s: go on with the run then)"
        return Step(stops_run=True, why=why)
    return Step(pause_s) if elapsed_s + pause_s <= patience.max_case_s else Step()


def _is_same_error(attempts: Sequence[Attempt]) -> bool:
    last = attempts[-_SAME_ERRORS:]
    same = len({(attempt.status, attempt.detail) for attempt in last}) == 1
    return len(last) == _SAME_ERRORS and same and (last[0].status or 0) >= _SERVER_ERROR


def wait_s(attempt: int, headers: Mapping[str, str], draw: random.Random) -> float | None:
    """Return how long to wait before the next attempt, in seconds; None: the server asks for more than is waited.

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


def exhausted_s(headers: Mapping[str, str]) -> float | None:
    """Return for how long a budget of the account is used up, in seconds, >= 0; None where none is.

    Reads `x-ratelimit-remaining-requests` and `-tokens` with their `-reset-`, which is a Go duration (`6m0s`,
    `20ms`), seconds, or a moment. The limits that stand beside them may be another account's and count nothing.
    """
    longest_s = None
    for remaining, reset in _BUDGETS:
        if headers.get(remaining, "").strip() == "0":
            pause_s = reset_s(headers.get(reset, ""), headers.get("date", ""))
            if pause_s is not None:
                longest_s = max(longest_s or 0.0, pause_s)
    return longest_s


def reset_s(text: str, now: str) -> float | None:
    """Return a `reset` as seconds from now; None where it cannot be read.

    Args:
        text: A Go duration, seconds, Unix seconds, or an RFC 3339 moment.
        now: The `date` header of the same answer; may be empty.
    """
    text = text.strip()
    duration = _DURATION.fullmatch(text)
    if text and duration:
        hours, minutes, seconds, milliseconds = (float(part or 0) for part in duration.groups())
        return hours * 3600 + minutes * 60 + seconds + milliseconds / 1000
    start = _moment(now) or datetime.now(UTC)
    try:
        number = float(text)
    except ValueError:
        return _from(start, text)
    if not math.isfinite(number) or number < 0:
        return None
    return number if number < _EPOCH_S else max(0.0, number - start.timestamp())


def _from(start: datetime, text: str) -> float | None:
    try:
        target = datetime.fromisoformat(text)
    except ValueError:
        return None
    return max(0.0, (target - start).total_seconds()) if target.tzinfo else None


def _until(moment: str, now: str) -> float | None:
    """Return the seconds from the server's own clock to a date; the local clock is used only without one."""
    target = _moment(moment)
    return None if target is None else max(0.0, (target - (_moment(now) or datetime.now(UTC))).total_seconds())


def _moment(text: str) -> datetime | None:
    """Return an HTTP date, or None for what is none or names no time zone."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
