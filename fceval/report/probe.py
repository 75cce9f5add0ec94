"""What a probe found of an endpoint: the records, `probe.json` for scripts, and the neutral report for people.

Keys of `probe.json`, stable within a format version: `format_version fceval_version started_at`, `endpoint` (base_url,
model, dialect, insecure_tls), `requests` (a list, see `_entry`), `counts` (code to number of requests), and `compare`:
null, or `endpoint`, `requests` and `counts` of the reference.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias, get_args

import rich.box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

import fceval
from fceval.irregularities import IRREGULARITIES
from fceval.records import Json, JsonObject, NotMeasured, ToolCall
from fceval.report import exporters
from fceval.report.document import Cell, Column, Figure, Report, Section, Table
from fceval.report.visible import json_safe, visible
from fceval.report.wording import EFFECTS, counted, in_words

FORMAT_VERSION = 1
"""Of `probe.json`."""

Outcome: TypeAlias = Literal["called", "text", "refused", "nothing", "rejected", "accepted"] | NotMeasured
"""What came of a request: a call, text, a refusal in words, none of these; or why there is no answer.

`rejected` and `accepted` are for requests that an endpoint should turn down: it did, or it answered.
"""

NOT_ASKED = "-"
NOTHING_FOUND = "ok"
DIFFERS = "!="
"""Stands before a line in which the two endpoints differ."""

REFUSALS = frozenset(range(400, 500)) - {408, 409, 425, 429}
"""Statuses with which an endpoint turns a request down; the others may pass by themselves."""
_FIRST_ERROR = 400
_MOST_ARGUMENTS = 200
_CODES_IN_HEADLINE = 4
_PLAIN = ("request", "about", "streamed", "outcome", "codes", "status", "detail", "finish_reason")
_TIMES = ("latency_s", "ttft_s")
_ADDRESS = ("base_url", "model", "dialect")
_OF_THE_MODEL = frozenset({"called", "text", "refused", "nothing"})


@dataclass(frozen=True, slots=True)
class Probed:
    """One request of the suite, asked in one of its two ways."""

    request: str
    """Its name in the suite."""
    about: str
    """What it tries, one line."""
    streamed: bool
    outcome: Outcome
    codes: tuple[str, ...]
    """Of `fceval.irregularities`, sorted."""
    status: int | None
    """HTTP status of the last attempt; None where no answer came."""
    detail: str
    """For a person: what went wrong; empty where nothing did."""
    finish_reason: str | None
    calls: tuple[ToolCall, ...]
    latency_s: float | None
    """Of the last attempt."""
    ttft_s: float | None
    """To the first streamed token; None where nothing was streamed."""

    @property
    def is_answered(self) -> bool:
        """Whether the endpoint did what it is there for: it answered, or took a stand on a request that is wrong."""
        return self.outcome not in get_args(NotMeasured)

    @property
    def is_heard(self) -> bool:
        """Whether something came back, be it a refusal or off the contract; what is turned down anyway says nothing."""
        if self.outcome == "rejected":
            return False
        off = any(IRREGULARITIES[code].effect == "not_measured" for code in self.codes)
        return self.is_answered or off or self.status in REFUSALS


@dataclass(frozen=True, slots=True)
class Probe:
    """Everything that one endpoint did with the suite."""

    base_url: str
    model: str
    dialect: str
    started_at: str
    """UTC, ISO 8601."""
    requests: tuple[Probed, ...]
    """In the order of the suite, not streamed before streamed."""
    insecure_tls: bool = False
    """Whether certificates were not checked: anyone on the way may have answered."""

    @property
    def counts(self) -> dict[str, int]:
        """Code to number of requests, in the order of `IRREGULARITIES`."""
        found = Counter(code for each in self.requests for code in each.codes)
        return {code: found[code] for code in IRREGULARITIES if found[code]}

    @property
    def is_silent(self) -> bool:
        """Whether the endpoint answered nothing, so that nothing is known of it."""
        return not any(each.is_heard for each in self.requests)


def probe_files(probe: Probe, reference: Probe | None = None) -> dict[str, bytes]:
    """Return what is written down about a probe, by file name."""
    document = json.dumps(probe_document(probe, reference), indent=1, ensure_ascii=False)
    page = exporters.load("html").render(probe_report(probe, reference))
    return {"probe.json": json_safe(document).encode() + b"\n", "probe.html": page}


def probe_document(probe: Probe, reference: Probe | None) -> JsonObject:
    """Return `probe.json`; see the module."""
    return {
        "format_version": FORMAT_VERSION,
        "fceval_version": fceval.__version__,
        "started_at": probe.started_at,
        **_found(probe),
        "compare": None if reference is None else _found(reference),
    }


def _found(probe: Probe) -> dict[str, Json]:
    return {
        "endpoint": {**{name: getattr(probe, name) for name in _ADDRESS}, "insecure_tls": probe.insecure_tls},
        "requests": [_entry(each) for each in probe.requests],
        "counts": probe.counts,
    }


def _entry(each: Probed) -> JsonObject:
    calls = [{"name": call.name, "arguments": _cut(call.arguments)} for call in each.calls]
    return {
        **{name: getattr(each, name) for name in _PLAIN},
        "calls": calls,
        **{name: getattr(each, name) for name in _TIMES},
    }


def _cut(text: str) -> str:
    """Return arguments short enough to be read; the long ones of the suite are as long on purpose."""
    if len(text) <= _MOST_ARGUMENTS:
        return text
    return f"{text[:_MOST_ARGUMENTS]}... ({len(text):,} characters)"


# --- tables ---------------------------------------------------------------------------------------------------


def matrix(probe: Probe, reference: Probe | None = None) -> Table:
    """Return what was found of each request: both ways side by side, or both endpoints where there are two."""
    if reference is None:
        columns = tuple(Column(label, "text") for label in ("Request", "Whole", "Streamed"))
        by_way = (_by_way(probe, streamed=False), _by_way(probe, streamed=True))
        rows = [(name, *(_finding(way.get(name)) for way in by_way)) for name in _names(probe)]
        return Table(columns, tuple(rows))
    columns = tuple(Column(label, "text") for label in ("", "Request", "Asked", "Endpoint", "Reference"))
    return Table(columns, tuple(_compared(probe, reference)), note=f"{DIFFERS} marks where the two differ.")


def _compared(probe: Probe, reference: Probe) -> Iterator[tuple[Cell, ...]]:
    by_endpoint = [{(each.request, each.streamed): each for each in asked.requests} for asked in (probe, reference)]
    names = _names(probe, reference)
    for place in sorted(set().union(*by_endpoint), key=lambda place: (names.index(place[0]), place[1])):
        here, there = (_finding(asked.get(place)) for asked in by_endpoint)
        yield DIFFERS if here != there else "", place[0], _way(streamed=place[1]), here, there


def _names(*probes: Probe) -> list[str]:
    return list(dict.fromkeys(each.request for probe in probes for each in probe.requests))


def _by_way(probe: Probe, *, streamed: bool) -> dict[str, Probed]:
    return {each.request: each for each in probe.requests if each.streamed is streamed}


def _way(*, streamed: bool) -> str:
    return "streamed" if streamed else "whole"


def _finding(each: Probed | None) -> str:
    """Return what a cell says: the codes, or else why there is no answer, or that nothing was found."""
    if each is None:
        return NOT_ASKED
    said = list(each.codes)
    if not each.is_answered and (each.status or 0) >= _FIRST_ERROR:
        said.append(f"HTTP {each.status}")
    elif not each.is_answered and not said:
        said.append(in_words(each.outcome))
    elif each.outcome == "accepted":
        said.append(each.outcome)
    return ", ".join(said) or NOTHING_FOUND


def legend(probe: Probe, reference: Probe | None = None) -> Table:
    """Return every code that was found: in how many requests, what it does to a verdict and what it means."""
    counts = [each.counts for each in (probe, reference) if each is not None]
    labels = ("Requests",) if reference is None else ("Endpoint", "Reference")
    columns = (
        Column("Code", "text"),
        *(Column(label, "count") for label in labels),
        Column("Effect", "text"),
        Column("Meaning", "text"),
    )
    rows: list[tuple[Cell, ...]] = [
        (code, *(found.get(code, 0) for found in counts), EFFECTS[known.effect], known.meaning)
        for code, known in IRREGULARITIES.items()
        if any(code in found for found in counts)
    ]
    return Table(columns, tuple(rows))


def _answers(probe: Probe, title: str) -> Table:
    columns: tuple[Column, ...] = (
        Column("Request", "text"),
        Column("Asked", "text"),
        Column("Outcome", "text"),
        Column("Tools called", "name"),
        Column("Finish reason", "name"),
        Column("Latency", "seconds"),
        Column("First token", "seconds"),
        Column("What went wrong", "text"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            each.request,
            _way(streamed=each.streamed),
            in_words(each.outcome),
            ", ".join(call.name for call in each.calls),
            each.finish_reason or "",
            each.latency_s,
            "" if each.ttft_s is None else each.ttft_s,
            each.detail,
        )
        for each in probe.requests
    ]
    if not any(each.detail for each in probe.requests):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return Table(columns, tuple(rows), title)


def probe_text(probe: Probe, reference: Probe | None, width: int) -> str:
    """Return headline, matrix and legend as text for a terminal of that many columns."""
    text = io.StringIO()
    console = Console(
        file=text, width=width, color_system=None, force_terminal=False, legacy_windows=False, _environ={}
    )
    # As `Text`, nothing in it is read as rich's markup.
    console.print(Text(visible(headline(probe, reference))))
    for table in (matrix(probe, reference), legend(probe, reference)):
        if table.rows:
            console.print(_grid(table), end="")
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _grid(table: Table) -> Grid:
    grid = Grid(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for place, column in enumerate(table.columns):
        justify: Literal["left", "right"] = "right" if column.kind == "count" else "left"
        # The first column names the row: a code, or a request.
        grid.add_column(Text(column.label), justify=justify, overflow="fold", no_wrap=place == 0)
    for row in table.rows:
        grid.add_row(*(Text(visible(str(value))) for value in row))
    return grid


# --- the report -----------------------------------------------------------------------------------------------


def probe_report(probe: Probe, reference: Probe | None = None) -> Report:
    """Return the report on a probe, and on the reference beside it where there is one."""
    both = [(probe, "")] if reference is None else [(probe, "Endpoint"), (reference, "Reference")]
    found = legend(probe, reference)
    chapters = (
        Section("matrix", "Request by request", tables=(matrix(probe, reference),)),
        Section("codes", "What the codes mean", tables=(found,) if found.rows else ()),
        Section("answers", "What came back", tables=tuple(_answers(each, title) for each, title in both)),
        Section("suite", "What was asked", tables=(_suite(probe),)),
    )
    return Report(
        title=f"Probe: {probe.model}",
        headline=headline(probe, reference),
        complete=all(each.is_answered for each in probe.requests),
        meta=tuple(_meta(probe, reference)),
        figures=tuple(_figures(probe, reference)),
        sections=tuple(section for section in chapters if section.tables),
    )


def headline(probe: Probe, reference: Probe | None = None) -> str:
    """Return the finding in a sentence or two; what got no answer comes first."""
    unanswered = sum(not each.is_answered for each in probe.requests)
    total = counted(len(probe.requests), "request")
    told = f"INCOMPLETE: {unanswered} of {total} got no answer; " if unanswered else ""
    told += _summed(probe, total)
    if reference is not None:
        told += f"; of the reference, {_summed(reference, counted(len(reference.requests), 'request'))}"
    return f"{told[0].upper()}{told[1:]}."


def _summed(probe: Probe, total: str) -> str:
    counts = probe.counts
    if not counts:
        return f"no irregularity in {total}"
    most = sorted(counts, key=lambda code: -counts[code])
    named = ", ".join(f"{code} ({counts[code]})" for code in most[:_CODES_IN_HEADLINE])
    more = f" and {len(most) - _CODES_IN_HEADLINE} more" if len(most) > _CODES_IN_HEADLINE else ""
    kinds = counted(len(counts), "kind of irregularity", "kinds of irregularity")
    return f"{kinds} in {_marked(probe)} of {total}: {named}{more}"


def _marked(probe: Probe) -> int:
    return sum(bool(each.codes) for each in probe.requests)


def _figures(probe: Probe, reference: Probe | None) -> Iterator[Figure]:
    def beside(number: int | None) -> str:
        return "" if number is None else f"reference: {number}"

    yield Figure(
        "Requests with irregularities",
        _marked(probe),
        "count",
        " · ".join(filter(None, (f"of {len(probe.requests)}", beside(_marked(reference) if reference else None)))),
    )
    yield Figure(
        "Kinds of irregularity", len(probe.counts), "count", beside(len(reference.counts) if reference else None)
    )
    yield Figure("Without an answer", sum(not each.is_answered for each in probe.requests), "count")
    for label, name in (("Latency, median", "latency_s"), ("First token, median", "ttft_s")):
        times = [getattr(each, name) for each in probe.requests if each.outcome in _OF_THE_MODEL]
        if told := [time for time in times if time is not None]:
            yield Figure(label, median(told), "seconds", f"of {counted(len(told), 'answer')}")


def _meta(probe: Probe, reference: Probe | None) -> Iterator[tuple[str, str]]:
    yield from ((in_words(name), getattr(probe, name)) for name in _ADDRESS)
    if probe.insecure_tls:
        yield "certificates", "not checked (insecure_tls)"
    if reference is not None:
        yield from ((f"reference {in_words(name)}", getattr(reference, name)) for name in _ADDRESS)
    yield "started at", probe.started_at
    yield "version", f"fceval {fceval.__version__}"


def _suite(probe: Probe) -> Table:
    about = {each.request: each.about for each in probe.requests}
    return Table((Column("Request", "text"), Column("What it tries", "text")), tuple(about.items()))
