"""The arguments of a call, read as every dialect reads them: the value, or why there is none, and what was odd."""

from __future__ import annotations

from typing import NamedTuple

from fceval.flaws import hidden_arguments
from fceval.jsontext import JsonTextError, read_json
from fceval.records import Json, json_text

_JSON_SPACE = " \t\r\n"


class Arguments(NamedTuple):
    """What a call was given."""

    text: str
    """Verbatim; as JSON text where it was none."""
    value: Json
    """The decoded arguments; None with a problem."""
    problem: str | None = None
    """Why they are unusable; None where they are a JSON object."""
    notes: tuple[str, ...] = ()
    """Codes of `fceval.irregularities`."""


def read_arguments(arguments: Json) -> Arguments:
    """Return the arguments of a call as far as they can be read; never raises.

    No arguments at all, or a blank string, is how many servers write a call without arguments. An object in place
    of its text is read as that object. What a known flaw hides is noted by its code and stays unusable.
    """
    if isinstance(arguments, dict):
        return Arguments(json_text(arguments), arguments, notes=("args_object",))
    if arguments is not None and not isinstance(arguments, str):
        problem = "arguments are neither text nor an object"
        return Arguments(json_text(arguments), None, problem, ("args_wrong_type",))
    if arguments is None or not arguments.strip():
        return Arguments(arguments or "", {}, notes=("args_empty_string",))
    try:
        value = read_json(arguments)
    except JsonTextError as error:
        problem = f"arguments are {error}" if str(error).startswith("not") else f"arguments: {error}"
        return Arguments(arguments, None, problem, _flaws(arguments) or ("args_invalid_json",))
    if not isinstance(value, dict):
        problem = "arguments are JSON, but no object"
        return Arguments(arguments, None, problem, _flaws(arguments) or ("args_wrong_type",))
    has_margin = arguments[0] in _JSON_SPACE or arguments[-1] in _JSON_SPACE
    return Arguments(arguments, value, notes=("args_trailing_ws_or_tokens",) if has_margin else ())


def _flaws(text: str) -> tuple[str, ...]:
    hidden = hidden_arguments(text)
    return hidden[1] if hidden else ()
