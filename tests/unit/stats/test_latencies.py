"""How the latencies of a run are distributed."""

from __future__ import annotations

import itertools

import pytest

from fceval.stats.latencies import latency_bins
from tests.golden.rows import score, tables


def _rows(*latencies_s: float | None, variant: str = "default") -> list[tuple[float, float, int]]:
    scores = [score(str(at), latency_s=latency_s, variant=variant) for at, latency_s in enumerate(latencies_s)]
    return [row[1:] for row in latency_bins(tables(scores).scores).iter_rows()]


def test_every_response_is_in_one_bin() -> None:
    """Bins follow one another without a gap, also where nothing is in one."""
    rows = _rows(*(0.1 * 1.5**at for at in range(20)), 3000.0)
    assert sum(number for _, _, number in rows) == 21
    assert all(before[1] == after[0] for before, after in itertools.pairwise(rows))
    assert 0 in [number for _, _, number in rows]
    assert rows[0][0] <= 0.1 < rows[0][1]
    assert rows[-1][0] <= 3000 < rows[-1][1]


@pytest.mark.parametrize("number", [4, 400])
def test_more_responses_are_told_in_more_detail(number: int) -> None:
    """As many bins as there are responses to fill them, but not many more than a dozen."""
    rows = _rows(*(1 + at / number for at in range(number)))
    assert len(rows) == {4: 3, 400: 13}[number]


def test_unknown_times_are_not_counted() -> None:
    """Nothing known, no bins; a single one has its bin."""
    assert _rows(None, None) == []
    assert [number for _, _, number in _rows(1.0, None)] == [1]


def test_variants_are_apart() -> None:
    """Each has the bins between its own quickest and slowest response."""
    scores = [score(str(at), latency_s=at + 1.0, variant=name) for at in range(9) for name in "ab"[: 1 + (at < 3)]]
    found = latency_bins(tables(scores).scores)
    assert found["variant"].unique(maintain_order=True).to_list() == ["a", "b"]
    assert found["responses"].sum() == 12
