"""How values are written for people."""

from __future__ import annotations

import pytest

from fceval.report.document import Cell, Estimate, Example, Kind
from fceval.report.wording import OUTCOME_MEANINGS, counted, percent, points, verdict, wanted, written
from fceval.scoring.verdict import OUTCOMES


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (None, "usd", "n/a"),
        (Estimate(0.5, 0.25, 0.75), "rate", "50.0% (25.0–75.0%)"),
        (Estimate(-0.255, -0.3231, 0.0), "points", "−25.5 (−32.3 to 0.0)"),
        (0.125, "rate", "12.5%"),
        (0.125, "points", "+12.5"),
        (0.125, "change", "+12.5%"),
        (-0.5, "change", "−50.0%"),
        (0, "change", "0%"),
        (0.0134, "p", "0.013"),
        (0.00009, "p", "< 0.0001"),
        (1234567, "count", "1,234,567"),
        (3.0, "tokens", "3"),
        (0.0421, "seconds", "42 ms"),
        (1.5, "seconds", "1.50 s"),
        (1234.5, "seconds", "1,234 s"),
        (0.0, "usd", "$0.00"),
        (12.345, "usd", "$12.35"),
        (0.0275, "usd", "$0.0275"),
        (0.0000123, "usd", "$1.23e-05"),
        ("北京", "name", "北京"),
    ],
)
def test_written(value: Cell, kind: Kind, expected: str) -> None:
    """Each kind has its unit, and what is not known says so."""
    assert written(value, kind) == expected


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, "0%"), (1.0, "100%"), (0.99999, "99.9%"), (0.00001, "0.1%"), (0.5, "50.0%")]
)
def test_only_all_is_all(share: float, expected: str) -> None:
    """Rounding makes neither a perfect run nor a total failure."""
    assert percent(share) == expected


def test_counted() -> None:
    """One has no plural."""
    assert [counted(1, "case"), counted(1200, "case"), counted(0, "query", "queries")] == [
        "1 case",
        "1,200 cases",
        "0 queries",
    ]


def test_verdict_is_told_by_sign_and_word() -> None:
    """A reader who sees no colour can tell."""
    assert [verdict("wrong_value", None), verdict(None, "exact"), verdict(None, "one_of")] == [
        "≠ wrong value",
        "✓ passed",
        "✓ passed (one of)",
    ]


def test_every_outcome_has_a_meaning() -> None:
    """No outcome of the scorer is left unexplained, none is explained that does not exist."""
    assert set(OUTCOME_MEANINGS) == set(OUTCOMES)


@pytest.mark.parametrize(
    ("wants", "alternative", "alternatives", "expected"),
    [
        ("calls", 0, 1, ""),
        ("none", 0, 1, "no call"),
        ("any", 0, 1, "a call, whichever it is"),
        ("calls", 1, 3, "alternative 2 of 3, the one that the answer fits best"),
        ("none", 0, 2, "no call, alternative 1 of 2, the one that the answer fits best"),
    ],
)
def test_wanted_says_which_alternative_counted(wants: str, alternative: int, alternatives: int, expected: str) -> None:
    """Where a case has several call lists, a reader is told which one the answer was held against."""
    example = Example(
        case_id="a",
        variant="default",
        trial=0,
        turn=0,
        category="simple",
        tags=(),
        outcome="wrong_value",
        measured=True,
        wanted=wants,
        messages=(),
        tools=(),
        calls=(),
        answer=None,
        finish_reason=None,
        failure_detail=None,
        alternative=alternative,
        alternatives=alternatives,
    )
    assert wanted(example) == expected


@pytest.mark.parametrize(
    ("difference", "text"), [(0.012, "+1.2"), (-0.0349, "−3.5"), (0.0, "0.0"), (0.0004, "0.0"), (-1.0, "−100.0")]
)
def test_points(difference: float, text: str) -> None:
    """With a sign, and none where nothing is left of it."""
    assert points(difference) == text
