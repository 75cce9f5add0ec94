"""Dialogues: which request comes next, and what is in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.dialects import Api
from fceval.dialects.tools import Tools
from fceval.dialogue import (
    NO_RESULT,
    NOTHING_TO_CALL,
    Dialogue,
    Shape,
    Variant,
    check_teacher_forced,
    next_request,
    parts,
    wants_more,
)
from fceval.errors import FieldError
from fceval.records import Attempt, Key, Response, Usage
from tests.case_rows import WEATHER, row, turns_row

SYSTEM = {"role": "system", "content": "Be kind."}
USER = {"role": "user", "content": "What is the weather in Oslo?"}
PLAIN = {"model": "m", "messages": [USER], "tools": [WEATHER]}
"""What is sent of the plain row where nothing is configured."""


class Responses(Tools):
    """A dialect of the other API."""

    api: Api = "responses"


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
    assert request.body == PLAIN
    assert request.tools == given.case.tools
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
        ([(None, None, "any"), ("f", None, "x")], [("f", "{}"), ("f", "{}"), ("h", "{}")], ["x", "any", "any"]),
        ([("f", {"a": 1}, "one"), (None, None, "any")], [("f", '{"a": 2}'), ("f", '{"a": 1}')], ["any", "one"]),
    ],
)
def test_call_gets_the_result_that_fits_it(results: list[Any], calls: list[Any], contents: list[str]) -> None:
    """First one for these very arguments, then one of the tool, each once; then the one for any call, else none."""
    scripted = [
        {key: value for key, value in {"name": name, "arguments": arguments, "content": content}.items() if value}
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


# --- teacher-forced -------------------------------------------------------------------------------------------

FORCED = turns_row(
    {
        "messages": [USER],
        "expected": [
            {"name": "get_weather", "arguments": {"city": {"$match": "one_of", "values": ["Oslo", "Bergen"]}}},
            {"name": "get_weather", "arguments": {"city": "Turku", "days": {"$match": "absent"}}},
        ],
        "tool_results": [
            {"name": "get_weather", "arguments": {"city": "Turku"}, "content": "snow"},
            {"content": "rain"},
        ],
    },
    {"messages": [{"role": "user", "content": "Thanks."}]},
    {"messages": [{"role": "user", "content": "Find something out."}], "expected": "any"},
    {"messages": [{"role": "user", "content": "Bye."}]},
)


def forced(fields: dict[str, Any] = FORCED, only_turn: int | None = None) -> Dialogue:
    """Return the teacher-forced dialogue of a row."""
    return dialogue(fields)._replace(turns="teacher_forced", only_turn=only_turn)


def test_teacher_forced_history_is_what_the_case_expects() -> None:
    """Its calls with their scripted results, and plain text where there are none to spell out; nothing of the model."""
    answers = [answer(turn, called(("get_weather", '{"city": "Rome"}'))) for turn in range(3)]
    ids = ("call00000", "call00001")
    calls = [
        {"id": call_id, "type": "function", "function": {"name": "get_weather", "arguments": f'{{"city": "{city}"}}'}}
        for call_id, city in zip(ids, ("Oslo", "Turku"), strict=True)
    ]
    said = {"role": "assistant", "content": NOTHING_TO_CALL}
    assert body(forced(), *answers)["messages"] == [
        USER,
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": ids[0], "content": "rain"},
        {"role": "tool", "tool_call_id": ids[1], "content": "snow"},
        {"role": "user", "content": "Thanks."},
        said,
        {"role": "user", "content": "Find something out."},
        said,
        {"role": "user", "content": "Bye."},
    ]
    assert next_request(forced(), [*answers, answer(3, {})]) is None


def test_teacher_forced_turns_are_asked_whatever_came_of_the_others() -> None:
    """An answer that is missing is no reason to stop."""
    history: list[Response] = []
    while request := next_request(forced(), history):
        assert request.key.turn == len(history)
        history.append(answer(request.key.turn, None))
    assert len(history) == 4


def test_teacher_forced_turns_can_be_asked_for_themselves() -> None:
    """The same requests, in parts that need not wait for each other; a free-running dialogue is one part."""
    whole = forced()
    wanted = [next_request(whole, [answer(turn, {}) for turn in range(known)]) for known in range(4)]
    assert [next_request(part, ()) for part in parts(whole)] == wanted
    assert all(next_request(part, [answer(turn, {})]) is None for turn, part in enumerate(parts(whole)))
    free = dialogue(FORCED)
    assert list(parts(free)) == [free]


def test_expected_call_that_cannot_be_spelled_out_is_refused() -> None:
    """Where it would be history; what the last turn expects is never sent."""
    unknown = [{"name": "get_weather", "arguments": {"city": {"$match": "regex", "pattern": "[^\\x00-\\x{10ffff}]"}}}]
    check_teacher_forced(case_of(turns_row({}, {"expected": unknown}), 1))
    with pytest.raises(FieldError, match="expect a literal there, or run with turns = free_running") as caught:
        check_teacher_forced(case_of(turns_row({}, {"expected": unknown}, {}), 1))
    assert caught.value.field == "turns[1].expected[0].arguments.city"


# --- what the endpoint wants ----------------------------------------------------------------------------------


def shaped(given: Dialogue, **shape: Any) -> dict[str, Any]:  # noqa: ANN401 -- the fields of a shape
    """Return the body of a dialogue's first request, in some shape."""
    return body(given._replace(shape=Shape(**shape)))


def test_streams_are_asked_for_with_their_usage() -> None:
    """The Responses API tells it unasked."""
    streamed = shaped(dialogue(row()), stream=True)
    assert streamed == PLAIN | {"stream": True, "stream_options": {"include_usage": True}}
    other = dialogue(row())._replace(dialect=Responses())
    assert shaped(other, stream=True) == PLAIN | {"stream": True}
    assert shaped(other) == PLAIN


def test_fields_of_the_endpoint_win_and_what_is_omitted_goes_last() -> None:
    """Over those of run, variant and case; `omit` takes away whatever set it."""
    given = dialogue(row(request={"a": 3, "seed": 1}), Variant(request={"a": 2}), a=1)
    extra = {"a": 4, "top_k": 5, "stream_options": {"include_usage": False}}
    assert shaped(given, stream=True, extra_body=extra) == PLAIN | {**extra, "seed": 1, "stream": True}
    assert shaped(given, stream=True, extra_body=extra, omit=frozenset({"stream_options", "top_k", "seed", "x"})) == (
        PLAIN | {"a": 4, "stream": True}
    )


def test_developer_speaks_as_system_where_the_endpoint_knows_no_developer() -> None:
    """The case's own messages and a variant's prompt; by default the role is sent as it is."""
    messages = [{"role": "developer", "content": "Be kind.", "name": "d"}, USER]
    given = dialogue(row(messages=messages))
    assert shaped(given)["messages"] == messages
    assert shaped(given, developer_as_system=True)["messages"] == [{**messages[0], "role": "system"}, USER]
    prompted = given._replace(variant=Variant(system="New."))
    assert shaped(prompted, developer_as_system=True)["messages"] == [{"role": "system", "content": "New."}, USER]


@pytest.mark.parametrize("given", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
@pytest.mark.parametrize("sent", ["max_tokens", "max_completion_tokens"])
def test_token_limit_is_sent_under_the_name_that_the_endpoint_knows(given: str, sent: str) -> None:
    """Whatever the request calls it; the Responses API has one name for it."""
    limited = dialogue(row(), None, **{given: 64})
    assert shaped(limited) == PLAIN | {given: 64}
    assert shaped(limited, token_limit=sent) == PLAIN | {sent: 64}
    assert shaped(limited._replace(dialect=Responses()), token_limit=sent) == PLAIN | {"max_output_tokens": 64}


def test_nearer_token_limit_wins_under_whatever_name() -> None:
    """A case's limit is not sent beside the run's."""
    given = dialogue(row(request={"max_tokens": 3}), Variant(request={"max_completion_tokens": 2}), max_tokens=1)
    assert shaped(given, token_limit="max_completion_tokens") == PLAIN | {"max_completion_tokens": 3}


# --- steps ----------------------------------------------------------------------------------------------------

TWO_CITIES = [{"name": "get_weather", "arguments": {"city": city}} for city in ("Oslo", "Paris")]


def stepwise(**fields: Any) -> Dialogue:  # noqa: ANN401 -- any field
    """Return the dialogue of a row in the dialect that has room for one call a message."""
    return dialogue(row(**fields))._replace(dialect=dialects.load("functions"))


def one_call(city: str) -> dict[str, Any]:
    """Return a message with a call, as the legacy dialect writes it."""
    arguments = json.dumps({"city": city})
    return {"role": "assistant", "content": None, "function_call": {"name": "get_weather", "arguments": arguments}}


def step(number: int, message: dict[str, Any] | None) -> Response:
    """Return what was answered in a step of the first turn."""
    given = answer(0, message)
    return given._replace(key=given.key._replace(step=number))


def test_second_call_is_asked_for_with_the_result_of_the_first() -> None:
    """A turn that wants two calls takes two steps, where a message has room for one."""
    given = stepwise(expected=TWO_CITIES)
    request = next_request(given, [step(0, one_call("Oslo"))])
    assert request is not None
    assert (request.key.turn, request.key.step) == (0, 1)
    assert list(request.body["messages"])[1:] == [  # type: ignore[arg-type]  # a list, as our dialects write it
        one_call("Oslo"),
        {"role": "function", "name": "get_weather", "content": NO_RESULT},
    ]
    assert next_request(given, [step(0, one_call("Oslo")), step(1, one_call("Paris"))]) is None


@pytest.mark.parametrize(
    ("expected", "first"),
    [
        (TWO_CITIES, {"role": "assistant", "content": "I cannot."}),
        (TWO_CITIES, None),
        (TWO_CITIES[:1], one_call("Oslo")),
        ([], one_call("Oslo")),
        ("any", one_call("Oslo")),
    ],
)
def test_turn_is_over_when_nothing_more_is_wanted_or_said(expected: Any, first: dict[str, Any] | None) -> None:  # noqa: ANN401 -- rows above
    """No call, no answer, or as many calls as any alternative wants."""
    assert next_request(stepwise(expected=expected), [step(0, first)]) is None


def test_other_dialects_make_all_calls_at_once() -> None:
    """One answer is a turn."""
    given = dialogue(row(expected=TWO_CITIES))
    assert not wants_more(given, [answer(0, called(("get_weather", '{"city": "Oslo"}')))])


def test_expected_calls_stand_one_a_message_where_there_is_room_for_one() -> None:
    """Teacher-forced, each with its result."""
    fields = turns_row({"expected": TWO_CITIES}, {}, case_id="a")
    given = dialogue(fields)._replace(dialect=dialects.load("functions"), turns="teacher_forced", only_turn=1)
    roles = [message["role"] for message in body(given)["messages"]]
    assert roles == ["user", "assistant", "function", "assistant", "function", "user"]
