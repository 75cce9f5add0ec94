"""How a run was paced: the rate as sent, the fullest windows, and what was waited for. From the attempts on record.

What can be known follows from the journal alone, and has its limits:

* An attempt counts from when it was sent, in the run's wall clock, which is written to the millisecond at best: two
  that lie a window apart to the millisecond may in truth lie a little closer.
* A run that was interrupted and gone on with has gaps. Where for more than `IDLE_S` nothing was sent, in flight or
  held up by the pace, the run was not sending: that time is in no rate. What is left is the sending time: from when the
  first request was held up to when the last one was sent, and an average interval for that last one, as three requests
  a second apart are one a second (one without others takes as long as its answer). In a rate it counts as a second at
  least: less says nothing of a minute.
* At most one request at a time is held up by the pace, so what was waited is time of the run, not of its requests.
  What is left of the sending time was spent on slots: requests waited for others to be answered, or none did.
* Answers that were lent by other runs were not sent by this one: where a run borrows, attempts older than itself are
  not its.
* The event loop's lag is noted once an invocation, at its end: one that was killed left none.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import polars as pl

from fceval.records import Attempt, Response
from fceval.rows import MetricRow

VARIANT = ""
"""Of these rows: they are about the run as a whole, as its variants share the pace."""
IDLE_S = 60.0
"""A longer time without anything sent, in flight or held up is not part of the run."""
EPISODE_S = 15.0
"""Refusals within this time of the first are one episode; the pace slows down once for each."""
CAUSES = ("pause", "rpm", "tpm")
"""What holds requests up, by the names of `Attempt.waited_s`."""

LAG = "loop_lag_p99_s"
LATE_S = 0.02
"""A lag beyond this makes latencies suspect."""

DOCS: Mapping[str, str] = {
    "requested_rpm": "Most requests a minute that the settings allow, by those in force last",
    "requested_tpm": "Most tokens a minute that the settings allow, by those in force last",
    "achieved_rpm": "Requests sent, per minute of the sending time",
    "most_in_60_s": "Most requests sent within any 60 seconds",
    "most_in_1_s": "Most requests sent within any second",
    "sending_s": "Time from the first request to the last, without the gaps in which nothing went on",
    "waited_pause_s": "Held up by a pause that the endpoint asked for",
    "waited_rpm_s": "Held up by the limit of requests a minute",
    "waited_tpm_s": "Held up by the limit of tokens a minute",
    "waited_slots_s": "Held up by no limit: as many as allowed were in flight, or nothing was due",
    "attempts": "HTTP requests sent, retries included",
    "retries": "HTTP attempts beyond the first of each request",
    "rate_limited_responses": "HTTP answers with status 429, retried ones included",
    "rate_limit_episodes": "How often a time of refusals began: those within 15 seconds of the first are one",
    "possibly_billed": "Requests that may have been paid for without an answer on record: never ended, or broken off",
    "reused_responses": "Answers that other runs lent: not sent",
    LAG: "How late the event loop of the run woke up, but for one of 100 looks: latencies may be as wrong",
}
"""Each metric, and what it means."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_TICKS = 1_000_000
"""In a second."""
_SHORTEST_S = 1
_MINUTE_S = 60
_TOO_MANY = 429


class Sent:
    """Gathers the attempts of a run: 24 bytes each, so that a run of millions fits into memory."""

    def __init__(self, not_before: str | None = None) -> None:
        """Begin without attempts.

        Args:
            not_before: UTC, ISO 8601: attempts that were sent earlier are another run's; None: all are this one's.
        """
        self._not_before = _ticks(not_before) if not_before else None
        # In microseconds since 1970: when it began to wait for the pace, when it was sent, when it had ended.
        self._begun, self._sent, self._ended = array("q"), array("q"), array("q")
        self._refused = array("q")
        self._waited: Counter[str] = Counter()
        self._requests = self._reused = self._broken = 0

    def note(self, response: Response) -> None:
        """Take the attempts of the response that counts of a request; one without attempts was never sent."""
        if not response.attempts:
            return
        if self._not_before is not None and _ticks(response.attempts[0].started_at) < self._not_before:
            self._reused += 1
            return
        self._requests += 1
        self.note_replaced(response)

    def note_replaced(self, response: Response) -> None:
        """Take the attempts of a response that does not count, as the same request was made again."""
        for attempt in response.attempts:
            self._note_attempt(attempt)

    def add(self, other: Sent) -> None:
        """Take what another one has gathered."""
        for mine, others in (
            (self._begun, other._begun),
            (self._sent, other._sent),
            (self._ended, other._ended),
            (self._refused, other._refused),
        ):
            mine.extend(others)
        self._waited.update(other._waited)
        self._requests += other._requests
        self._reused += other._reused
        self._broken += other._broken

    def _note_attempt(self, attempt: Attempt) -> None:
        sent = _ticks(attempt.started_at)
        waited = {cause: round(seconds * _TICKS) for cause, seconds in attempt.waited_s.items()}
        ended = sent + round(attempt.latency_s * _TICKS)
        self._begun.append(sent - sum(waited.values()))
        self._sent.append(sent)
        self._ended.append(ended)
        self._waited.update(waited)
        self._broken += attempt.broke_off
        if attempt.status == _TOO_MANY:
            self._refused.append(ended)

    def rows(
        self, rpm: float | None, tpm: float | None, unfinished: int, lag_ms: Mapping[int, int] = MappingProxyType({})
    ) -> list[MetricRow]:
        """Return the metrics of `DOCS`, in their order; none where no request was ever begun.

        Args:
            rpm: Most requests a minute, as it was asked for; None: no limit.
            tpm: Most tokens a minute; None: no limit.
            unfinished: Requests that were begun and have no response.
            lag_ms: How late the event loop woke up, in milliseconds to how often.
        """
        if not self._sent and not unfinished:
            return []
        return [
            MetricRow(VARIANT, "run", "", name, None if value is None or not n else float(value), n, None, None)
            for name, value, n in (*self._numbers(rpm, tpm, unfinished), *_lag(lag_ms))
        ]

    def _numbers(
        self, rpm: float | None, tpm: float | None, unfinished: int
    ) -> Iterator[tuple[str, float | None, int]]:
        """Yield name, value and number of observations; a limit is one, as it is stated once."""
        sends = len(self._sent)
        sending = self._sending_ticks()
        waited = [self._waited[cause] for cause in CAUSES]
        times = array("q", pl.Series(self._sent, dtype=pl.Int64).sort())
        yield "requested_rpm", rpm, int(rpm is not None)
        yield "requested_tpm", tpm, int(tpm is not None)
        yield "achieved_rpm", sends * _MINUTE_S * _TICKS / max(sending, _SHORTEST_S * _TICKS), sends
        yield "most_in_60_s", most_within(times, 60 * _TICKS), sends
        yield "most_in_1_s", most_within(times, _TICKS), sends
        yield "sending_s", sending / _TICKS, sends
        for cause, ticks in zip(CAUSES, waited, strict=True):
            yield f"waited_{cause}_s", ticks / _TICKS, sends
        yield "waited_slots_s", max(0, sending - sum(waited)) / _TICKS, sends
        yield "attempts", sends, sends
        yield "retries", sends - self._requests, self._requests
        yield "rate_limited_responses", len(self._refused), sends
        yield "rate_limit_episodes", _episodes(sorted(self._refused)), sends
        yield "possibly_billed", unfinished + self._broken, sends + unfinished
        yield "reused_responses", self._reused, self._requests + self._reused

    def _sending_ticks(self) -> int:
        columns = {"begun": self._begun, "sent": self._sent, "ended": self._ended}
        attempts = pl.DataFrame({name: pl.Series(ticks, dtype=pl.Int64) for name, ticks in columns.items()})
        begun, ended = pl.col("begun"), pl.col("ended")
        idle = begun - ended.cum_max().shift(1)
        stretch = (idle > round(IDLE_S * _TICKS)).fill_null(value=False).cum_sum()
        stretches = attempts.sort("begun").group_by(stretch.alias("stretch")).agg(
            begun.min(), pl.col("sent").min().alias("first"), pl.col("sent").max().alias("last"), ended.max(), pl.len()
        )  # fmt: skip
        return sum(
            _stretch_ticks(*row) for row in stretches.select("begun", "first", "last", "ended", "len").iter_rows()
        )


def most_within(times: Sequence[int], width: int) -> int:
    """Return how many of some times, in order, lie within a window of a width at most: [t, t + width)."""
    first = 0
    for at in times:
        # The window moves on with each time and never gets smaller: in the end it is as long as the fullest one.
        first += times[first] <= at - width
    return len(times) - first


def _lag(lag_ms: Mapping[int, int]) -> Iterator[tuple[str, float, int]]:
    """Yield the lag, where it was looked for: a run that sent nothing has no such metric."""
    looks = below = sum(lag_ms.values())
    for late_ms in sorted(lag_ms, reverse=True):
        below -= lag_ms[late_ms]
        if below * 100 < looks * 99:
            yield LAG, late_ms / 1000, looks
            return


def _stretch_ticks(begun: int, first: int, last: int, ended: int, sends: int) -> int:
    interval = (last - first) // (sends - 1) if sends > 1 else ended - last
    return last + interval - begun


def _episodes(refused: Sequence[int]) -> int:
    episodes, until = 0, None
    for at in refused:
        if until is None or at >= until:
            episodes, until = episodes + 1, at + round(EPISODE_S * _TICKS)
    return episodes


def _ticks(moment: str) -> int:
    """Return microseconds since 1970."""
    return (datetime.fromisoformat(moment) - _EPOCH) // _TICK
