"""Deviations of a good answer from its request: each by one code, in every form of body.

The wire files pin a case of each code from its bytes on; here is what they cannot show side by side.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.conformance import deviations
from fceval.client.outcome import Answered
from fceval.dialects.tools import PLUGIN as TOOLS
from fceval.irregularities import IRREGULARITIES
from fceval.records import Key, Parsed, Request, Tool, ToolCall, Usage
from tests.strategies import wild_values

SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OFFERED = (Tool("f", None, SCHEMA, None, {}), Tool("ping", None, None, None, {}))
KEY = Key("c", "default", 0, 0, 0)
OSLO = '{"city": "Oslo"}'
NAMED = {"type": "function", "function": {"name": "f"}}
LEAK = f'<tool_call>{{"name": "f", "arguments": {OSLO}}}</tool_call>'


def call(name: str | None = "f", arguments: Any = OSLO, call_id: str = "a") -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Return an entry of `tool_calls`."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def codes(
    *calls: dict[str, Any],
    reason: str | None = "tool_calls",
    said: dict[str, Any] | None = None,
    tokens: int | None = 9,
    served: str | None = "m",
    **body: Any,  # noqa: ANN401 -- JSON
) -> set[str]:
    """Return the deviations of a message of the `tools` dialect."""
    message = {"role": "assistant", "content": None, **(said or {}), **({"tool_calls": list(calls)} if calls else {})}
    answer = Answered(message, reason, Usage(tokens, tokens), served)
    return set(deviations(Request(KEY, {"model": "m", **body}, OFFERED), answer, TOOLS.parse(message)))


TALK = {"content": "Hello."}


def test_good_answers_have_none() -> None:
    """A call, text, a refusal, a cut, two calls."""
    assert codes(call()) == set()
    assert codes(said=TALK, reason="stop") == set()
    assert codes(said={"refusal": "No."}, reason="stop", tool_choice="required") == set()
    assert codes(call(arguments='{"ci'), reason="length") == set()
    assert codes(call(arguments=""), reason="length") == set()
    assert codes(said=TALK, reason="length", tool_choice="required") == set()
    assert codes(call(), call(call_id="b")) == set()


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (None, {"finish_stop_with_calls"}),
        ("auto", {"finish_stop_with_calls"}),
        ("required", {"finish_stop_with_calls"}),
        (NAMED, set()),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}, {"finish_stop_with_calls"}),
    ],
)
def test_stop_is_the_end_of_named_calls_only(choice: Any, found: set[str]) -> None:  # noqa: ANN401 -- JSON
    """OpenAI itself ends so where a tool is named."""
    body = {} if choice is None else {"tool_choice": choice}
    assert codes(call(), reason="stop", **body) == found


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"said": TALK}, "required_ignored"),
        ({"said": {"content": LEAK}}, "call_in_content"),
        ({"said": {"content": f'{{"name": "f", "arguments": {OSLO}}}'}}, "call_in_content"),
        ({"said": {"reasoning_content": LEAK}}, "call_in_reasoning"),
    ],
)
def test_the_most_exact_code_counts_alone(answer: Any, code: str) -> None:  # noqa: ANN401 -- keywords
    """Where a call was tried, `required` was not ignored, and `tool_calls` is no wrong end."""
    assert codes(**answer, reason="stop", tool_choice="required") == {code}
    if code != "required_ignored":
        assert codes(**answer, reason="tool_calls", tool_choice="required") == {code}


def test_entry_without_a_name_is_one_deviation() -> None:
    """Neither an id, nor the finish reason, nor `required` is at fault as well."""
    assert codes({**call(None), "id": None}, tool_choice="required") == {"name_null_entry"}


@pytest.mark.parametrize(
    ("choice", "name", "found"),
    [
        (NAMED, "f", set()),
        (NAMED, "ping", {"required_ignored"}),
        (NAMED, "functions.f", {"special_token_in_name"}),
        (NAMED, "g", {"unknown_tool"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}},
            "ping",
            {"required_ignored"},
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [NAMED]}}, "f", set()),
        ("none", "f", {"none_ignored"}),
        ("required", "ping", set()),
    ],
)
def test_tool_choice(choice: Any, name: str, found: set[str]) -> None:  # noqa: ANN401 -- JSON
    """A demand for a tool is met by a call of it."""
    assert codes(call(name), tool_choice=choice) == found


@pytest.mark.parametrize(
    ("limits", "tokens", "found"),
    [
        ({"max_tokens": 9}, 9, "finish_hides_length"),
        ({"max_completion_tokens": 9}, 9, "finish_hides_length"),
        ({"max_tokens": 9}, None, "finish_hides_length"),
        ({"max_tokens": 90}, 9, "args_invalid_json"),
        ({}, 9, "args_invalid_json"),
    ],
)
def test_hidden_token_limit(limits: Any, tokens: int | None, found: str) -> None:  # noqa: ANN401 -- keywords
    """Arguments that end in the middle are the limit's fault where it was reached, as far as is known."""
    assert found in codes(call(arguments='{"city": "Os'), tokens=tokens, **limits)
    assert "finish_hides_length" not in codes(call(arguments='{"city": "C:\\Users"}'), tokens=tokens, **limits)


def test_only_the_last_call_can_be_cut() -> None:
    """A broken call before it is broken."""
    assert codes(call(arguments='{"ci'), call(call_id="b"), reason="length") == {"args_invalid_json"}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [("", {"args_dropped"}), (None, {"args_dropped"}), ('{"city": "{}"}', set()), ("{}", set())],
)
def test_dropped_arguments(arguments: Any, found: set[str]) -> None:  # noqa: ANN401 -- JSON
    """The schema tells whether none are too few; an empty object is what the model wrote."""
    assert codes(call(arguments=arguments)) == found
    assert codes(call("ping", arguments)) == ({"args_empty_string"} if not arguments else set())


def test_ids_of_the_conversation() -> None:
    """An id must not come again, in this message or after one before it."""
    before = {"role": "assistant", "tool_calls": [call(call_id="a")]}
    assert codes(call(), messages=[before]) == {"id_not_unique"}
    assert codes(call(call_id="b"), messages=[before]) == set()
    assert codes(call(), call()) == {"id_not_unique"}


def test_usage_is_promised_in_a_stream_that_is_asked_for_it() -> None:
    """And in every answer that is no stream."""
    asked: Any = {"stream": True, "stream_options": {"include_usage": True}}
    assert codes(call(), tokens=None) == codes(call(), tokens=None, **asked) == {"usage_absent"}
    assert codes(call(), tokens=None, stream=True) == set()


def test_model() -> None:
    """Another model is told; none at all is not."""
    assert codes(call(), served="other") == {"model_substituted"}
    assert codes(call(), served=None) == set()


def test_tools_of_the_body_count_where_the_request_names_none() -> None:
    """In the forms of all three kinds of body; with nothing on offer every call is of an unknown tool."""
    message: Any = {"role": "assistant", "tool_calls": [call(arguments="")]}
    answer = Answered(message, "tool_calls", Usage(1, 1), None)
    parsed = TOOLS.parse(message)
    function = {"name": "f", "parameters": SCHEMA}
    for offer in (
        {"tools": [{"function": function}]},
        {"tools": [{"type": "function", **function}]},
        {"functions": [function]},
    ):
        assert deviations(Request(KEY, offer), answer, parsed) == {"args_dropped"}
    assert deviations(Request(KEY, {}), answer, parsed) == {"unknown_tool", "args_empty_string"}


def test_a_name_that_the_stream_spoilt_is_not_the_models() -> None:
    """The stream reader has told it by its own code."""
    message: Any = {"role": "assistant", "tool_calls": [call("fping")]}
    answer = Answered(message, "tool_calls", Usage(1, 1), None, ("name_changed",))
    assert deviations(Request(KEY, {}, OFFERED), answer, TOOLS.parse(message)) == set()


LEGACY: Any = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": OSLO}}
PARSED = Parsed((ToolCall(None, "f", OSLO, {"city": "Oslo"}),), "")


@pytest.mark.parametrize(
    ("reason", "choice", "found"),
    [
        ("function_call", "auto", set()),
        ("stop", {"name": "f"}, set()),
        ("stop", "auto", {"finish_stop_with_calls"}),
        ("function_call", {"name": "ping"}, {"required_ignored"}),
        ("function_call", "none", {"none_ignored"}),
    ],
)
def test_legacy_functions(reason: str, choice: Any, found: set[str]) -> None:  # noqa: ANN401 -- JSON
    """`functions` and `function_call` are held against each other in the same way."""
    request = Request(KEY, {"function_call": choice}, OFFERED)
    assert deviations(request, Answered(LEGACY, reason, Usage(1, 1), None), PARSED) == found


ITEM = {"type": "function_call", "call_id": "a", "name": "f", "arguments": OSLO}
RESPONSES: Any = {"role": "assistant", "output": [ITEM]}


@pytest.mark.parametrize(
    ("reason", "body", "found"),
    [
        ("completed", {}, set()),
        ("stop", {}, {"finish_nonstandard"}),
        ("completed", {"tool_choice": {"type": "function", "name": "ping"}}, {"required_ignored"}),
        ("completed", {"input": [ITEM]}, {"id_not_unique"}),
        ("completed", {"tool_choice": "none"}, {"none_ignored"}),
    ],
)
def test_responses_api(reason: str, body: Any, found: set[str]) -> None:  # noqa: ANN401 -- JSON
    """Statuses are its own, names stand flat, and the conversation is `input`."""
    parsed = Parsed((ToolCall("a", "f", OSLO, {"city": "Oslo"}),), "")
    answer = Answered(RESPONSES, reason, Usage(1, 1), None)
    assert deviations(Request(KEY, body, OFFERED), answer, parsed) == found


def test_encrypted_reasoning_is_opaque() -> None:
    """As are signatures, wherever they stand in a message."""
    reasoning: Any = {"role": "assistant", "output": [{"type": "reasoning", "encrypted_content": "x"}, ITEM]}
    assert deviations(Request(KEY, {}, OFFERED), Answered(reasoning, "completed", Usage(1, 1), None), PARSED) == {
        "opaque_required"
    }
    assert codes({**call(), "extra_content": {"google": {"thought_signature": "x"}}}) == {"opaque_required"}
    assert codes({**call(), "extra_content": None}) == set()


def test_prompt_mode_ends_with_stop() -> None:
    """Calls that a dialect reads from the text are neither leaks nor copies of themselves."""
    message: Any = {"role": "assistant", "content": f'{{"name": "f", "arguments": {OSLO}}}'}
    parsed = Parsed((ToolCall(None, "f", OSLO, {"city": "Oslo"}),), str(message["content"]))
    assert deviations(Request(KEY, {}, OFFERED), Answered(message, "stop", Usage(1, 1), None), parsed) == set()


@given(
    message=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("content", "tool_calls", "function_call", "output", "reasoning"), wild_values)
    ),
    body=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("tools", "functions", "tool_choice", "function_call", "messages", "input", "max_tokens", "stream_options"),
            wild_values,
        ),
    ),
)
def test_anything_can_be_held_against_anything(message: Any, body: Any) -> None:  # noqa: ANN401 -- JSON
    """Whatever was sent and whatever came: known codes, and no exception."""
    answer = Answered(message, "stop", Usage(), "m")
    assert deviations(Request(KEY, body), answer, TOOLS.parse(message)) <= set(IRREGULARITIES)
