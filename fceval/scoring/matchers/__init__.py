"""What is acceptable beside a literal: `{"$match": NAME, ...}`, one file a matcher.

To add one, write `NAME.py` with a frozen dataclass whose fields are its options (each with a type and, where it
may be left out, a default; `__post_init__` raises ValueError for a value that cannot be used), the two methods of
`Matcher`, and `PLUGIN: type[Matcher] = ThatClass`. Every matcher also takes `"optional": true`: the argument may be
left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice, product
from typing import Any, Protocol, TypeAlias, cast

from pydantic import TypeAdapter, ValidationError

from fceval import registry
from fceval.errors import FieldError, did_you_mean
from fceval.identity import OfSame
from fceval.jsontext import RoundedNumber, read_json
from fceval.records import Case, Expectation, Json, canonical_json
from fceval.toolschema import MISSING, SchemaNode, child_path

# Files here are named `any` and `set`: once they are imported, those names are no builtins in this module.

MATCH_KEY = "$match"
"""The member that makes an object an expectation instead of a literal."""

Needed: TypeAlias = tuple[str, ...] | None
"""The rules of leniency that accepting a value needed; None where it is not acceptable."""

ELEMENT_NOT_OPTIONAL = "`optional` says that an argument may be left out, which an element of a list cannot be"

_MAX_LISTED = 64
_PLAIN = frozenset({str, int, bool, float, type(None)})
"""Types of most expectations: nothing in them could be wrong."""


class Place(Protocol):
    """Where a matcher stands, and what was predicted there."""

    @property
    def predicted(self) -> object:
        """The decoded value; `MISSING` where it was left out."""

    @property
    def normalizes(self) -> bool:
        """Whether case and white space do not count in strings here, by the string rule and the schema."""

    def equal(self, wanted: Expectation) -> Needed:
        """Compare another expectation with what was predicted here."""

    def equal_element(self, wanted: Expectation, position: int) -> Needed:
        """Compare an expectation with one element of the predicted array."""


class Matcher(Protocol):
    """One way of saying what is acceptable."""

    def accepts(self, place: Place) -> Needed:
        """Return the rules that accepting what was predicted needed, or None where it is not acceptable."""

    def examples(self, node: SchemaNode) -> Iterable[Json]:
        """Yield values that are accepted, the plainest first, as far as they can be listed."""


def names() -> tuple[str, ...]:
    """Return the matchers there are."""
    return registry.names(__name__)


def is_matcher(expectation: Expectation) -> bool:
    """Whether an expectation is a matcher and no literal."""
    return isinstance(expectation, Mapping) and MATCH_KEY in expectation


def matcher_of(expectation: Expectation) -> tuple[Matcher, bool]:
    """Return the matcher that an expectation names, and whether the argument may be left out.

    Raises:
        FieldError: Unknown matcher or option, or an option of the wrong type.
    """
    return _of_same(expectation)


@lru_cache(maxsize=8192)  # the same few expectations are held against every trial and variant
def _matcher_of(expectation: str) -> tuple[Matcher, bool]:
    given: dict[str, Any] = dict(cast("Mapping[str, Any]", read_json(expectation)))
    name = given.pop(MATCH_KEY)
    optional = given.pop("optional", False)
    if not isinstance(name, str) or name not in names():
        msg = f"unknown matcher `{name}`{did_you_mean(str(name), names())}; there are: {', '.join(names())}"
        raise FieldError(msg, MATCH_KEY)
    if not isinstance(optional, bool):
        msg = f"`optional` is true or false, not {optional!r}"
        raise FieldError(msg, "optional")
    plugin, adapter = _plugin(name)
    known = [option.name for option in dataclasses.fields(plugin)]
    for option in given:
        if option not in known:
            msg = f"matcher `{name}` has no option `{option}`{did_you_mean(option, [*known, 'optional'])}"
            raise FieldError(msg, option)
    try:
        return adapter.validate_python(given), optional
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else None
        place = f"matcher `{name}`, option `{field}`" if field else f"matcher `{name}`"
        what = "missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        msg = f"{place}: {what}"
        raise FieldError(msg, field) from None


_of_same = OfSame[Expectation, tuple[Matcher, bool]](lambda expectation: _matcher_of(canonical_json(expectation)))
"""A matcher is asked for again with each value, trial and variant, and its text takes longer than its answer."""


@lru_cache(maxsize=None)  # noqa: UP033 -- one entry a matcher file; `cache` would say the same
def _plugin(name: str) -> tuple[Any, TypeAdapter[Matcher]]:
    plugin = registry.load(__name__, name)
    return plugin, TypeAdapter(plugin)


def check(expectation: Expectation, path: str, *, in_list: bool = False) -> None:
    """Refuse an expectation that cannot be read, at any depth.

    Args:
        expectation: A literal or a matcher.
        path: Where it stands, for the message.
        in_list: It is an element of a list, which cannot be left out.

    Raises:
        FieldError: With the path of the expectation.
    """
    if is_matcher(expectation):
        _check_matcher(cast("Mapping[str, Any]", expectation), path, in_list=in_list)
    elif isinstance(expectation, Mapping):
        for name, value in expectation.items():
            check(value, child_path(path, name))
    elif isinstance(expectation, list | tuple):
        for position, value in enumerate(expectation):
            check(value, child_path(path, position), in_list=True)
    elif isinstance(expectation, RoundedNumber):
        msg = (
            f"{expectation.written} has more digits than a JSON number keeps on its way: "
            f"write {float(expectation)!r}, or a `number` matcher with a tolerance"
        )
        raise FieldError(msg, path)


def _check_matcher(expectation: Mapping[str, Any], path: str, *, in_list: bool) -> None:
    try:
        _, optional = matcher_of(expectation)
    except FieldError as error:
        raise FieldError(str(error), path) from None
    if in_list and optional:
        raise FieldError(ELEMENT_NOT_OPTIONAL, path)
    for name, option in expectation.items():
        # The values of a matcher stand where it stands: they are no elements of a list.
        for position, value in enumerate(option) if isinstance(option, list) else ():
            check(value, child_path(child_path(path, name), position))
        if not isinstance(option, list):
            check(option, child_path(path, name))


def check_case(case: Case) -> None:
    """Refuse a case with an expectation that cannot be read.

    Raises:
        FieldError: With the field, as `expected[0].arguments.city`.
    """
    for number, turn in enumerate(case.turns):
        place = f"turns[{number}]." if len(case.turns) > 1 else ""
        for alternative, calls in enumerate(() if turn.expected == "any" else turn.expected):
            listed = "expected" if len(turn.expected) == 1 else f"expected_any_of[{alternative}]"
            for position, call in enumerate(calls):
                for name, expectation in call.arguments.items():
                    if type(expectation) not in _PLAIN:
                        check(expectation, f"{place}{listed}[{position}].arguments.{name}")


def acceptable(expectation: Expectation, node: SchemaNode) -> list[Json]:
    """Return values that an expectation accepts, the plainest first; a bounded number of them.

    Empty where nothing is accepted but that the argument is left out, or nothing that is accepted is known.
    """
    return list(islice(listed(expectation, node), _MAX_LISTED))


def listed(expectation: Expectation, node: SchemaNode) -> Iterable[Json]:
    """Yield values that an expectation accepts, the plainest first, as far as they can be listed."""
    if is_matcher(expectation):
        return matcher_of(expectation)[0].examples(node)
    if isinstance(expectation, Mapping):
        members = {name: acceptable(value, node.member(name)) for name, value in expectation.items()}
        given = {name: values for name, values in members.items() if values or not may_be_left_out(expectation[name])}
        return (dict(zip(given, values, strict=True)) for values in product(*given.values()))
    if isinstance(expectation, list | tuple):
        places = (acceptable(value, node.element(position)) for position, value in enumerate(expectation))
        return (list(values) for values in product(*places))
    return (expectation,)


def sample(expectation: Expectation, node: SchemaNode) -> object:
    """Return the plainest acceptable value; `MISSING` where leaving the argument out is as good."""
    if may_be_left_out(expectation):
        return MISSING
    return next(iter(listed(expectation, node)), MISSING)


def may_be_left_out(expectation: Expectation) -> bool:
    """Whether an expectation itself says that the argument need not be there, whatever its schema says."""
    return _LeftOut().equal(expectation) is not None


class _LeftOut:
    """The place of an argument that was left out, as far as its schema is not asked."""

    predicted: object = MISSING
    normalizes = False

    def equal(self, wanted: Expectation) -> Needed:
        if not is_matcher(wanted):
            return None
        matcher, optional = matcher_of(wanted)
        return () if optional else matcher.accepts(self)

    def equal_element(self, wanted: Expectation, position: int) -> Needed:
        del wanted, position
        return None
