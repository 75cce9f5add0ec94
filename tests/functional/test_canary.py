"""A key as a canary: whatever goes wrong, it is in no file, on no stream and in no process's arguments.

Each fault is one that has made some tool write down a key: an endpoint that quotes what it was sent, whole or cut, in
any alphabet, at any place of an answer; a bug of our own; a disk that is full.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import logging
import os
import pty
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partialmethod
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

import pytest

from fceval.client import http
from fceval.journal import Journal
from tests.canary import ECHOES, KEY, TLS, said_key, traces, traces_in
from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint, Received, Reply
from tests.functional.conftest import Command
from tests.functional.orders import orders, right_answer


def test_traces_are_found() -> None:
    """The search itself: no test below would fail with one that finds nothing."""
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in KEY)
    login = base64.b64encode(f"me:{KEY}".encode()).decode()
    for text in (KEY, KEY[:16], KEY[-8:], quote(KEY), escaped, login, f"x{login}"):
        assert traces(f'{{"a": "{text}"}}'.encode())
    assert not traces(b"sk-proj-")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the key where it belongs."""
    monkeypatch.setenv("ORDERS_KEY", KEY)


def asked(base_url: str, *others: str) -> list[str]:
    """Return the command that asks for one order with the key, into the folder `run`."""
    return [
        "run", "--dataset", "orders.jsonl", "--base-url", base_url, "--model", "m", "--out", "run", "--limit", "1",
        "--api-key-env", "ORDERS_KEY", "--set", "endpoint.max_attempts=1", *others,
    ]  # fmt: skip


@pytest.mark.untraced
@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", ECHOES)
def test_endpoint_that_gives_the_key_back(command: Command, tmp_path: Path, name: str) -> None:
    """Wherever it does: not in the run, not in any report of it, not in what is shown of it."""
    orders(tmp_path)
    with FakeEndpoint(ECHOES[name]) as endpoint:
        stream = ["--stream"] if name.startswith("stream") else []
        ended = [command(*asked(endpoint.base_url, *stream))]
    assert [said_key(request) for request in endpoint.received] == [f"Bearer {KEY}"]
    assert ended[0].code in {0, 3, 4}
    if (tmp_path / "run").exists():
        ended += [command("report", "run", "--format", "json"), command("show", "run", "order-1")]
        assert {each.code for each in ended[1:]} <= {0, 3}
    assert traces("".join(each.out + each.err for each in ended).encode()) == []
    assert traces_in(tmp_path) == {}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "name", ["401", "400", "content and no call", "escapes", "finish reason", "retry header", "web page"]
)
def test_probe_of_an_endpoint_that_gives_the_key_back(command: Command, tmp_path: Path, name: str) -> None:
    """Though it is asked with a wrong one as well, and that answer is shown."""

    def quoting(received: Received) -> Reply:
        reply = ECHOES[name](received)
        return Reply(reply.status, reply.headers, reply.content() + KEY.encode() * (KEY not in said_key(received)))

    with FakeEndpoint(quoting) as endpoint:
        ended = command(
            "probe", "--base-url", endpoint.base_url, "--model", "m", "--api-key-env", "ORDERS_KEY", "--out", "probe"
        )
    assert ended.code in {0, 4}
    assert traces((ended.out + ended.err).encode()) == []
    assert traces_in(tmp_path) == {}


# --- what is not there, and what does not work ------------------------------------------------------------------


def _nobody() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "base_url",
    [_nobody(), "https://nowhere.invalid/v1", f"https://{KEY}.invalid/v1"],
    ids=["nobody listens", "no such host", "the key as its host"],
)
def test_endpoint_that_is_not_there(command: Command, tmp_path: Path, base_url: str) -> None:
    """Or has the key in its name, by mistake."""
    orders(tmp_path)
    ended = command(*asked(base_url))
    assert ended.code in {2, 4}
    assert traces((ended.out + ended.err).encode()) == []
    assert traces_in(tmp_path) == {}


@pytest.mark.usefixtures("key")
def test_endpoint_that_is_not_trusted(command: Command, tmp_path: Path) -> None:
    """Nothing is sent to it."""
    orders(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    with FakeEndpoint(right_answer, context) as endpoint:
        ended = command(*asked(endpoint.base_url))
    assert (ended.code, endpoint.received) == (4, ())
    assert traces((ended.out + ended.err).encode()) == []


MISTAKES: dict[str, list[str]] = {
    "as the variable's name": ["--api-key-env", KEY],
    "as an option": ["--api-key", KEY],
    "as an argument": [KEY],
    "in the base URL": ["--base-url", f"https://host/v1?key={KEY}"],
    "as a user": ["--base-url", f"https://{KEY}@host/v1"],
    "as a number": ["--rpm", KEY],
    "as a setting": ["--set", f"endpoint.api_key={KEY}"],
    "as an unknown setting": ["--set", f"{KEY}=1"],
    "in a header": ["--set", f"endpoint.headers.X-Mine={KEY}"],
    "in the body": ["--set", f'endpoint.extra_body={{ a = ["{KEY}"] }}'],
    "in a request": ["--set", f"request.user={KEY}"],
    "as a proxy's password": ["--set", f"endpoint.proxy=http://me:{KEY}@host:1"],
    "in a broken setting": ["--set", f"endpoint.query={{ a = {KEY}"],
    "as a setting of another type": ["--set", f"endpoint.concurrency={KEY}"],
}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("place", MISTAKES)
@pytest.mark.parametrize("name", ["run", "plan"])
def test_key_in_a_wrong_place(command: Command, tmp_path: Path, name: str, place: str) -> None:
    """Is refused with exit code 2, and not said again."""
    orders(tmp_path)
    ended = command(name, "--dataset", "orders.jsonl", "--base-url", "http://127.0.0.1:1/v1", *MISTAKES[place])
    assert ended.code == 2
    assert traces((ended.out + ended.err).encode()) == []
    assert traces_in(tmp_path) == {}


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    "place", ["headers = { X-Mine = KEY }", "api_key = KEY", "model = KEY", "extra_body.a = [KEY]"]
)
def test_key_in_a_config_file(command: Command, tmp_path: Path, place: str) -> None:
    """With advice where it belongs."""
    (tmp_path / "own.toml").write_text(f"[endpoint]\n{place.replace('KEY', repr(KEY))}\n", encoding="utf-8")
    ended = command("run", "own.toml", "--dataset", orders(tmp_path), "--base-url", "http://127.0.0.1:1/v1")
    assert ended.code == 2
    assert "name its variable with `api_key_env`" in ended.err
    assert traces((ended.out + ended.err).encode()) == []


# --- bugs of our own --------------------------------------------------------------------------------------------


def _broken(*seen: object, **named: object) -> NoReturn:
    """Fail as a bug does: with all that it was given in the text."""
    msg = f"bug with Bearer {KEY} {base64.b64encode(KEY.encode()).decode()} {KEY[:20]} {seen!r} {named!r} \x1b[2J"
    raise RuntimeError(msg)


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("place", ["classify", "read", "deviations", "request_url"])
def test_bug_of_our_own(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """The traceback helps to find it, and nothing else."""
    orders(tmp_path)
    monkeypatch.setattr(http, place, _broken)
    with FakeEndpoint(right_answer) as endpoint:
        ended = command(*asked(endpoint.base_url))
    assert ended.code == 70
    assert "RuntimeError: bug with Bearer ***" in ended.err
    assert "This is a bug in fceval" in ended.err
    assert traces((ended.out + ended.err).encode()) == []
    assert traces_in(tmp_path) == {}
    assert "\x1b" not in ended.err


@pytest.mark.usefixtures("key")
def test_bug_that_a_library_logs(command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What asyncio complains about goes the same way."""
    command(*asked(_nobody()))
    handler = logging.lastResort
    assert handler is not None
    capsys.readouterr()
    try:
        _broken(asyncio)
    except RuntimeError as error:
        trouble = (type(error), error, error.__traceback__)
        handler.handle(logging.LogRecord("asyncio", logging.ERROR, "x", 1, "Task failed: %r", (error,), trouble))
    said = capsys.readouterr().err
    assert "Task failed: RuntimeError" in said
    assert traces(said.encode()) == []


@pytest.mark.usefixtures("key")
def test_full_disk(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is spilled is as free of it as the journal."""
    orders(tmp_path)
    write = os.pwrite

    def full(file: int, content: bytes, at: int) -> int:
        if b'"message"' in content:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(file, content, at)

    monkeypatch.setattr(os, "pwrite", full)
    monkeypatch.setattr(Journal, "settle", partialmethod(Journal.settle, patience_s=0.0))
    with FakeEndpoint(ECHOES["content"]) as endpoint:
        ended = command(*asked(endpoint.base_url))
    assert ended.code == 5
    assert list((tmp_path / "run").glob("journal.spilled-*"))
    assert traces((ended.out + ended.err).encode()) == []
    assert traces_in(tmp_path) == {}


# --- processes --------------------------------------------------------------------------------------------------


def _children(pid: int) -> Iterator[int]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
        if parent == pid:
            yield int(stat.parent.name)


def _arguments(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def test_interrupted_process(fceval: Fceval, tmp_path: Path) -> None:
    """Neither while it runs nor when it ends, twice told to."""
    orders(tmp_path)
    with (
        FakeEndpoint(Reply(hang=True)) as endpoint,
        fceval.start(*asked(endpoint.base_url), env={"ORDERS_KEY": KEY}) as process,
    ):
        endpoint.wait_for(1)
        assert traces("\n".join(_arguments(process.pid)).encode()) == []
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        seen = ""
        while "stopping" not in seen:
            seen += process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert traces((seen + out + err).encode()) == []
    assert traces_in(tmp_path / "run") == {}


def test_embedded_endpoint_has_its_key_from_a_pipe(fceval: Fceval, tmp_path: Path) -> None:
    """The arguments of its process, which every user of the machine can read, are always the same."""
    orders(tmp_path)
    with fceval.start(
        "run", "--dataset", "orders.jsonl", "--base-url", "embedded:mock", "--model", "m", "--out", "run",
        "--set", "endpoint.options.latency_s=60",
    ) as process:  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()  # it says that it begins when the endpoint is there
        children = {pid: _arguments(pid) for pid in _children(process.pid)}
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert [arguments[1:] for arguments in children.values()] == [["-P", "-m", "fceval.endpoints", ""]]


def test_served_endpoint_does_not_say_the_key_it_was_given(fceval: Fceval, tmp_path: Path) -> None:
    """It names the variable; and requests leave no log."""
    with fceval.start("serve", "mock", "--api-key-env", "ORDERS_KEY", env={"ORDERS_KEY": KEY}) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline() + process.stdout.readline() + process.stderr.readline()
        assert traces("\n".join(_arguments(process.pid)).encode()) == []
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert "the value of ORDERS_KEY" in said
    assert traces((said + out + err).encode()) == []


def test_progress_on_a_terminal(fceval: Fceval, tmp_path: Path) -> None:
    """The live line shows counts, and what an endpoint says is not among them."""
    orders(tmp_path)
    ours, theirs = pty.openpty()
    with FakeEndpoint(ECHOES["429"]) as endpoint:
        process = subprocess.Popen(
            [sys.executable, "-m", "fceval", *asked(endpoint.base_url)],
            cwd=tmp_path,
            env=fceval.environment({"ORDERS_KEY": KEY, "TERM": "xterm"}),
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        seen = _all_of(ours)
        assert process.wait(30) == 3
    assert b"rate_limited" in seen
    assert traces(seen) == []


def _all_of(terminal: int) -> bytes:
    seen = b""
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # so Linux says that the other side is closed
            piece = b""
        if not piece:
            os.close(terminal)
            return seen
        seen += piece
