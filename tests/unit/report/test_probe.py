"""What is told of a probe: matrix, legend, headline, file for scripts, page."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from rich.cells import cell_len

from fceval.irregularities import IRREGULARITIES
from fceval.records import ToolCall
from fceval.report.document import Table
from fceval.report.exporters import load
from fceval.report.probe import (
    Outcome,
    Probe,
    Probed,
    headline,
    legend,
    matrix,
    probe_document,
    probe_files,
    probe_report,
    probe_text,
)

HOSTILE = "\x1b[2J\u202e[/red]<script>alert(1)</script>"


def probed(  # noqa: PLR0913 -- what a test wants to vary
    request: str = "auto call",
    *codes: str,
    streamed: bool = False,
    outcome: Outcome = "called",
    status: int | None = 200,
    detail: str = "",
    calls: tuple[ToolCall, ...] = (),
    finish_reason: str | None = "tool_calls",
) -> Probed:
    """Return an entry; codes come sorted, as a response has them."""
    ttft_s = 0.25 if streamed else None
    found = tuple(sorted(codes))
    return Probed(
        request, "tries something", streamed, outcome, found, status, detail, finish_reason, calls, 0.5, ttft_s
    )


def probe(*requests: Probed, **fields: Any) -> Probe:  # noqa: ANN401 -- fields of all types
    """Return what was found of one endpoint."""
    address = {"base_url": "https://relay.example/v1", "model": "m-1", "dialect": "tools", **fields}
    return Probe(**address, started_at="2026-01-02T03:04:05+00:00", requests=requests)


def rows(table: Table) -> list[tuple[object, ...]]:
    """Return a table's cells."""
    return [tuple(row) for row in table.rows]


SEVERAL = probe(
    probed("auto call", "finish_stop_with_calls"),
    probed("auto call", "index_missing", "finish_stop_with_calls", streamed=True),
    probed("no call", outcome="text"),
    probed("no call", streamed=True, outcome="text"),
    probed("usage", "usage_late", streamed=True, outcome="text"),
)


def test_both_ways_stand_side_by_side() -> None:
    """Codes, `ok` where there is none, `-` where it was not asked so."""
    assert rows(matrix(SEVERAL)) == [
        ("auto call", "finish_stop_with_calls", "finish_stop_with_calls, index_missing"),
        ("no call", "ok", "ok"),
        ("usage", "-", "usage_late"),
    ]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (probed(outcome="endpoint_error", status=503), "HTTP 503"),
        (probed("auto call", "error_shape", outcome="endpoint_error", status=400), "error_shape, HTTP 400"),
        (probed("auto call", "error_in_200", outcome="endpoint_error"), "error_in_200"),
        (probed(outcome="endpoint_error", status=None), "endpoint error"),
        (probed(outcome="timed_out", status=None), "timed out"),
        (probed(outcome="content_filtered"), "content filtered"),
        (probed(outcome="rejected", status=401), "ok"),
        (probed("wrong key", "error_shape", outcome="rejected", status=401), "error_shape"),
        (probed(outcome="accepted"), "accepted"),
        (probed(outcome="nothing"), "ok"),
    ],
)
def test_a_cell_never_says_ok_of_what_failed(entry: Probed, said: str) -> None:
    """Whether a code tells of it or not."""
    assert rows(matrix(probe(entry))) == [("auto call" if entry.request == "auto call" else "wrong key", said, "-")]


def test_two_endpoints_stand_side_by_side() -> None:
    """Lines that differ are marked, also those that only one of the two was asked."""
    reference = probe(
        probed("auto call"),
        probed("auto call", "index_missing", "finish_stop_with_calls", streamed=True),
        probed("no call", outcome="text"),
        probed("no call", streamed=True, outcome="text"),
        probed("usage", streamed=True),
        probed("second call"),
    )
    assert rows(matrix(SEVERAL, reference)) == [
        ("!=", "auto call", "whole", "finish_stop_with_calls", "ok"),
        ("", "auto call", "streamed", *["finish_stop_with_calls, index_missing"] * 2),
        ("", "no call", "whole", "ok", "ok"),
        ("", "no call", "streamed", "ok", "ok"),
        ("!=", "usage", "streamed", "usage_late", "ok"),
        ("!=", "second call", "whole", "-", "ok"),
    ]


def test_an_endpoint_is_no_different_from_itself() -> None:
    """No line is marked."""
    assert {row[0] for row in rows(matrix(SEVERAL, SEVERAL))} == {""}


def test_legend_has_each_code_once() -> None:
    """In the order of the list of codes, with the number of requests, its effect and meaning."""
    assert [row[:2] for row in rows(legend(SEVERAL))] == [
        ("finish_stop_with_calls", 2),
        ("index_missing", 1),
        ("usage_late", 1),
    ]
    assert rows(legend(SEVERAL))[0][2:] == ("none", IRREGULARITIES["finish_stop_with_calls"].meaning)
    other = probe(probed("auto call", "html_200"))
    assert [row[:3] for row in rows(legend(SEVERAL, other))][-1] == ("usage_late", 1, 0)
    assert ("html_200", 0, 1) in [row[:3] for row in rows(legend(SEVERAL, other))]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (probe(probed()), "No irregularity in 1 request."),
        (
            SEVERAL,
            (
                "3 kinds of irregularity in 3 of 5 requests: "
                "finish_stop_with_calls (2), index_missing (1), usage_late (1)."
            ),
        ),
        (
            probe(probed(), probed(outcome="timed_out", status=None)),
            "INCOMPLETE: 1 of 2 requests got no answer; no irregularity in 2 requests.",
        ),
        (
            probe(probed("auto call", "id_missing", "args_object", "usage_absent", "content_type", "duplicate_key")),
            (
                "5 kinds of irregularity in 1 of 1 request: id_missing (1), args_object (1), usage_absent (1), "
                "content_type (1) and 1 more."
            ),
        ),
    ],
)
def test_headline_says_what_was_found(found: Probe, said: str) -> None:
    """What got no answer comes first."""
    assert headline(found) == said


def test_headline_tells_of_the_reference_too() -> None:
    """After the endpoint that is being looked at."""
    assert headline(probe(probed()), SEVERAL).startswith("No irregularity in 1 request; of the reference, 3 kinds")


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("reference", [None, SEVERAL])
def test_text_fits_the_terminal(width: int, reference: Probe | None) -> None:
    """Every code there is, in both columns, is readable: none is broken in two."""
    entries = [probed(code[:16], code, streamed=way) for code in IRREGULARITIES for way in (False, True)]
    text = probe_text(probe(*entries), reference, width)
    assert max(map(cell_len, text.splitlines())) <= width
    told = text.partition("Code ")[2]
    assert all(code in told for code in IRREGULARITIES)


def test_text_has_headline_matrix_and_legend() -> None:
    """In this order; without a code there is no legend."""
    text = probe_text(SEVERAL, None, 80)
    assert text.index("3 kinds") < text.index("Request") < text.index("auto call") < text.index("Meaning")
    assert "Meaning" not in probe_text(probe(probed()), None, 80)


def test_nothing_foreign_reaches_terminal_or_page() -> None:
    """What an endpoint writes stands as text, in whatever field it came."""
    call = ToolCall("c", HOSTILE, HOSTILE, None, "odd")
    found = probe(probed(detail=HOSTILE, finish_reason=HOSTILE, calls=(call,)), model=HOSTILE, base_url=HOSTILE)
    text = probe_text(found, found, 100)
    assert {c for c in text if unicodedata.category(c) in {"Cc", "Cf"}} == {"\n"}
    files = {name: content.decode() for name, content in probe_files(found, found).items()}
    for content in files.values():
        assert not {"\x1b", "\u202e"} & set(content)
    assert "<script" not in files["probe.html"]
    assert json.loads(files["probe.json"])["requests"][0]["finish_reason"] == HOSTILE


def test_lone_surrogates_are_written() -> None:
    """JSON text may hold half of a character."""
    content = probe_files(probe(probed(calls=(ToolCall("c", "f", '{"a": "\ud800"}', None),))))["probe.json"]
    assert json.loads(content)["requests"][0]["calls"][0]["arguments"] == '{"a": "\ud800"}'


def test_document_has_every_answer() -> None:
    """Keys as the module names them; long arguments are cut, and say so."""
    call = ToolCall("c", "save_note", "x" * 1000, None)
    document: Any = probe_document(probe(probed("auto call", "id_missing", calls=(call,))), None)
    assert list(document) == [
        "format_version",
        "fceval_version",
        "started_at",
        "endpoint",
        "requests",
        "counts",
        "compare",
    ]
    assert document["endpoint"] == {
        "base_url": "https://relay.example/v1",
        "model": "m-1",
        "dialect": "tools",
        "insecure_tls": False,
    }
    (entry,) = document["requests"]
    assert entry == {
        "request": "auto call",
        "about": "tries something",
        "streamed": False,
        "outcome": "called",
        "codes": ("id_missing",),
        "status": 200,
        "detail": "",
        "finish_reason": "tool_calls",
        "calls": [{"name": "save_note", "arguments": "x" * 200 + "... (1,000 characters)"}],
        "latency_s": 0.5,
        "ttft_s": None,
    }
    assert document["counts"] == {"id_missing": 1}
    assert document["compare"] is None
    compared: Any = probe_document(probe(probed()), SEVERAL)
    assert compared["compare"]["counts"] == SEVERAL.counts
    assert len(compared["compare"]["requests"]) == 5


def test_report_is_complete_where_all_was_answered() -> None:
    """A request that must be turned down is answered by turning it down."""
    assert probe_report(probe(probed(), probed(outcome="rejected", status=400))).complete
    assert not probe_report(probe(probed(), probed(outcome="rate_limited", status=429))).complete


def test_report_has_a_chapter_for_codes_only_where_there_are_any() -> None:
    """Matrix first, and what was asked last."""
    assert [section.key for section in probe_report(SEVERAL).sections] == ["matrix", "codes", "answers", "suite"]
    assert [section.key for section in probe_report(probe(probed())).sections] == ["matrix", "answers", "suite"]
    assert [table.title for table in probe_report(SEVERAL, SEVERAL).sections[2].tables] == ["Endpoint", "Reference"]


def test_figures_count_answers_of_the_model_only() -> None:
    """An error is quick; it says nothing about latency."""
    figures = {figure.label: figure for figure in probe_report(SEVERAL, probe(probed())).figures}
    assert figures["Requests with irregularities"].value == 3
    assert figures["Requests with irregularities"].note == "of 5 \u00b7 reference: 0"
    assert figures["Latency, median"].note == "of 5 answers"
    failed = probe_report(probe(probed(outcome="endpoint_error", status=500))).figures
    assert [figure.label for figure in failed] == [
        "Requests with irregularities",
        "Kinds of irregularity",
        "Without an answer",
    ]


@pytest.mark.parametrize("name", ["html", "markdown", "json"])
def test_every_exporter_takes_it(name: str) -> None:
    """The report is the neutral one."""
    content = load(name).render(probe_report(SEVERAL, SEVERAL)).decode().replace("\\", "")  # Markdown escapes `_`
    assert "finish_stop_with_calls" in content


def test_unchecked_certificates_are_told() -> None:
    """Whoever reads a probe later sees that anyone on the way may have answered."""
    for insecure_tls in (True, False):
        files = probe_files(probe(probed(), insecure_tls=insecure_tls))
        assert json.loads(files["probe.json"])["endpoint"]["insecure_tls"] is insecure_tls
        assert (b"not checked (insecure_tls)" in files["probe.html"]) is insecure_tls
