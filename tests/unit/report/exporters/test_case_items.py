"""What is in the list of cases of a page, and what of it there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fceval.report.document import CaseLine, Message, Pair, Report, Section
from fceval.report.exporters import load
from fceval.report.exporters._case_items import LISTED, PAGE_BYTES, SAMPLED, Shared, filters_of, items_of, notes_of
from tests.golden.runs import troubled_run

REPORT = troubled_run().report()


def _lines(outcomes: Sequence[str]) -> tuple[CaseLine, ...]:
    passed, failed = (
        next(line for line in REPORT.cases if (line.outcome == "passed") is is_pass) for is_pass in (True, False)
    )
    return tuple(
        replace(passed if outcome == "passed" else failed, case_id=str(at)) for at, outcome in enumerate(outcomes)
    )


def test_every_case_is_listed_failures_first() -> None:
    """Each with what it opens into, and no chapter repeats them."""
    items, sections = items_of(REPORT)
    assert len(items) == len(REPORT.cases)
    assert [item.is_pass for item in items] == [False] * 7 + [True] * 5
    assert all(item.example for item in items)
    assert "failures" not in {section.key for section in sections}


@pytest.mark.parametrize(
    ("failures", "passes", "kept", "sampled"),
    [
        (10, LISTED - 10, 10, LISTED - 10),
        (10, LISTED, 10, SAMPLED),
        (2 * LISTED, LISTED, LISTED - SAMPLED, SAMPLED),
        (2 * LISTED, 3, LISTED - 3, 3),
    ],
)
def test_long_lists_are_failures_and_a_sample_of_passes(failures: int, passes: int, kept: int, sampled: int) -> None:
    """And the page says so; the sample is spread over the run."""
    report = replace(REPORT, cases=_lines(["passed"] * passes + ["wrong_value"] * failures), cases_note="")
    items, _ = items_of(report)
    assert (sum(not item.is_pass for item in items), sum(item.is_pass for item in items)) == (kept, sampled)
    ids = [int(item.line.case_id) for item in items if item.line and item.is_pass]
    assert ids[0] < passes / sampled
    assert ids[-1] >= passes - 1 - passes / sampled
    told = [note for note in notes_of(report, items, range(len(items))) if note.startswith("This page lists")]
    assert bool(told) is (kept + sampled < failures + passes)


def test_pairs_have_an_address_each() -> None:
    """Of several comparisons the run is in it, too."""
    base, new = REPORT.sections[-1].examples[:2]
    pairs = tuple(Pair("a b", "base", name, 1.0, 0.0, base, new) for name in ("one", "two"))
    report = replace(REPORT, cases=(), examples=(), sections=(Section("flips", "Flips", pairs=pairs),))
    items, sections = items_of(report)
    assert [item.anchor for item in items] == ["case=a%20b&run=one", "case=a%20b&run=two"]
    assert items[0].filters["change"] == ("got worse",)
    assert sections == ()


def test_filters_are_what_tells_cases_apart() -> None:
    """One variant is no choice; the most frequent value comes first."""
    filters = {each.name: each.options for each in filters_of(items_of(REPORT)[0])}
    assert list(filters) == ["outcome", "category", "tool", "tag"]
    assert filters["outcome"][0] == ("passed", 5)


def test_what_repeats_stands_once() -> None:
    """Tools always; messages where they are long and in several cases."""
    message = Message("system", "x" * 1000)
    examples = [replace(example, messages=(message, Message("user", "short"))) for example in REPORT.examples]
    items = items_of(replace(REPORT, examples=tuple(examples)))[0]
    shared = Shared(items)
    assert shared.id_of(message) == shared.id_of(Message("system", "x" * 1000)) == "shared-1"
    assert shared.id_of(Message("user", "short")) is None
    assert shared.id_of(Message("system", "y" * 1000)) is None
    assert shared.id_of(REPORT.examples[0].tools[0]) == "shared-2"


def test_page_is_cut_to_its_size_and_says_what_is_missing() -> None:
    """Failures keep their conversations longest."""
    answer = "z" * 19_000
    failed = replace(REPORT.sections[-1].examples[0], answer=answer)
    passed = replace(REPORT.examples[0], answer=answer)
    lines = _lines(["wrong_value"] * 60 + ["passed"] * 60)
    examples = tuple(
        replace(passed if line.outcome == "passed" else failed, case_id=line.case_id, variant=line.variant)
        for line in lines
    )
    report: Report = replace(REPORT, cases=lines, examples=examples, sections=())
    page = load("html").render(report).decode()
    assert PAGE_BYTES - 40_000 < len(page.encode()) <= PAGE_BYTES + 1_000
    opened = page.count(answer)
    assert 60 < opened < 120
    assert f"{opened - 60} of the 60 passes open into the whole conversation" in page
    assert "of the 60 failures" not in page
