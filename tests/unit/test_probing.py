"""A probe on its way: what is sent, to whom, and what becomes of answers that differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fceval import probing
from fceval.client import retry
from fceval.client.endpoint import EndpointSettings
from fceval.client.limits import Pace, Permit
from fceval.errors import ConfigError, EndpointError
from fceval.probing import WRONG_KEY, probes, requests_planned
from fceval.records import Response
from fceval.report.probe import Probe, Probed
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply, stream_reply

KEY = "sk-canary-0123456789"
WRONG = error_reply(401, "Incorrect API key provided.", code="invalid_api_key")
MALFORMED = error_reply(400, "Invalid value for 'messages'.")
Script = Callable[[Received], Reply]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is tried again be tried at once, and have a key in the environment."""
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.001)
    monkeypatch.setenv("PROBED_KEY", KEY)


def _calls(body: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- decoded JSON
    """Return the calls that a request's last message spells out, as far as it allows them."""
    last = body["messages"][-1]
    if last["role"] != "user" or not last["content"].startswith("Call ") or body.get("tool_choice") == "none":
        return []
    spelt = [text.strip().removesuffix(", and in the same answer") for text in last["content"].split("Call ")[1:]]
    calls = [(name, arguments) for name, _, arguments in (text.partition(" ") for text in spelt)]
    return calls[:1] if body.get("parallel_tool_calls") is False else calls


def _streamed(calls: list[tuple[str, str]], text: str, finish_reason: str) -> Reply:
    pieces = [
        {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for index, (name, arguments) in enumerate(calls)
    ]
    delta: dict[str, Any] = {"role": "assistant", "content": None if calls else text}
    if calls:
        delta["tool_calls"] = pieces
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return stream_reply(
        [
            {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": finish_reason}]},
            {**chunk, "choices": [], "usage": usage},
        ]
    )


def _good(received: Received) -> Reply:
    """Answer as the contract wants it, but that ids begin anew in each answer."""
    if received.header("Authorization") not in {None, f"Bearer {KEY}"}:
        return WRONG
    body = received.json
    if not isinstance(body["messages"], list):
        return MALFORMED
    calls = _calls(body)
    reason = "tool_calls" if calls else "stop"
    if body.get("stream"):
        return _streamed(calls, "Hello!", reason)
    return message_reply(content=None if calls else "Hello!", tool_calls=calls, finish_reason=reason, model="m")


def _probe(script: Script, **settings: Any) -> tuple[Probe, tuple[Received, ...]]:  # noqa: ANN401 -- settings of all types
    with FakeEndpoint(script) as endpoint:
        given = {"model": "m", "api_key_env": "PROBED_KEY", "max_attempts": 2, "concurrency": 3, **settings}
        (found,) = probes([EndpointSettings(base_url=endpoint.base_url, **given)], {}, lambda _: None)
        return found, endpoint.received


def _of(probe: Probe, name: str) -> list[Probed]:
    return [each for each in probe.requests if each.request == name]


def _prompt(received: Received) -> str:
    messages = received.json["messages"]
    return str(messages[-1]["content"]) if isinstance(messages, list) else ""


def test_what_is_right_has_no_code() -> None:
    """But for ids that begin anew, which the fake does on purpose: only the second call can show it."""
    found, received = _probe(_good)
    assert found.counts == {"id_not_unique": 2}
    assert {each.request for each in found.requests if each.codes} == {"second call"}
    assert len(received) == len(found.requests) == requests_planned([EndpointSettings()])


def test_each_request_is_asked_whole_and_streamed() -> None:
    """In the suite's order, the streamed one second; what is about streams only has no first."""
    found, received = _probe(_good)
    assert [each.streamed for each in found.requests[:4]] == [False, True, False, True]
    assert [each.streamed for each in _of(found, "usage")] == [True]
    assert sum(bool(each.json.get("stream")) for each in received) == sum(each.streamed for each in found.requests)
    assert all((each.ttft_s is not None) <= each.streamed for each in found.requests)


def test_outcomes_say_what_came_back() -> None:
    """Calls, text, and errors where errors are right."""
    found, _ = _probe(_good)
    outcomes = {each.request: each.outcome for each in found.requests}
    assert outcomes["auto call"] == outcomes["long arguments"] == "called"
    assert outcomes["no call"] == outcomes["forbidden call"] == outcomes["tool result"] == "text"
    assert outcomes["bad request"] == outcomes["wrong key"] == "rejected"
    assert [len(each.calls) for each in _of(found, "parallel calls")] == [2, 2]
    assert [each.status for each in _of(found, "wrong key")] == [401, 401]


def test_second_call_goes_on_from_the_first_ones_own_answer() -> None:
    """With the id that the endpoint gave, and a result for it."""
    _, received = _probe(_good)
    (whole, streamed) = (
        each.json["messages"] for each in received if _prompt(each) == 'Call get_weather {"city": "Rome"}'
    )
    for messages in (whole, streamed):
        assert [message["role"] for message in messages] == ["user", "assistant", "tool", "user"]
        assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] == "call_0"


def test_a_spoilt_call_is_not_built_upon() -> None:
    """Servers choke on a history whose arguments are no JSON, and rightly so."""
    cut = message_reply(tool_calls=[("get_weather", '{"city": "Pa')], finish_reason="length", model="m")
    found, _ = _probe(lambda received: cut if received.json.get("tool_choice") == "auto" else _good(received))
    assert _of(found, "second call") == []


def test_the_key_is_sent_but_where_a_wrong_one_is() -> None:
    """Which holds no part of it."""
    _, received = _probe(_good)
    sent = [each.header("Authorization") for each in received]
    assert sent.count(f"Bearer {WRONG_KEY}") == 2
    assert sent.count(f"Bearer {KEY}") == len(sent) - 2
    assert not any(KEY[at : at + 4] in WRONG_KEY for at in range(len(KEY) - 3))


def test_a_wrong_key_that_is_taken_is_told() -> None:
    """It is no irregularity: servers on loopback need none."""
    found, _ = _probe(lambda received: MALFORMED if _prompt(received) == "" else _good(_without_key(received)))
    assert [each.outcome for each in _of(found, "wrong key")] == ["accepted", "accepted"]
    assert all(not each.codes for each in _of(found, "wrong key"))


def _without_key(received: Received) -> Received:
    return Received(received.method, received.path, (), received.body, received.received_at)


def test_errors_of_another_shape_are_noted() -> None:
    """A wrong key's error counts as any other: it does not stop the probe."""
    flat = Reply(status=401, body={"detail": "Unauthorized"})
    found, _ = _probe(
        lambda received: flat if received.header("Authorization") == f"Bearer {WRONG_KEY}" else _good(received)
    )
    assert [each.codes for each in _of(found, "wrong key")] == [("error_shape",), ("error_shape",)]


@pytest.mark.parametrize("refusal", [WRONG, error_reply(402, "no money"), error_reply(404, "no such page")])
def test_an_endpoint_that_refuses_the_first_request_ends_it(refusal: Reply) -> None:
    """After a single request: no other would fare better."""
    with FakeEndpoint(refusal) as endpoint, pytest.raises(EndpointError, match=str(refusal.status)):
        probes([EndpointSettings(base_url=endpoint.base_url, model="m")], {}, lambda _: None)
    assert len(endpoint.received) == 1


def test_a_refusal_later_on_is_an_entry() -> None:
    """A relay may forbid one request and answer the others."""

    def forbids(received: Received) -> Reply:
        return error_reply(403, "no nesting here") if "book_trip" in _prompt(received) else _good(received)

    found, _ = _probe(forbids)
    assert [(each.outcome, each.status, each.codes) for each in _of(found, "nested arguments")] == [
        ("endpoint_error", 403, ())
    ] * 2
    assert "no nesting here" in _of(found, "nested arguments")[0].detail


def _other_in_streams(received: Received) -> Reply:
    """Lose the calls of a stream, without a trace."""
    body = received.json
    if body.get("stream") and isinstance(body["messages"], list) and _calls(body) and body.get("tool_choice") == "auto":
        return _streamed([], "Hello!", "stop")
    return _good(received)


def test_answers_of_different_kinds_disagree() -> None:
    """The streamed one has the code, and says what both were; the pair was asked again to be sure."""
    found, received = _probe(_other_in_streams)
    (whole, streamed) = _of(found, "auto call")
    assert (whole.codes, streamed.codes) == ((), ("stream_nonstream_disagree",))
    assert streamed.detail == "whole: called tool_calls, streamed: text stop"
    assert (
        sum(
            _prompt(each) == 'Call get_weather {"city": "Paris"}' and each.json.get("tool_choice") == "auto"
            for each in received
        )
        == 4
    )


def test_a_difference_by_chance_is_none() -> None:
    """A model that answers once so and once so does not do so twice in the same way."""
    seen: list[bool] = []

    def wavers(received: Received) -> Reply:
        if received.json.get("tool_choice") == "auto" and "Paris" in _prompt(received):
            seen.append(True)
            if len(seen) == 2:
                return _streamed([], "Hello!", "stop")
        return _good(received)

    found, _ = _probe(wavers)
    assert len(seen) == 4
    assert "stream_nonstream_disagree" not in found.counts


def test_a_difference_that_a_code_explains_has_that_code_alone() -> None:
    """A stream without an end is a broken stream, not another kind of answer."""

    def breaks(received: Received) -> Reply:
        reply = _good(received)
        return reply if reply.pieces is None else Reply(headers=reply.headers, pieces=reply.pieces[:1])

    found, _ = _probe(breaks)
    assert set(found.counts) == {"stream_truncated", "id_not_unique"}
    # Without an answer to the first request there is nothing that a second one could go on from.
    assert [each.streamed for each in _of(found, "second call")] == [False]


def test_refusing_streams_disagrees() -> None:
    """Several servers take tools, or streams, but not both: each request with tools has the code, none is left out."""

    def refuses(received: Received) -> Reply:
        is_both = received.json.get("stream") and received.json.get("tools")
        return error_reply(400, "no tools in streams") if is_both else _good(received)

    found, received = _probe(refuses)
    marked = {each.request for each in found.requests if "stream_nonstream_disagree" in each.codes}
    assert marked == {each.request for each in found.requests} - {
        "usage",
        "second call",
        "bad request",
        "forbidden call",
    }
    assert set(_of(found, "forbidden call")[1].codes) == {"none_400"}  # which says it already
    planned = requests_planned([EndpointSettings()]) - 1  # no first answer to a stream, so no second one
    assert len(received) == planned + 2 * len(marked)


def test_failures_that_may_pass_say_nothing_about_kinds() -> None:
    """An overloaded server is no other kind of answer."""
    found, _ = _probe(lambda received: error_reply(503) if received.json.get("stream") else _good(received))
    assert "stream_nonstream_disagree" not in found.counts


def test_settings_shape_what_is_sent() -> None:
    """As in a run: extra fields, omitted ones, the name of the token limit, body fields of the request."""
    with FakeEndpoint(_good) as endpoint:
        settings = EndpointSettings(
            base_url=endpoint.base_url,
            model="m",
            extra_body={"top_k": 1},
            omit=("stream_options",),
            token_limit="max_completion_tokens",
        )
        probes([settings], {"temperature": 0}, lambda _: None)
    bodies = [each.json for each in endpoint.received]
    assert all(body["top_k"] == 1 and body["temperature"] == 0 and "stream_options" not in body for body in bodies)
    assert {name for body in bodies for name in body if "tokens" in name} == {"max_completion_tokens"}


def test_every_request_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """At one pace, the wrong key's and what is tried again included."""
    paces: list[float | None] = []
    admitted: list[Pace] = []

    class Counting(Pace):
        def __init__(self, rpm: float | None) -> None:
            paces.append(rpm)
            super().__init__(None)

        async def admit(self, body_bytes: int = 0, completion_limit: int | None = None) -> Permit:
            admitted.append(self)
            return await super().admit(body_bytes, completion_limit)

    monkeypatch.setattr(probing, "Pace", Counting)
    _, received = _probe(lambda sent: error_reply(503) if "Rome" in _prompt(sent) else _good(sent), rpm=60.0)
    assert paces == [60.0]
    assert len(admitted) == len(received) > requests_planned([EndpointSettings()])


def test_few_at_a_time() -> None:
    """As many as the settings say; the pair of a request comes one after the other."""
    with FakeEndpoint(_good) as endpoint:
        probes([EndpointSettings(base_url=endpoint.base_url, model="m", concurrency=2)], {}, lambda _: None)
        assert endpoint.peak_in_flight <= 2


def test_two_endpoints_are_asked_the_same() -> None:
    """Each for itself; a request that is told of is one of either."""
    told: list[Response] = []
    with FakeEndpoint(_good) as one, FakeEndpoint(_good) as other:
        settings = [EndpointSettings(base_url=each.base_url, model="m") for each in (one, other)]
        found = probes(settings, {}, told.append)
    assert [each.base_url for each in found] == [one.base_url, other.base_url]
    assert len(told) == requests_planned(settings)
    assert sorted(each.body for each in one.received) == sorted(each.body for each in other.received)


def test_an_endpoint_of_our_own_is_started() -> None:
    """And its options are checked."""
    (found,) = probes([EndpointSettings(base_url="embedded:mock", model="mock")], {}, lambda _: None)
    assert found.counts == {}
    with pytest.raises(ConfigError, match="nonsense"):
        probes([EndpointSettings(base_url="embedded:mock", model="mock", options={"nonsense": 1})], {}, lambda _: None)
