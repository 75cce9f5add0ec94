"""Schema-aware equality of two JSON values, and the names of the rules that it needed.

JSON equality, not Python's: `true` is not 1, `"5"` is not 5, numbers are compared as they are written, whatever their
size. Beyond it the schema decides: 5 and 5.0 are one number, a default spelled out equals the argument left out, null
for an optional argument equals leaving it out, and free strings are compared by the run's string rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

from fceval.jsontext import RoundedNumber, written_value
from fceval.records import Expectation, Json
from fceval.scoring.matchers import MATCH_KEY, is_matcher, matcher_of
from fceval.scoring.rules import Rules
from fceval.scoring.strings import composed, normalized
from fceval.toolschema import MISSING, SchemaNode, child_path, json_type

_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types of values that are equal in JSON where they are of one type and equal in Python."""
LENIENT = frozenset({"numeric", "normalized", "omitted", "default"})
"""Rules without which `passed_strict` must do; a matcher's name is a rule too, but what the case itself says."""


class Comparison(NamedTuple):
    """What comparing two values came to."""

    fault: str | None = None
    """`missing_argument`, `unexpected_argument`, `wrong_type` or `wrong_value`; None where they are equal."""
    path: str = "$"
    """JSON path of the first difference; of the value itself where there is none."""
    rules: tuple[str, ...] = ()
    """What the equality needed, in the order in which it was needed; empty where it is exact."""

    @property
    def strict(self) -> bool:
        """Equal without leniency."""
        return self.fault is None and (not self.rules or LENIENT.isdisjoint(self.rules))

    @property
    def rule(self) -> str | None:
        """What the equality needed, as one word: `exact`, or the rules joined by `+`; None where there is a fault."""
        if self.fault is not None:
            return None
        if not self.rules:
            return "exact"
        return "+".join(dict.fromkeys(self.rules))


def compare(expected: Expectation, predicted: Json, node: SchemaNode, rules: Rules, path: str = "$") -> Comparison:
    """Compare a predicted value with an expectation.

    Args:
        expected: A literal or a matcher, at any depth.
        predicted: The decoded value.
        node: What the tool's schema says of this place.
        rules: The run's settings.
        path: JSON path of this place.
    """
    if isinstance(expected, str):
        needed = _equal_strings(expected, predicted, node, rules) if isinstance(predicted, str) else None
    elif isinstance(expected, Mapping):
        if MATCH_KEY in expected:
            return _match(expected, _Place(predicted, node, rules, path))
        if isinstance(predicted, Mapping):
            return _members(expected, predicted, node, rules, path)
        needed = None
    elif isinstance(expected, list | tuple):
        if isinstance(predicted, list | tuple):
            return _elements(expected, predicted, node, rules, path)
        needed = None
    else:
        needed = _equal_scalars(expected, predicted)
    if needed is None:
        return Comparison(_fault(expected, predicted, node), path)
    return Comparison(None, path, needed)


def compare_members(
    expected: Mapping[str, Expectation], predicted: Mapping[str, Json], node: SchemaNode, rules: Rules, path: str = "$"
) -> dict[str, Comparison]:
    """Compare two objects member by member, expected members first, each side in its own order."""
    found: dict[str, Comparison] = {}
    for name, wanted in expected.items():
        value = predicted.get(name, MISSING)
        if type(value) is type(wanted) and type(value) in _PLAIN and value == wanted:  # as most are: no rule is needed
            found[name] = _exact(path, name)
        elif value is MISSING:
            found[name] = _Slot(name, node, rules, child_path(path, name)).compare_absent(wanted)
        else:
            found[name] = _Slot(name, node, rules, child_path(path, name)).compare(wanted, cast("Json", value))
    for name, value in predicted.items():
        if name not in expected:
            found[name] = _Slot(name, node, rules, child_path(path, name)).judge_surplus(value)
    return found


@lru_cache(maxsize=1024)
def _exact(path: str, name: str) -> Comparison:
    """Return what comparing equal members comes to: the same names come with each answer."""
    return Comparison(None, child_path(path, name))


def _members(
    expected: Mapping[str, Json], predicted: Mapping[str, Json], node: SchemaNode, rules: Rules, path: str
) -> Comparison:
    needed: tuple[str, ...] = ()
    for comparison in compare_members(expected, predicted, node, rules, path).values():
        if comparison.fault:
            # Inside an argument a member too many or too few is a wrong value of that argument.
            wrong_type = comparison.fault == "wrong_type"
            return comparison if wrong_type else comparison._replace(fault="wrong_value")
        needed += comparison.rules
    return Comparison(None, path, needed)


def _elements(
    expected: Sequence[Json], predicted: Sequence[Json], node: SchemaNode, rules: Rules, path: str
) -> Comparison:
    needed: tuple[str, ...] = ()
    for position, (wanted, found) in enumerate(zip(expected, predicted, strict=False)):
        comparison = compare(wanted, found, node.element(position), rules, child_path(path, position))
        if comparison.fault:
            return comparison
        needed += comparison.rules
    return Comparison(None if len(expected) == len(predicted) else "wrong_value", path, needed)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A member of an object, which may be there or not."""

    name: str
    owner: SchemaNode
    """The object."""
    rules: Rules
    path: str

    @property
    def node(self) -> SchemaNode:
        return self.owner.member(self.name)

    @property
    def takes_null_as_absent(self) -> bool:
        return self.name not in self.owner.required and not self.node.tells_null_apart

    def compare(self, wanted: Expectation, found: Json) -> Comparison:
        comparison = compare(wanted, found, self.node, self.rules, self.path)
        if comparison.fault is None:
            return comparison
        rule = self._says_nothing(found)
        if rule is None:
            return comparison
        absent = self.compare_absent(wanted)
        if absent.fault:
            return absent if rule == "omitted" else comparison
        return absent._replace(rules=(rule, *absent.rules))

    def compare_absent(self, wanted: Expectation) -> Comparison:
        """Judge an expected member that is not there."""
        if is_matcher(wanted):
            comparison = _match(
                cast("Mapping[str, Any]", wanted), _Place(MISSING, self.node, self.rules, self.path, self)
            )
            if comparison.fault is None:
                return comparison
        elif wanted is None and self.takes_null_as_absent and self.name in self.owner.properties:
            return Comparison(None, self.path, ("omitted",))
        # A default stands in for an optional argument only: without a required one the call is not valid.
        default = MISSING if self.name in self.owner.required else _literal_default(self.node)
        if default is not MISSING and not compare(wanted, cast("Json", default), self.node, self.rules).fault:
            return Comparison(None, self.path, ("default",))
        return Comparison("missing_argument", self.path)

    def judge_surplus(self, found: Json) -> Comparison:
        """Judge a member that is not expected: it may be there where it says nothing."""
        rule = self._says_nothing(found) if self.name in self.owner.properties else None
        return Comparison(None, self.path, (rule,)) if rule else Comparison("unexpected_argument", self.path)

    def _says_nothing(self, found: Json) -> str | None:
        """Return the rule by which a value equals leaving the member out; None where it does not."""
        if found is None and self.takes_null_as_absent:
            return "omitted"
        default = _literal_default(self.node)
        if default is not MISSING and not compare(cast("Json", default), found, self.node, self.rules).fault:
            return "default"
        return None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a matcher stands, and what was predicted there (a `matchers.Place`)."""

    predicted: object
    """`MISSING` where it was left out."""
    node: SchemaNode
    rules: Rules
    path: str
    slot: _Slot | None = None
    """The member that was left out."""

    @property
    def normalizes(self) -> bool:
        return self.rules.strings == "normalized" and not self.node.constrains_strings

    def equal(self, wanted: Expectation) -> tuple[str, ...] | None:
        if self.slot is not None:
            comparison = self.slot.compare_absent(wanted)
        else:
            comparison = compare(wanted, cast("Json", self.predicted), self.node, self.rules, self.path)
        return None if comparison.fault else comparison.rules

    def equal_element(self, wanted: Expectation, position: int) -> tuple[str, ...] | None:
        element = cast("Sequence[Json]", self.predicted)[position]
        comparison = compare(wanted, element, self.node.element(position), self.rules, self.path)
        return None if comparison.fault else comparison.rules


def _match(expected: Mapping[str, Any], place: _Place) -> Comparison:
    matcher, optional = matcher_of(expected)
    needed = () if optional and place.predicted is MISSING else matcher.accepts(place)
    if needed is not None:
        return Comparison(None, place.path, (expected[MATCH_KEY], *needed))
    if place.predicted is MISSING:
        return Comparison("missing_argument", place.path)
    wrong_type = place.node.allows_type(cast("Json", place.predicted)) is False
    return Comparison("wrong_type" if wrong_type else "wrong_value", place.path)


def _literal_default(node: SchemaNode) -> object:
    """Return the default of a place; a schema cannot bring matchers in."""
    default = node.default
    return MISSING if default is not MISSING and _holds_matcher(cast("Json", default)) else default


def _holds_matcher(value: Json) -> bool:
    if isinstance(value, Mapping):
        return MATCH_KEY in value or any(map(_holds_matcher, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_matcher, value))


def _equal_scalars(expected: Json, predicted: Json) -> tuple[str, ...] | None:
    """Compare null, booleans and numbers; values of different kinds differ."""
    if expected is None or isinstance(expected, bool) or isinstance(predicted, bool):
        return () if expected is predicted else None
    if not isinstance(expected, int | float) or not isinstance(predicted, int | float):
        return None
    same_kind = type(expected) is type(predicted)
    if same_kind and not isinstance(expected, RoundedNumber):
        return () if expected == predicted else None
    if written_value(expected) != written_value(predicted):
        return None
    return () if same_kind else ("numeric",)


def _equal_strings(expected: str, predicted: str, node: SchemaNode, rules: Rules) -> tuple[str, ...] | None:
    if expected == predicted:
        return ()
    if composed(expected) == composed(predicted):
        return ("normalized",)
    if rules.strings != "normalized" or node.constrains_strings or normalized(expected) != normalized(predicted):
        return None
    return ("normalized",)


def _fault(expected: Json, predicted: Json, node: SchemaNode) -> str:
    """Tell a wrong type from a wrong value: by the schema, or where it declares no type, by the expected value."""
    allowed = node.allows_type(predicted)
    if allowed is None:
        kinds = {json_type(expected), json_type(predicted)}
        allowed = len(kinds) == 1 or kinds == {"integer", "number"}
    return "wrong_value" if allowed else "wrong_type"
