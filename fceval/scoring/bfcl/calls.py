"""One call against one possible answer: BFCL's checks in BFCL's order, the first failure wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fceval.scoring.bfcl import java, javascript
from fceval.scoring.bfcl.answers import DecodedCall
from fceval.scoring.bfcl.question import Question
from fceval.scoring.bfcl.values import MAY_BE_LEFT_OUT, Value, argument_error


@dataclass(frozen=True, slots=True)
class _Language:
    """How the arguments of one language are typed and written."""

    types: Mapping[str, type]
    """Declared type to the Python type that a value must have."""
    arrays: frozenset[str]
    """Declared types whose items are checked."""
    read: Callable[[str, str, str | None], Value] | None
    """Source text to value, by declared type and item type; None where arguments are plain JSON."""
    not_text: str
    """Error type of an argument that is no text; empty where arguments are plain JSON."""


_PYTHON_TYPES: Mapping[str, type] = {
    "string": str,
    "integer": int,
    "float": float,
    "boolean": bool,
    "array": list,
    "tuple": list,
    "dict": dict,
    "any": str,
}

_LANGUAGES: Mapping[str, _Language] = {
    "python": _Language(_PYTHON_TYPES, frozenset({"array", "tuple"}), None, ""),
    "java": _Language(java.TYPES, java.ARRAYS, java.read_java, "type_error:java"),
    "javascript": _Language(javascript.TYPES, javascript.ARRAYS, javascript.read_javascript, "type_error:js"),
}


def sent_name(name: str) -> str:
    """Return the name under which a function was offered: tool names have no dots."""
    return name.replace(".", "_")


def expected_name(wanted: Value) -> str:
    """Return the function's name, as the docs write it, of an expected call.

    Raises:
        LookupError: There is none.
    """
    return next(iter(wanted), None) or _no_name()


def _no_name() -> str:
    msg = "an expected call without a name"
    raise LookupError(msg)


def doc_of(question: Question, wanted: Value) -> Value:
    """Return the doc of the expected function.

    Raises:
        LookupError: There is none.
    """
    name = expected_name(wanted)
    for doc in question.function:
        if doc["name"] == name:
            return doc
    raise LookupError(name)


def call_error(question: Question, doc: Value, wanted: Value, call: DecodedCall) -> str | None:
    """Return the error type of a call; None where it is right.

    Args:
        question: Whose language says how arguments are written.
        doc: The doc of the function that BFCL holds the call against.
        wanted: The expected call: one name, and a list of acceptable values for each parameter.
        call: The predicted call; its arguments are an object.
    """
    name = expected_name(wanted)
    possible, arguments, properties = wanted[name], call.arguments, doc["parameters"]["properties"]
    if call.name != sent_name(name):
        return "simple_function_checker:wrong_func_name"
    if any(parameter not in arguments for parameter in doc["parameters"]["required"]):
        return "simple_function_checker:missing_required"
    for parameter, value in arguments.items():
        if parameter not in properties or parameter not in possible:
            return "simple_function_checker:unexpected_param"
        if error := parameter_error(question, value, possible[parameter], properties[parameter]):
            return error
    for parameter, acceptable in possible.items():
        if parameter not in arguments and MAY_BE_LEFT_OUT not in acceptable:
            return "simple_function_checker:missing_optional"
    return None


def parameter_error(question: Question, value: Value, acceptable: Value, declared: Value) -> str | None:
    """Return the error type of one argument; None where it is right.

    Args:
        question: Whose language says how the argument is written.
        value: The predicted value.
        acceptable: List of acceptable values.
        declared: The parameter's schema in the function doc.
    """
    language, kind = _LANGUAGES[question.language], declared["type"]
    item_kind = declared["items"]["type"] if kind in language.arrays else None
    if language.read:
        if not isinstance(value, str):
            return language.not_text
        value = language.read(value, kind, item_kind)
    elif kind == "float" and type(value) is int:
        value = float(value)
    item_type = None if item_kind is None else language.types[item_kind]
    return argument_error(value, acceptable, language.types[kind], item_type)
