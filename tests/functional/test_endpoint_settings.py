"""Settings of an endpoint: what it receives for each of them, and that nothing else is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply, stream_reply
from tests.functional.conftest import Command
from tests.functional.orders import TOOL, case, journal, order_of, right_answer, table, write_cases

KEY = "sk-CANARY-0123456789"
DEVELOPER = {"role": "developer", "content": "Be kind."}
ASKED = {"role": "user", "content": "When does order_1 arrive?"}
BODY = {"model": "m", "messages": [DEVELOPER, ASKED], "tools": [TOOL]}
"""What is sent where nothing is configured."""
HEADERS = {
    "accept": "application/json",
    "accept-encoding": ...,
    "content-length": ...,
    "content-type": "application/json",
    "host": ...,
    "user-agent": ...,
}
"""What comes with it; `...` stands for any value."""
PATH = "/v1/chat/completions"


def answered(received: Received) -> Reply:
    """Return the right call, streamed where that is asked for."""
    if not received.json.get("stream"):
        return right_answer(received)
    call = {"name": "get_delivery_date", "arguments": json.dumps({"order_id": order_of(received)})}
    delta = {"role": "assistant", "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": call}]}
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "fake-model"}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return stream_reply([
        {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {**chunk, "choices": [], "usage": usage},
    ])  # fmt: skip


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write one case, and set a key."""
    write_cases(tmp_path / "orders.jsonl", [case(messages=[DEVELOPER, ASKED])])
    monkeypatch.setenv("A_KEY", KEY)


def received_under(command: Command, *arguments: str, path: str = "") -> Received:
    """Return the one request of a run under some settings."""
    with FakeEndpoint(answered) as endpoint:
        base_url = endpoint.base_url.removesuffix("/v1") + path if path else endpoint.base_url
        given = ("--dataset", "orders.jsonl", "--base-url", base_url, "--model", "m", "--out", "run")
        ended = command("run", *given, *arguments)
        assert ended.code == 0, ended.err
        (received,) = endpoint.received
    return received


def headers_of(received: Received) -> dict[str, Any]:
    """Return the headers in lower case; `...` where any value will do."""
    assert len({name.lower() for name, _ in received.headers}) == len(received.headers)
    found = {name.lower(): value for name, value in received.headers}
    return {name: ... if HEADERS.get(name) is ... else value for name, value in found.items()}


STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
SETTINGS: dict[str, tuple[list[str], dict[str, Any], dict[str, Any], str]] = {
    "nothing": ([], {}, {}, PATH),
    "stream": (["--stream"], STREAMED, {}, PATH),
    "stream without usage": (
        ["--stream", "--set", "endpoint.omit=['stream_options']"],
        {"stream": True},
        {},
        PATH,
    ),
    "extra body": (
        ["--set", "request.top_k=1", "--set", "endpoint.extra_body={top_k=5, cache={salt='x'}}"],
        {"top_k": 5, "cache": {"salt": "x"}},
        {},
        PATH,
    ),
    "omit": (
        ["--set", "request={seed=1, temperature=0}", "--set", "endpoint.omit=['seed']"],
        {"temperature": 0},
        {},
        PATH,
    ),
    "developer": (
        ["--set", "endpoint.developer_role=system"],
        {"messages": [{**DEVELOPER, "role": "system"}, ASKED]},
        {},
        PATH,
    ),
    "token limit as given": (["--set", "request.max_tokens=64"], {"max_tokens": 64}, {}, PATH),
    "token limit": (
        ["--set", "request.max_tokens=64", "--set", "endpoint.token_limit=max_completion_tokens"],
        {"max_completion_tokens": 64},
        {},
        PATH,
    ),
    "headers": (
        ["--set", "endpoint.headers={X-Team='a b', User-Agent='mine'}"],
        {},
        {"x-team": "a b", "user-agent": ...},
        PATH,
    ),
    "query": (["--set", "endpoint.query={a='b c&', d=''}"], {}, {}, f"{PATH}?a=b%20c%26&d="),
    "key": (["--api-key-env", "A_KEY"], {}, {"authorization": f"Bearer {KEY}"}, PATH),
    "key header without a key": (["--set", "endpoint.api_key_header=api-key"], {}, {}, PATH),
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_endpoint_receives_what_is_set_and_nothing_else(command: Command, name: str) -> None:
    """Path, headers and body."""
    arguments, body, headers, path = SETTINGS[name]
    received = received_under(command, *arguments)
    assert received.path == path
    assert headers_of(received) == HEADERS | headers
    assert received.json == BODY | body


def test_flag_says_no_to_the_files_stream(command: Command, tmp_path: Path) -> None:
    """A config of a streamed run can be run without."""
    (tmp_path / "run.toml").write_text("[endpoint]\nstream = true\n", encoding="utf-8")
    assert received_under(command, "run.toml", "--no-stream").json == BODY
    (tmp_path / "run").rename(tmp_path / "first")
    assert received_under(command, "run.toml").json == BODY | STREAMED


def test_azure_is_asked_in_its_own_way(command: Command, tmp_path: Path) -> None:
    """Deployment in the path, version in the query, the key alone in a header of its own, and in no file."""
    received = received_under(
        command,
        "--api-key-env", "A_KEY", "--set", "endpoint.api_key_header=api-key",
        "--set", "endpoint.query.api-version='2024-10-21'",
        path="/openai/deployments/gpt",
    )  # fmt: skip
    assert received.path == "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"
    assert headers_of(received) == HEADERS | {"api-key": KEY}
    assert received.json == BODY
    assert not any(KEY.encode() in path.read_bytes() for path in (tmp_path / "run").iterdir())


def test_streamed_answers_are_scored_as_others_are(command: Command, tmp_path: Path) -> None:
    """The same tables; the journal tells the time to the first call."""
    received_under(command)
    (tmp_path / "run").rename(tmp_path / "whole")
    received_under(command, "--stream")
    streamed, whole = (table(tmp_path / name, "scores").drop("first_call_s", strict=False) for name in ("run", "whole"))
    assert streamed.equals(whole)
    (record,) = journal(tmp_path / "run")
    assert record["attempts"][0]["first_call_s"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "endpoint.headers={authorization='sk-CANARY-1'}"], "endpoint.headers.authorization: settings are"),
        (["--set", "endpoint.query={api_key='sk-CANARY-1'}"], "endpoint.query.api_key: settings are written down"),
        (["--set", "request.stream=true"], "request.stream: is set by `endpoint.stream` (--stream)"),
        (["--set", "endpoint.omit=['messages']"], "endpoint.omit: no request goes without `messages`"),
        (["--api-key-env", "A_KEY", "--base-url", "http://relay.example/v1"], "would go to `relay.example` over http://"),
    ],
)  # fmt: skip
def test_settings_that_would_leak_or_break_are_refused(
    command: Command, tmp_path: Path, arguments: list[str], said: str
) -> None:
    """With what to do instead; nothing is sent, shown or left behind."""
    with FakeEndpoint(()) as endpoint:
        given = ("--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        ended = command("run", *given, *arguments)
        assert endpoint.received == ()
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "CANARY" not in ended.err
    assert not (tmp_path / "run").exists()


def test_faults_of_the_mock_can_be_asked_for(command: Command, tmp_path: Path) -> None:
    """Several of them, each with its share; one that there is not is named."""
    given = ("run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "mock")
    ended = command(*given, "--out", "run", "--fault", "500=1", "--fault", "429=0", "--set", "endpoint.max_attempts=1")
    assert ended.code == 3, ended.err
    assert table(tmp_path / "run", "scores")["outcome"].to_list() == ["endpoint_error"]
    ended = command(*given, "--fault", "501=1")
    assert ended.code == 2
    assert "there is no `501`" in ended.err


def test_mock_stands_for_an_endpoint_with_a_key_header_of_its_own(command: Command) -> None:
    """A config can be rehearsed as it is."""
    ended = command(
        "run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "mock",
        "--set", "endpoint.api_key_header=api-key", "--set", "endpoint.query.api-version='1'",
    )  # fmt: skip
    assert ended.code == 0, ended.err
