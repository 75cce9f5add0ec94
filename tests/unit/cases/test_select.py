"""Choosing cases: conditions, seeded samples, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from fceval.cases.rows import case_of
from fceval.cases.select import Selection, select
from fceval.errors import ConfigError
from fceval.records import Case
from tests.case_rows import row

CASES = [
    case_of(row(case_id=str(number), category="even" if number % 2 == 0 else "odd", tags=[f"t{number % 3}"]), number)
    for number in range(12)
]


def chosen(**settings: object) -> list[int]:
    """Return which of the twelve cases a selection takes."""
    return [case.row for case in select(CASES, Selection(**settings))]  # type: ignore[arg-type]  # each test's own


@pytest.mark.parametrize(
    ("settings", "rows"),
    [
        ({}, list(range(12))),
        ({"case_ids": ("7", "2")}, [2, 7]),
        ({"categories": ("odd",)}, [1, 3, 5, 7, 9, 11]),
        ({"tags": ("t0", "t2")}, [0, 2, 3, 5, 6, 8, 9, 11]),
        ({"categories": ("even",), "tags": ("t0",)}, [0, 6]),
        ({"limit": 3}, [0, 1, 2]),
        ({"categories": ("odd",), "limit": 2}, [1, 3]),
        ({"sample": 20}, list(range(12))),
    ],
)
def test_conditions_hold_together_and_keep_the_order(settings: dict[str, object], rows: list[int]) -> None:
    """Every condition must hold; the order is the dataset's."""
    assert chosen(**settings) == rows


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"case_ids": ("7", "70")}, "dataset.case_ids: no case of the dataset has `70`"),
        ({"categories": ("simple", "odd")}, "dataset.categories: no case of the dataset has `simple`"),
        ({"tags": tuple("abcdefg")}, "dataset.tags: no case of the dataset has `a`, `b`, `c`, `d`, `e` ..."),
    ],
)
def test_what_no_case_has_is_refused(settings: dict[str, object], message: str) -> None:
    """A slip in a name would otherwise measure something else in silence."""
    with pytest.raises(ConfigError) as caught:
        chosen(**settings)
    assert str(caught.value) == message


def test_label_counts_as_seen_on_a_case_that_another_condition_leaves_out() -> None:
    """`t1` exists, on no case that is wanted: that is a choice, no slip."""
    assert chosen(case_ids=("3", "4"), tags=("t0", "t1"), categories=("odd",)) == [3]


def test_sample_is_reproducible_and_in_order() -> None:
    """The same seed draws the same cases; another seed others."""
    first = chosen(sample=5, seed=1)
    assert first == chosen(sample=5, seed=1)
    assert first == sorted(set(first))
    assert len(first) == 5
    assert first != chosen(sample=5, seed=2)


def test_sample_favours_no_case() -> None:
    """Over many seeds each case is drawn about equally often, the first and the last as well."""
    counts = Counter(row for seed in range(3_000) for row in chosen(sample=4, seed=seed))
    assert all(900 < counts[number] < 1_100 for number in range(12)), "1,000 expected, standard deviation 26"


def test_limit_cuts_the_sample() -> None:
    """First the draw, then the limit: a try-out of the run that the sample will be."""
    assert chosen(sample=5, limit=2) == chosen(sample=5)[:2]


def test_limit_reads_no_further() -> None:
    """A large dataset is not read to its end for its first cases."""

    def cases() -> Iterator[Case]:
        yield from CASES[:3]
        pytest.fail("read beyond the limit")

    assert len(list(select(cases(), Selection(limit=3)))) == 3
