"""Dialogues: which request comes next, and what is in it."""

from __future__ import annotations

from typing import Any

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.dialogue import NO_RESULT, Dialogue, Variant, next_request
from fceval.records import Attempt, Key, Response, Usage
from tests.case_rows import WEATHER, row, turns_row

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "What is the weather in Oslo?"}


def dialogue(fields: dict[str, Any], variant: Variant | None = None, **request: Any) -> Dialogue:  # noqa: ANN401 -- body fields
    """Return the dialogue of a row."""
    return Dialogue(case_of(fields, 1), variant or Variant(), 2, dialects.load("tools"), "m", request)


def answer(turn: int, message: dict[str, Any] | None) -> Response:
    """Return what was answered in a turn; None: it was not measured."""
    attempts = (Attempt("", 0.1, None, 503, "endpoint_error"),)
    return Response(Key("a", "default", 2, turn, 0), "f", message, None, Usage(), None, (), attempts)


def called(*calls: tuple[str, str]) -> dict[str, Any]:
    """Return a message with calls, of names and argument texts."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(calls)
        ],
        "reasoning_content": "kept",
    }


def body(given: Dialogue, *history: Response) -> dict[str, Any]:
    """Return the body of the next request."""
    request = next_request(given, history)
    assert request is not None
    return dict(request.body)


def test_single_turn_asks_once() -> None:
    """Model, messages and tools, and nothing that nobody configured."""
    given = dialogue(row())
    request = next_request(given, ())
    assert request is not None
    assert request.key == Key("a", "default", 2, 0, 0)
    assert request.body == {"model": "m", "messages": [USER], "tools": [WEATHER]}
    assert next_request(given, [answer(0, {"content": "x"})]) is None


def test_what_the_case_asks_for_is_sent() -> None:
    """As the dataset has it."""
    fields = row(tool_choice="required", parallel_tool_calls=False, request={"seed": 1})
    sent = body(dialogue(fields))
    assert (sent["tool_choice"], sent["parallel_tool_calls"], sent["seed"]) == ("required", False, 1)
    assert "tools" not in body(dialogue(row(tools=[], expected=[])))


def test_nearer_settings_win() -> None:
    """The run's fields, over them the variant's, over them the case's."""
    variant = Variant(name="v", model="other", request={"b": 2, "c": 2})
    given = dialogue(row(request={"c": 3}), variant, a=1, b=1, c=1)
    request = next_request(given, ())
    assert request is not None
    assert request.key.variant == "v"
    assert {name: request.body[name] for name in ("model", "a", "b", "c")} == {"model": "other", "a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([USER], [{"role": "system", "content": "New."}, USER]),
        ([SYSTEM, USER], [{"role": "system", "content": "New."}, USER]),
        ([{**SYSTEM, "role": "developer"}, USER], [{"role": "developer", "content": "New."}, USER]),
    ],
)
def test_variant_may_have_another_system_prompt(messages: list[Any], expected: list[Any]) -> None:
    """In place of the case's own, in the role that the case gives it, or in front of a case without one."""
    assert body(dialogue(row(messages=messages), Variant(system="New.")))["messages"] == expected
    assert body(dialogue(row(messages=messages)))["messages"] == messages


def test_turns_replay_the_models_own_message_and_scripted_results() -> None:
    """Verbatim, with an answer to each call, then what the user says next."""
    fields = turns_row(
        {"messages": [USER], "tool_results": [{"name": "get_weather", "content": "rain"}]},
        {"messages": [{"role": "user", "content": "And now?"}]},
        {"messages": [{"role": "user", "content": "Thanks."}]},
    )
    given = dialogue(fields)
    first, second = answer(0, called(("get_weather", "{}"))), answer(1, {"role": "assistant", "content": "Dry."})
    assert body(given)["messages"] == [USER]
    after_one = [
        USER,
        called(("get_weather", "{}")),
        {"role": "tool", "tool_call_id": "call_0", "content": "rain"},
        {"role": "user", "content": "And now?"},
    ]
    assert body(given, first)["messages"] == after_one
    request = next_request(given, [first, second])
    assert request is not None
    assert request.key.turn == 2
    assert request.body["messages"] == [*after_one, second.message, {"role": "user", "content": "Thanks."}]
    assert next_request(given, [first, second, answer(2, {"content": ""})]) is None


@pytest.mark.parametrize(
    ("results", "calls", "contents"),
    [
        ([], [("f", "{}")], [NO_RESULT]),
        ([("g", None, "x")], [("f", "{}")], [NO_RESULT]),
        ([("f", None, "x"), ("f", None, "y")], [("f", "{}"), ("f", "{}"), ("f", "{}")], ["x", "y", NO_RESULT]),
        ([("f", None, "any"), ("f", {"a": 1}, "one")], [("f", '{"a": 1}'), ("f", '{"a": 2}')], ["one", "any"]),
        ([("f", {"a": 1, "b": [2]}, "x")], [("f", '{"b": [2], "a": 1}')], ["x"]),
        ([("f", {"a": 1}, "x")], [("f", '{"a": 2}')], [NO_RESULT]),
        ([("f", {"a": 1}, "x")], [("f", '{"a"')], [NO_RESULT]),
        ([("g", None, "x"), ("f", None, "y")], [("f", "{}"), ("g", "{}")], ["y", "x"]),
    ],
)
def test_call_gets_the_result_that_fits_it(results: list[Any], calls: list[Any], contents: list[str]) -> None:
    """First one for these very arguments, then one for any, each once; else an empty one."""
    scripted = [
        {"name": name, "content": content} | ({} if arguments is None else {"arguments": arguments})
        for name, arguments, content in results
    ]
    given = dialogue(turns_row({"tool_results": scripted}, {}))
    messages = body(given, answer(0, called(*calls)))["messages"]
    assert [each["content"] for each in messages if each["role"] == "tool"] == contents


def test_dialogue_ends_where_a_turn_was_not_measured() -> None:
    """What the next turn would build on is not there."""
    assert next_request(dialogue(turns_row({}, {})), [answer(0, None)]) is None


def test_longer_history_than_the_case_ends_it() -> None:
    """Answers beyond the last turn ask for nothing."""
    assert next_request(dialogue(row()), [answer(0, {}), answer(1, {})]) is None
