"""Everything that an endpoint may do wrong, against a whole run: its class, its bounds, its exit code, nothing lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from fceval.client import retry
from tests.byte_server import Handler, read_request, server
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply
from tests.functional.conftest import Command, Said
from tests.functional.orders import (
    TOOL,
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

CASES = 6

Run = Callable[..., Said]


@pytest.fixture
def run(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a function that runs six orders against a base URL, into the folder `run`; back-offs are short."""
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.01)
    orders(tmp_path, CASES)

    def start(base_url: str, *arguments: str, dataset: str = "orders.jsonl") -> Said:
        return command(
            "run", "--dataset", dataset, "--base-url", base_url, "--model", "m", "--out", "run", *arguments
        )  # fmt: skip

    return start


def outcomes(folder: Path) -> Counter[str]:
    """Return how many responses of a run had which outcome."""
    return Counter(table(folder, "scores")["outcome"].to_list())


def per_case(*troubles: Reply) -> Callable[[Received], Reply]:
    """Return a script in which each order gets `troubles` first, and then the right answer."""
    asked: Counter[str] = Counter()

    def reply(received: Received) -> Reply:
        order = order_of(received)
        asked[order] += 1
        return troubles[asked[order] - 1] if asked[order] <= len(troubles) else right_answer(received)

    return reply


def http_date(moment: datetime) -> str:
    """Return a moment as headers have it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


NOW = datetime.now(UTC)
PAUSES: Mapping[str, tuple[Mapping[str, str], float, float]] = {
    "seconds": ({"Retry-After": "1"}, 1.0, 6.0),
    "milliseconds": ({"Retry-After-Ms": "400"}, 0.4, 5.0),
    "milliseconds go first": ({"Retry-After-Ms": "400", "Retry-After": "50"}, 0.4, 5.0),
    "fraction": ({"Retry-After": "0.4"}, 0.4, 5.0),
    "date of a server a day ahead": (
        {"Date": http_date(NOW + timedelta(days=1)), "Retry-After": http_date(NOW + timedelta(days=1, seconds=1))},
        1.0,
        6.0,
    ),
    "date of a server a day behind": (
        {"Date": http_date(NOW - timedelta(days=1)), "Retry-After": http_date(NOW - timedelta(days=1, seconds=-1))},
        1.0,
        6.0,
    ),
    "date that has passed": ({"Retry-After": http_date(NOW - timedelta(days=1))}, 0.0, 4.0),
    "zero": ({"Retry-After": "0"}, 0.0, 4.0),
    "negative": ({"Retry-After": "-1"}, 0.0, 4.0),
    "words": ({"Retry-After": "abc"}, 0.0, 4.0),
    "no number": ({"Retry-After": "nan"}, 0.0, 4.0),
    "absent": ({}, 0.0, 4.0),
    "budget with its reset": (
        {"X-RateLimit-Remaining-Requests": "0", "X-RateLimit-Reset-Requests": "400ms"},
        0.4,
        5.0,
    ),
}
"""What a 429 may ask for: headers, the pause in seconds that is kept at least, and what the run takes at most."""


@pytest.mark.parametrize("name", PAUSES)
def test_pause_is_kept_whatever_its_form(run: Run, tmp_path: Path, name: str) -> None:
    """Every order is refused once: nothing goes out within the pause, and then all are answered, on two attempts."""
    headers, least_s, most_s = PAUSES[name]
    with FakeEndpoint(per_case(error_reply(429, headers=headers))) as endpoint:
        started = time.monotonic()
        ended = run(endpoint.base_url, "-j", str(CASES))
        took_s = time.monotonic() - started
    assert ended.code == 0, ended.err
    assert len(endpoint.received) == 2 * CASES
    times = sorted(request.received_at for request in endpoint.received)
    assert times[CASES] - times[0] >= least_s - 0.01
    assert took_s < most_s
    assert table(tmp_path / "run", "scores")["retried_429"].to_list() == [1] * CASES


@pytest.mark.parametrize("asked", ["1000000000", "1e9", http_date(NOW + timedelta(days=400))], ids=["s", "e", "date"])
def test_pause_that_nobody_waits_for_stops_the_run(run: Run, tmp_path: Path, asked: str) -> None:
    """The run ends at once, says how long the endpoint asks for, keeps what is there, and can be gone on with."""

    def script(received: Received) -> Reply:
        refused = error_reply(429, "come back later", headers={"Retry-After": asked})
        return refused if order_of(received) == "order_3" else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        started = time.monotonic()
        ended = run(endpoint.base_url, "-j", "1")
        assert time.monotonic() - started < 5
    assert ended.code == 3
    assert "asks for a pause of" in ended.err
    assert "go on with: fceval run --resume run" in ended.err
    assert outcomes(tmp_path / "run") == {"passed": 2, "rate_limited": 1, "not_run": 3}


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"Retry-After": "-1"}, {"Retry-After": "abc"}])
def test_storm_that_never_ends_is_bounded(run: Run, tmp_path: Path, headers: Mapping[str, str]) -> None:
    """Nothing but 429: as many attempts as are allowed, no busy loop, no accuracy."""
    with FakeEndpoint(error_reply(429, headers=headers)) as endpoint:
        started, cpu = time.monotonic(), time.process_time()
        ended = run(endpoint.base_url, "--set", "endpoint.max_attempts=3")
        assert (time.monotonic() - started, time.process_time() - cpu) < (10, 5)
    assert (ended.code, len(endpoint.received)) == (3, 3 * CASES)
    assert outcomes(tmp_path / "run") == {"rate_limited": CASES}
    assert summary(tmp_path / "run")["accuracy"] is None


def test_storm_on_half_of_the_requests_passes(command: Command, tmp_path: Path) -> None:
    """Every other request is refused, in bursts of eight; more workers than the narrowed pool takes; all answered."""
    orders(tmp_path, 64)
    number = iter(range(10_000))
    refused = error_reply(429, headers={"Retry-After-Ms": "20"})

    def script(received: Received) -> Reply:
        return refused if next(number) // 8 % 2 == 0 else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        ended = command(
            "run", "--dataset", "orders.jsonl", *address, "-j", "32", "--set", "endpoint.max_attempts=50"
        )  # fmt: skip
    assert ended.code == 0, ended.err
    assert outcomes(tmp_path / "run") == {"passed": 64}
    sent = [len(record["attempts"]) for record in journal(tmp_path / "run")]
    assert sum(sent) == len(endpoint.received)


ACCOUNT: Mapping[str, Reply] = {
    "quota": error_reply(429, "no quota", kind="insufficient_quota", code="insufficient_quota"),
    "billing": error_reply(429, "pay first", code="billing_hard_limit_reached"),
    "402": error_reply(402, "balance too low"),
    "wrong key": error_reply(401, "who are you?", code="invalid_api_key"),
    "quota in a 200": Reply(body={"error": {"message": "no quota", "code": "insufficient_quota"}}),
}


@pytest.mark.parametrize("name", ACCOUNT)
def test_account_trouble_in_the_middle_stops_at_once(run: Run, tmp_path: Path, name: str) -> None:
    """Exit code 4, one message, no second attempt, what was answered is kept, and the run goes on another day."""
    troubled = True

    def script(received: Received) -> Reply:
        return ACCOUNT[name] if troubled and order_of(received) == "order_3" else right_answer(received)

    with FakeEndpoint(script) as endpoint:
        ended = run(endpoint.base_url, "-j", "1")
        assert (ended.code, len(endpoint.received)) == (4, 3)
        assert ended.err.count("Error: ") == 1
        assert outcomes(tmp_path / "run") == {"passed": 2, "endpoint_error": 1, "not_run": 3}
        troubled = False
        again = run(endpoint.base_url, "--out", "other")
        assert again.code == 0


def test_server_error_that_comes_back_is_given_up_while_others_pass(command: Command, tmp_path: Path) -> None:
    """The same 500 three times, and others are answered between: this one is the request's own, and not tried on."""
    orders(tmp_path, 40)

    def script(received: Received) -> Reply:
        own = error_reply(500, "cannot render the template", headers={"Retry-After-Ms": "50"})
        return own if order_of(received) == "order_1" else Reply(body=right_answer(received).body, delay_s=0.02)

    with FakeEndpoint(script) as endpoint:
        ended = command(
            "run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run",
            "-j", "2", "--set", "endpoint.max_attempts=50",
        )  # fmt: skip
    assert ended.code == 3
    assert outcomes(tmp_path / "run") == {"passed": 39, "endpoint_error": 1}
    assert 3 <= sum(order_of(request) == "order_1" for request in endpoint.received) <= 6


# --- connections that break, and that never end ---------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}\n\n'
END = b'data: {"id": "c", "choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]}\n\n'


def chunk(content: bytes) -> bytes:
    """Return an HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(content), content)


RESETS: Mapping[str, bytes] = {
    "before a byte": b"",
    "in the status line": b"HTTP/1.1 20",
    "in the headers": HEAD[:40],
    "after the headers": HEAD,
    "in the body": HEAD + b'{"choices": [{"mess',
    "in a chunk": CHUNKED + chunk(EVENT)[:30],
    "in the length of a chunk": CHUNKED + chunk(EVENT) + b"1",
    "in a line of the stream": CHUNKED + chunk(EVENT) + chunk(b'data: {"id": "c", "cho'),
    "in a character": CHUNKED + chunk(EVENT) + chunk(b'data: {"id": "\xe5\xa4'),
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\n{}",
    "chunk that is none": CHUNKED + b"zz\r\nabc\r\n",
    "header of 20 KB": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n",
    "40,000 headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 40_000 + b"\r\n",
}
"""What comes before the connection is reset."""


@contextmanager
def byte_endpoint(handler: Handler) -> Iterator[str]:
    """Serve bytes in a thread of its own; yield the base URL."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[tuple[str, asyncio.AbstractEventLoop]] = []

    async def serve() -> None:
        async with server(handler) as base_url:
            found.append((base_url, asyncio.get_running_loop()))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="byte-endpoint", daemon=True)
    thread.start()
    assert ready.wait(10)
    base_url, loop = found[0]
    try:
        yield base_url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("name", RESETS)
def test_broken_connection_is_tried_again_and_no_answer(run: Run, tmp_path: Path, name: str) -> None:
    """Wherever the answer breaks off: the endpoint's failure, tried again as often as allowed, and no more."""
    asked = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await read_request(reader)
        asked += 1
        writer.write(RESETS[name])
        await writer.drain()
        writer.transport.abort() if len(RESETS[name]) % 2 else writer.close()

    with byte_endpoint(handler) as base_url:
        ended = run(base_url, "--limit", "1", "--stream", "--set", "endpoint.max_attempts=2")
    assert (ended.code, asked) == (3, 2), ended.err
    assert outcomes(tmp_path / "run") == {"endpoint_error": 1}
    assert "Traceback" not in ended.err


def test_reset_after_the_finish_reason_is_an_answer(run: Run, tmp_path: Path) -> None:
    """Only the end marker is missing: nothing is asked again."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(CHUNKED + chunk(EVENT) + chunk(END))
        await writer.drain()

    with byte_endpoint(handler) as base_url:
        assert run(base_url, "--limit", "1", "--stream").code == 0
    (record,) = journal(tmp_path / "run")
    assert (record["message"]["content"], len(record["attempts"])) == ("Hello", 1)


SLOW: Mapping[str, tuple[bytes, bytes]] = {
    "silent": (b"", b""),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "body": (HEAD, b" "),
    "comments": (CHUNKED + chunk(EVENT), chunk(b": ping\n\n")),
    "blank lines": (CHUNKED, chunk(b"\n")),
}
"""What comes first, and what then comes every 50 ms, for ever."""


@pytest.mark.parametrize("name", SLOW)
def test_endless_answer_is_left_at_the_time_limit(run: Run, tmp_path: Path, name: str) -> None:
    """Timed out, within the limit and a little; all six are given up beside each other, and the run ends."""
    first, then = SLOW[name]

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(first)
        gone = asyncio.create_task(reader.read(1))
        while not gone.done():
            writer.write(then)
            await asyncio.wait([gone], timeout=0.05)

    with byte_endpoint(handler) as base_url:
        started = time.monotonic()
        ended = run(base_url, "--stream", "--timeout", "0.6", "--set", "endpoint.max_attempts=1", "-j", str(CASES))
        assert time.monotonic() - started < 5
    assert ended.code == 3, ended.err
    assert outcomes(tmp_path / "run") == {"timed_out": CASES}
    for record in journal(tmp_path / "run"):
        assert record["attempts"][0]["latency_s"] == pytest.approx(0.6, abs=0.35)


# --- nothing is measured --------------------------------------------------------------------------------------

TWO_TURNS = {
    "case_id": "turns",
    "category": "multi_turn",
    "tools": case(1)["tools"],
    "turns": [
        {"messages": case(1)["messages"], "expected": case(1)["expected"]},
        {"messages": [{"role": "user", "content": "Thank you!"}], "expected": []},
    ],
}


def bfcl_case(number: int, category: str, expected: Sequence[object] = ()) -> dict[str, object]:
    """Return a case as it is imported from BFCL; `expected` are its possible answers."""
    source = {"dataset": "bfcl", "category": category, "function": [TOOL["function"]], "ground_truth": list(expected)}
    return case(number, case_id=f"{category}_{number}", category=category, source=source, expected=[])


SUITES: Mapping[str, tuple[list[dict[str, object]], list[str]]] = {
    "simple": ([case(1), case(2)], []),
    "no call wanted": ([no_call_case(1), no_call_case(2)], []),
    "some call wanted": ([case(1, category="relevance", expected="any")], []),
    "several turns": ([TWO_TURNS], []),
    "several turns, teacher-forced": ([TWO_TURNS], ["--set", "turns=teacher_forced"]),
    "BFCL's rules": (
        [
            bfcl_case(1, "simple_python", expected=[{"get_delivery_date": {"order_id": ["order_1"]}}]),
            bfcl_case(2, "irrelevance"),
        ],
        ["--set", "rules.name=bfcl"],
    ),
    "trials": ([case(1), no_call_case(2)], ["--trials", "3"]),
}
OUTAGES: Mapping[str, Reply] = {
    "500": error_reply(500, kind="server_error", headers={"Retry-After": "0"}),
    "429": error_reply(429, headers={"Retry-After": "0"}),
    "reset": Reply(drop=True),
    "nothing": Reply(body={"choices": []}),
    "filtered": error_reply(400, code="content_filter"),
}


@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.parametrize("suite", SUITES)
def test_outage_is_no_accuracy_in_any_suite(run: Run, tmp_path: Path, suite: str, outage: str) -> None:
    """Not one answer: no number anywhere, nothing passes, also where no call is wanted; exit code 3."""
    rows, settings = SUITES[suite]
    write_cases(tmp_path / "suite.jsonl", rows)
    with FakeEndpoint(OUTAGES[outage]) as endpoint:
        ended = run(endpoint.base_url, "--set", "endpoint.max_attempts=2", *settings, dataset="suite.jsonl")
    assert ended.code == 3, ended.err
    scores = table(tmp_path / "run", "scores")
    assert scores["measured"].to_list() == [False] * len(scores)
    assert set(scores["passed"].to_list()) | set(scores["passed_strict"].to_list()) == {None}
    totals = summary(tmp_path / "run")
    assert (totals["accuracy"], totals["measured"], totals["passed"]) == (None, 0, 0)
    assert [each["accuracy"] for each in totals["by_category"].values()] == [None] * len(totals["by_category"])
    assert "%" not in ended.out, ended.out
