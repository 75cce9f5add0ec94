"""What is acceptable beside a literal: `{"$match": NAME, ...}`, one file a matcher.

To add one, write `NAME.py` with a frozen dataclass whose fields are its options (each with a type and, where it
may be left out, a default), the two methods of `Matcher`, and `PLUGIN: type[Matcher] = ThatClass`. Every matcher
also takes `"optional": true`: the argument may be left out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice, product
from typing import Any, Protocol, TypeAlias, cast

from pydantic import TypeAdapter, ValidationError

from fceval import registry
from fceval.errors import FieldError, did_you_mean
from fceval.records import Case, Expectation, Json
from fceval.toolschema import MISSING, SchemaNode, child_path

MATCH_KEY = "$match"
"""The member that makes an object an expectation instead of a literal."""

Equal: TypeAlias = Callable[[Expectation], tuple[str, ...] | None]
"""Compares an expectation with the predicted value: the rules that equality needed, or None where they differ."""

_MAX_LISTED = 64


class Matcher(Protocol):
    """One way of saying what is acceptable."""

    def accepts(self, predicted: Json, equal: Equal) -> tuple[str, ...] | None:
        """Return the rules of leniency that accepting the value needed, or None where it is not acceptable."""

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
    given: dict[str, Any] = dict(cast("Mapping[str, Any]", expectation))
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
        msg = f"matcher `{name}`, option `{field}`: {first['msg'].removeprefix('Value error, ')}"
        raise FieldError(msg, field) from None


@lru_cache(maxsize=None)  # noqa: UP033 -- one entry a matcher file; `cache` would say the same
def _plugin(name: str) -> tuple[Any, TypeAdapter[Matcher]]:
    plugin = registry.load(__name__, name)
    return plugin, TypeAdapter(plugin)


def check(expectation: Expectation, path: str) -> None:
    """Refuse an expectation that cannot be read, at any depth.

    Raises:
        FieldError: With the path of the expectation.
    """
    if isinstance(expectation, Mapping):
        if MATCH_KEY in expectation:
            try:
                matcher_of(expectation)
            except FieldError as error:
                raise FieldError(str(error), path) from None
        for name, value in expectation.items():
            check(value, child_path(path, name))
    elif isinstance(expectation, list | tuple):
        for position, value in enumerate(expectation):
            check(value, child_path(path, position))


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
                    check(expectation, f"{place}{listed}[{position}].arguments.{name}")


def acceptable(expectation: Expectation, node: SchemaNode) -> list[Json]:
    """Return values that an expectation accepts, the plainest first; a bounded number of them.

    Empty where nothing is accepted but that the argument is left out.
    """
    return list(islice(_listed(expectation, node), _MAX_LISTED))


def _listed(expectation: Expectation, node: SchemaNode) -> Iterable[Json]:
    if is_matcher(expectation):
        return matcher_of(expectation)[0].examples(node)
    if isinstance(expectation, Mapping):
        members = [acceptable(value, node.member(name)) for name, value in expectation.items()]
        return (dict(zip(expectation, values, strict=True)) for values in product(*members))
    if isinstance(expectation, list | tuple):
        return (list(values) for values in product(*(acceptable(value, node.items) for value in expectation)))
    return (expectation,)


def sample(expectation: Expectation, node: SchemaNode) -> object:
    """Return the plainest acceptable value; `MISSING` where leaving the argument out is as good."""
    if is_matcher(expectation) and matcher_of(expectation)[1]:
        return MISSING
    return next(iter(_listed(expectation, node)), MISSING)
