"""Known flaws of calls, and what they hide: recognised and undone in one place, so that both always agree.

The dialects and `fceval.client.conformance` note a flaw by its code, `fceval.scoring.repair` makes the call that it
hides. Nothing is guessed: what is found must be a JSON object, or the name of a tool on offer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from itertools import islice

from fceval.jsontext import JsonTextError, read_json, refuse_depth
from fceval.records import Json, JsonObject, canonical_json
from fceval.toolschema import SchemaNode, json_type

BAR = r"[|\uFF5C]"
"""Regular expression of the bar in special tokens: DeepSeek's is a full-width one."""
TOKEN = rf"(?:<{BAR}[^<>|\uFF5C]{{1,40}}{BAR}>|</?\w{{1,20}}>)"
"""Regular expression of one special token of a model's template, or one tag."""

_TOKEN = re.compile(TOKEN)
_TOKENS_BEFORE = re.compile(rf"(?:{TOKEN}|\s)*")
_LONGEST_TOKEN = 44
"""Characters of the longest text that `TOKEN` matches."""
_PREFIX = re.compile(r"\A(?:\w*\s*to=)?(?:functions?|tools?|default_api|multi_tool_use)[./:]")
_SUFFIX = re.compile(r"(?::\d+|[\s:._]?(?:json|commentary|analysis|final))\Z")
_MAX_LAYERS = 4
"""How often JSON text inside of JSON text is opened."""
_MAX_TIMES = 8
"""How often one JSON value may stand in a text for the rest to count as its repetition."""
_JSON_SPACE = " \t\r\n"
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str)
_NAMES = ("name", "function", "tool", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_CONTAINERS = frozenset({"object", "array"})


def json_end(text: str, start: int) -> int | None:
    """Return where the JSON value that begins at `start` ends; None where none does, or it is cut off.

    The text must not be nested deeper than `fceval.jsontext.MAX_DEPTH`.
    """
    try:
        _, end = _SCANNER.raw_decode(text, start)
    except ValueError:
        return None
    return end


def hidden_arguments(text: str) -> tuple[JsonObject, tuple[str, ...]] | None:
    """Return (arguments, codes) of the JSON object that known flaws hide in a text; None where none is hidden.

    Args:
        text: The arguments of a call, which are not simply a JSON object.
    """
    codes: list[str] = []
    for _ in range(_MAX_LAYERS):
        bare = _without_tokens(text)
        if bare != text.strip(_JSON_SPACE):
            codes.append("args_trailing_ws_or_tokens")
        value, times = _repeated_value(bare)
        if times > 1:
            codes.append("args_duplicated")
        if isinstance(value, dict):
            return (value, tuple(dict.fromkeys(codes))) if codes else None
        if not isinstance(value, str):
            return None
        codes.append("args_double_encoded")
        text = value
    return None


def _without_tokens(text: str) -> str:
    """Return a text without the white space and the special tokens around it."""
    found = _TOKENS_BEFORE.match(text)
    start, end = found.end() if found else 0, len(text)
    while start < end:
        if text[end - 1].isspace():
            end -= 1
            continue
        opening = text.rfind("<", max(start, end - _LONGEST_TOKEN), end) if text[end - 1] == ">" else -1
        if opening < 0 or not _TOKEN.fullmatch(text, opening, end):
            break
        end = opening
    return text[start:end]


def _repeated_value(text: str) -> tuple[Json, int]:
    """Return (value, how often it stands there) of a text that is one JSON value, again and again; (None, 0) else."""
    try:
        refuse_depth(text)
        values = [read_json(piece) for piece in islice(_pieces(text), _MAX_TIMES + 1)]
    except JsonTextError:
        return None, 0
    alike = {canonical_json(value) for value in values}
    return (values[0], len(values)) if len(alike) == 1 and len(values) <= _MAX_TIMES else (None, 0)


def _pieces(text: str) -> Iterator[str]:
    """Yield the JSON values of a text, one after the other; the last piece is whatever is left."""
    start = 0
    while start < len(text):
        end = json_end(text, start) or len(text)
        yield text[start:end]
        start = end
        while start < len(text) and text[start] in _JSON_SPACE:
            start += 1


def named_calls(value: Json) -> list[tuple[str, Json]]:
    """Return (name, arguments) of the calls that JSON makes as models write them in text; an empty name for no call.

    Args:
        value: A call, a list of them, or a message that holds a list of them.
    """
    if isinstance(value, dict) and isinstance(calls := value.get("tool_calls"), list):
        value = calls
    return [_named_call(entry) for entry in (value if isinstance(value, list) else [value])]


def _named_call(entry: Json) -> tuple[str, Json]:
    if not isinstance(entry, dict):
        return "", None
    if isinstance(function := entry.get("function"), dict):
        entry = function
    arguments = next((word for word in _ARGUMENTS if word in entry), None)
    if arguments is None:
        return "", None
    return next((name for word in _NAMES if isinstance(name := entry.get(word), str)), ""), entry[arguments]


def offered_name(name: str, offered: Collection[str]) -> str | None:
    """Return the tool on offer whose name stands among special tokens, a prefix or a suffix; None where none does.

    Args:
        name: As it was called; no name of a tool on offer itself.
        offered: Names of the tools on offer.
    """
    for piece in _TOKEN.split(name):
        piece = piece.strip()  # noqa: PLW2901 -- the piece without its margins
        shorter = _PREFIX.sub("", piece)
        for candidate in (piece, shorter, _SUFFIX.sub("", piece), _SUFFIX.sub("", shorter)):
            if candidate in offered:
                return candidate
    return None


def unnested(value: Json, node: SchemaNode) -> Json:
    """Return a value with each JSON text opened that stands where its schema wants an object or an array.

    Args:
        value: Decoded arguments.
        node: The place of the schema that they belong to.

    Returns:
        The same object where there is nothing to open.
    """
    return _opened(value, node) if _has_nested_text(value) else value


def _has_nested_text(value: Json) -> bool:
    if isinstance(value, str):
        return value.lstrip()[:1] in {"{", "["}
    if isinstance(value, dict):
        return any(map(_has_nested_text, value.values()))
    return isinstance(value, list) and any(map(_has_nested_text, value))


def _opened(value: Json, node: SchemaNode) -> Json:
    if isinstance(value, str):
        return _read_as(value, node)
    if isinstance(value, dict):
        members = {name: _opened(member, node.member(name)) for name, member in value.items()}
        return value if all(members[name] is member for name, member in value.items()) else members
    if isinstance(value, list):
        elements = [_opened(element, node.element(position)) for position, element in enumerate(value)]
        return value if all(new is old for new, old in zip(elements, value, strict=True)) else elements
    return value


def _read_as(text: str, node: SchemaNode) -> Json:
    if not node.types & _CONTAINERS or "string" in node.types:
        return text
    try:
        value = read_json(text)
    except JsonTextError:
        return text
    return value if json_type(value) in node.types & _CONTAINERS else text
