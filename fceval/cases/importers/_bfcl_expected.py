"""BFCL's possible answers as expected calls.

What a possible answer means is kept; what BFCL's checker makes of it by accident is not (that is `--rules bfcl`):

* Several acceptable values are a `one_of`, a single one is a literal. The marker `""` makes the argument optional,
  except where the function requires it; it is no value of its own unless there is no other.
* `null` beside the marker says the same as the marker: it is left out where the function does not require the
  argument. An argument for which nothing but "left out" is acceptable is not listed.
* An optional argument that the function does not take is not listed; one that has to be given is, though nobody can.
* No acceptable value at all, for an array, means the empty array: these are arrays that the function requires.
* A boolean or number that the function declares as a string is also accepted as text.
* In an object, each key has its own list of acceptable values, one level deep.
* Arguments of Java and JavaScript are source text: accepted is every usual way to write an acceptable value, with or
  without quotes. A JSON value in place of the text is not accepted: the tool asks for a string.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from fceval.cases.importers._bfcl_source import spellings
from fceval.cases.importers._bfcl_tools import Language, tool_name

Value: TypeAlias = Any
"""Any decoded JSON value of BFCL's files."""

_LEFT_OUT = ""


def expected_call(wanted: Mapping[str, Value], docs: Sequence[Value], language: Language) -> dict[str, Value]:
    """Return a possible answer as an expected call.

    Args:
        wanted: One function name, and a list of acceptable values for each parameter.
        docs: The raw function docs.
        language: Of the arguments.

    Raises:
        LookupError: No doc has that name.
    """
    ((name, possible),) = wanted.items()
    parameters = next((doc["parameters"] for doc in docs if doc["name"] == name), None)
    if parameters is None:
        raise LookupError(name)
    arguments = {}
    for parameter, acceptable in possible.items():
        schema = parameters["properties"].get(parameter)
        required = parameter in parameters["required"]
        values = _values(acceptable, schema, required=required)
        if values and (schema is not None or _LEFT_OUT not in acceptable):
            written = _written(values, schema or {}, language)
            arguments[parameter] = _expectation(written, optional=_LEFT_OUT in acceptable and not required)
    return {"name": tool_name(name), "arguments": arguments}


def _values(acceptable: Sequence[Value], schema: Value, *, required: bool) -> list[Value]:
    """Return the values that are acceptable beside leaving the argument out."""
    marked = _LEFT_OUT in acceptable
    values = [value for value in acceptable if value != _LEFT_OUT]
    if marked and not required:
        return [value for value in values if value is not None]
    if not acceptable and schema and schema.get("type") in {"array", "tuple"}:
        return [[]]
    return values or [_LEFT_OUT]


def _written(values: Sequence[Value], schema: Mapping[str, Value], language: Language) -> list[Value]:
    kind = schema.get("type", "string")
    if language != "python":
        items = schema.get("items", {}).get("type")
        return list(dict.fromkeys(text for value in values for text in spellings(value, kind, items, language)))
    as_text = [str(value) for value in values if kind == "string" and isinstance(value, bool | int | float)]
    return [*as_text, *map(_native, values)]


def _native(value: Value) -> Value:
    """Return an acceptable value with the choices inside of it, of an object or a list of objects, as expectations."""
    if isinstance(value, dict):
        return {key: _member(acceptable) for key, acceptable in value.items()}
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [_native(item) for item in value]
    return value


def _member(acceptable: Value) -> Value:
    if not isinstance(acceptable, list):
        return acceptable
    values = [value for value in acceptable if value != _LEFT_OUT] or [_LEFT_OUT]
    return _expectation(values, optional=_LEFT_OUT in acceptable)


def _expectation(values: Sequence[Value], *, optional: bool) -> Value:
    if optional:
        return {"$match": "one_of", "values": list(values), "optional": True}
    return values[0] if len(values) == 1 else {"$match": "one_of", "values": list(values)}
