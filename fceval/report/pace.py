"""How fast an endpoint was asked, how fast it answered, and what that cost, as two chapters of the report."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fceval.report.document import Cell, Column, Kind, Section, Table
from fceval.report.numbers import Numbers
from fceval.report.run_charts import latency_charts
from fceval.report.wording import counted
from fceval.stats.pace import CAUSES, DOCS, IDLE_S, LAG, LATE_S, VARIANT

NO_LIMIT = "no limit"
"""What stands for a limit that was not set."""

_FEW = 100
"""Rates below are told with their fractions."""
_HELD_UP = {"pause": "Pause", "rpm": "Requests a minute", "tpm": "Tokens a minute", "slots": "Slots"}
_SENT_NOTE = (
    "As sent, by the run's clock. Times of more than "
    f"{IDLE_S:g} s in which nothing was sent, in flight or held up do not count, as between an interruption and going "
    "on; a few requests are no rate, as a time shorter than a second counts as one."
)
_LATE_NOTE = (
    f"The event loop woke up more than {LATE_S * 1000:g} ms late in more than one of 100 looks: latencies are suspect, "
    "as this machine had too much to do (fewer in flight, or nothing beside the run)."
)
_BILLED_NOTE = (
    "Episodes: times of status 429. Possibly billed: requests that never ended, and attempts that broke off or timed "
    "out; what they cost is in no sum."
)


def latency_section(numbers: Numbers, bins: pl.DataFrame) -> Section | None:
    """Return the chapter on how fast answers came; None where no endpoint was asked.

    Args:
        numbers: The metrics of a run.
        bins: Its latencies, as `fceval.stats.latencies.latency_bins` returns them.
    """
    if not _asked(numbers):
        return None
    shown: list[tuple[str, str, Kind]] = [
        (f"{words} p{percent}", f"{name}_p{percent}_s", "seconds")
        for name, words in (("latency", "Whole"), ("ttft", "First token"), ("first_call", "First call token"))
        if name == "latency" or any(numbers.n(variant, f"{name}_p50_s") for variant in numbers.variants)
        for percent in (50, 90, 99)
    ]
    note = "Of measured responses, from sending the attempt that was answered; no waiting is in it."
    if _is_late(numbers):
        note += " Suspect: the event loop of the run woke up late, see Pace and cost."
    tables = (_by_variant("", note, shown, numbers.variants, numbers),)
    return Section("latency", "Latency", tables=tables, charts=latency_charts(bins, numbers))


def pace_section(numbers: Numbers) -> Section | None:
    """Return the chapter on how fast was asked, and what it cost; None where no endpoint was asked."""
    if not _asked(numbers) and not numbers.shared:
        return None
    of_run = (_rates(numbers), _waiting(numbers), _attempts(numbers)) if numbers.shared else ()
    return Section("pace", "Pace and cost", tables=(*of_run, _spent(numbers)))


def _asked(numbers: Numbers) -> bool:
    return any(numbers.n(variant, "retries") for variant in numbers.variants)


def _rates(numbers: Numbers) -> Table:
    columns = (
        Column("Requested a minute", "count"),
        Column("Achieved a minute", "count"),
        Column("Most in 60 s", "count"),
        Column("Most in 1 s", "count"),
        Column("Requested tokens a minute", "count"),
        Column("Sending time", "seconds"),
        *((Column("Event-loop lag p99", "seconds"),) if numbers.n(VARIANT, LAG) else ()),
    )
    row = (
        _rate(numbers.value(VARIANT, "requested_rpm"), NO_LIMIT),
        _rate(numbers.value(VARIANT, "achieved_rpm"), None),
        numbers.value(VARIANT, "most_in_60_s"),
        numbers.value(VARIANT, "most_in_1_s"),
        _rate(numbers.value(VARIANT, "requested_tpm"), NO_LIMIT),
        numbers.value(VARIANT, "sending_s"),
        *((numbers.value(VARIANT, LAG),) if numbers.n(VARIANT, LAG) else ()),
    )
    return Table(columns, (row,), "Requests", f"{_SENT_NOTE} {_LATE_NOTE}" if _is_late(numbers) else _SENT_NOTE)


def _is_late(numbers: Numbers) -> bool:
    return (numbers.value(VARIANT, LAG) or 0.0) > LATE_S


def _rate(a_minute: float | None, unknown: Cell) -> Cell:
    """Return a rate as a number; a low one as text, as half a request a minute is not none."""
    if a_minute is None:
        return unknown
    return a_minute if a_minute >= _FEW or a_minute.is_integer() else f"{a_minute:.3g}"


def _waiting(numbers: Numbers) -> Table:
    sending_s = numbers.value(VARIANT, "sending_s")
    rows = []
    for cause in (*CAUSES, "slots"):
        waited_s = numbers.value(VARIANT, f"waited_{cause}_s")
        share = waited_s / sending_s if waited_s is not None and sending_s else None
        rows.append((_HELD_UP[cause], waited_s, share, DOCS[f"waited_{cause}_s"]))
    columns = (Column("Waited for", "text"), Column("Time", "seconds"), Column("Share", "rate"))
    return Table((*columns, Column("Meaning", "text")), tuple(rows), "Where the sending time went")


def _attempts(numbers: Numbers) -> Table:
    shown = {
        "Attempts": "attempts",
        "Retries": "retries",
        "Status 429": "rate_limited_responses",
        "Episodes": "rate_limit_episodes",
        "Possibly billed": "possibly_billed",
        **({"Lent by other runs": "reused_responses"} if numbers.value(VARIANT, "reused_responses") else {}),
    }
    columns = tuple(Column(label, "count") for label in shown)
    return Table(columns, (tuple(numbers.value(VARIANT, name) for name in shown.values()),), "Attempts", _BILLED_NOTE)


def _spent(numbers: Numbers) -> Table:
    shown: list[tuple[str, str, Kind]] = [
        ("Prompt tokens", "prompt_tokens", "tokens"),
        ("Completion tokens", "completion_tokens", "tokens"),
        ("Cost", "cost_usd", "usd"),
    ]
    several = len(numbers.variants) > 1
    if several or not numbers.shared:  # else they are told already
        shown += [("Status 429", "rate_limited_responses", "count"), ("Retries", "retries", "count")]
    variants = (*numbers.variants, *((VARIANT,) if several and numbers.shared else ()))
    return _by_variant("Tokens and cost", _spent_note(numbers), shown, variants, numbers)


def _by_variant(
    title: str, note: str, shown: Sequence[tuple[str, str, Kind]], variants: Sequence[str], numbers: Numbers
) -> Table:
    several = len(numbers.variants) > 1
    columns = tuple(Column(label, kind) for label, _, kind in shown)
    rows = tuple(
        ((variant or "all of them",) if several else ()) + tuple(numbers.cell(variant, name) for _, name, _ in shown)
        for variant in variants
    )
    return Table(((Column("Variant", "name"),) if several else ()) + columns, rows, title, note)


def _spent_note(numbers: Numbers) -> str:
    """Say of what the sums are sums, where that is not every response."""
    parts = []
    planned = numbers.total("planned")
    for words, name in (("Cost", "cost_usd"), ("Tokens", "prompt_tokens")):
        n = sum(numbers.n(variant, name) for variant in numbers.variants)
        if n == 0:
            parts.append(f"{words} unknown.")
        elif n < planned:
            parts.append(f"{words} known for {n:,} of {planned:,} responses.")
    if lent := numbers.count(VARIANT, "reused_responses"):
        parts.append(f"{counted(lent, 'response')} in them {'was' if lent == 1 else 'were'} paid for by other runs.")
    return " ".join(parts)
