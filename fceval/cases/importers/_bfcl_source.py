"""How people write a value in Java or JavaScript source text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import permutations, product
from typing import Any, TypeAlias

from fceval.cases.importers._bfcl_tools import Language

Value: TypeAlias = Any
"""Any decoded JSON value of BFCL's files."""

_MAX_SPELLINGS = 64
"""Of one value: white space and case do not count under the usual string rule, so these are ways, not layouts."""

_MAX_REORDERED = 3

_Quote: TypeAlias = Callable[[str], str]


def _double(text: str) -> str:
    return f'"{text}"'


def _single(text: str) -> str:
    return f"'{text}'"


def _bare(text: str) -> str:
    return text


_JAVA_BOXED: Mapping[str | None, str] = {
    "integer": "Integer",
    "long": "Long",
    "double": "Double",
    "float": "Float",
    "boolean": "Boolean",
    "char": "Character",
    "String": "String",
}
_JAVA_PRIMITIVE: Mapping[str | None, str] = {
    **{name: name for name in ("long", "double", "float", "boolean", "char", "String")},
    "integer": "int",
}


def spellings(value: Value, kind: str, item_kind: str | None, language: Language) -> list[str]:
    """Return the usual ways to write a value, the one that BFCL documents first where there is one.

    Args:
        value: An acceptable value; a string for a type that is none is the name of a variable.
        kind: BFCL's word for the declared type.
        item_kind: Likewise of the items.
        language: Java or JavaScript.
    """
    found: dict[str, None] = {}
    for text in _java(value, kind, item_kind) if language == "java" else _javascript(value):
        found[text] = None
        if len(found) == _MAX_SPELLINGS:
            break
    return list(found)


# --- Java -----------------------------------------------------------------------------------------------------


def _java(value: Value, kind: str, item_kind: str | None) -> Iterator[str]:
    if isinstance(value, dict):
        yield from _java_map(value)
    elif isinstance(value, list):
        for quote in (_double, _bare):
            yield from _java_list([_java_item(item, item_kind, quote) for item in value], kind, item_kind)
    elif isinstance(value, str):
        yield value
        if kind in {"String", "any"}:
            yield _double(value)
        elif kind == "char":
            yield _single(value)
    else:
        yield from _java_scalar(value, kind)


def _java_scalar(value: Value, kind: str | None) -> list[str]:
    if isinstance(value, bool):
        return [str(value).lower()]
    plain = str(value)
    whole = [str(int(value))] if isinstance(value, float) and value.is_integer() else []
    suffixes = {"long": "Ll", "float": "fF", "double": "dD"}.get(kind or "", "")
    suffixed = [plain + suffix for suffix in suffixes]
    # Without its suffix a `long` or `float` is none to BFCL.
    return [*suffixed, plain, *whole] if kind in {"long", "float"} else [plain, *whole, *suffixed]


def _java_item(item: Value, kind: str | None, quote: _Quote) -> str:
    if isinstance(item, str):
        return _single(item) if kind == "char" and quote is _double else quote(item)
    return _java_scalar(item, kind)[0]


def _java_list(items: Sequence[str], kind: str, item_kind: str | None) -> Iterator[str]:
    body = ", ".join(items)
    if kind == "ArrayList":
        boxed = _JAVA_BOXED.get(item_kind, "Object")
        for generic in ("", boxed):
            for listed in (f"Arrays.asList({body})", f"List.of({body})"):
                yield f"new ArrayList<{generic}>({listed})"
            adding = " ".join(f"add({item});" for item in items)
            yield f"new ArrayList<{generic}>() {{{{ {adding} }}}}"
        yield f"Arrays.asList({body})"
        yield f"List.of({body})"
    else:
        yield f"new {_JAVA_PRIMITIVE.get(item_kind, 'Object')}[]{{{body}}}"
        yield f"{{{body}}}"
    yield f"[{body}]"


def _java_map(value: Mapping[str, Value]) -> Iterator[str]:
    if not value:
        yield from (f"new HashMap<{generic}>()" for generic in ("", "String, Object", "String, String"))
        yield "{}"
        return
    for members in _choices(value):
        texts = [(_double(key), _java_item(member, None, _double)) for key, member in members]
        putting = " ".join(f"put({key}, {text});" for key, text in texts)
        for generic in ("String, Object", "String, String", "String, Integer", ""):
            yield f"new HashMap<{generic}>() {{{{ {putting} }}}}"
        listed = ", ".join(f"{key}, {text}" for key, text in texts)
        yield f"Map.of({listed})"
        yield f"new HashMap<>(Map.of({listed}))"
        yield f"{{{', '.join(f'{key}: {text}' for key, text in texts)}}}"


# --- JavaScript -----------------------------------------------------------------------------------------------


def _javascript(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from (quote + value + quote for quote in "\"'`")
    elif isinstance(value, dict | list):
        for quote in (_double, _single, _bare):
            yield from _javascript_texts(value, quote)
    else:
        yield from _javascript_scalars(value)


def _javascript_scalars(value: Value) -> list[str]:
    if value is None:
        return ["null"]
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, float) and value.is_integer():
        return [str(value), str(int(value))]
    return [str(value)]


def _javascript_texts(value: Value, quote: _Quote) -> Iterable[str]:
    if isinstance(value, dict):
        return _javascript_objects(value, quote)
    if isinstance(value, list):
        return _javascript_arrays(value, quote)
    return [quote(value)] if isinstance(value, str) else _javascript_scalars(value)


def _javascript_arrays(items: Sequence[Value], quote: _Quote) -> Iterator[str]:
    """Write all items in one style: nobody mixes `1` and `2.0`."""
    columns = [list(_javascript_texts(item, quote)) for item in items]
    styles = max((len(column) for column in columns), default=1)
    for style in range(styles):
        body = ", ".join(column[min(style, len(column) - 1)] for column in columns)
        yield f"[{body}]"
        yield f"new Array({body})"


def _javascript_objects(value: Mapping[str, Value], quote: _Quote) -> Iterator[str]:
    for members in _choices(value):
        texts = [(key, next(iter(_javascript_texts(member, quote)))) for key, member in members]
        for quoted in dict.fromkeys((_bare, quote, _double)):
            yield f"{{{', '.join(f'{quoted(key)}: {text}' for key, text in texts)}}}"


# --- both -----------------------------------------------------------------------------------------------------


def _choices(value: Mapping[str, Value]) -> Iterator[Sequence[tuple[str, Value]]]:
    """Yield the members of an object, one acceptable value each; few members in every order of their keys."""
    per_key = [
        [(key, member) for member in (members if isinstance(members, list) else [members])]
        for key, members in value.items()
    ]
    for chosen in product(*per_key):
        present = [(key, member) for key, member in chosen if member != ""]
        yield from permutations(present) if len(present) <= _MAX_REORDERED else [present]
