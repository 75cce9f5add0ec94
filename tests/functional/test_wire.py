"""What goes over the wire: what the user configured, and nothing else; and what must never leave the header."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint, Received, Reply, error_reply, message_reply
from tests.functional.conftest import Command
from tests.functional.orders import case, orders, right_answer, write_cases

PAGE = Path(__file__).parents[1] / "data" / "wire" / "create_chat_function_call.json"
"""The request of the page that the product starts from."""
TLS = Path(__file__).parents[1] / "data" / "tls"
KEY = "sk-1234567890abcdef"


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """Give a key that `ORDERS_KEY` holds."""
    monkeypatch.setenv("ORDERS_KEY", KEY)
    return KEY


def test_page_arrives_as_it_is_written(command: Command, tmp_path: Path, key: str) -> None:
    """A case made from the page's request sends that request: method, path, headers, body and its order of keys."""
    page = json.loads(PAGE.read_text(encoding="utf-8"))
    expected = [{"name": "get_delivery_date", "arguments": {"order_id": "order_12345"}}]
    row = {"case_id": "page", "messages": page["messages"], "tools": page["tools"], "expected": expected}
    cases = write_cases(tmp_path / "page.jsonl", [row])
    with FakeEndpoint(right_answer) as endpoint:
        ended = command(
            "run", "--dataset", cases, "--base-url", endpoint.base_url, "--model", page["model"],
            "--api-key-env", "ORDERS_KEY",
        )  # fmt: skip
    assert ended.code == 0
    (request,) = endpoint.received
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert json.dumps(request.json) == json.dumps(page)
    sent = dict(request.headers)
    assert sent["Accept"] == "application/json"
    assert sent["Authorization"] == f"Bearer {key}"
    assert sent["Content-Type"] == "application/json"
    assert set(sent) == {
        "Accept", "Accept-Encoding", "Authorization", "Content-Length", "Content-Type", "Host", "User-Agent"
    }  # fmt: skip


def test_configured_fields_are_sent_and_nothing_else(command: Command, tmp_path: Path) -> None:
    """Fields of `[request]`, of the variant and of the case go out, the nearer one over the farther one."""
    cases = write_cases(tmp_path / "cases.jsonl", [case(request={"top_p": 0.3}, tool_choice="required")])
    config = tmp_path / "grid.toml"
    config.write_text(
        """
        [request]
        temperature = 0.1
        top_p = 0.1
        seed = 1
        [[variant]]
        name = "cool"
        system = "Use the tools."
        request = { temperature = 0.2, top_p = 0.2 }
        """,
        encoding="utf-8",
    )
    with FakeEndpoint(right_answer) as endpoint:
        command("run", config, "--dataset", cases, "--base-url", f"{endpoint.base_url}/", "--model", "m")
    (request,) = endpoint.received
    row = case()
    assert request.path == "/v1/chat/completions"
    assert request.json == {
        "model": "m",
        "messages": [{"role": "system", "content": "Use the tools."}, *row["messages"]],
        "tools": row["tools"],
        "tool_choice": "required",
        "temperature": 0.2,
        "top_p": 0.3,
        "seed": 1,
    }


def test_cookies_are_not_sent_back(command: Command, tmp_path: Path) -> None:
    """What one answer sets is not in the next request: cases must not know of each other."""

    def with_cookie(received: Received) -> Reply:
        return Reply(headers={"Set-Cookie": "session=1; Path=/"}, body=right_answer(received).body)

    with FakeEndpoint(with_cookie) as endpoint:
        command("run", "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m", "-j", "1")
    assert [request.header("Cookie") for request in endpoint.received] == [None, None, None]


TARGETS: dict[str, Callable[[FakeEndpoint, FakeEndpoint, FakeEndpoint], tuple[str, str]]] = {
    "other port": lambda _, other, __: (f"{other.base_url}/chat/completions", other.base_url[:-3]),
    "other host": lambda _, other, __: (named(other), named(other)[:-3]),
    "other scheme": lambda _, __, secured: (secured.base_url, secured.base_url[:-3]),
    "no scheme": lambda _, other, __: (other.base_url[5:], f"http(s):{other.base_url[5:-3]}"),
    "same origin": lambda own, _, __: (f"{own.base_url}/elsewhere", own.base_url[:-3]),
    "a path": lambda _, __, ___: ("/v1/elsewhere", "another path"),
}
"""What `Location` says, and what is said of it: given the endpoint, another one, and one behind TLS."""


def named(endpoint: FakeEndpoint) -> str:
    """Return a base URL by the host's name."""
    return endpoint.base_url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(command: Command, tmp_path: Path, key: str, status: int, target: str) -> None:
    """Neither request nor key goes where an answer points; the run stops and says which server that is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "localhost.crt", TLS / "localhost.key")
    places: list[tuple[str, str]] = []

    def elsewhere(_: Received) -> Reply:
        places.append(TARGETS[target](endpoint, other, secured))
        return Reply(status=status, headers={"Location": f"{places[0][0]}?key={key}"})

    with (
        FakeEndpoint(right_answer) as other,
        FakeEndpoint(right_answer, context) as secured,
        FakeEndpoint(elsewhere) as endpoint,
    ):
        ended = command(
            "run", "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m", "-j", "1",
            "--api-key-env", "ORDERS_KEY", "--set", "endpoint.insecure_tls=true",
        )  # fmt: skip
    assert (ended.code, len(endpoint.received), other.received, secured.received) == (4, 1, (), ())
    assert f"redirects to {places[0][1]}, which is not followed" in ended.err
    assert key not in ended.err
    assert "?key" not in ended.err


def test_surroundings_add_nothing(fceval: Fceval, tmp_path: Path) -> None:
    """No proxy variable is obeyed and no password of `.netrc` is sent."""
    (fceval.home / ".netrc").write_text("machine 127.0.0.1 login ann password secret\n", encoding="utf-8")
    with FakeEndpoint(right_answer) as proxy, FakeEndpoint(right_answer) as endpoint:
        address = proxy.base_url.removesuffix("/v1")
        env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), address)
        ended = fceval(
            "run", "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m", env=env
        )  # fmt: skip
    assert ended.returncode == 0
    assert proxy.received == ()
    assert [request.header("Authorization") for request in endpoint.received] == [None] * 3


def _echoed_in_message(received: Received) -> Reply:
    key = received.header("Authorization")
    return message_reply(content=f"Your header was {key}.", tool_calls=[("get_delivery_date", {"order_id": key})])


def _echoed_in_error(received: Received) -> Reply:
    return error_reply(400, f"bad header {received.header('Authorization')}")


def _echoed_in_location(received: Received) -> Reply:
    return Reply(status=307, headers={"Location": f"/{received.header('Authorization')}/x"})


ECHOES: dict[str, tuple[Callable[[Received], Reply], int]] = {
    "message": (_echoed_in_message, 0),
    "error": (_echoed_in_error, 3),
    "unauthorised": (lambda received: error_reply(401, f"no such key: {received.header('Authorization')}"), 4),
    "server error": (lambda received: error_reply(500, f"{received.header('Authorization')} crashed us"), 3),
    "rate limit": (lambda received: error_reply(429, f"{received.header('Authorization')} is too fast"), 3),
    "web page": (lambda received: Reply(body=f"<html>{received.header('Authorization')}".encode()), 4),
    "no JSON": (lambda received: Reply(body=f"{received.header('Authorization')}".encode()), 3),
    "location": (_echoed_in_location, 4),
    "reset": (lambda _: Reply(drop=True), 3),
}


@pytest.mark.parametrize("name", ECHOES)
def test_key_is_written_nowhere(command: Command, tmp_path: Path, key: str, name: str) -> None:
    """An endpoint may say the key back in any way: no file of the run and no stream has it."""
    script, code = ECHOES[name]
    run = tmp_path / "run"
    with FakeEndpoint(script) as endpoint:
        ended = command(
            "run", "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m", "--out", run,
            "--api-key-env", "ORDERS_KEY", "--set", "endpoint.max_attempts=2",
        )  # fmt: skip
    assert endpoint.received[0].header("Authorization") == f"Bearer {key}"
    assert ended.code == code
    assert key not in ended.out + ended.err
    assert [place for place, text in _texts(run) if key in text] == []


def _texts(run: Path) -> Iterator[tuple[str, str]]:
    for path in run.rglob("*"):
        if path.suffix == ".parquet":
            yield path.name, repr(pl.read_parquet(path).rows())
        else:
            yield path.name, path.read_bytes().decode("utf-8", "replace")
