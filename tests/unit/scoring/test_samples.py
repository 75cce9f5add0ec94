"""Right answers spelled out: the plainest values that expectations accept."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.scoring.samples import sample_calls
from tests.case_rows import LEFT_OUT, row


def spelled_out(**arguments: object) -> dict[str, Any]:
    """Return the arguments of a call that expects these."""
    case = case_of(row(expected=[{"name": "get_weather", "arguments": arguments}]), 1)
    ((name, found),) = sample_calls(case.turns[0].expected, case.tools)
    assert name == "get_weather"
    return found


@pytest.mark.parametrize(
    ("expectation", "value"),
    [
        ("Oslo", "Oslo"),
        (None, None),
        ({"a": [1, {"$match": "number", "value": 2, "abs": 1}]}, {"a": [1, 2]}),
        ({"$match": "one_of", "values": ["b", "a"]}, "b"),
        ({"$match": "regex", "pattern": "x{3}"}, "xxx"),
        ({"$match": "contains", "value": "fjord"}, "fjord"),
    ],
)
def test_plainest_value_is_taken(expectation: object, value: object) -> None:
    """A literal as it is, of a matcher its first example."""
    assert spelled_out(city=expectation) == {"city": value}


def test_argument_that_may_be_left_out_is_left_out() -> None:
    """Optional ones, and those that must not be there."""
    absent, optional = {"$match": "absent"}, {"$match": "any", "optional": True}
    assert spelled_out(city="Oslo", days=absent) == spelled_out(city="Oslo", days=optional) == {"city": "Oslo"}


def test_argument_whose_values_are_not_known_is_named() -> None:
    """Nothing is made up."""
    with pytest.raises(FieldError, match="of which none is known") as caught:
        spelled_out(city={"a": {"$match": "regex", "pattern": "[^\\x00-\\x{10ffff}]"}})
    assert caught.value.field == "[0].arguments.city"


def test_first_alternative_is_the_answer() -> None:
    """And where no call is wanted, or any will do, there is none to spell out."""
    calls = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Oslo", "Turku")]
    case = case_of(row(expected=LEFT_OUT, expected_any_of=[calls, []]), 1)
    assert [arguments for _, arguments in sample_calls(case.turns[0].expected, case.tools)] == [
        {"city": "Oslo"},
        {"city": "Turku"},
    ]
    assert sample_calls("any", case.tools) == sample_calls(((),), case.tools) == []
