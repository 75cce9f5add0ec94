"""What the mock serves where no fault is asked for is the true contract: the official client reads all of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from pydantic import BaseModel

from tests.mock_server import chat_body, mock_server

Result = TypeVar("Result")
PARIS = '{"city": "Paris"}'
ROME = '{"city": "Rome"}'


def _ask(act: Callable[[openai.AsyncOpenAI], Awaitable[Result]], **settings: Any) -> Result:  # noqa: ANN401 -- settings of all types
    """Return what the client makes of a mock; it is told nothing but where the mock is."""

    async def ask() -> Result:
        async with (
            mock_server(**settings) as address,
            openai.AsyncOpenAI(
                base_url=address.base_url,
                api_key=address.api_key,
                max_retries=0,
                # Each answer is held against the client's own types, strictly.
                _strict_response_validation=True,
            ) as client,
        ):
            return await act(client)

    return asyncio.run(ask())


def _complete(**fields: Any) -> ChatCompletion:  # noqa: ANN401 -- fields of all types
    async def act(client: openai.AsyncOpenAI) -> ChatCompletion:
        completion: ChatCompletion = await client.chat.completions.create(**fields)
        return completion

    return _ask(act)


def _chunks(**fields: Any) -> list[ChatCompletionChunk]:  # noqa: ANN401 -- fields of all types
    async def act(client: openai.AsyncOpenAI) -> list[ChatCompletionChunk]:
        return [chunk async for chunk in await client.chat.completions.create(**fields)]

    return _ask(act)


def _respond(**fields: Any) -> Response:  # noqa: ANN401 -- fields of all types
    async def act(client: openai.AsyncOpenAI) -> Response:
        response: Response = await client.responses.create(model="mock", **fields)
        return response

    return _ask(act)


def _calls(completion: ChatCompletion) -> list[tuple[str, str]]:
    calls = completion.choices[0].message.tool_calls or []
    return [(call.function.name, call.function.arguments) for call in calls if call.type == "function"]


def _unknown_fields(model: BaseModel) -> set[str]:
    """Return the members of an answer that the client's types do not know, however deep they stand."""
    found = set(model.model_extra or {})
    for name in type(model).model_fields:
        value = getattr(model, name, None)
        for inner in value if isinstance(value, list) else [value]:
            found |= _unknown_fields(inner) if isinstance(inner, BaseModel) else set()
    return found


@pytest.mark.parametrize(
    ("name", "calls", "finish_reason"),
    [
        ("one call", [("get_weather", PARIS)], "tool_calls"),
        ("two calls", [("get_weather", PARIS), ("get_weather", ROME)], "tool_calls"),
        ("no arguments", [("get_time", "{}")], "tool_calls"),
        ("text", [], "stop"),
        ("required", [("get_weather", PARIS)], "tool_calls"),
        ("named", [("get_weather", PARIS)], "stop"),
        ("forbidden", [], "stop"),
        ("parallel off", [("get_weather", PARIS)], "tool_calls"),
        ("second turn", [("get_weather", ROME)], "tool_calls"),
        ("no tools", [], "stop"),
    ],
)
def test_chat_streamed_and_not(name: str, calls: list[tuple[str, str]], finish_reason: str) -> None:
    """A completion, its chunks and the stream helper tell of the same calls, the same end and the same usage."""
    whole = _complete(**chat_body(name))
    assert (_calls(whole), whole.choices[0].finish_reason) == (calls, finish_reason)
    assert _unknown_fields(whole) == set()

    async def stream(client: openai.AsyncOpenAI) -> ChatCompletion:
        body = {field: value for field, value in chat_body(name, stream=True).items() if field != "stream"}
        async with client.chat.completions.stream(**body) as events:
            return await events.get_final_completion()

    streamed = _ask(stream)
    assert (_calls(streamed), streamed.choices[0].finish_reason) == (calls, finish_reason)
    assert streamed.usage == whole.usage
    chunks = _chunks(**chat_body(name, stream=True))
    assert [reason for chunk in chunks for choice in chunk.choices if (reason := choice.finish_reason)] == [
        finish_reason
    ]
    assert [bool(chunk.usage) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert set().union(*map(_unknown_fields, chunks)) == set()


def test_limit_of_tokens_cuts_a_call() -> None:
    """The arguments end in the middle, the finish reason says why, and the limit is what was used up."""
    whole = _complete(**chat_body("cut"))
    ((_, arguments),) = _calls(whole)
    assert whole.choices[0].finish_reason == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(arguments)
    assert whole.usage is not None
    assert whole.usage.completion_tokens == 12
    newer = {**chat_body("cut"), "max_completion_tokens": 12}
    del newer["max_tokens"]
    assert _calls(_complete(**newer)) == _calls(whole)
    chunks = _chunks(**chat_body("cut", stream=True))
    assert "length" in [choice.finish_reason for chunk in chunks for choice in chunk.choices]

    async def helper(client: openai.AsyncOpenAI) -> None:
        body = {field: value for field, value in chat_body("cut", stream=True).items() if field != "stream"}
        async with client.chat.completions.stream(**body) as events:
            await events.get_final_completion()

    with pytest.raises(openai.LengthFinishReasonError):
        _ask(helper)


def test_allowed_tools_limit_the_calls() -> None:
    """Only tools that are allowed are called, though the user names another."""
    body = chat_body("two tools")
    time = {"type": "function", "function": {"name": "get_time"}}
    body["tool_choice"] = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [time]}}
    assert _calls(_complete(**body)) == [("get_time", "{}")]


@pytest.mark.parametrize(
    ("choice", "finish_reason"),
    [(None, "function_call"), ("auto", "function_call"), ({"name": "get_weather"}, "stop"), ("none", "stop")],
)
def test_legacy_functions(choice: Any, finish_reason: str) -> None:  # noqa: ANN401 -- a word or an object
    """One call in `function_call`, streamed and not; its result comes in the role `function`."""
    body = chat_body("one call")
    fields = {"model": "m", "messages": body["messages"], "functions": [tool["function"] for tool in body["tools"]]}
    if choice is not None:
        fields["function_call"] = choice
    message = _complete(**fields).choices[0].message
    called = (message.function_call.name, message.function_call.arguments) if message.function_call else None
    assert called == (None if choice == "none" else ("get_weather", PARIS))
    chunks = _chunks(**fields, stream=True)
    pieces = [piece for chunk in chunks if (piece := chunk.choices[0].delta.function_call)]
    assert "".join(piece.arguments or "" for piece in pieces) == (PARIS if called else "")
    assert chunks[-1].choices[0].finish_reason == finish_reason
    if called:
        answered = [message.model_dump(exclude_none=True), {"role": "function", "name": called[0], "content": "18"}]
        fields["messages"] = [*fields["messages"], {"content": None, **answered[0]}, answered[1]]
        fields.pop("function_call", None)
        assert _complete(**fields).choices[0].message.content


def _flat(name: str) -> dict[str, Any]:
    body = chat_body(name)
    flat = {"tools": [{"type": "function", "strict": False, **tool["function"]} for tool in body["tools"]]}
    return {"input": body["messages"], **flat}


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({}, [("get_weather", PARIS), ("get_weather", ROME)]),
        ({"parallel_tool_calls": False}, [("get_weather", PARIS)]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": "required"}, [("get_weather", PARIS), ("get_weather", ROME)]),
        ({"tool_choice": {"type": "function", "name": "get_time"}}, [("get_time", "{}")]),
        ({"instructions": "Be brief."}, [("get_weather", PARIS), ("get_weather", ROME)]),
    ],
)
def test_responses_streamed_and_not(more: dict[str, Any], calls: list[tuple[str, str]]) -> None:
    """The items of an answer, and those that the stream helper puts together, are the same."""
    whole = _respond(**_flat("two calls"), **more)
    assert _called(whole) == calls
    assert (whole.status, bool(whole.output_text)) == ("completed", not calls)
    assert whole.instructions == more.get("instructions")
    assert _unknown_fields(whole) == set()

    async def stream(client: openai.AsyncOpenAI) -> Response:
        async with client.responses.stream(model="mock", **_flat("two calls"), **more) as events:
            numbers = [event.sequence_number async for event in events]
            assert numbers == list(range(len(numbers)))
            return await events.get_final_response()

    streamed = _ask(stream)
    assert _called(streamed) == calls
    assert (streamed.usage, streamed.output_text) == (whole.usage, whole.output_text)


def _called(response: Response) -> list[tuple[str, str]]:
    return [(item.name, item.arguments) for item in response.output if item.type == "function_call"]


def test_every_event_of_a_response_is_known() -> None:
    """Events come in the order of the contract; deltas, the whole text and the item agree."""

    async def act(client: openai.AsyncOpenAI) -> list[Any]:
        stream = await client.responses.create(model="mock", stream=True, **_flat("one call"))
        return [event async for event in stream]

    events = _ask(act)
    kinds = list(dict.fromkeys(event.type for event in events))
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ]
    told = ["".join(event.delta for event in events if event.type.endswith("arguments.delta"))]
    told += [event.arguments for event in events if event.type.endswith("arguments.done")]
    told += [event.item.arguments for event in events if event.type.endswith("item.done")]
    assert told == [PARIS] * 3


def test_responses_limit_of_tokens() -> None:
    """A limit ends a response as incomplete, streamed and not."""
    whole = _respond(**_flat("one call"), max_output_tokens=9)
    assert whole.incomplete_details is not None
    assert (whole.status, whole.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert PARIS.startswith(_called(whole)[0][1])

    async def act(client: openai.AsyncOpenAI) -> str:
        stream = await client.responses.create(model="mock", stream=True, max_output_tokens=9, **_flat("one call"))
        kinds: list[str] = [event.type async for event in stream]
        return kinds[-1]

    assert _ask(act) == "response.incomplete"


def test_responses_take_results() -> None:
    """The items of an answer go back as they came, with the output of the call, and are answered in text."""
    asked = _flat("one call")
    first = _respond(**asked)
    (call,) = first.output
    assert call.type == "function_call"
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"}
    asked["input"] = [*asked["input"], call.model_dump(exclude_none=True), output]
    second = _respond(**asked)
    assert _called(second) == []
    assert second.output_text


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("404", openai.NotFoundError),
        ("429", openai.RateLimitError),
        ("quota", openai.RateLimitError),
        ("500", openai.InternalServerError),
        ("503", openai.InternalServerError),
        ("reset", openai.APIConnectionError),
    ],
)
def test_errors_are_the_clients_own(fault: str, error: type[openai.APIError]) -> None:
    """Each error becomes the exception that the client has for it, with its code."""

    async def act(client: openai.AsyncOpenAI) -> None:
        await client.chat.completions.create(**chat_body("one call"))

    with pytest.raises(error) as caught:
        _ask(act, faults={fault: 1})
    if fault == "quota":
        assert caught.value.code == "insufficient_quota"


def test_wrong_key_and_wrong_request_are_the_clients_own_errors() -> None:
    """A stranger is not let in, and a bad field is named, by both APIs."""

    async def bad(client: openai.AsyncOpenAI) -> None:
        await client.chat.completions.create(**{**chat_body("one call"), "temperature": 9})

    async def bad_item(client: openai.AsyncOpenAI) -> None:
        wrong: Any = [{"type": "widget"}]
        await client.responses.create(model="m", input=wrong)

    async def stranger(client: openai.AsyncOpenAI) -> None:
        await client.with_options(api_key="wrong").responses.create(model="m", input="hello")

    with pytest.raises(openai.BadRequestError) as caught:
        _ask(bad)
    assert caught.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as caught:
        _ask(bad_item)
    assert caught.value.param == "input[0].type"
    with pytest.raises(openai.AuthenticationError):
        _ask(stranger)
