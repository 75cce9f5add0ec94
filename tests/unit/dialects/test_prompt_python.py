"""The `prompt_python` dialect: how its calls are written."""

from __future__ import annotations

from fceval.dialects.prompt_python import FIRST_LINE, PLUGIN, PythonSyntax
from fceval.records import ToolCall


def test_calls_are_one_list() -> None:
    """With each argument as a literal; a history's arguments that are no object stay as they are."""
    calls = [ToolCall("a", "f", '{"x": null}', {"x": None}), ToolCall("b", "math.g", '{"y', None, "cut off")]
    assert PLUGIN.answer(calls, None) == {"role": "assistant", "content": '[f(x=None), math.g({"y)]'}


def test_example_can_be_read() -> None:
    """The example of the instructions is one in the syntax, and so no case's own."""
    syntax = PythonSyntax()
    assert syntax.first_line == FIRST_LINE
    assert [call.name for call in syntax.read(syntax.rules).calls] == ["first_tool", "second_tool"]
