"""The `prompt_xml` dialect: how its calls are written."""

from __future__ import annotations

from fceval.dialects.prompt_xml import FIRST_LINE, PLUGIN, XmlSyntax
from fceval.records import ToolCall


def test_each_call_has_a_tag() -> None:
    """Below the text."""
    calls = [ToolCall("a", "f", '{"x": 1}', {"x": 1}), ToolCall("b", "g", "", {})]
    assert PLUGIN.answer(calls, "I call.") == {
        "role": "assistant",
        "content": 'I call.\n\n<tool_call>\n{"name": "f", "arguments": {"x": 1}}\n</tool_call>\n'
        '<tool_call>\n{"name": "g", "arguments": {}}\n</tool_call>',
    }


def test_example_can_be_read() -> None:
    """The example of the instructions is one in the syntax, and so no case's own."""
    syntax = XmlSyntax()
    assert syntax.first_line == FIRST_LINE
    assert [call.name for call in syntax.read(syntax.rules).calls] == ["first_tool"]
