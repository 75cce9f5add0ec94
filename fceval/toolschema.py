"""A tool's JSON Schema, compiled once: does a call fit it, and what does it say of each argument.

`SchemaNode` answers questions about one place of a schema (types, default, whether its strings are constrained),
following local `$ref`, `allOf`, `anyOf` and `oneOf`. Remote references are never fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import jsonschema_rs

from fceval.records import Json, JsonObject, Tool, canonical_json

MISSING = object()
"""Stands for "no such value" where null is a value."""

_STRING_CONSTRAINTS = ("enum", "const", "pattern", "format")
_MAX_REFERENCES = 32


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
        return tuple(self._resolve(self.schema, _MAX_REFERENCES))

    def _resolve(self, schema: Json, references: int) -> Iterator[JsonObject]:
        if not isinstance(schema, dict) or references == 0:
            return
        yield schema
        if isinstance(reference := schema.get("$ref"), str):
            yield from self._resolve(self._target(reference), references - 1)
        for combinator in ("allOf", "anyOf", "oneOf"):
            members = schema.get(combinator)
            for member in members if isinstance(members, list) else ():
                yield from self._resolve(member, references - 1)

    def _target(self, reference: str) -> Json:
        target: Json = self.root
        if not reference.startswith("#"):
            return None
        for part in reference[1:].split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(target, dict):
                target = target.get(name)
            elif isinstance(target, list) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                return None
        return target

    @cached_property
    def types(self) -> frozenset[str]:
        """Declared JSON types; empty where the schema declares none."""
        found: set[str] = set()
        for branch in self.branches:
            declared = branch.get("type")
            found.update(
                name for name in (declared if isinstance(declared, list) else [declared]) if isinstance(name, str)
            )
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
        """The default value, or `MISSING`."""
        return next((branch["default"] for branch in self.branches if "default" in branch), MISSING)

    @cached_property
    def required(self) -> frozenset[str]:
        """Names of the members that must be there, of an object."""
        names: set[str] = set()
        for branch in self.branches:
            listed = branch.get("required")
            names.update(name for name in (listed if isinstance(listed, list) else ()) if isinstance(name, str))
        return frozenset(names)

    @cached_property
    def properties(self) -> dict[str, SchemaNode]:
        """Declared members of an object, in the order of the schema."""
        nodes: dict[str, SchemaNode] = {}
        for branch in self.branches:
            members = branch.get("properties")
            for name, schema in members.items() if isinstance(members, dict) else ():
                nodes.setdefault(name, SchemaNode(self.root, schema))
        return nodes

    def member(self, name: str) -> SchemaNode:
        """Return the node of a member; one that says nothing where it is not declared."""
        return self.properties.get(name) or SchemaNode(self.root, None)

    @cached_property
    def items(self) -> SchemaNode:
        """The node of an array's elements."""
        return SchemaNode(self.root, next((branch["items"] for branch in self.branches if "items" in branch), None))


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
        self.node = SchemaNode(parameters or {}, parameters or {})
        self.problem: str | None = None
        """Why the parameters are no JSON Schema that can be used; None where they are."""
        self._validator: jsonschema_rs.Validator | None = None
        try:
            self._validator = jsonschema_rs.validator_for(dict(parameters or {}), retriever=_refuse)
        except ValueError as error:
            self.problem = str(error).partition("\n")[0]

    def misfits(self, arguments: Json) -> tuple[Misfit, ...]:
        """Return every way in which arguments do not fit; empty where they do, or nothing can be checked."""
        if self._validator is None:
            return ()
        try:
            return tuple(
                Misfit(_path(error.instance_path), error.message) for error in self._validator.iter_errors(arguments)
            )
        except UnicodeEncodeError:
            return (Misfit("$", "a string holds a lone surrogate, which is no Unicode text"),)

    def fits(self, arguments: Json) -> bool | None:
        """Return whether arguments fit; None where nothing can be checked."""
        if self._validator is None:
            return None
        try:
            return self._validator.is_valid(arguments)
        except UnicodeEncodeError:
            return False


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
    from fceval.jsontext import read_json  # noqa: PLC0415 -- the cache is keyed by text

    value = read_json(parameters)
    return ToolSchema(value if isinstance(value, dict) else None)


def compile_tool(tool: Tool) -> ToolSchema:
    """Return the compiled schema of a tool; equal schemas are compiled once."""
    return _compiled(canonical_json(tool.parameters or {}))
