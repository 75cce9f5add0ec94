"""What is wrong with the tools of a case: names that vendors refuse, schemas that are none or lax, lost results."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fceval.cases.finding import Remark
from fceval.errors import did_you_mean
from fceval.records import Case, Json, Tool
from fceval.toolschema import child_path, compile_tool

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_REFUSED_IN_STRICT = (
    "allOf",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "patternProperties",
    "then",
)
"""Keywords that OpenAI's structured outputs answer with `... is not permitted` (HTTP 400)."""


def tool_remarks(case: Case) -> Iterator[Remark]:
    """Yield what is wrong with the tools on offer, and with the results that are scripted for them."""
    for position, tool in enumerate(case.tools):
        place = f"tools[{position}].function"
        if not _NAME.fullmatch(tool.name):
            problem = f"`{tool.name}`: OpenAI takes letters, digits, `_` and `-` only, at most 64 of them"
            yield Remark("warning", "tool-name", f"{place}.name", problem)
        if refusal := compile_tool(tool).problem:
            yield Remark(
                "error", "invalid-schema", f"{place}.parameters", f"no JSON Schema that can be used: {refusal}"
            )
        elif tool.strict:
            yield from _strict_remarks(tool, f"{place}.parameters")
    yield from _result_remarks(case)


def _result_remarks(case: Case) -> Iterator[Remark]:
    """Yield which results only a call of a tool that is not offered would get."""
    offered = [tool.name for tool in case.tools]
    for number, turn in enumerate(case.turns):
        for position, result in enumerate(turn.tool_results):
            name = result.get("name")
            if isinstance(name, str) and name not in offered:
                problem = f"tool `{name}` is not offered{did_you_mean(name, offered)}: no right call gets this result"
                yield Remark("warning", "lost-result", f"turns[{number}].tool_results[{position}].name", problem)


def _strict_remarks(tool: Tool, place: str) -> Iterator[Remark]:
    """Yield one remark per way in which a tool with `strict: true` is not in the strict subset of JSON Schema."""
    for path, offence in _unstrict(tool.parameters, "$"):
        problem = f"{path}: {offence}; an endpoint that honours `strict` answers 400"
        yield Remark("warning", "strict-schema", place, problem)


def _unstrict(schema: Json, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(schema, Mapping):
        return
    for keyword in _REFUSED_IN_STRICT:
        if keyword in schema:
            yield path, f"`{keyword}` is not permitted"
    members = schema.get("properties")
    members = members if isinstance(members, Mapping) else {}
    kinds = schema.get("type")
    if members or "object" in (kinds if isinstance(kinds, list) else [kinds]):
        if schema.get("additionalProperties") is not False:
            yield path, "`additionalProperties` must be false"
        required = schema.get("required")
        optional = sorted(set(members) - set(required if isinstance(required, list) else ()))
        if optional:
            yield path, f"every property must be required, and these are not: {', '.join(optional)}"
    for name, member in members.items():
        yield from _unstrict(member, child_path(path, name))
    yield from _unstrict(schema.get("items"), child_path(path, "items"))
    for combinator in ("anyOf", "$defs", "definitions"):
        inner = schema.get(combinator)
        for each in inner.values() if isinstance(inner, Mapping) else inner if isinstance(inner, list) else ():
            yield from _unstrict(each, child_path(path, combinator))
