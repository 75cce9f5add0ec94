"""The mock over a real socket: the contract, the dataset's answers, mistakes, faults, and who is let in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from fceval.endpoints.mock import planned_mistake
from fceval.records import Case
from tests.unit.endpoints.conftest import Served

HELLO = {"messages": [{"role": "user", "content": "hello"}]}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def client(mock: Served) -> Iterator[openai.OpenAI]:
    """Give the official client, told nothing but where the mock is."""
    with openai.OpenAI(base_url=mock.address.base_url, api_key=mock.address.api_key, max_retries=0) as client:
        yield client


def test_unknown_conversation_gets_the_plain_answer(mock: Served) -> None:
    """What no case asks is answered as the contract's own example."""
    reply = mock.complete(HELLO)
    assert reply.status == 200
    assert reply.choice == {
        "index": 0,
        "message": {"role": "assistant", "content": "\n\nHello there, how may I assist you today?", "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }


def test_completion_has_every_field_of_the_contract(mock: Served) -> None:
    """Id, object, time, model and usage are there and agree with each other."""
    body = mock.ask("refund").body
    assert body["id"].startswith("chatcmpl-")
    assert body["object"] == "chat.completion"
    assert abs(body["created"] - time.time()) < 60
    assert body["model"] == "mock"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["prompt_tokens"] > usage["completion_tokens"] > 0


def test_usage_of_a_request_is_always_the_same(mock: Served) -> None:
    """The estimate depends on the request alone."""
    assert mock.ask("refund").body["usage"] == mock.ask("refund").body["usage"]


def test_case_gets_its_expected_calls(mock: Served) -> None:
    """A known conversation is answered with what the dataset expects."""
    reply = mock.ask("refund")
    assert reply.calls == [("refund_order", '{"order_id": "7", "amount": 20, "reason": "damaged"}')]
    assert (reply.choice["finish_reason"], reply.choice["message"]["content"]) == ("tool_calls", None)


def test_parallel_calls_have_ids_of_their_own(mock: Served) -> None:
    """Two calls come in the order of the dataset, each with its own id, the same in every run."""
    calls = mock.ask("two-cities").choice["message"]["tool_calls"]
    assert [json.loads(call["function"]["arguments"]) for call in calls] == [{"city": "Leeds"}, {"city": "York"}]
    assert len({call["id"] for call in calls}) == 2
    assert [call["id"] for call in mock.ask("two-cities").choice["message"]["tool_calls"]] == [
        call["id"] for call in calls
    ]


def test_no_call_wanted_is_text(mock: Served) -> None:
    """A case that wants no call gets a clean text."""
    reply = mock.ask("thanks")
    assert (reply.calls, reply.choice["finish_reason"]) == ([], "stop")


def test_any_call_wanted_is_a_made_up_call(mock: Served) -> None:
    """A case that wants some call gets one with the required arguments."""
    ((name, arguments),) = mock.ask("some-call").calls
    assert (name, list(json.loads(arguments))) == ("get_store_hours", ["city"])


def test_matchers_become_values(mock: Served) -> None:
    """`one_of` gives its first value, `any` a value of the schema's type, an optional one is left out."""
    ((_, arguments),) = mock.ask("matchers").calls
    values = json.loads(arguments)
    assert values["order_id"] == "8"
    assert isinstance(values["amount"], int | float)
    assert "reason" not in values


def test_tool_choice_none_is_obeyed(mock: Served) -> None:
    """No call is made where the request forbids it."""
    assert mock.ask("refund", tool_choice="none").calls == []


@pytest.mark.parametrize(
    ("choice", "finish_reason"),
    [("required", "tool_calls"), ({"type": "function", "function": {"name": "f"}}, "stop")],
)
def test_forced_call_is_made_for_an_unknown_conversation(mock: Served, choice: object, finish_reason: str) -> None:
    """`tool_choice` that insists gets a call; a named one ends with `stop`, as OpenAI's does."""
    reply = mock.complete({**HELLO, "tools": [TOOL], "tool_choice": choice})
    assert (reply.calls, reply.choice["finish_reason"]) == ([("f", "{}")], finish_reason)


def test_second_turn_is_known_by_what_the_user_said(mock: Served, rows: list[dict[str, Any]]) -> None:
    """Whatever assistant and tools said in between, the second turn gets the second turn's calls."""
    row = rows[-1]
    first, second = (turn["messages"] for turn in row["turns"])
    call = {"id": "x", "type": "function", "function": {"name": "ping", "arguments": "{}"}}
    between = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "x", "content": "9 to 5"},
        {"role": "assistant", "content": "From 9 to 5."},
    ]
    reply = mock.complete({"messages": [*first, *between, *second], "tools": row["tools"]})
    assert reply.calls == [("get_store_hours", '{"city": "Hull"}')]


def test_results_of_the_calls_are_answered_in_text(mock: Served, rows: list[dict[str, Any]]) -> None:
    """A model that has its results talks; it does not call the same again."""
    message = mock.ask("refund").choice["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "done"}
    messages = [*rows[0]["messages"], message, result]
    assert mock.complete({"messages": messages, "tools": rows[0]["tools"]}).calls == []


def test_another_system_prompt_still_finds_the_case(mock: Served, rows: list[dict[str, Any]]) -> None:
    """A variant's system prompt does not turn a case into an unknown conversation."""
    messages = [{"role": "system", "content": "Another prompt."}, rows[0]["messages"][-1]]
    assert mock.complete({"messages": messages, "tools": rows[0]["tools"]}).calls[0][0] == "refund_order"


def test_official_client_reads_an_answer(client: openai.OpenAI, rows: list[dict[str, Any]]) -> None:
    """The official client's own types hold what the mock says."""
    completion = client.chat.completions.create(
        model="mock", messages=rows[1]["messages"], tools=rows[1]["tools"], temperature=0
    )
    calls = completion.choices[0].message.tool_calls or []
    assert [call.function.name for call in calls if call.type == "function"] == ["get_store_hours"] * 2
    assert completion.usage is not None


def test_official_client_reassembles_a_stream(client: openai.OpenAI, rows: list[dict[str, Any]]) -> None:
    """Streamed, the same message arrives, with usage at the end."""
    request: dict[str, Any] = {"model": "mock", "messages": rows[1]["messages"], "tools": rows[1]["tools"]}
    whole = client.chat.completions.create(**request)
    with client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
        stream.until_done()
        streamed = stream.get_final_completion()
    one, other = whole.choices[0], streamed.choices[0]
    assert one.finish_reason == other.finish_reason
    called = [
        [(call.id, call.function.name, call.function.arguments) for call in calls or [] if call.type == "function"]
        for calls in (one.message.tool_calls, other.message.tool_calls)
    ]
    assert len(called[0]) == 2
    assert called[0] == called[1]
    assert streamed.usage == whole.usage


def test_official_client_streams_text(client: openai.OpenAI) -> None:
    """A streamed text is the text."""
    chunks = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hello"}], stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip().startswith("Hello there")


def test_official_client_lists_models(client: openai.OpenAI) -> None:
    """`GET /models` names the mock."""
    assert [model.id for model in client.models.list()] == ["mock"]


def test_stream_ends_with_usage_and_the_end_marker(mock: Served) -> None:
    """The chunks are those of the contract: role first, finish reason, usage without choices, `[DONE]`."""
    reply = mock.ask("refund", stream=True, stream_options={"include_usage": True})
    *events, end = reply.text.strip().split("\n\n")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert end == "data: [DONE]"
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["completion_tokens"] > 0) == ([], True)
    assert all(chunk["usage"] is None for chunk in chunks[:-1])


@pytest.mark.parametrize("header", ["", "Bearer wrong", "Bearer ", "Bearer schlüssel", "Basic abc"])
def test_wrong_key_is_refused(mock: Served, header: str) -> None:
    """Whoever does not carry the key gets OpenAI's 401."""
    reply = mock.send("POST", "/v1/chat/completions", json.dumps(HELLO).encode(), {"Authorization": header})
    assert (reply.status, reply.body["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://localhost"}, {"Host": "127.0.0.1.evil"}]
)
def test_web_pages_are_refused(mock: Served, headers: dict[str, str]) -> None:
    """A rebound host name and a page of any origin are turned away, key or not."""
    reply = mock.send("GET", "/v1/models", headers=headers)
    assert (reply.status, reply.body["error"]["type"]) == (403, "permission_error")
    assert "Access-Control-Allow-Origin" not in reply.headers


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:1", "[::1]:8080", "[::1]"])
def test_loopback_names_are_let_in(mock: Served, host: str) -> None:
    """Every name of this machine's loopback is good, with a port or without."""
    assert mock.send("GET", "/v1/models", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/nothing", 404), ("POST", "/chat/completions", 404), ("GET", "/v1/chat/completions", 405)],
)
def test_wrong_url_or_method_has_the_error_shape(mock: Served, method: str, path: str, status: int) -> None:
    """Even a wrong URL is answered with an error object."""
    reply = mock.send(method, path)
    assert (reply.status, reply.body["error"]["type"]) == (status, "invalid_request_error")


def test_oversized_body_is_refused(mock: Served) -> None:
    """A body above 8 MB is not read to its end."""
    reply = mock.send("POST", "/v1/chat/completions", b'"' + b"x" * (8 * 1024 * 1024 + 1))
    assert (reply.status, reply.body["error"]["type"]) == (413, "invalid_request_error")


def test_bad_request_names_the_parameter(mock: Served) -> None:
    """What is wrong with a request stands in `param`."""
    reply = mock.complete({"messages": []})
    assert (reply.status, reply.body["error"]["param"]) == (400, "messages")


def test_rate_limit_says_when_to_come_back(serve: Callable[..., Served]) -> None:
    """A 429 has OpenAI's shape and a Retry-After header."""
    reply = serve(faults="429=1", retry_after_s=2.5).complete(HELLO)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "2.5")
    assert reply.body["error"]["code"] == "rate_limit_exceeded"


def test_server_error_has_the_error_shape(serve: Callable[..., Served]) -> None:
    """A 500 is told apart by its type."""
    reply = serve(faults={"500": 1}).complete(HELLO)
    assert (reply.status, reply.body["error"]["type"]) == (500, "server_error")


def test_hanging_request_is_never_answered(serve: Callable[..., Served]) -> None:
    """A hang lasts until the client goes away, and the mock ends in time all the same."""
    served = serve(faults="hang=1")
    with pytest.raises(TimeoutError):
        served.send("POST", "/v1/chat/completions", json.dumps({"model": "m", **HELLO}).encode(), timeout_s=0.5)


def test_retry_of_a_fault_may_succeed(serve: Callable[..., Served]) -> None:
    """Faults are drawn for each request of a case anew, and alike after a restart."""
    served, again = serve(faults="500=0.5", seed=1), serve(faults="500=0.5", seed=1)
    statuses = [served.ask("refund").status for _ in range(20)]
    assert set(statuses) == {200, 500}
    assert [again.ask("refund").status for _ in range(20)] == statuses


def test_latency_is_kept(serve: Callable[..., Served]) -> None:
    """An answer takes at least the time that was asked for."""
    served = serve(latency_s=0.3, latency_jitter_s=0.1)
    started_at = time.monotonic()
    served.complete(HELLO)
    assert 0.3 <= time.monotonic() - started_at < 5


def test_planned_mistakes_are_what_is_served(serve: Callable[..., Served], cases: dict[str, Case]) -> None:
    """The prediction and the answers agree for each case, in any order and from many threads."""
    rates = {"missing_call": 0.4, "truncated": 0.3}
    served, clean = serve(mistakes=rates, seed=3), serve()
    wrong: dict[str, str | None] = {}

    def ask(case_id: str) -> None:
        right, given = (endpoint.ask(case_id) for endpoint in (clean, served))
        kind = "truncated" if given.choice["finish_reason"] == "length" else "missing_call"
        wrong[case_id] = None if given.calls == right.calls else kind

    threads = [threading.Thread(target=ask, args=(name,)) for name in reversed(cases) if name != "two-turns"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == {name: planned_mistake(cases[name], 0, rates, 3) for name in wrong}
    assert len(set(wrong.values())) > 1


def test_fault_is_drawn_at_its_rate(serve: Callable[..., Served]) -> None:
    """Of the requests that can show a fault about that share does, the same ones after a restart."""
    served, again = serve(faults="args_object=0.5", seed=4), serve(faults="args_object=0.5", seed=4)
    kinds: list[type] = [type(served.ask("refund").calls[0][1]) for _ in range(30)]
    assert 8 < kinds.count(dict) < 22
    assert [type(again.ask("refund").calls[0][1]) for _ in range(30)] == kinds


def test_faults_do_not_depend_on_the_order_of_cases(serve: Callable[..., Served]) -> None:
    """Which request of a case has which fault is the same whatever else is asked in between, and at once."""
    faults = {"args_object": 0.4, "500": 0.3}
    one, other = serve(faults=faults, seed=2), serve(faults=faults, seed=2)
    names = ["refund", "two-cities", "matchers"]
    found = {name: [one.ask(name).text for _ in range(6)] for name in names}
    again: dict[str, list[str]] = {name: [] for name in names}

    def ask(name: str) -> None:
        again[name] += [other.ask(name).text for _ in range(6)]

    threads = [threading.Thread(target=ask, args=(name,)) for name in reversed(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: list(map(_kind, texts)) for name, texts in again.items()} == {
        name: list(map(_kind, texts)) for name, texts in found.items()
    }


def _kind(text: str) -> str:
    return "500" if "server_error" in text else "object" if '"arguments": {' in text else "clean"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/nothing"])
def test_stranger_is_refused_in_another_shape(serve: Callable[..., Served], path: str) -> None:
    """A wrong key is refused as it is without the fault, in a body that is not OpenAI's."""
    reply = serve(faults="error_shape=1").send("POST", path, b"{}", {"Authorization": "Bearer wrong"})
    assert reply.status == 401
    assert not isinstance(reply.body.get("error"), dict)


def test_calls_off_the_contract_are_taken_back(serve: Callable[..., Served], rows: list[dict[str, Any]]) -> None:
    """An endpoint that writes arguments as an object reads them, too; one without faults refuses them."""
    message = serve(faults="args_object=1").ask("refund").choice["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "done"}
    request = {"messages": [*rows[0]["messages"], message, result], "tools": rows[0]["tools"]}
    assert serve(faults="args_object=1").complete(request).status == 200
    assert serve().complete(request).status == 400


def test_demanded_call_of_a_case_is_made(mock: Served) -> None:
    """`tool_choice` counts for the cases, too: a named tool in place of the expected one, and a call where none is."""
    ping = mock.ask("refund", tool_choice={"type": "function", "function": {"name": "ping"}})
    assert (ping.calls, ping.choice["finish_reason"]) == ([("ping", "{}")], "stop")
    assert [name for name, _ in mock.ask("thanks", tool_choice="required").calls] == ["get_store_hours"]


def test_second_answer_to_a_turn_has_other_ids(mock: Served, rows: list[dict[str, Any]]) -> None:
    """Where a call is demanded after the results, too, its id is new."""
    message = mock.ask("refund", tool_choice="required").choice["message"]
    (call,) = message["tool_calls"]
    result = {"role": "tool", "tool_call_id": call["id"], "content": "done"}
    messages = [*rows[0]["messages"], message, result]
    again = mock.complete({"messages": messages, "tools": rows[0]["tools"], "tool_choice": "required"})
    (other,) = again.choice["message"]["tool_calls"]
    assert (other["function"], other["id"] != call["id"]) == (call["function"], True)


def test_case_is_found_in_the_responses_api(mock: Served, rows: list[dict[str, Any]]) -> None:
    """The same words in another API are the same case."""
    tools = [{"type": "function", "strict": False, **tool["function"]} for tool in rows[0]["tools"]]
    fields = {"model": "mock", "input": rows[0]["messages"], "tools": tools}
    reply = mock.send("POST", "/v1/responses", json.dumps(fields).encode())
    assert [(item["name"], item["arguments"]) for item in reply.body["output"]] == mock.ask("refund").calls
