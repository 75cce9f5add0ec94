"""Wrong values: another one of the same type, or the same one as another type. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fceval.records import Json, canonical_json
from fceval.toolschema import MISSING, SchemaNode, json_type, sample_value


def others(value: Json, node: SchemaNode) -> Iterator[Json]:
    """Yield values of the same type that differ from this one beyond any lenient reading, likeliest slips first.

    They need not fit what the schema says beyond enum and const; a default is never yielded, because it reads as the
    argument left out. Null and empty objects have none.
    """
    allowed = _keyword(node, "const"), _keyword(node, "enum")
    for candidate in _candidates(value, node):
        if same(candidate, value) or (node.default is not MISSING and same(candidate, node.default)):
            continue
        if allowed[0] is MISSING and (not isinstance(allowed[1], list) or candidate in allowed[1]):
            yield candidate


def _keyword(node: SchemaNode, name: str) -> object:
    return next((branch[name] for branch in node.branches if name in branch), MISSING)


def _candidates(value: Json, node: SchemaNode) -> Iterator[Json]:
    members = _keyword(node, "enum")
    for member in members if isinstance(members, list) else ():
        if json_type(member) == json_type(value):
            yield member
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value - 1, value + 10, value * 2, value + 100)
    elif isinstance(value, str):
        yield from _other_texts(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from ({**value, name: other} for other in others(member, node.member(name)))
    elif isinstance(value, list):
        yield from _other_lists(value, node)


def _other_lists(value: list[Json], node: SchemaNode) -> Iterator[Json]:
    for position, element in enumerate(value):
        for other in others(element, node.items):
            yield [*value[:position], other, *value[position + 1 :]]
    yield from (value[:-1], [*value, sample_value(node.items)])


def _other_texts(text: str) -> Iterator[str]:
    """Yield the text with one digit changed, with a word more, with one letter changed."""
    places = range(len(text) - 1, -1, -1)
    for place in places:
        if text[place] in "0123456789":
            yield f"{text[:place]}{(int(text[place]) + 1) % 10}{text[place + 1 :]}"
    yield f"{text} 2"
    yield f"{text}2"
    for place in places:
        if text[place].isascii() and text[place].isalpha():
            nearby = chr(ord(text[place]) + (-1 if text[place] in "zZ" else 1))
            yield f"{text[:place]}{nearby}{text[place + 1 :]}"


def mistyped(value: Json, node: SchemaNode) -> Json | object:
    """Return the value dressed as a JSON type that the schema refuses, or `MISSING` where it declares none."""
    if not node.allows_type(value):
        return MISSING
    text = value if isinstance(value, str) else canonical_json(value)
    numeric: Sequence[Json] = (int(text),) if text.isascii() and text.isdecimal() and text[0] != "0" else ()
    return next((dressed for dressed in (*numeric, text, [value], 1) if node.allows_type(dressed) is False), MISSING)


def same(one: object, other: object) -> bool:
    """Whether two values are equal, or could be by a lenient reading: case and white space do not count."""
    return _plain(one) == _plain(other)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return "".join(value.split()).casefold()
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return (bool, value) if isinstance(value, bool) else value
