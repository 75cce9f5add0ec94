"""What a request's own words demand or forbid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fceval.endpoints._answers import TEXT, Answer, Call
from fceval.endpoints._contract import Asked, chat_request
from fceval.endpoints._planning import allowed, demanded, unplanned
from tests.mock_server import chat_body

BOTH = Answer(calls=(Call("get_weather", "{}"), Call("get_time", "{}")), finish_reason="tool_calls")


def _asked(name: str = "two tools", **fields: Any) -> Asked:  # noqa: ANN401 -- fields of all types
    return chat_request("application/json", json.dumps({**chat_body(name), **fields}).encode())


def _named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def _limited(mode: str) -> dict[str, Any]:
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": [_named("get_time")]}}


def _names(answer: Answer) -> list[str]:
    return [call.name for call in answer.calls]


@pytest.mark.parametrize(
    ("choice", "names", "finish_reason"),
    [
        ("auto", [], "stop"),
        ("required", ["get_weather"], "tool_calls"),
        (_named("get_time"), ["get_time"], "stop"),
        (_limited("required"), ["get_time"], "tool_calls"),
        (_limited("auto"), [], "stop"),
    ],
)
def test_demanded_call_is_made_up(choice: object, names: list[str], finish_reason: str) -> None:
    """A text in place of a demanded call becomes that call."""
    answer = demanded(_asked(tool_choice=choice), TEXT)
    assert (_names(answer), answer.finish_reason) == (names, finish_reason)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["get_weather", "get_time"]),
        ({"tool_choice": "none"}, []),
        ({"parallel_tool_calls": False}, ["get_weather"]),
        ({"tool_choice": _limited("auto")}, ["get_time"]),
        ({"tool_choice": _limited("auto"), "parallel_tool_calls": False}, ["get_time"]),
    ],
)
def test_what_is_forbidden_is_left_out(fields: dict[str, Any], names: list[str]) -> None:
    """Calls are dropped; where none is left, there is text."""
    answer = allowed(_asked(**fields), BOTH)
    assert _names(answer) == names
    assert bool(answer.text) == (not names)


def test_call_of_no_tool_stays() -> None:
    """A mistake that was asked for is no call of a tool that is not allowed."""
    wrong = Answer(calls=(Call("get_weather_v2", "{}"),), finish_reason="tool_calls")
    assert allowed(_asked(), wrong) == wrong


def test_results_are_answered_in_text() -> None:
    """What the user asked for is done; a new message of the user may ask again."""
    assert _names(unplanned(_asked("second turn"))) == ["get_weather"]
    messages = chat_body("second turn")["messages"][:-1]
    assert unplanned(_asked("second turn", messages=messages)) == TEXT
