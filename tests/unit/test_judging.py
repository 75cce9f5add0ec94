"""What judging tells the stages before it: which cases can be judged, and what is known of expectations."""

from __future__ import annotations

from typing import Any

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.judging import check_scorable, judgement
from fceval.records import Case, ExpectedCall
from fceval.scoring.rules import Rules
from fceval.toolschema import SchemaNode
from tests.case_rows import row

DOC = {
    "name": "get_weather",
    "parameters": {"type": "dict", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TEXT = SchemaNode({}, {"type": "string"})


def case_from_bfcl(**source: Any) -> Case:  # noqa: ANN401 -- any field of `source`
    """Return a case with the `source` that an import of BFCL writes."""
    whole = {"dataset": "bfcl", "category": "simple_python", "function": [DOC], "ground_truth": [{"get_weather": {}}]}
    return case_of(row(source=whole | source), 1)


@pytest.mark.parametrize("name", ["native", "bfcl"])
def test_expectation_that_cannot_be_read_is_refused(name: Any) -> None:  # noqa: ANN401 -- a name of rules
    """Whichever rules judge: the reports show it."""
    fields = row(expected=[{"name": "get_weather", "arguments": {"city": {"$match": "one_off"}}}])
    with pytest.raises(FieldError) as caught:
        check_scorable(case_of(fields, 1), Rules(name=name))
    assert caught.value.field == "expected[0].arguments.city"


def test_only_bfcls_rules_need_a_case_from_bfcl() -> None:
    """Natively any case will do."""
    case = case_of(row(), 1)
    check_scorable(case, Rules())
    check_scorable(case_from_bfcl(), Rules(name="bfcl"))
    with pytest.raises(FieldError) as caught:
        check_scorable(case, Rules(name="bfcl"))
    assert caught.value.field == "source"


def test_damaged_source_is_refused_by_its_field() -> None:
    """What BFCL's rules read of it is named."""
    check_scorable(case_from_bfcl(function=None), Rules())
    with pytest.raises(FieldError) as caught:
        check_scorable(case_from_bfcl(function=None), Rules(name="bfcl"))
    assert caught.value.field == "source.function"


def calls(*cities: str) -> tuple[ExpectedCall, ...]:
    """Return expected calls."""
    return tuple(ExpectedCall("get_weather", {"city": city}) for city in cities)


@pytest.mark.parametrize(
    ("expected", "made", "passes"),
    [
        (calls("Oslo"), [("get_weather", {"city": "Oslo"})], True),
        (calls("Oslo"), [("get_weather", {"city": "OSLO"})], True),
        (calls("Oslo"), [("get_weather", {"city": "Paris"})], False),
        (calls("Oslo"), [("get_time", {"city": "Oslo"})], False),
        (calls("Oslo"), [], False),
        (calls(), [], True),
        (calls(), [("get_weather", {"city": "Oslo"})], False),
        (calls("Oslo", "Paris"), [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Oslo"})], True),
    ],
)
def test_answer_passes_by_the_calls_that_are_given(expected: Any, made: Any, *, passes: bool) -> None:  # noqa: ANN401 -- tuples above
    """Not by those of the case: an alternative is held against the answer of another."""
    case = case_of(row(expected=[{"name": "get_weather", "arguments": {"city": "Bergen"}}]), 1)
    assert judgement().passes(case, expected, made) is passes


def test_answer_passes_by_the_settings_of_its_case() -> None:
    """Its own word on order and strings counts."""
    made = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Oslo"})]
    assert not judgement().passes(case_of(row(order="strict"), 1), calls("Oslo", "Paris"), made)
    assert not judgement().passes(case_of(row(strings="exact"), 1), calls("oslo"), made[1:])


@pytest.mark.parametrize(
    ("wanted", "value", "equal"),
    [
        ("Oslo", "oslo ", True),
        ("Oslo", "Paris", False),
        ({"$match": "contains", "value": "sl"}, "Oslo", True),
        ({"$match": "one_of", "values": ["a", "b"]}, "c", False),
    ],
)
def test_value_is_equal_by_the_usual_rules(wanted: Any, value: str, *, equal: bool) -> None:  # noqa: ANN401 -- an expectation
    """A plain value or a matcher."""
    assert judgement().is_equal(wanted, value, TEXT) is equal


def test_acceptable_values_are_listed_plainest_first() -> None:
    """And whether none is accepted too."""
    wanted: Any = {"$match": "one_of", "values": ["a", "b"], "optional": True}
    assert list(judgement().acceptable(wanted, TEXT)) == ["a", "b"]
    assert judgement().may_be_left_out(wanted)
    assert not judgement().may_be_left_out("a")


def test_only_a_case_of_bfcl_can_be_unpassable_by_its_source() -> None:
    """The field and the reason are BFCL's; any other case has no such rules."""
    found = judgement().why_unpassable(case_from_bfcl())
    assert found is not None
    assert found[0] == "source.ground_truth[0].get_weather.city"
    assert judgement().why_unpassable(case_from_bfcl(ground_truth=[{"get_weather": {"city": ["Oslo"]}}])) is None
    assert judgement().why_unpassable(case_of(row(), 1)) is None
    assert judgement().why_unpassable(case_from_bfcl(function=None)) is None
