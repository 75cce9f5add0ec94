"""Calls read from leaked text: all of them as they were meant, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.dialects._leaked_calls import bare_calls, leaked_calls
from fceval.dialects._leaks import leaked_text
from fceval.jsontext import read_json

_FILE = Path(__file__).parents[2] / "data" / "dialects" / "leaks.json"
_LEAKED: Any = read_json(_FILE.read_text(encoding="utf-8"))["leaked"]  # type: ignore[call-overload, index]  # an object

UNREADABLE = {
    *("Qwen, cut off", "Qwen, malformed", "Mistral, cut off"),
    *("Qwen3-Coder", "GLM", "MiniMax"),  # do not say of which type an argument is
    *("Llama", "Llama, built-in"),  # may hold several calls, or code
    "DeepSeek V3",  # a code block
}


@pytest.mark.parametrize("name", _LEAKED)
def test_leak_is_read(name: str) -> None:
    """Each syntax that says everything gives the call that was meant."""
    calls = leaked_calls(leaked_text(_LEAKED[name]))
    times = 0 if name in UNREADABLE else 2 if name == "Qwen, two calls" else 1
    assert [(call.name, call.value) for call in calls] == [("get_weather", {"city": "Paris"})] * times
    assert all(read_json(call.arguments) == call.value and call.problem is None for call in calls)


QWEN = '<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>'
INVOKE = '<|DSML|invoke name="f">{}</|DSML|invoke>'
PARAMETER = '<|DSML|parameter name="a" string="{}">{}</|DSML|parameter>'


@pytest.mark.parametrize(
    ("leak", "values"),
    [
        (QWEN, [{"a": 1}]),
        (f"<tool_calls>\n{QWEN}\n{QWEN}\n</tool_calls>", [{"a": 1}, {"a": 1}]),
        (f"{QWEN}<tool_call>{{'name': 'f'}}</tool_call>", []),
        (f"{QWEN}\n<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>", []),
        ('<tool_call>{"name": "f", "arguments": "{\\"a\\": 1}"}</tool_call>', [{"a": 1}]),
        ('<tool_call>{"name": "f", "arguments": {"a": "<tool_call>{}"}}</tool_call>', [{"a": "<tool_call>{}"}]),
        ('<tool_call>{"name": "f", "arguments": {"a": 1, "a": 2}}</tool_call>', []),
        ('<tool_call>{"name": "f"}</tool_call>', []),
        ("[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]f[ARGS]{}", [{}, {}]),
        (INVOKE.format(""), [{}]),
        (INVOKE.format(PARAMETER.format("true", "1")), [{"a": "1"}]),
        (INVOKE.format(PARAMETER.format("false", "1")), [{"a": 1}]),
        (INVOKE.format(PARAMETER.format("false", "x")), []),
        (INVOKE.format(PARAMETER.format("true", "1") * 2), []),
        (INVOKE.format(PARAMETER.format("true", "1") + "text"), []),
        ("functions.f:0<|tool_call_argument_begin|>{}functions.f:1<|tool_call_argument_begin|>{}", [{}, {}]),
        ("<tool_call>" + '{"a":' * 200, []),
    ],
)
def test_all_or_nothing(leak: str, values: list[Any]) -> None:
    """A call that cannot be read takes the others with it."""
    assert [call.value for call in leaked_calls(leak)] == values


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (' {"name": "f", "arguments": {}}\n', ["f"]),
        ('[{"name": "f", "parameters": {}}, {"name": "g", "arguments": "{}"}]', ["f", "g"]),
        ('{"name": "f", "arguments": {}} and so on', []),
        ('{"name": "f", "arguments": "text"}', []),
        ('{"city": "Oslo"}', []),
        ("[]", []),
        ("Hello.", []),
    ],
)
def test_bare_calls(text: str, names: list[str]) -> None:
    """Nothing but the JSON of calls."""
    assert [call.name for call in bare_calls(text)] == names


@given(st.text())
def test_any_text_has_an_answer(text: str) -> None:
    """No text is too odd to be looked through."""
    assert isinstance(leaked_calls(text), tuple)
    assert isinstance(bare_calls(text), tuple)
