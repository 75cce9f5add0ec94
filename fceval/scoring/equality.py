"""Schema-aware equality of two JSON values, and the names of the rules that it needed.

JSON equality, not Python's: `true` is not 1, `"5"` is not 5, integers of any size are exact. Beyond it the schema
decides: 5 and 5.0 are one number, a default spelled out equals the argument left out, null for an optional
argument equals leaving it out, and free strings are compared by the run's string rule.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from fceval.records import Expectation, Json
from fceval.scoring.matchers import MATCH_KEY, is_matcher, matcher_of
from fceval.scoring.rules import Rules
from fceval.toolschema import MISSING, SchemaNode, child_path, json_type

LENIENT = frozenset({"numeric", "normalized", "omitted", "default"})
"""Rules without which `passed_strict` must do; a matcher's name is a rule too, but what the case itself says."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Comparison:
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
        return self.fault is None and LENIENT.isdisjoint(self.rules)


def compare(expected: Expectation, predicted: Json, node: SchemaNode, rules: Rules, path: str = "$") -> Comparison:
    """Compare a predicted value with an expectation.

    Args:
        expected: A literal or a matcher, at any depth.
        predicted: The decoded value.
        node: What the tool's schema says of this place.
        rules: The run's settings.
        path: JSON path of this place.
    """
    if is_matcher(expected):
        return _match(cast("Mapping[str, Any]", expected), predicted, node, rules, path)
    if isinstance(expected, Mapping) and isinstance(predicted, Mapping):
        return _members(expected, predicted, node, rules, path)
    if isinstance(expected, str) and isinstance(predicted, str):
        needed = _equal_strings(expected, predicted, node, rules)
    elif _is_array(expected) and _is_array(predicted):
        return _elements(cast("Sequence[Json]", expected), cast("Sequence[Json]", predicted), node, rules, path)
    else:
        needed = _equal_scalars(expected, predicted)
    if needed is None:
        return Comparison(_fault(expected, predicted, node), path)
    return Comparison(None, path, needed)


def compare_members(
    expected: Mapping[str, Expectation], predicted: Mapping[str, Json], node: SchemaNode, rules: Rules, path: str = "$"
) -> dict[str, Comparison]:
    """Compare two objects member by member, expected members first, each side in its own order."""
    found = {
        name: _member(name, wanted, predicted.get(name, MISSING), node, rules, child_path(path, name))
        for name, wanted in expected.items()
    }
    for name, value in predicted.items():
        if name not in expected:
            found[name] = _surplus(name, value, node, rules, child_path(path, name))
    return found


def _members(
    expected: Mapping[str, Json], predicted: Mapping[str, Json], node: SchemaNode, rules: Rules, path: str
) -> Comparison:
    needed: tuple[str, ...] = ()
    for comparison in compare_members(expected, predicted, node, rules, path).values():
        if comparison.fault:
            # Inside an argument a member too many or too few is a wrong value of that argument.
            wrong_type = comparison.fault == "wrong_type"
            return comparison if wrong_type else replace(comparison, fault="wrong_value")
        needed += comparison.rules
    return Comparison(None, path, needed)


def _elements(
    expected: Sequence[Json], predicted: Sequence[Json], node: SchemaNode, rules: Rules, path: str
) -> Comparison:
    needed: tuple[str, ...] = ()
    for position, (wanted, found) in enumerate(zip(expected, predicted, strict=False)):
        comparison = compare(wanted, found, node.items, rules, child_path(path, position))
        if comparison.fault:
            return comparison
        needed += comparison.rules
    return Comparison(None if len(expected) == len(predicted) else "wrong_value", path, needed)


def _member(  # noqa: PLR0913, PLR0917 -- one member of an object, and where it stands
    name: str, wanted: Expectation, found: object, node: SchemaNode, rules: Rules, path: str
) -> Comparison:
    if found is MISSING:
        return _absent(name, wanted, node, rules, path)
    comparison = compare(wanted, cast("Json", found), node.member(name), rules, path)
    if comparison.fault and found is None and name not in node.required:
        absent = _absent(name, wanted, node, rules, path)
        return replace(absent, rules=("omitted", *absent.rules))
    return comparison


def _absent(name: str, wanted: Expectation, node: SchemaNode, rules: Rules, path: str) -> Comparison:
    """Judge an expected member that is not there."""
    if is_matcher(wanted) and matcher_of(wanted)[1]:
        return Comparison(None, path, (cast("Mapping[str, Any]", wanted)[MATCH_KEY],))
    if wanted is None and name not in node.required:
        return Comparison(None, path, ("omitted",))
    default = node.member(name).default
    if default is not MISSING and not compare(wanted, cast("Json", default), node.member(name), rules).fault:
        return Comparison(None, path, ("default",))
    return Comparison("missing_argument", path)


def _surplus(name: str, found: Json, node: SchemaNode, rules: Rules, path: str) -> Comparison:
    """Judge a member that is not expected: it may be there where it says nothing."""
    if name in node.properties:
        if found is None and name not in node.required:
            return Comparison(None, path, ("omitted",))
        default = node.member(name).default
        if default is not MISSING and not compare(cast("Json", default), found, node.member(name), rules).fault:
            return Comparison(None, path, ("default",))
    return Comparison("unexpected_argument", path)


def _match(expected: Mapping[str, Any], predicted: Json, node: SchemaNode, rules: Rules, path: str) -> Comparison:
    def equal(wanted: Expectation) -> tuple[str, ...] | None:
        comparison = compare(wanted, predicted, node, rules, path)
        return None if comparison.fault else comparison.rules

    needed = matcher_of(expected)[0].accepts(predicted, equal)
    if needed is None:
        return Comparison("wrong_type" if node.allows_type(predicted) is False else "wrong_value", path)
    return Comparison(None, path, (expected[MATCH_KEY], *needed))


def _is_array(value: Json) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _equal_scalars(expected: Json, predicted: Json) -> tuple[str, ...] | None:
    """Compare null, booleans and numbers; values of different kinds differ."""
    if expected is None or isinstance(expected, bool) or isinstance(predicted, bool):
        return () if expected is predicted else None
    if not isinstance(expected, int | float) or not isinstance(predicted, int | float) or expected != predicted:
        return None
    return () if type(expected) is type(predicted) else ("numeric",)


def _equal_strings(expected: str, predicted: str, node: SchemaNode, rules: Rules) -> tuple[str, ...] | None:
    if expected == predicted:
        return ()
    wanted, found = unicodedata.normalize("NFC", expected), unicodedata.normalize("NFC", predicted)
    if wanted != found and rules.strings == "normalized" and not node.constrains_strings:
        wanted, found = _SPACE.sub("", wanted.casefold()), _SPACE.sub("", found.casefold())
    return ("normalized",) if wanted == found else None


def _fault(expected: Json, predicted: Json, node: SchemaNode) -> str:
    """Tell a wrong type from a wrong value: by the schema, or where it declares no type, by the expected value."""
    allowed = node.allows_type(predicted)
    if allowed is None:
        kinds = {json_type(expected), json_type(predicted)}
        allowed = len(kinds) == 1 or kinds == {"integer", "number"}
    return "wrong_value" if allowed else "wrong_type"
