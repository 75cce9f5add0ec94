"""What the mock answers: the case's own expected calls as an assistant message. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fceval.records import Case, ExpectedCall, Json, Tool, json_text
from fceval.scoring.matchers import sample
from fceval.toolschema import MISSING, SchemaNode, compile_tool, sample_value

GREETING = "\n\nHello there, how may I assist you today?"
"""What is said where nothing is to be called."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that is served."""

    name: str
    arguments: str
    """As it is sent: JSON text, or what a mistake makes of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An assistant message that is served."""

    calls: tuple[Call, ...] = ()
    text: str | None = None
    refusal: str | None = None
    finish_reason: str = "stop"
    """As Chat Completions names it; other APIs have words of their own."""
    reasoning: str | None = None
    """Thoughts that are shown, in `reasoning_content`."""
    tokens: int | None = None
    """What is billed for it; None: what its words are."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A right call before it is written: its arguments are values still."""

    name: str
    arguments: dict[str, Json]

    def written(self) -> Call:
        """Return the call as it is sent."""
        return Call(self.name, json_text(self.arguments))


TEXT = Answer(text=GREETING)
"""The answer that calls nothing."""


def calling(calls: tuple[PlannedCall, ...]) -> Answer:
    """Return the answer that makes these calls; text where there are none."""
    return Answer(calls=tuple(call.written() for call in calls), finish_reason="tool_calls") if calls else TEXT


def right_calls(case: Case, turn: int) -> tuple[PlannedCall, ...]:
    """Return the calls that a turn wants: its first alternative, or some call where any will do."""
    if not case.tools or case.tool_choice == "none":
        return ()
    expected = case.turns[turn].expected
    if expected == "any":
        return (plain_call(case.tools[0]),)
    nodes = {tool.name: compile_tool(tool).node for tool in case.tools}
    return tuple(_planned(call, nodes.get(call.name) or SchemaNode({}, None)) for call in expected[0])


def plain_call(tool: Tool) -> PlannedCall:
    """Return a call with values made up for the required arguments."""
    node = compile_tool(tool).node
    return PlannedCall(tool.name, {name: sample_value(node.member(name)) for name in sorted(node.required)})


def _planned(call: ExpectedCall, node: SchemaNode) -> PlannedCall:
    values = {name: sample(expectation, node.member(name)) for name, expectation in call.arguments.items()}
    given = {name: cast("Json", value) for name, value in values.items() if value is not MISSING}
    return PlannedCall(call.name, given)
