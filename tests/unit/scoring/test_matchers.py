"""Expectations when a dataset is loaded: what is refused, where, and what answers they stand for."""

from __future__ import annotations

import pytest

from fceval.cases.rows import case_of
from fceval.errors import FieldError
from fceval.jsontext import read_json
from fceval.records import Expectation, Json
from fceval.scoring.matchers import acceptable, check, check_case, sample
from fceval.toolschema import MISSING, SchemaNode

FREE = SchemaNode({}, {})


@pytest.mark.parametrize(
    ("expectation", "problem"),
    [
        ({"$match": "one-of", "values": [1]}, "unknown matcher `one-of` (did you mean `one_of`?)"),
        ({"$match": 5}, "unknown matcher `5`"),
        ({"$match": "one_of", "values": []}, "option `values`"),
        ({"$match": "one_of", "values": "a"}, "option `values`"),
        ({"$match": "one_of", "value": "a"}, "has no option `value` (did you mean `values`?)"),
        ({"$match": "any", "optional": "yes"}, "`optional` is true or false, not 'yes'"),
        ({"$match": "text", "value": 5}, "option `value`: Input should be a valid string"),
        ({"$match": "text", "value": "a", "ignore_case": 1}, "option `ignore_case`: Input should be a valid boolean"),
        ({"$match": "number", "value": "5"}, "option `value`"),
        ({"$match": "number", "value": True}, "option `value`"),
        ({"$match": "number", "value": 5, "abs": -1}, "option `abs`"),
        ({"$match": "contains", "value": " "}, "every text holds a blank one"),
        ({"$match": "date", "value": "tomorrow"}, "ISO 8601, not 'tomorrow'"),
        ({"$match": "date", "value": "2026-03-01", "formats": ["unx"]}, "unknown format `unx` (did you mean `unix`?)"),
        ({"$match": "date", "value": "2026-03-01", "formats": ["%d.%m."]}, "format `%d.%m.` has no year"),
        ({"$match": "date", "value": "2026-03-01", "formats": ["%Y-%Q"]}, "'Q' is a bad directive"),
        ({"$match": "date", "value": "2026-03-01", "formats": ["%Y %Y"]}, "format `%Y %Y`"),
        ({"$match": "regex", "pattern": "(?=a)b"}, "RE2 has no look-ahead (`(?=`)"),
        ({"$match": "regex", "pattern": "(?<!a)b"}, "RE2 has no negative look-behind (`(?<!`)"),
        ({"$match": "regex", "pattern": r"(a)\1"}, r"RE2 has no back-references (`\1`)"),
        ({"$match": "regex", "pattern": "(?P<n>a)(?P=n)"}, "RE2 has no back-references by name"),
        ({"$match": "regex", "pattern": "(?>a)"}, "RE2 has no atomic groups (`(?>`)"),
        ({"$match": "regex", "pattern": "a++"}, "RE2 has no possessive quantifiers (`++`)"),
        ({"$match": "regex", "pattern": r"a\Z"}, r"the end of the text is `\z`"),
        ({"$match": "regex", "pattern": "a{5000}"}, "invalid repetition size `{5000}`"),
        ({"$match": "regex", "pattern": "[a"}, "missing ] `[a`"),
        ({"$match": "regex", "pattern": "\ud800"}, "a lone surrogate is no character"),
        ({"$match": "set", "values": [{"$match": "any", "optional": True}]}, "an element of a list cannot be"),
        ([{"$match": "any", "optional": True}], "an element of a list cannot be"),
        (read_json("0.1000000000000000055"), "has more digits than a JSON number keeps on its way: write 0.1"),
        (read_json('{"$match": "number", "value": 1.00000000000000000001}'), "write 1.0"),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["argument", "member", "element", "option"])
def test_unreadable_expectation(expectation: Expectation, problem: str, place: str) -> None:
    """What cannot be read is refused at any depth, with its reason and a suggestion."""
    nested: dict[str, tuple[Expectation, str]] = {
        "argument": (expectation, "$"),
        "member": ({"a": {"b": expectation}}, "$.a.b"),
        "element": ([0, {"a": expectation}], "$[1].a"),
        "option": ({"$match": "one_of", "values": [{"x": expectation}]}, "$.values[0].x"),
    }
    whole, path = nested[place]
    with pytest.raises(FieldError) as refused:
        check(whole, "$")
    assert problem in str(refused.value)
    assert str(refused.value.field).startswith(path)


@pytest.mark.parametrize(
    "expectation",
    [
        {"$match": "one_of", "values": [{"$match": "any", "optional": True}, None]},
        {"a": [{"$match": "regex", "pattern": "(?i)a"}], "b": {"$match": "set", "values": []}},
        {"$match": "number", "value": 5, "rel": 0.1, "optional": True},
        [1, "a", None, {"b": []}],
    ],
)
def test_readable_expectation(expectation: Expectation) -> None:
    """What can be read is not refused."""
    check(expectation, "$")


@pytest.mark.parametrize(
    ("expected", "field"),
    [
        ({"expected": [{"name": "f", "arguments": {"x": {"$match": "?"}}}]}, "expected[0].arguments.x"),
        (
            {"expected_any_of": [[], [{"name": "f", "arguments": {"x": [{"$match": "?"}]}}]]},
            "expected_any_of[1][0].arguments.x[0]",
        ),
        (
            {
                "turns": [
                    {"messages": [{"role": "user", "content": ""}], "expected": "any"},
                    {
                        "messages": [{"role": "user", "content": ""}],
                        "expected": [{"name": "f", "arguments": {"x": {"$match": "?"}}}],
                    },
                ]
            },
            "turns[1].expected[0].arguments.x",
        ),
    ],
)
def test_case_names_the_field(expected: dict[str, Json], field: str) -> None:
    """The error of a case names the field in the words of its row."""
    messages: dict[str, Json] = {} if "turns" in expected else {"messages": [{"role": "user", "content": ""}]}
    case = case_of({"case_id": "c", "tools": [{"function": {"name": "f"}}], **messages, **expected}, 1)
    with pytest.raises(FieldError) as refused:
        check_case(case)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("expectation", "values"),
    [
        (5, [5]),
        ({"a": 1}, [{"a": 1}]),
        ({"$match": "one_of", "values": [1, {"$match": "one_of", "values": [2, 3]}]}, [1, 2, 3]),
        ({"a": {"$match": "one_of", "values": [1, 2]}, "b": 3}, [{"a": 1, "b": 3}, {"a": 2, "b": 3}]),
        ([{"$match": "one_of", "values": [1, 2]}, 0], [[1, 0], [2, 0]]),
        ({"a": {"$match": "absent"}, "b": 1}, [{"b": 1}]),
        ({"$match": "absent"}, []),
        ({"$match": "set", "values": [1, {"$match": "one_of", "values": [2, 3]}]}, [[1, 2]]),
        ({"$match": "contains", "value": "a"}, ["a"]),
        ({"$match": "contains", "value": {"$match": "number", "value": 1}}, [[1]]),
        ({"$match": "number", "value": 12.5, "abs": 1}, [12.5]),
    ],
)
def test_acceptable(expectation: Expectation, values: list[Json]) -> None:
    """The values that an expectation accepts are listed, the plainest first."""
    assert acceptable(expectation, FREE) == values


@pytest.mark.parametrize(
    "pattern",
    [
        r"ORD-\d{5}",
        r"(?i)^order[ _-]?(\d+)$",
        r"[^@\s]+@[^@\s]+\.[a-z]{2,}",
        r"(?:yes|no|[[:alpha:]]{3})",
        r"\(\+?\d{2,4}\) \w+\b.*",
        r"[一-龥]{2,4}市",
        r"(?P<year>\d{4})/(?P<month>0[1-9]|1[0-2])",
        r"\p{Lu}\p{Ll}+",
        r"a|",
        r"\x41\.\t?",
    ],
)
def test_regex_has_an_example(pattern: str) -> None:
    """A string is made that the pattern matches, so that an endpoint of our own can answer with it."""
    assert len(acceptable({"$match": "regex", "pattern": pattern}, FREE)) >= 1


def test_regex_takes_the_schema_s_word() -> None:
    """An example of the schema goes before one that is made up."""
    node = SchemaNode({}, {"type": "string", "examples": ["ORD-77777"]})
    assert sample({"$match": "regex", "pattern": r"ORD-\d{5}"}, node) == "ORD-77777"


def test_sample_leaves_out_what_it_may() -> None:
    """The plainest answer to an optional argument is none."""
    assert sample({"$match": "one_of", "values": [{"$match": "absent"}, 1]}, FREE) is MISSING
    assert sample({"$match": "one_of", "values": [1]}, FREE) == 1
