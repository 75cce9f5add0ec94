"""Runs that are cut short: killed, interrupted, or begun again under other settings."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import case, journal, order_of, orders, right_answer, table, write_cases

CASES = 40
WORKERS = 4


def partly_right(received: Received) -> Reply:
    """Answer right, but every fifth order with text; take a little time for it."""
    number = int(order_of(received).removeprefix("order_"))
    body = message_reply(content="Soon.").body if number % 5 == 0 else right_answer(received).body
    return Reply(body=body, delay_s=0.02)


@pytest.fixture
def started(fceval: Fceval, tmp_path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Give a list of the processes that a test started; what is left of them ends with the test."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        with process:
            process.kill()


def _run(fceval: Fceval, base_url: str, *more: str) -> subprocess.Popen[str]:
    return fceval.start(
        "run", "--dataset", "orders.jsonl", "--base-url", base_url, "--model", "m", "-j", str(WORKERS), *more
    )  # fmt: skip


def test_killed_run_goes_on_where_it_was(
    fceval: Fceval, command: Command, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """Killed again and again, a run ends with every case once, in the tables of one that was never disturbed."""
    orders(tmp_path, CASES)
    with FakeEndpoint(partly_right) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "-j", str(WORKERS))
        assert command("run", "--dataset", "orders.jsonl", *address, "--out", "whole").code == 0
        assert len(endpoint.received) == CASES

        arrived = CASES
        for more_requests in (1, 12, 20):
            resume = ("--resume", "cut") if (tmp_path / "cut" / "run.json").exists() else ("--out", "cut")
            process = _run(fceval, endpoint.base_url, *resume)
            started.append(process)
            endpoint.wait_for(arrived + more_requests)
            process.kill()
            process.wait()
            arrived = len(endpoint.received)
        with (tmp_path / "cut" / "journal.jsonl").open("ab") as torn:
            torn.write(b'{"case_id": "order-1", "vari')
        known = len(journal_lines(tmp_path / "cut"))
        ended = command("run", "--resume", "cut")
        asked_at_last = len(endpoint.received) - arrived
    assert ended.code == 0, ended.err
    assert f"{CASES} responses to get, {known} of them answered already" in ended.err
    assert asked_at_last == CASES - known
    assert len(endpoint.received) - 2 * CASES <= 3 * WORKERS
    assert Counter(record["case_id"] for record in journal(tmp_path / "cut")).most_common(1)[0][1] == 1
    for name in ("scores", "calls", "arguments"):
        assert table(tmp_path / "cut", name).equals(table(tmp_path / "whole", name)), name


def test_run_killed_before_its_first_request_goes_on(command: Command, tmp_path: Path) -> None:
    """Settings and cases are all that a run needs to be gone on with."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        for path in (tmp_path / "run").iterdir():
            if path.name not in {"run.json", "cases.parquet"}:
                path.unlink()
        shown = command("show", "run")
        assert (shown.code, "is not scored yet" in shown.err) == (2, True)
        assert command("score", "run").code == 5
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == 6


def test_run_without_its_answers_does_not_ask_for_them_all_again(command: Command, tmp_path: Path) -> None:
    """Whoever lost the journal of a scored run is told so before anything is sent, or paid for, a second time."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        (tmp_path / "run" / "journal.jsonl").unlink()
        ended = command("run", "--resume", "run")
    assert (ended.code, len(endpoint.received)) == (5, 3)
    assert "journal.jsonl: missing, though the run has scores: put it back" in ended.err


def journal_lines(run: Path) -> list[bytes]:
    """Return the whole lines of a journal that hold an answer."""
    lines = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    return [line for line in lines if b'"message": ' in line and line.endswith(b"\n")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_drains_the_run(
    fceval: Fceval,
    command: Command,
    tmp_path: Path,
    started: list[subprocess.Popen[str]],
    number: signal.Signals,
) -> None:
    """What is in flight is answered and kept, nothing new is sent, and the last line says how to go on."""
    orders(tmp_path, 12)
    with FakeEndpoint(lambda received: Reply(body=right_answer(received).body, hang=True)) as endpoint:
        process = _run(fceval, endpoint.base_url)
        started.append(process)
        endpoint.wait_for(WORKERS)
        process.send_signal(number)
        assert process.stderr is not None
        assert any("stopping" in line for line in iter(process.stderr.readline, ""))
        endpoint.release()
        assert process.wait(20) == 130
        (run,) = (path for path in (tmp_path / "reports").iterdir() if path.is_dir())
        assert (
            process.stderr.read().splitlines()[-1] == f"interrupted; go on with: fceval run --resume reports/{run.name}"
        )
        assert len(endpoint.received) == len(journal(run)) == WORKERS
        assert command("run", "--resume", "latest").code == 0
        assert len(endpoint.received) == 12


def test_second_signal_ends_the_run_at_once(
    fceval: Fceval, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """Who presses Ctrl-C twice does not want to wait for an endpoint that hangs."""
    orders(tmp_path)
    with FakeEndpoint(Reply(hang=True)) as endpoint:
        process = _run(fceval, endpoint.base_url, "--out", "run")
        started.append(process)
        endpoint.wait_for(3)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert any("again to stop now" in line for line in iter(process.stderr.readline, ""))
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert time.monotonic() - begun < 5
        assert "--resume run" in process.stderr.read()


def test_one_writer_at_a_time(
    fceval: Fceval, command: Command, tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    """A run that goes on cannot be gone on with, nor scored in place; it is not disturbed by the attempt."""
    orders(tmp_path)
    with FakeEndpoint(lambda received: Reply(body=right_answer(received).body, hang=True)) as endpoint:
        process = _run(fceval, endpoint.base_url, "--out", "run")
        started.append(process)
        endpoint.wait_for(3)
        for arguments in (["run", "--resume", "run"], ["score", "run"]):
            ended = command(*arguments)
            assert ended.code == 5
            assert "another process is writing to this run" in ended.err
        endpoint.release()
        assert process.wait(20) == 0
    assert len(endpoint.received) == 3


DIFFERENCES = {
    "model": (["--model", "other"], 'endpoint.model: "m" then, "other" now'),
    "base URL": (["--base-url", "http://127.0.0.1:9/v1"], 'then, "http://127.0.0.1:9/v1" now'),
    "trials": (["--trials", "2"], "trials: 1 then, 2 now"),
    "limit": (["--limit", "1"], "dataset.limit: null then, 1 now"),
    "request": (["--set", "request.temperature=0"], "request.temperature: null then, 0 now"),
    "dataset": (["--dataset", "others.jsonl"], "dataset.sha256: "),
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_other_settings_are_refused(command: Command, tmp_path: Path, name: str) -> None:
    """A run is not mixed with another: each setting that differs is named with both values, and nothing is sent."""
    arguments, said = DIFFERENCES[name]
    orders(tmp_path)
    write_cases(tmp_path / "others.jsonl", [case(9)])
    with FakeEndpoint(right_answer) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        files = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
        ended = command("run", "--resume", "run", *arguments)
        assert len(endpoint.received) == 3
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == files


def test_pace_limits_and_rules_may_change(command: Command, tmp_path: Path) -> None:
    """What does not change the requests may be set anew, counts from then on, and is written down."""
    orders(tmp_path)
    with FakeEndpoint(
        lambda received: error_reply(400) if order_of(received) == "order_2" else right_answer(received)
    ) as (endpoint):
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        (tmp_path / "orders.jsonl").unlink()
        ended = command(
            "run", "--resume", "run", "-j", "2", "--timeout", "5", "--max-not-measured", "0.5",
            "--set", "rules.strings=exact", "--set", "report.formats=['json']",
        )  # fmt: skip
        assert ended.code == 0, ended.err
        assert len(endpoint.received) == 4
    manifest = (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    assert '"strings": "exact"' in manifest
    assert '"concurrency": 2' in manifest
    assert (tmp_path / "run" / "report.json").exists()


def test_moved_dataset_is_the_same(command: Command, tmp_path: Path) -> None:
    """The dataset is known by its content: a config that names it by another path goes on with the run."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m")
        command("run", "--dataset", "orders.jsonl", *address, "--out", "run")
        ended = command("run", "--dataset", tmp_path / "orders.jsonl", *address, "--resume", "run")
        assert (ended.code, len(endpoint.received)) == (0, 3)


def test_damaged_journal_is_refused(command: Command, tmp_path: Path) -> None:
    """A line that changed after it was written is named, and nothing is built on it."""
    orders(tmp_path)
    with FakeEndpoint(right_answer) as endpoint:
        command("run", "--dataset", "orders.jsonl", "--base-url", endpoint.base_url, "--model", "m", "--out", "run")
        path = tmp_path / "run" / "journal.jsonl"
        path.write_bytes(path.read_bytes().replace(b"order_1", b"order_7"))
        ended = command("run", "--resume", "run")
    assert ended.code == 5
    assert re.search(r"journal\.jsonl: line \d+ is damaged", ended.err)
