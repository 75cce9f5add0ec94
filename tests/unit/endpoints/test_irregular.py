"""Each fault of an answer that is not streamed, as it is on the wire."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from fceval.endpoints._irregular import lost_signature
from tests.mock_server import asked, chat_body, mock_server, post

PARIS = '{"city": "Paris"}'


def _arguments(fault: str, name: str = "one call", seed: int = 0) -> Any:  # noqa: ANN401 -- text, or what is wrong
    (call,) = asked(fault, name, seed=seed).calls
    return call["function"]["arguments"]


@pytest.mark.parametrize(
    ("fault", "name", "finish_reason", "calls"),
    [
        ("finish_stop_with_calls", "one call", "stop", 1),
        ("finish_toolcalls_without_calls", "text", "tool_calls", 0),
        ("finish_hides_length", "cut", "tool_calls", 1),
        ("finish_nonstandard", "one call", "tool_use", 1),
        ("finish_nonstandard", "text", "end_turn", 0),
        ("required_ignored", "required", "stop", 0),
        ("required_ignored", "named", "stop", 0),
        ("none_ignored", "forbidden", "tool_calls", 1),
        ("parallel_ignored", "parallel off", "tool_calls", 2),
    ],
)
def test_end_and_number_of_calls(fault: str, name: str, finish_reason: str, calls: int) -> None:
    """The finish reason says something else than the calls, or the calls something else than the request."""
    raw = asked(fault, name)
    assert (raw.choice["finish_reason"], len(raw.calls)) == (finish_reason, calls)


@pytest.mark.parametrize(
    ("fault", "name", "arguments"),
    [
        ("args_object", "one call", {"city": "Paris"}),
        ("args_wrong_type", "one call", 7),
        ("args_double_encoded", "one call", json.dumps(PARIS)),
        ("args_empty_string", "no arguments", ""),
        ("args_duplicated", "one call", PARIS + PARIS),
        ("args_dropped", "one call", ""),
        ("args_invalid_json", "one call", '{"city": "Paris",}'),
        ("args_nested_string", "nested", '{"traveller": "{\\"name\\": \\"Ada\\"}", "stops": ["Oslo"]}'),
    ],
)
def test_arguments(fault: str, name: str, arguments: object) -> None:
    """The arguments of the call are wrong in the one way that was asked for."""
    assert _arguments(fault, name) == arguments


def test_arguments_have_white_space_or_tokens_behind_them() -> None:
    """Which of the two, the seed says."""
    assert {_arguments("args_trailing_ws_or_tokens", seed=seed) for seed in range(12)} == {
        PARIS + " \n",
        PARIS + "<|im_end|>",
    }


def test_names() -> None:
    """A name has tokens or a prefix around it, or is of no tool."""
    names = {asked("special_token_in_name", "one call", seed=seed).calls[0]["function"]["name"] for seed in range(12)}
    assert names == {"get_weather<|channel|>commentary", "functions.get_weather"}
    assert asked("unknown_tool", "one call").calls[0]["function"]["name"] == "look_it_up"


def test_calls_in_the_wrong_place() -> None:
    """A call stands in the content, or in the reasoning; its arguments stand in the content, too."""
    tagged = f'<tool_call>\n{{"name": "get_weather", "arguments": {PARIS}}}\n</tool_call>'
    in_content = asked("call_in_content", "one call").choice
    assert in_content["message"] == {"role": "assistant", "content": tagged, "refusal": None}
    in_reasoning = asked("call_in_reasoning", "one call").choice
    assert (in_reasoning["message"]["content"], in_reasoning["finish_reason"]) == ("", "stop")
    assert in_reasoning["message"]["reasoning_content"].endswith(tagged)
    twice = asked("content_dup_of_args", "one call")
    assert (twice.choice["message"]["content"], twice.calls[0]["function"]["arguments"]) == (PARIS, PARIS)


def test_reasoning_stands_in_one_of_three_places() -> None:
    """A field of its own, by either name, or the content."""
    messages = [asked("reasoning_field_variants", "text", seed=seed).choice["message"] for seed in range(12)]
    assert {name for message in messages for name in message} >= {"reasoning_content", "reasoning"}
    assert any(message["content"].startswith("<think>\n") for message in messages)


def test_ids() -> None:
    """An entry has no id, two calls share one, or one of an earlier turn comes again."""
    assert "id" not in asked("id_missing", "one call").calls[0]
    first, second = asked("id_not_unique", "two calls").calls
    assert first["id"] == second["id"]
    assert asked("id_not_unique", "second turn").calls[0]["id"] == "call_used"


def test_entry_without_a_name() -> None:
    """One more entry has null for id and name, and the arguments of the one before."""
    call, entry = asked("name_null_entry", "one call").calls
    assert entry == {"id": None, "type": "function", "function": {"name": None, "arguments": PARIS}}
    assert call["function"]["name"] == "get_weather"


def test_signature_must_come_back() -> None:
    """A signed call is taken back with its signature, and refused without it."""

    async def turns() -> list[int]:
        async with mock_server(faults={"opaque_required": 1}) as address:
            body = chat_body("one call")
            message = (await post(address, body)).choice["message"]
            (call,) = message["tool_calls"]
            assert set(call["extra_content"]["google"]) == {"thought_signature"}
            result = {"role": "tool", "tool_call_id": call["id"], "content": "18 degrees"}
            bare = {**message, "tool_calls": [{name: call[name] for name in ("id", "type", "function")}]}
            histories = [[*body["messages"], given, result] for given in (message, bare)]
            return [(await post(address, {**body, "messages": history})).status for history in histories]

    assert asyncio.run(turns()) == [200, 400]


def test_place_of_a_lost_signature() -> None:
    """The message is named; calls that were not signed need nothing."""
    user = {"role": "user", "content": "x"}
    assert lost_signature([user, {"role": "assistant", "tool_calls": [{"id": "call_1"}]}]) is None
    assert lost_signature([user, {"role": "assistant", "tool_calls": [{"id": "call_signed_1"}]}]) == 1


def test_bodies() -> None:
    """No usage, another model, no choices, nothing said."""
    assert "usage" not in asked("usage_absent", "one call").body
    assert asked("model_substituted", "one call").body["model"] == "another-model-7b"
    found = [asked("choices_null_or_empty", "one call", seed=seed).body["choices"] for seed in range(12)]
    assert None in found
    assert [] in found
    empty = asked("empty_success", "one call")
    assert (empty.choice["message"]["content"], empty.calls) == ("", [])
    assert (empty.choice["finish_reason"], empty.body["usage"]["completion_tokens"]) == ("stop", 0)
