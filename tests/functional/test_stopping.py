"""Runs that stop before their end: budgets, signals, a full disk, a folder that is gone. All can be gone on with."""

from __future__ import annotations

import contextlib
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply
from tests.functional.conftest import Command, Said
from tests.functional.orders import journal, order_of, orders, right_answer, summary, table

CASES = 30
TOKENS_AN_ANSWER = 25
"""Of prompt and completion, as the fake endpoint reports them."""

Run = Callable[..., Said]


@pytest.fixture
def run(command: Command, tmp_path: Path) -> Run:
    """Give a function that runs 30 orders against a base URL, into the folder `run`."""
    orders(tmp_path, CASES)

    def start(base_url: str, *arguments: str) -> Said:
        return command(
            "run", "--dataset", "orders.jsonl", "--base-url", base_url, "--model", "m", "--out", "run", *arguments
        )  # fmt: skip

    return start


@pytest.fixture
def started(fceval: Fceval, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Give a function that starts a run of 30 orders in a process of its own, which ends with the test."""
    orders(tmp_path, CASES)
    processes: list[subprocess.Popen[str]] = []

    def start(base_url: str, *arguments: str) -> subprocess.Popen[str]:
        given = ("--dataset", "orders.jsonl", "--base-url", base_url, "--model", "m", "--out", "run", "-j", "4")
        processes.append(fceval.start("run", *given, *arguments))
        return processes[-1]

    yield start
    for process in processes:
        with process:
            process.kill()


def answered(folder: Path) -> Counter[str]:
    """Return how often each case of a run was answered."""
    return Counter(record["case_id"] for record in journal(folder) if record["message"] is not None)


def slowly(received: Received) -> Reply:
    """Answer right, after 50 ms."""
    return Reply(body=right_answer(received).body, delay_s=0.05)


def one_by_one(received: Received) -> Reply:
    """Never all at the same moment: whenever the disk is full, some answer is still to come."""
    number = int(order_of(received).removeprefix("order_"))
    return Reply(body=right_answer(received).body, delay_s=0.05 + 0.02 * (number % 4))


def hanging(received: Received) -> Reply:
    """Answer right once the test says so."""
    return Reply(body=right_answer(received).body, hang=True)


# --- budgets --------------------------------------------------------------------------------------------------


def test_requests_are_limited(run: Run, command: Command, tmp_path: Path) -> None:
    """Exactly as many go out as are allowed, attempts that fail among them; the rest is asked for on resuming."""
    failing = iter([error_reply(500, headers={"Retry-After": "0"})] * 3)
    with FakeEndpoint(lambda received: next(failing, right_answer(received))) as endpoint:
        ended = run(endpoint.base_url, "--max-requests", "10")
        assert (ended.code, len(endpoint.received)) == (6, 10)
        assert "max_requests: all 10 requests are sent" in ended.err
        assert "nothing is lost; go on with: fceval run --resume run" in ended.err
        assert sum(answered(tmp_path / "run").values()) == 7
        assert summary(tmp_path / "run")["measured"] == 7
        assert command("run", "--resume", "run", "--max-requests", "5").code == 6
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == CASES + 3
    assert set(answered(tmp_path / "run").values()) == {1}


def test_tokens_are_limited(run: Run, command: Command, tmp_path: Path) -> None:
    """No more are used than are allowed, though eight requests are in flight at a time."""
    with FakeEndpoint(right_answer) as endpoint:
        ended = run(endpoint.base_url, "--max-tokens", "450", "--set", "request.max_tokens=5")
        assert (ended.code, "max_tokens: " in ended.err) == (6, True)
        used = TOKENS_AN_ANSWER * len(endpoint.received)
        assert 200 <= used <= 450
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == CASES


def test_cost_is_limited(run: Run, command: Command, tmp_path: Path) -> None:
    """The bill stays below the limit, reckoned with the user's own prices."""
    (tmp_path / "prices.toml").write_text('["m"]\ninput = 1e4\noutput = 1e4\n', "utf-8")
    with FakeEndpoint(right_answer) as endpoint:
        ended = run(
            endpoint.base_url, "--max-cost", "4.5", "--prices", "prices.toml", "--set", "request.max_tokens=5"
        )  # fmt: skip
        assert (ended.code, "max_cost: " in ended.err) == (6, True), ended.err
        assert 2 <= TOKENS_AN_ANSWER * len(endpoint.received) * 0.01 <= 4.5
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == CASES


def test_deadline_ends_the_run(run: Run, command: Command, tmp_path: Path) -> None:
    """What is in flight then is still taken in; nothing is sent after it."""
    with FakeEndpoint(slowly) as endpoint:
        begun = time.monotonic()
        ended = run(endpoint.base_url, "--deadline", "0.5", "-j", "1")
        assert time.monotonic() - begun < 5
        assert (ended.code, "deadline: the 0.5 s of the run are over" in ended.err) == (6, True)
        assert 1 <= len(endpoint.received) == answered(tmp_path / "run").total() <= 12
        assert command("run", "--resume", "run", "-j", "8").code == 0
        assert len(endpoint.received) == CASES


# --- the endpoint is down -------------------------------------------------------------------------------------

BREAKER = ("--set", "endpoint.breaker=5", "--set", "endpoint.breaker_pause_s=0.3", "-j", "2")


def test_endpoint_that_is_down_is_left_alone(run: Run, tmp_path: Path) -> None:
    """After five equal failures a pause, one request that tries, and the run stops: exit code 3, resumable."""
    with FakeEndpoint(error_reply(503, "maintenance", headers={"Retry-After": "0"})) as endpoint:
        ended = run(endpoint.base_url, *BREAKER)
    assert ended.code == 3
    assert 6 <= len(endpoint.received) <= 8
    times = [request.received_at for request in endpoint.received]
    assert max(after - before for before, after in pairwise(times)) >= 0.25
    assert "5 times in a row: HTTP 503: maintenance" in ended.err
    assert "fails every time: HTTP 503: maintenance" in ended.err
    assert "go on with: fceval run --resume run" in ended.err
    scores = table(tmp_path / "run", "scores")
    assert scores["measured"].to_list() == [False] * CASES
    assert sum(len(record["attempts"]) for record in journal(tmp_path / "run")) == len(endpoint.received)


def test_endpoint_that_comes_back_is_asked_on(run: Run, tmp_path: Path) -> None:
    """Five failures, a pause, an answer: the run ends as if nothing had been."""
    failing = iter([error_reply(503, headers={"Retry-After": "0"})] * 5)
    with FakeEndpoint(lambda received: next(failing, right_answer(received))) as endpoint:
        ended = run(endpoint.base_url, *BREAKER, "--set", "endpoint.max_attempts=20", "-j", "1")
    assert len(endpoint.received) == CASES + 5
    assert endpoint.received[5].received_at - endpoint.received[4].received_at >= 0.25
    assert ended.code == 0, ended.err
    assert summary(tmp_path / "run")["accuracy"] == 1.0


# --- signals --------------------------------------------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_grace_is_kept(
    started: Callable[..., subprocess.Popen[str]], command: Command, tmp_path: Path, number: signal.Signals
) -> None:
    """What is in flight has so long and no longer; then the run ends by itself, and all can be asked again."""
    with FakeEndpoint(hanging) as endpoint:
        process = started(endpoint.base_url, "--grace", "0.5")
        endpoint.wait_for(4)
        begun = time.monotonic()
        process.send_signal(number)
        assert process.wait(20) == 130
        assert 0.5 <= time.monotonic() - begun < 5
        assert process.stderr is not None
        assert process.stderr.read().splitlines()[-1] == "interrupted; go on with: fceval run --resume run"
        endpoint.release()
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == CASES + 4
    assert answered(tmp_path / "run") == Counter({f"order-{each}": 1 for each in range(1, CASES + 1)})


def test_signals_that_keep_coming_lose_nothing(
    started: Callable[..., subprocess.Popen[str]], command: Command, tmp_path: Path
) -> None:
    """Three and more, fast: what was answered before is there, and the folder is in order."""
    with FakeEndpoint(slowly) as endpoint:
        process = started(endpoint.base_url)
        endpoint.wait_for(9)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
        # Once the handlers are gone, Python itself may end by the signal.
        assert process.returncode in {130, -signal.SIGINT}
        received = len(endpoint.received)
        there = answered(tmp_path / "run").total()
        assert received - 4 <= there <= received
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == received + CASES - there


def test_nobody_reads_stdout(started: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """Whoever read has gone before the report was printed: all is recorded, and the exit code is that of the run."""
    with FakeEndpoint(slowly) as endpoint:
        process = started(endpoint.base_url)
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 0
    assert answered(tmp_path / "run").total() == CASES
    assert (tmp_path / "run" / "report.html").is_file()


# --- this machine ---------------------------------------------------------------------------------------------


IMPATIENT = """
import sys
from fceval.cli import main
from fceval.journal import Journal
Journal.settle.__defaults__ = (0.5, None)  # else it waits half a minute for room
sys.exit(main(sys.argv[1:]))
"""


def limited(fceval: Fceval, limits: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command under `ulimit`, which waits but half a second for room on a disk."""
    return subprocess.Popen(
        ["/bin/bash", "-c", f'ulimit {limits}; exec "$@"', "limited", sys.executable, "-c", IMPATIENT]
        + [str(argument) for argument in arguments],
        cwd=fceval.folder,
        # A limit on files would leave half of a compiled module behind, which no later process could read.
        env=fceval.environment({"TMPDIR": str(fceval.home), "PYTHONDONTWRITEBYTECODE": "1"}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_full_disk_stops_the_run_and_keeps_every_answer(fceval: Fceval, command: Command, tmp_path: Path) -> None:
    """No file may grow beyond 20 KiB: the journal stops there, what it cannot take is spilled, and is taken back."""
    orders(tmp_path, 100)
    with FakeEndpoint(one_by_one) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--out", "run", "-j", "4")
        with limited(fceval, "-f 20", "run", "--dataset", "orders.jsonl", *address) as process:
            _, err = process.communicate(timeout=60)
        assert process.returncode == 5, err
        sent = len(endpoint.received)
        assert 4 < sent < 100
        assert "cannot be written: File too large" in err
        assert "answers are in " in err
        assert "Traceback" not in err
        (spilled,) = (tmp_path / "run").glob("journal.spilled-*")
        assert (tmp_path / "run" / "journal.jsonl").stat().st_size <= 20 * 1024
        ended = command("run", "--resume", "run")
        assert ended.code == 0, ended.err
        assert "answers were taken back" in ended.err
        assert not spilled.exists()
        assert len(endpoint.received) == 100, "an answer that had been there was asked for again"
    assert answered(tmp_path / "run") == Counter({f"order-{each}": 1 for each in range(1, 101)})


def test_room_that_comes_back_is_used(fceval: Fceval, command: Command, tmp_path: Path) -> None:
    """The limit is lifted while the run waits for room: all is in the journal, and nothing was spilled."""
    orders(tmp_path, 100)
    path = tmp_path / "run" / "journal.jsonl"
    with FakeEndpoint(one_by_one) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--out", "run", "-j", "4")
        with limited(fceval, "-S -f 20", "run", "--dataset", "orders.jsonl", *address) as process:
            until = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < until:
                if path.is_file() and path.stat().st_size > 19 * 1024:
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                    break
                time.sleep(0.002)
            _, err = process.communicate(timeout=60)
        assert process.returncode in {0, 5}, err  # 0: there was room again before it was missed
        assert not list((tmp_path / "run").glob("journal.spilled-*"))
        sent = len(endpoint.received)
        assert answered(tmp_path / "run").total() == sent
        assert command("run", "--resume", "run").code == 0
        assert len(endpoint.received) == 100


def test_connections_beyond_the_files_that_may_be_open_are_refused(fceval: Fceval, tmp_path: Path) -> None:
    """Said before anything is sent, with the number that would do; no folder is left."""
    orders(tmp_path, 3)
    with FakeEndpoint(right_answer) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--out", "run", "-j", "200")
        with limited(fceval, "-n 128", "run", "--dataset", "orders.jsonl", *address) as process:
            _, err = process.communicate(timeout=60)
        assert endpoint.received == ()
    assert process.returncode == 2
    assert "endpoint.concurrency: 200, but this process may open 128 files (ulimit -n): at most 64" in err
    assert not (tmp_path / "run").exists()


def test_limit_of_open_files_is_raised_where_it_may_be(fceval: Fceval, tmp_path: Path) -> None:
    """A soft limit is no obstacle."""
    orders(tmp_path, 150)
    with FakeEndpoint(slowly) as endpoint:
        address = ("--base-url", endpoint.base_url, "--model", "m", "--out", "run", "-j", "150")
        with limited(fceval, "-S -n 64", "run", "--dataset", "orders.jsonl", *address) as process:
            _, err = process.communicate(timeout=60)
        assert len(endpoint.received) == 150
    assert process.returncode == 0, err


def test_folder_that_cannot_be_made_is_named(run: Run) -> None:
    """Nothing is sent."""
    with FakeEndpoint(right_answer) as endpoint:
        ended = run(endpoint.base_url, "--out", "/proc/fceval-run")
        assert endpoint.received == ()
    assert ended.code == 5
    assert "/proc/fceval-run: cannot be made: " in ended.err


def test_folder_that_vanishes_stops_the_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon nothing more is sent; exit code 5, and it is said what happened."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def script(received: Received) -> Reply:
        if order_of(received) == "order_3":
            shutil.rmtree(tmp_path / "run")
        return slowly(received)

    with FakeEndpoint(script) as endpoint:
        ended = run(endpoint.base_url, "-j", "1")
        assert 3 <= len(endpoint.received) < 15
    assert ended.code == 5, ended.err
    assert "it was removed while it was written to" in ended.err
    assert "Traceback" not in ended.err


def test_journal_that_cannot_be_opened_is_named(run: Run, command: Command, tmp_path: Path) -> None:
    """Nothing is sent."""
    with FakeEndpoint(right_answer) as endpoint:
        run(endpoint.base_url, "--max-requests", "1")
        path = tmp_path / "run" / "journal.jsonl"
        path.unlink()
        path.mkdir()
        ended = command("run", "--resume", "run")
        assert len(endpoint.received) == 1
    assert ended.code == 5
    assert "journal.jsonl: cannot be written: Is a directory" in ended.err
