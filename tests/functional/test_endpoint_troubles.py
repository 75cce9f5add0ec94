"""Endpoints that fail: what passes is waited for, what does not is said, and none of it is the model's fault."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply
from tests.functional.conftest import Command, Said
from tests.functional.orders import (
    case,
    journal,
    no_call_case,
    order_of,
    orders,
    right_answer,
    summary,
    table,
    write_cases,
)

Run = Callable[..., Said]


@pytest.fixture
def run(command: Command, tmp_path: Path) -> Run:
    """Give a function that runs three orders, or other cases, against a base URL, into the folder `run`."""
    orders(tmp_path)

    def start(base_url: str, *arguments: str, dataset: str = "orders.jsonl") -> Said:
        return command(
            "run", "--dataset", dataset, "--base-url", base_url, "--model", "m", "--out", "run", *arguments
        )  # fmt: skip

    return start


def troubled_first(*troubles: Reply) -> Callable[[Received], Reply]:
    """Return a script in which the first requests for each order get `troubles`, and later ones the right answer."""
    asked: Counter[str] = Counter()

    def reply(received: Received) -> Reply:
        order = order_of(received)
        asked[order] += 1
        return troubles[asked[order] - 1] if asked[order] <= len(troubles) else right_answer(received)

    return reply


def attempts(folder: Path) -> list[list[tuple[int | None, str | None]]]:
    """Return (status, failure) of each attempt, for each response in a run's journal."""
    return [[(each["status"], each["failure"]) for each in record["attempts"]] for record in journal(folder)]


def test_retry_after_is_obeyed(run: Run, tmp_path: Path) -> None:
    """A 429 is waited for as long as it asks, then the case is asked again; both attempts are on record."""
    with FakeEndpoint(troubled_first(error_reply(429, headers={"Retry-After": "1"}))) as endpoint:
        ended = run(endpoint.base_url)
    assert ended.code == 0
    assert attempts(tmp_path / "run") == [[(429, "rate_limited"), (200, None)]] * 3
    times: dict[str, list[float]] = {}
    for request in endpoint.received:
        times.setdefault(order_of(request), []).append(request.received_at)
    assert all(second - first >= 0.99 for first, second in times.values())
    assert table(tmp_path / "run", "scores")["retried_429"].to_list() == [1, 1, 1]


def test_server_error_is_tried_again(run: Run, tmp_path: Path) -> None:
    """A 500 passes by itself: the second attempt is the answer."""
    with FakeEndpoint(troubled_first(error_reply(500, kind="server_error"))) as endpoint:
        ended = run(endpoint.base_url)
    assert ended.code == 0
    assert attempts(tmp_path / "run") == [[(500, "endpoint_error"), (200, None)]] * 3
    assert summary(tmp_path / "run")["accuracy"] == 1.0


def test_attempts_are_bounded(run: Run, tmp_path: Path) -> None:
    """What never passes is given up after `max_attempts`, and the run goes on to its end."""
    with FakeEndpoint(error_reply(503, kind="server_error", headers={"Retry-After": "0"})) as endpoint:
        ended = run(endpoint.base_url, "--set", "endpoint.max_attempts=3")
    assert ended.code == 3
    assert len(endpoint.received) == 9
    assert [len(each) for each in attempts(tmp_path / "run")] == [3, 3, 3]


def test_wrong_answer_is_not_tried_again(run: Run) -> None:
    """Only the endpoint's failures are repeated: the model has one try."""
    with FakeEndpoint(message_reply(content="I do not know.")) as endpoint:
        ended = run(endpoint.base_url)
    assert (ended.code, len(endpoint.received)) == (0, 3)


def test_silence_is_not_measured(run: Run, tmp_path: Path) -> None:
    """An endpoint that hangs is left after the time limit; the other cases count, and the run is inconclusive."""

    def script(received: Received) -> Reply:
        return Reply(hang=True) if order_of(received) == "order_2" else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        ended = run(endpoint.base_url, "--timeout", "0.3", "--set", "endpoint.max_attempts=1")
    assert ended.code == 3
    assert "1 of 3 responses were not measured (1 timed_out)" in ended.err
    assert table(tmp_path / "run", "scores")["outcome"].to_list() == ["passed", "timed_out", "passed"]
    totals = summary(tmp_path / "run")
    assert (totals["accuracy"], totals["coverage"]) == (1.0, 2 / 3)


def test_outage_is_no_accuracy(run: Run, tmp_path: Path) -> None:
    """When nothing was answered there is no number, and cases that want no call do not pass."""
    write_cases(tmp_path / "mixed.jsonl", [case(1), no_call_case(2)])
    with FakeEndpoint(error_reply(500, kind="server_error", headers={"Retry-After": "0"})) as endpoint:
        ended = run(endpoint.base_url, dataset="mixed.jsonl")
    assert ended.code == 3
    totals = summary(tmp_path / "run")
    assert (totals["accuracy"], totals["measured"], totals["passed"]) == (None, 0, 0)
    assert totals["by_category"]["irrelevance"]["accuracy"] is None
    assert table(tmp_path / "run", "scores")["passed"].to_list() == [None, None]
    assert "0.0%" not in ended.out


@pytest.mark.parametrize(("share", "code"), [("0.3", 3), ("0.34", 0)])
def test_share_not_measured_may_be_allowed(run: Run, share: str, code: int) -> None:
    """`--max-not-measured` is the share up to which a run is conclusive."""

    def script(received: Received) -> Reply:
        return error_reply(400) if order_of(received) == "order_2" else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        assert run(endpoint.base_url, "--max-not-measured", share).code == code


@pytest.mark.alone
def test_pace_is_kept(command: Command, tmp_path: Path) -> None:
    """At 600 requests a minute the endpoint never sees more than 10 within a second, however many workers wait."""
    orders(tmp_path, 20)
    with FakeEndpoint(right_answer) as endpoint:
        ended = command(
            "run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--rpm", "600",
            "-j", "20",
        )  # fmt: skip
    assert ended.code == 0
    at = sorted(request.received_at for request in endpoint.received)
    assert len(at) == 20
    assert at[-1] - at[0] >= 1.8
    # A hair less than a second: the wire adds a little to one request and nothing to another.
    assert max(sum(start <= other < start + 0.97 for other in at) for start in at) <= 10


def test_concurrency_is_kept(command: Command, tmp_path: Path) -> None:
    """No more than `-j` requests wait for an answer at one time, and no fewer while there is work."""
    orders(tmp_path, 12)
    with FakeEndpoint(lambda received: Reply(delay_s=0.05, body=right_answer(received).body)) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "-j", "4")
    assert endpoint.peak_in_flight == 4


HTML = Reply(headers={"Content-Type": "text/html"}, body=b"<!doctype html><title>Welcome</title>")

REFUSALS: Mapping[str, tuple[Reply, str]] = {
    "401": (
        error_reply(401, "You didn't provide an API key."),
        "no key was sent: name its variable with --api-key-env",
    ),
    "403": (error_reply(403, "Country not supported"), "HTTP 403: Country not supported"),
    "404": (error_reply(404, "model `m` does not exist"), "is the base URL right, and the model's name?"),
    "no money": (error_reply(429, "Pay first", code="insufficient_quota"), "HTTP 429: Pay first"),
    "web page": (HTML, "a web page in place of JSON: is the base URL right (does it end in /v1)?"),
    "not found page": (Reply(status=404, body=b"404 page not found"), "HTTP 404: 404 page not found"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusal_stops_the_run(run: Run, tmp_path: Path, name: str) -> None:
    """What no other request would get past ends the run with exit code 4, its cause, and no folder of nothing."""
    reply, said = REFUSALS[name]
    with FakeEndpoint(reply) as endpoint:
        ended = run(endpoint.base_url, "-j", "1")
    assert (ended.code, len(endpoint.received)) == (4, 1)
    assert said in ended.err
    assert f"{endpoint.base_url}/chat/completions" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


def test_refused_key_is_not_called_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a key, a 401 does not send its user looking for one."""
    monkeypatch.setenv("ORDERS_KEY", "sk-wrong")
    with FakeEndpoint(error_reply(401, "Incorrect API key provided.")) as endpoint:
        ended = run(endpoint.base_url, "--api-key-env", "ORDERS_KEY")
    assert ended.code == 4
    assert "HTTP 401: Incorrect API key provided." in ended.err
    assert "no key was sent" not in ended.err


def test_refusal_in_the_middle_keeps_what_was_answered(run: Run, tmp_path: Path) -> None:
    """Answers from before a refusal are scored and kept, and the message says how to go on."""

    def script(received: Received) -> Reply:
        return error_reply(401) if order_of(received) == "order_3" else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        ended = run(endpoint.base_url, "-j", "1")
    assert ended.code == 4
    assert "fceval run --resume run" in ended.err
    assert table(tmp_path / "run", "scores")["outcome"].to_list() == ["passed", "passed", "endpoint_error"]


NO_ANSWERS: Mapping[str, Reply] = {
    "200 with an error": Reply(body={"error": {"message": "overloaded", "type": "server_error"}}),
    "choices null": Reply(body={"choices": None}),
    "choices empty": Reply(body={"choices": []}),
    "no message": Reply(body={"choices": [{"index": 0, "finish_reason": "stop"}]}),
    "not JSON": Reply(body=b"{"),
    "empty": Reply(body=b""),
    "deep": Reply(body=b"[" * 100_000),
    "a list": Reply(body=b"[]"),
    "400": error_reply(400, "tools are not supported"),
    "cut": Reply(body={"choices": []}, cut=True),
    "reset": Reply(drop=True),
}


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_no_answer_is_not_a_wrong_one(run: Run, tmp_path: Path, name: str) -> None:
    """An answer without a message is the endpoint's failure: not measured, exit code 3, no traceback."""
    with FakeEndpoint(NO_ANSWERS[name]) as endpoint:
        ended = run(endpoint.base_url, "--limit", "1", "--set", "endpoint.max_attempts=1")
    assert ended.code == 3
    assert table(tmp_path / "run", "scores").select("outcome", "measured", "passed").rows() == [
        ("endpoint_error", False, None)
    ]
    assert "1 of 1 responses were not measured (1 endpoint_error); allowed is a share of 0\n  1 times: " in ended.err


def test_unreachable_port_is_said_quickly(run: Run, tmp_path: Path) -> None:
    """Where nobody listens the run ends within seconds, whatever the number of cases."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        started = time.monotonic()
        ended = run(base_url)
    assert ended.code == 4
    assert "Connection refused" in ended.err
    assert time.monotonic() - started < 8
    assert not (tmp_path / "run").exists()


def test_unknown_host_is_said_at_once(run: Run) -> None:
    """A host that no resolver knows is a typing mistake."""
    ended = run("http://no-such-host.invalid/v1")
    assert ended.code == 4
    assert "cannot connect to no-such-host.invalid:80" in ended.err


def test_hostile_text_is_scored_not_fatal(run: Run, tmp_path: Path) -> None:
    """Lone surrogates, control characters and huge numbers in an answer end in rows and reports like any other."""
    replies = [
        message_reply(tool_calls=[("get_\ud800date", {"order_id": "order_1"})]),
        message_reply(
            tool_calls=[("get_delivery_date", '{"order_id": "\\ud800", "\\udfff": 1}')], finish_reason="\ud800"
        ),
        message_reply(content="\x1b[31m\x00", tool_calls=[("get_delivery_date", '{"order_id": ' + "9" * 5000 + "}")]),
    ]
    with FakeEndpoint(replies) as endpoint:
        ended = run(endpoint.base_url, "-j", "1")
    assert (ended.code, ended.err.count("Traceback")) == (0, 0)
    assert table(tmp_path / "run", "scores")["outcome"].to_list() == [
        "unknown_tool", "unexpected_argument", "unparsable_call"
    ]  # fmt: skip


def test_refusal_waits_for_no_hanging_request(run: Run) -> None:
    """Once the endpoint refused, what is in flight gets its grace and no more."""

    def script(received: Received) -> Reply:
        return Reply(hang=True) if order_of(received) == "order_1" else error_reply(401)

    with FakeEndpoint(script) as endpoint:
        started = time.monotonic()
        assert run(endpoint.base_url, "--grace", "0.3").code == 4
        assert 0.3 <= time.monotonic() - started < 5


def test_refused_run_is_not_the_latest(command: Command, tmp_path: Path) -> None:
    """`latest` goes on naming the run before, whose results are there."""
    orders(tmp_path)
    with FakeEndpoint([*[message_reply(content="Soon.")] * 3, *[error_reply(401)] * 3]) as endpoint:
        arguments = ("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m")
        assert [command(*arguments).code, command(*arguments).code] == [0, 4]
    assert command("show", "latest").out.count("missing_call") == 3
    assert len(list((tmp_path / "reports").iterdir())) == 2
