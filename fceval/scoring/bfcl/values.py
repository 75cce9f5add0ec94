"""Type and value of one argument, by BFCL's rules.

Equality and membership are Python's own here (`1 == 1.0 == True`), and types are exact: that is what BFCL does. An
acceptable value of an unforeseen shape makes these functions raise what Python raises, where BFCL crashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""Any decoded JSON value: Python's own operations are applied to it, whatever it is."""

MAY_BE_LEFT_OUT = ""
"""The marker among acceptable values that says that the argument, or the key, may be left out."""

_IGNORED = re.compile(r"[ ,./\-_*^]")


def argument_error(value: Value, acceptable: Value, expected: type, item: type | None) -> str | None:
    """Return the error type of an argument; None where it is right.

    Args:
        value: The predicted value.
        acceptable: List of acceptable values.
        expected: The Python type that the declared one stands for.
        item: Likewise of its items; None where they are not checked.
    """
    first = _first_type(acceptable)
    # An acceptable value of another type than the declared one is meant as the name of a variable.
    variable = first is not None and first is not expected
    if type(value) is not expected:
        if type(value) is not first:
            return "type_error:simple"
    elif item is not None and not any(_items_fit(value, each, item) for each in acceptable):
        return "type_error:nested" if first is list else "type_error:simple"
    if variable:
        return None if value in acceptable else "value_error:others"
    return _value_error(value, acceptable, item)


def _first_type(acceptable: Iterable[Value]) -> type | None:
    for value in acceptable:
        if value != MAY_BE_LEFT_OUT:
            # A dataset's numbers may be floats that remember how they were written.
            return float if isinstance(value, float) else type(value)
    return None


def _items_fit(value: Value, acceptable: Value, item: type) -> bool:
    """Check items one level deep; what is no list, the marker included, lets any items pass."""
    if not isinstance(acceptable, list):
        return True
    first = _first_type(acceptable)
    return all(type(each) is item or type(each) is first for each in value)


def _value_error(value: Value, acceptable: Value, item: type | None) -> str | None:
    if isinstance(value, dict):
        return _dict_error(value, acceptable)
    if isinstance(value, list):
        return _dicts_error(value, acceptable) if item is dict else _list_error(value, acceptable)
    if isinstance(value, str):
        return _string_error(value, acceptable)
    return None if value in acceptable else "value_error:others"


def standardised(text: str) -> str:
    """Return a string as BFCL compares it: some punctuation and spaces dropped, lower case, one kind of quote."""
    return _IGNORED.sub("", text).lower().replace("'", '"')


def _plain(value: Value) -> Value:
    return standardised(value) if isinstance(value, str) else value


def _string_error(value: str, acceptable: Value) -> str | None:
    found = standardised(value)
    same = any(isinstance(each, str) and standardised(each) == found for each in acceptable)
    return None if same else "value_error:string"


def _list_error(value: list[Value], acceptable: Value) -> str | None:
    # The marker counts as an empty list, and a string as its characters: BFCL iterates over whatever is there.
    lists = [[_plain(item) for item in each] for each in acceptable]
    return None if [_plain(item) for item in value] in lists else "value_error:list/tuple"


def _dict_error(value: Value, acceptable: Value) -> str | None:
    """Return the error of the last acceptable object tried; None where one of them passes."""
    error: str | None = "dict_checker:unclear"
    for wanted in acceptable:
        if wanted != MAY_BE_LEFT_OUT:
            error = _object_error(value, wanted)
            if error is None:
                return None
    return error


def _object_error(value: Value, wanted: Value) -> str | None:
    error = None
    for key, found in value.items():
        if key not in wanted:
            error = "value_error:dict_key"
            break
        if _plain(found) not in [_plain(each) for each in wanted[key]]:
            error = "value_error:dict_value"
            break
    for key, acceptable in wanted.items():
        if key not in value and MAY_BE_LEFT_OUT not in acceptable:
            return "value_error:dict_key"
    return error


def _dicts_error(value: list[Value], acceptable: Value) -> str | None:
    """Compare lists of objects position by position; the error is that of the last acceptable list."""
    error: str | None = "list_dict_checker:unclear"
    for wanted in acceptable:
        if len(wanted) != len(value):
            error = "value_error:list_dict_count"
            continue
        error = None
        for found, each in zip(value, wanted, strict=True):
            if error := _dict_error(found, [each]):
                break
        if error is None:
            return None
    return error
