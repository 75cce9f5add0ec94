"""The `prompt_json` dialect: how its calls are written."""

from __future__ import annotations

from fceval.dialects.prompt_json import FIRST_LINE, PLUGIN, JsonSyntax
from fceval.records import ToolCall


def test_calls_are_one_list() -> None:
    """With each call's arguments as they are, an empty text for none."""
    calls = [ToolCall("a", "f", '{ "x" : 1 }', {"x": 1}), ToolCall("b", "g", "", {})]
    written = '[{"name": "f", "arguments": { "x" : 1 }}, {"name": "g", "arguments": {}}]'
    assert PLUGIN.answer(calls, None) == {"role": "assistant", "content": written}


def test_example_can_be_read() -> None:
    """The example of the instructions is one in the syntax, and so no case's own."""
    syntax = JsonSyntax()
    assert syntax.first_line == FIRST_LINE
    assert [call.name for call in syntax.read(syntax.rules).calls] == ["first_tool", "second_tool"]
