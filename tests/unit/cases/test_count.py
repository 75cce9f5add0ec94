"""Counts of a dataset."""

from __future__ import annotations

from fceval.cases.count import count_cases, counts_text
from fceval.cases.rows import case_of
from tests.case_rows import LEFT_OUT, row, turns_row

CALL = {"name": "get_weather", "arguments": {"city": "Oslo"}}


def test_cases_are_counted_by_all_that_sorts_them() -> None:
    """Turns each count their own calls; of alternatives the first one counts."""
    rows = [
        row(case_id="a", tags=["x", "y"]),
        row(case_id="b", tags=["x"], expected="any"),
        row(case_id="c", category=LEFT_OUT, expected=LEFT_OUT, expected_any_of=[[CALL, CALL], []]),
        turns_row({"expected": [CALL]}, {}, case_id="d", category="multi_turn"),
    ]
    assert count_cases(case_of(each, number) for number, each in enumerate(rows)) == {
        "cases": {"all": 4},
        "category": {"simple": 2, "uncategorised": 1, "multi_turn": 1},
        "tag": {"x": 2, "y": 1},
        "turns": {"1": 3, "2": 1},
        "tools offered": {"1": 4},
        "calls expected": {"1": 2, "any": 1, "2": 1, "0": 1},
        "tool expected": {"get_weather": 4},
    }


def test_long_lists_are_cut_in_text() -> None:
    """A dataset with a thousand tools does not fill the screen."""
    text = counts_text({"tag": {f"t{number}": 30 - number for number in range(25)}})
    lines = text.splitlines()
    assert (lines[0], lines[1].split(), lines[-1].strip()) == ("tag:", ["30", "t0"], "and 5 more")
    assert len(lines) == 22
