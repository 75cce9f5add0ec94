"""Requests with tools in the prompt: which dialect they are in, what they say, and how they are answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.endpoints._answers import TEXT, Answer, Call
from fceval.endpoints._contract import Asked, chat_request
from fceval.endpoints._prompt_mode import prompted
from fceval.records import ToolCall
from tests.mock_server import REQUESTS, chat_body

PROMPTS = [name for name in dialects.names() if name.startswith("prompt_")]
every_prompt = pytest.mark.parametrize("name", PROMPTS)
CALLS = (Call("get_weather", '{"city": "Paris"}'), Call("get_time", "{}"))


def _asked(body: dict[str, Any]) -> Asked:
    return chat_request("application/json", json.dumps({"model": "m", **body}).encode())


def _rendered(name: str, request: str) -> Asked:
    case = case_of(REQUESTS[request], 1)
    return _asked(dict(dialects.load(name).render(case, case.turns[0].messages)))


@every_prompt
@pytest.mark.parametrize("request_name", ["one call", "nested", "text"])
def test_tools_are_read_from_the_prompt(name: str, request_name: str) -> None:
    """What the dialect wrote is found again: the tools, without what only a request can say of them."""
    read = prompted(_rendered(name, request_name))
    assert read is not None
    assert [tool["function"] for tool in read.asked.tools] == [
        tool["function"] for tool in REQUESTS[request_name]["tools"]
    ]


@every_prompt
def test_history_is_read_from_the_text(name: str) -> None:
    """Calls and results are in their own places again."""
    read = prompted(_rendered(name, "second turn"))
    assert read is not None
    assert [message["role"] for message in read.asked.messages] == ["system", "user", "assistant", "tool", "user"]
    (call,) = read.asked.messages[2]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == ("get_weather", {"city": "Paris"})


@every_prompt
def test_answer_is_what_the_dialect_reads(name: str) -> None:
    """Calls become text from which the dialect reads the same calls."""
    read = prompted(_rendered(name, "two tools"))
    assert read is not None
    written = read.written(Answer(calls=CALLS, finish_reason="tool_calls"))
    assert (written.calls, written.finish_reason) == ((), "stop")
    calls = dialects.load(name).parse({"role": "assistant", "content": written.text}).calls
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        (call.name, json.loads(call.arguments)) for call in CALLS
    ]
    assert read.written(TEXT) == TEXT


def test_other_requests_are_none() -> None:
    """Tools in their own field, no system prompt, or one that says something else."""
    assert prompted(_asked(chat_body("one call"))) is None
    assert prompted(_asked(chat_body("no tools"))) is None
    messages = [{"role": "system", "content": 'Be brief. {"name": "x"}'}, *chat_body("no tools")["messages"]]
    assert prompted(_asked({"messages": messages})) is None


def test_results_are_told_apart_from_the_user() -> None:
    """A user who speaks after an answer without calls is no result."""
    dialect = dialects.load(PROMPTS[0])
    case = case_of(REQUESTS["one call"], 1)
    call = ToolCall("a", "get_time", "{}", {})
    messages = [
        *case.turns[0].messages,
        dialect.answer([], "Which city?"),
        {"role": "user", "content": "Paris"},
        dialect.answer([call], None),
        *dialect.results([call], ["noon"]),
        {"role": "user", "content": "Thanks"},
    ]
    read = prompted(_asked(dict(dialect.render(case, messages))))
    assert read is not None
    roles = [message["role"] for message in read.asked.messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "tool", "user"]
