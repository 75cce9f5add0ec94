"""What every matcher keeps to, whichever files there are."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given

from fceval.errors import FieldError
from fceval.records import Expectation, Json
from fceval.registry import load
from fceval.scoring import matchers
from fceval.scoring.equality import compare
from fceval.scoring.matchers import acceptable, check, matcher_of, may_be_left_out, sample
from fceval.scoring.rules import Rules
from fceval.toolschema import MISSING, SchemaNode
from tests.strategies import wild_values

FREE = SchemaNode({}, {})
PLAIN: dict[str, dict[str, Json]] = {
    "absent": {},
    "any": {},
    "contains": {"value": "a"},
    "date": {"value": "2026-03-01", "formats": ["%d.%m.%Y"]},
    "number": {"value": 5, "abs": 0.5},
    "one_of": {"values": ["a", {"$match": "number", "value": 1}]},
    "regex": {"pattern": r"ORD-\d{5}"},
    "set": {"values": [1, {"$match": "regex", "pattern": "a|b"}]},
    "text": {"value": "A b", "ignore_case": True},
}
"""A use of each matcher. A new matcher needs a line here."""

every_matcher = pytest.mark.parametrize("name", matchers.names())


def use(name: str, **more: Json) -> Expectation:
    """Return an expectation of a matcher."""
    return {"$match": name, **PLAIN[name], **more}


def test_every_matcher_has_its_use() -> None:
    """The table above is whole."""
    assert set(PLAIN) == set(matchers.names())


@every_matcher
def test_is_a_frozen_dataclass(name: str) -> None:
    """Options are fields, and a matcher can be shared."""
    plugin = load("fceval.scoring.matchers", name)
    assert dataclasses.is_dataclass(plugin)
    matcher, optional = matcher_of(use(name))
    assert not optional
    assert matcher_of(use(name))[0] is matcher
    assert vars(plugin)["__dataclass_params__"].frozen


@every_matcher
@given(predicted=wild_values)
def test_takes_every_value(name: str, predicted: Json) -> None:
    """No value is too odd to be judged."""
    comparison = compare(use(name), predicted, FREE, Rules())
    assert comparison.fault in {None, "wrong_type", "wrong_value"}
    assert comparison.fault is not None or comparison.rules[0] == name


@every_matcher
def test_accepts_its_examples(name: str) -> None:
    """What a matcher lists as acceptable, it accepts, and without leniency."""
    listed = acceptable(use(name), FREE)
    assert bool(listed) == (name != "absent")
    for value in listed:
        assert compare(use(name), value, FREE, Rules(strings="exact")).strict, value


@every_matcher
def test_optional_may_be_left_out(name: str) -> None:
    """Every matcher takes `optional`, and then nothing need be there."""
    assert may_be_left_out(use(name, optional=True))
    assert sample(use(name, optional=True), FREE) is MISSING
    assert may_be_left_out(use(name)) == (name == "absent")


@every_matcher
def test_misspelt_option(name: str) -> None:
    """An option that there is not is a load error."""
    with pytest.raises(FieldError, match=rf"matcher `{name}` has no option `optionale` \(did you mean `optional`\?\)"):
        check(use(name, optionale=True), "$")


@every_matcher
def test_needed_option(name: str) -> None:
    """A matcher without an option that it needs is a load error."""
    needs = [
        option.name
        for option in dataclasses.fields(load("fceval.scoring.matchers", name))
        if option.default is dataclasses.MISSING and option.default_factory is dataclasses.MISSING
    ]
    for option in needs:
        rest = {key: value for key, value in PLAIN[name].items() if key != option}
        with pytest.raises(FieldError, match=f"matcher `{name}`, option `{option}`: missing"):
            check({"$match": name, **rest}, "$")
