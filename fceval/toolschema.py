"""A tool's JSON Schema, compiled once: does a call fit it, and what does it say of each argument.

`SchemaNode` answers questions about one place of a schema (types, default, whether its strings are constrained),
following local `$ref`, `allOf`, `anyOf` and `oneOf`. Remote references are never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from fceval.identity import OfSame
from fceval.jsontext import RoundedNumber, read_json
from fceval.records import Json, JsonObject, Tool, canonical_json

MISSING = object()
"""Stands for "no such value" where null is a value."""

JSON_TYPES = ("string", "integer", "number", "boolean", "object", "array", "null")

_STRING_CONSTRAINTS = ("enum", "const", "pattern", "format")
_MAX_REFERENCES = 8
"""How deep alternatives of alternatives are followed for what is required."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One way in which a value does not fit its schema."""

    path: str
    """JSON path of the value, `$` for the whole."""
    problem: str
    """For a person."""


def json_type(value: Json) -> str:
    """Return the JSON Schema type of a value (`integer` for a number without a fraction)."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def child_path(path: str, name: str | int) -> str:
    """Return the JSON path of a member or an element."""
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{canonical_json(name)}]"


@dataclass(frozen=True)
class SchemaNode:
    """One place of a schema: every plain schema that may apply to a value there."""

    root: JsonObject
    """The whole schema, which local references point into."""
    schema: Json
    """The schema at this place; anything but an object says nothing."""

    @cached_property
    def branches(self) -> tuple[JsonObject, ...]:
        """The plain schemas that may apply, references and combinators resolved."""
        return tuple(_certain(self.root, self.schema, alternatives=True))

    @cached_property
    def types(self) -> frozenset[str]:
        """Declared JSON types; empty where the schema declares none that JSON has."""
        found: set[str] = set()
        for branch in self.branches:
            declared = branch.get("type")
            found.update(
                name for name in (declared if isinstance(declared, list) else [declared]) if name in JSON_TYPES
            )
            if declared and branch.get("nullable") is True:  # OpenAPI 3.0's way of saying so
                found.add("null")
        return frozenset(found)

    def allows_type(self, value: Json) -> bool | None:
        """Whether the declared types admit a value's type; None where none are declared."""
        if not self.types:
            return None
        kind = json_type(value)
        return kind in self.types or (kind == "integer" and "number" in self.types)

    @cached_property
    def constrains_strings(self) -> bool:
        """Whether strings here are compared exactly: the schema spells out what they may be."""
        return any(name in branch for branch in self.branches for name in _STRING_CONSTRAINTS)

    @cached_property
    def default(self) -> object:
        """The default value, or `MISSING`; alternatives (`anyOf`, `oneOf`) that name several have none."""
        for branch in _certain(self.root, self.schema):
            if "default" in branch:
                return branch["default"]
        named = {
            canonical_json(branch["default"]): branch["default"] for branch in self.branches if "default" in branch
        }
        return next(iter(named.values())) if len(named) == 1 else MISSING

    @cached_property
    def tells_null_apart(self) -> bool:
        """Whether null is a value of its own here, and not the same as leaving the member out."""
        return "null" in self.types and self.default is not MISSING and self.default is not None

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the members that must be there, of an object."""
        return _required(self.root, self.schema, _MAX_REFERENCES)

    @cached_property
    def properties(self) -> dict[str, SchemaNode]:
        """Declared members of an object, in the order of the schema."""
        schemas: dict[str, list[Json]] = {}
        for branch in self.branches:
            members = branch.get("properties")
            for name, schema in members.items() if isinstance(members, Mapping) else ():
                if schema not in schemas.setdefault(name, []):
                    schemas[name].append(schema)
        return {name: self._any_of(found) for name, found in schemas.items()}

    def member(self, name: str) -> SchemaNode:
        """Return the node of a member: declared by name, by pattern, or as one of the additional ones."""
        declared = self.properties.get(name)
        if declared is not None:
            return declared
        for pattern, node in self._patterns:
            if pattern.search(name):
                return node
        return self._additional

    @cached_property
    def _patterns(self) -> list[tuple[Any, SchemaNode]]:
        return [
            (pattern, SchemaNode(self.root, schema))
            for branch in self.branches
            for text, schema in _object(branch.get("patternProperties")).items()
            if (pattern := _linear_pattern(text)) is not None
        ]

    @cached_property
    def _additional(self) -> SchemaNode:
        return self._first("additionalProperties")

    @cached_property
    def items(self) -> SchemaNode:
        """The node of an array's elements, beyond the ones that stand at a place of their own."""
        return self._first("items")

    @cached_property
    def _first_items(self) -> list[SchemaNode]:
        for branch in self.branches:
            for word in ("prefixItems", "items"):  # a list of `items` is how older drafts write it
                if isinstance(listed := branch.get(word), list):
                    return [SchemaNode(self.root, schema) for schema in listed]
        return []

    def element(self, position: int) -> SchemaNode:
        """Return the node of an array's element."""
        return self._first_items[position] if position < len(self._first_items) else self.items

    def _first(self, word: str) -> SchemaNode:
        found = [schema for branch in self.branches if isinstance(schema := branch.get(word), Mapping)]
        return self._any_of(found)

    def _any_of(self, schemas: Sequence[Json]) -> SchemaNode:
        """Return a node for what several branches say of one place."""
        if len(schemas) < 2:  # noqa: PLR2004 -- "several"
            return SchemaNode(self.root, schemas[0] if schemas else None)
        return SchemaNode(self.root, {"anyOf": list(schemas)})


def _certain(root: JsonObject, schema: Json, *, alternatives: bool = False) -> Iterator[JsonObject]:
    """Yield the plain schemas that apply to a place, each once: references and `allOf` resolved.

    Args:
        root: What local references point into.
        schema: The place.
        alternatives: Yield the members of `anyOf` and `oneOf` too, which may apply.
    """
    words = ("allOf", "anyOf", "oneOf") if alternatives else ("allOf",)
    seen: set[int] = set()
    waiting = [schema]
    while waiting:
        branch = waiting.pop()
        if not isinstance(branch, Mapping) or id(branch) in seen:
            continue
        seen.add(id(branch))
        yield branch
        members = [member for word in words for member in _array(branch.get(word))]
        waiting.extend(reversed(members))
        if isinstance(reference := branch.get("$ref"), str):
            waiting.append(_target(root, reference))


def _required(root: JsonObject, schema: Json, references: int) -> frozenset[str]:
    """Return what an object must hold: by every plain schema, and by each of its alternatives that is an object."""
    names: set[str] = set()
    for branch in _certain(root, schema):
        names.update(name for name in _array(branch.get("required")) if isinstance(name, str))
        for word in ("anyOf", "oneOf") if references else ():
            alternatives = [
                _required(root, member, references - 1)
                for member in _array(branch.get(word))
                if "object" in (types := SchemaNode(root, member).types) or not types
            ]
            if alternatives:
                names |= frozenset.intersection(*alternatives)
    return frozenset(names)


def _target(root: JsonObject, reference: str) -> Json:
    """Return what a local reference points to; None for any other, which is never fetched."""
    if reference != "#" and not reference.startswith("#/"):
        return None
    target: Json = root
    for part in unquote(reference).split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(target, Mapping):
            target = target.get(name)
        elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
            target = target[int(name)]
        else:
            return None
    return target


def _array(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _linear_pattern(text: str) -> Any:  # noqa: ANN401 -- re2 ships no types
    """Return a compiled pattern that cannot blow up; None where RE2 does not know the syntax."""
    import re2  # noqa: PLC0415 -- few schemas have patterns of names

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error:
        return None


_SAMPLES: dict[str, Json] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def sample_value(node: SchemaNode, depth: int = 8) -> Json:
    """Return a small value that fits a place of a schema in the common cases: required members only."""
    for branch in node.branches:
        for word in ("const", "default"):
            if word in branch:
                return branch[word]
        for word in ("enum", "examples"):
            listed = branch.get(word)
            if isinstance(listed, list) and listed:
                first: Json = listed[0]
                return first
    bound = next((branch["minimum"] for branch in node.branches if "minimum" in branch), None)
    if isinstance(bound, int | float) and node.types & {"integer", "number"}:
        return bound
    kind = next((name for name in (*_SAMPLES, "object", "array") if name in node.types), "string")
    if kind == "object":
        return {name: sample_value(node.member(name), depth - 1) for name in sorted(node.required)} if depth else {}
    if kind == "array":
        least = next((branch["minItems"] for branch in node.branches if "minItems" in branch), 0)
        return [sample_value(node.items, depth - 1)] * least if isinstance(least, int) and depth else []
    formats = (branch.get("format") for branch in node.branches)
    return next((_FORMATS[name] for name in formats if name in _FORMATS), _SAMPLES[kind])


_FORMATS: dict[Json, Json] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T09:00:00Z",
    "time": "09:00:00Z",
    "email": "a@example.com",
    "uri": "https://example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


class ToolSchema:
    """A tool's parameters, compiled. A schema that is not valid checks nothing and says so in `problem`."""

    def __init__(self, parameters: JsonObject | None) -> None:
        schema = _plain(parameters or {})
        self.node = SchemaNode(parameters or {}, parameters or {})
        self.problem: str | None = None
        """Why the parameters are no JSON Schema that can be used; None where they are."""
        self._validator: jsonschema_rs.Validator | None = None
        try:
            self._validator = jsonschema_rs.validator_for(schema, retriever=_refuse)
        except ValueError as error:
            self.problem = str(error).partition("\n")[0]

    def misfits(self, arguments: Json) -> tuple[Misfit, ...]:
        """Return every way in which arguments do not fit; empty where they do, or nothing can be checked."""
        if self._validator is None:
            return ()
        try:
            errors = self._validator.iter_errors(_plain(arguments))
            return tuple(Misfit(_path(error.instance_path), error.message) for error in errors)
        except UnicodeEncodeError:
            return (Misfit("$", "a string holds a lone surrogate, which is no Unicode text"),)

    def fits(self, arguments: Json) -> bool | None:
        """Return whether arguments fit; None where nothing can be checked."""
        if self._validator is None:
            return None
        try:
            return self._validator.is_valid(arguments)
        except ValueError:  # a number that is not Python's own, or a string that is no Unicode text
            return not self.misfits(arguments)


def _plain(value: Json) -> Any:  # noqa: ANN401 -- JSON of plain Python types, which the validator wants
    """Return a value in which every number is one of Python's own: a rounded one is an integer or its double."""
    if isinstance(value, RoundedNumber):
        return int(value.written) if value.written == value.written.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value


def _refuse(uri: str) -> dict[str, Any]:
    msg = f"`$ref` to another document is never fetched: {uri}"
    raise ValueError(msg)


def _path(parts: list[str | int]) -> str:
    path = "$"
    for part in parts:
        path = child_path(path, part)
    return path


@lru_cache(maxsize=4096)
def _compiled(parameters: str) -> ToolSchema:
    value = read_json(parameters)
    return ToolSchema(value if isinstance(value, dict) else None)


def compile_tool(tool: Tool) -> ToolSchema:
    """Return the compiled schema of a tool; equal schemas are compiled once."""
    return _compiled(canonical_json(tool.parameters or {}))


def compile_tools(tools: Sequence[Tool]) -> Mapping[str, ToolSchema]:
    """Return the compiled schemas of the tools on offer, by name; cases that share their tools share these."""
    return _of_tools(tools)


def _compile_all(tools: Sequence[Tool]) -> Mapping[str, ToolSchema]:
    return {tool.name: compile_tool(tool) for tool in tools}


_of_tools = OfSame(_compile_all)
