"""Cases of several turns: what each turn is told of the ones before, and what becomes of a run that is killed."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli_process import PROJECT, Fceval
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply, stream_reply
from tests.functional.conftest import Command
from tests.functional.orders import journal, table, write_cases

FIRST = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_of_the_model",
            "type": "function",
            "function": {"name": "find_order", "arguments": '{"customer":"Ann"}'},
            "extra_content": {"google": {"thought_signature": "CiQB4/+é=="}},
        },
        {"id": "2", "type": "function", "function": {"name": "find_order", "arguments": '{ "customer" :"Bob"}'}},
        {"id": "3", "type": "function", "function": {"name": "find_parcel", "arguments": "{}"}},
    ],
    "reasoning_content": "Two orders,\n and a parcel.",
    "refusal": None,
}
"""What the model says in turn one: one call too many, and what some vendors want back as it was."""


@pytest.fixture(autouse=True)
def dataset(tmp_path: Path) -> None:
    """Put the case of three turns where the commands run."""
    shutil.copy(PROJECT / "tests" / "data" / "three_turns.jsonl", tmp_path / "cases.jsonl")


def turn_of(received: Received) -> int:
    """Return which turn a request asks."""
    roles: list[str] = [message["role"] for message in received.json["messages"]]
    return roles.count("user") - 1


def replies(received: Received) -> Reply:
    """Answer the turns: one call too many, right, right."""
    first = message_reply(tool_calls=[("find_order", {"customer": "Ann"})])
    body: Any = first.body
    body["choices"][0]["message"] = FIRST
    cancel = message_reply(tool_calls=[("cancel_order", {"order_id": "B-2"})])
    return (first, cancel, message_reply(content="You are welcome."))[turn_of(received)]


def streamed(received: Received) -> Reply:
    """Answer the turns as `replies` does, in pieces: the message, why it ends, and its usage."""
    body: Any = replies(received).body
    (choice,) = body["choices"]
    calls = [{"index": at, **call} for at, call in enumerate(choice["message"].get("tool_calls", []))]
    delta = choice["message"] | ({"tool_calls": calls} if calls else {})
    ends: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    envelope = {"id": body["id"], "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    return stream_reply([
        {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**envelope, "choices": [ends]},
        {**envelope, "choices": [], "usage": body["usage"]},
    ])  # fmt: skip


def outcomes(run: Path) -> list[str]:
    """Return the outcome of each turn."""
    scores = table(run, "scores")
    assert scores["turn"].to_list() == list(range(scores.height))
    return scores["outcome"].to_list()


@pytest.fixture
def killable(fceval: Fceval) -> Iterator[list[subprocess.Popen[str]]]:
    """Give a list of the processes that a test started; what is left of them ends with the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        with process:
            process.kill()


def test_killed_dialogue_goes_on_at_its_third_turn(
    fceval: Fceval, command: Command, tmp_path: Path, killable: list[subprocess.Popen[str]]
) -> None:
    """What is answered is not asked again, what is sent is what an undisturbed run sends, and so are the tables."""
    hanging = threading.Event()

    def script(received: Received) -> Reply:
        return replace(replies(received), hang=hanging.is_set() and turn_of(received) == 2)

    with FakeEndpoint(script) as endpoint:
        given = ("run", "--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m")
        assert command(*given, "--out", "whole").code == 0
        hanging.set()
        process = fceval.start(*given, "--out", "cut")
        killable.append(process)
        endpoint.wait_for(6)
        process.kill()
        process.wait()
        assert [record["turn"] for record in journal(tmp_path / "cut")] == [0, 1]
        endpoint.release()
        ended = command("run", "--resume", "cut")
        assert ended.code == 0, ended.err
        bodies = [received.json for received in endpoint.received]
    assert "3 responses to get, 2 of them answered already" in ended.err
    assert [turn_of(received) for received in endpoint.received] == [0, 1, 2, 0, 1, 2, 2]
    assert bodies[3:6] == bodies[:3]
    assert bodies[6] == bodies[2]
    for name in ("scores", "calls", "arguments"):
        assert table(tmp_path / "cut", name).equals(table(tmp_path / "whole", name)), name
    assert outcomes(tmp_path / "cut") == ["extra_call", "passed", "passed"]


@pytest.mark.parametrize(("flag", "script"), [("--no-stream", replies), ("--stream", streamed)])
def test_model_is_told_what_it_said_word_for_word(
    command: Command, flag: str, script: Callable[[Received], Reply]
) -> None:
    """Its message with all that it held; its calls answered by arguments, by tool, and by default."""
    with FakeEndpoint(script) as endpoint:
        ended = command("run", "--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m", flag)
        assert ended.code == 0, ended.err
        second = endpoint.received[1].json["messages"]
    assert second[2] == FIRST
    assert second[3:] == [
        {"role": "tool", "tool_call_id": "call_of_the_model", "content": '{"order_id": "A-1"}'},
        {"role": "tool", "tool_call_id": "2", "content": '{"order_id": "B-2"}'},
        {"role": "tool", "tool_call_id": "3", "content": '{"error": "no such tool"}'},
        {"role": "user", "content": "Cancel Bob's order."},
    ]


def test_teacher_forced_turns_are_told_what_should_have_been_called(command: Command, tmp_path: Path) -> None:
    """Whatever the model does; each turn is asked once, and judged for itself."""
    with FakeEndpoint(replies) as endpoint:
        ended = command(
            "run", "--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run",
            "--set", "turns=teacher_forced",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        last = max((received.json["messages"] for received in endpoint.received), key=len)
        assert sorted(map(turn_of, endpoint.received)) == [0, 1, 2]
    assert [message["role"] for message in last] == [
        "system", "user", "assistant", "tool", "tool", "user", "assistant", "tool", "user",
    ]  # fmt: skip
    assert [call["function"] for call in last[2]["tool_calls"]] == [
        {"name": "find_order", "arguments": '{"customer": "Ann"}'},
        {"name": "find_order", "arguments": '{"customer": "Bob"}'},
    ]
    assert [message["content"] for message in last[3:5]] == ['{"order_id": "A-1"}', '{"order_id": "B-2"}']
    assert last[7]["tool_call_id"] == last[6]["tool_calls"][0]["id"]
    assert outcomes(tmp_path / "run") == ["extra_call", "passed", "passed"]


@pytest.mark.parametrize(
    ("turns", "cut_short", "asked_again"),
    [
        ("free_running", ["extra_call", "endpoint_error", "not_run"], [1, 2]),
        ("teacher_forced", ["extra_call", "endpoint_error", "passed"], [1]),
    ],
)
def test_turn_without_an_answer_ends_what_builds_on_it(
    command: Command, tmp_path: Path, turns: str, cut_short: list[str], asked_again: list[int]
) -> None:
    """Free-running the rest is not run; teacher-forced it is. Either way a resumed run asks what is missing only."""
    broken = threading.Event()
    broken.set()

    def script(received: Received) -> Reply:
        return error_reply(400) if broken.is_set() and turn_of(received) == 1 else replies(received)

    with FakeEndpoint(script) as endpoint:
        given = ("--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m", "-j", "1")
        assert command("run", *given, "--set", f"turns={turns}", "--out", "run").code == 3
        assert outcomes(tmp_path / "run") == cut_short
        before = len(endpoint.received)
        broken.clear()
        ended = command("run", "--resume", "run")
        assert ended.code == 0, ended.err
        assert [turn_of(received) for received in endpoint.received[before:]] == asked_again
    assert outcomes(tmp_path / "run") == ["extra_call", "passed", "passed"]


def test_expected_call_that_cannot_be_spelled_out_stops_the_run_before_it_begins(
    command: Command, tmp_path: Path
) -> None:
    """Teacher-forced it would be history; the message says which, and nothing is sent or left behind."""
    row = json.loads((tmp_path / "cases.jsonl").read_text(encoding="utf-8"))
    row["turns"][0]["expected"][1]["arguments"]["customer"] = {"$match": "regex", "pattern": r"[^\x00-\x{10ffff}]"}
    write_cases(tmp_path / "cases.jsonl", [row])
    with FakeEndpoint(()) as endpoint:
        given = ("--dataset", "cases.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        ended = command("run", *given, "--set", "turns=teacher_forced")
        assert endpoint.received == ()
    assert ended.code == 2
    assert "row 1, field `turns[0].expected[1].arguments.customer`" in ended.err
    assert "or run with turns = free_running" in ended.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("dialect", ["tools", "responses", "prompt_python"])
@pytest.mark.parametrize("turns", ["free_running", "teacher_forced"])
def test_mock_answers_every_turn(command: Command, tmp_path: Path, turns: str, dialect: str) -> None:
    """A dataset of several turns can be rehearsed, whatever is spoken."""
    ended = command(
        "run", "--dataset", "cases.jsonl", "--base-url", "embedded:mock", "--model", "mock", "--out", "run",
        "--set", f"turns={turns}", "--dialect", dialect,
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert outcomes(tmp_path / "run") == ["passed"] * 3
