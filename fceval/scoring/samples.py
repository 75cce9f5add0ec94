"""What a right answer may look like: expected calls with a value for each of their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from fceval.errors import FieldError
from fceval.records import Expected, ExpectedCall, Json, Tool
from fceval.scoring.matchers import may_be_left_out, sample
from fceval.toolschema import MISSING, SchemaNode, compile_tool


def sample_calls(expected: Expected, tools: Sequence[Tool]) -> list[tuple[str, dict[str, Json]]]:
    """Return calls that are right, as (tool, arguments): those of the first alternative, each the plainest.

    An argument that may be left out is left out. None where no call is wanted, or where any call will do.

    Args:
        expected: What a turn wants.
        tools: What is on offer.

    Raises:
        FieldError: No acceptable value is known for an argument; the field is `[position].arguments.name`.
    """
    if expected == "any":
        return []
    nodes = {tool.name: compile_tool(tool).node for tool in tools}
    return [
        (call.name, dict(_arguments(call, nodes.get(call.name) or SchemaNode({}, None), position)))
        for position, call in enumerate(expected[0])
    ]


def _arguments(call: ExpectedCall, node: SchemaNode, position: int) -> Iterator[tuple[str, Json]]:
    for name, expectation in call.arguments.items():
        value = sample(expectation, node.member(name))
        if value is not MISSING:
            yield name, cast("Json", value)
        elif not may_be_left_out(expectation):
            msg = "accepts values of which none is known: what the model should have called cannot be spelled out"
            raise FieldError(msg, f"[{position}].arguments.{name}")
