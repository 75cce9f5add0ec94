"""Settings of an endpoint, and where its key comes from and goes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fceval.client.endpoint import (
    Endpoint,
    EndpointSettings,
    check_base_url,
    endpoint_of,
    header_misfits,
    key_from_environment,
    query_misfits,
    request_headers,
    request_url,
)
from fceval.client.secret import Secret
from fceval.errors import ConfigError

KEY = 'sk-CANARY/"q\\x"+0123456789'


@pytest.mark.parametrize("base_url", ["http://a/v1", "https://api.example.com", "http://[::1]:80/v1", "http://a_b/v1/"])
def test_base_url_is_taken_without_its_last_slash(base_url: str) -> None:
    """What any OpenAI client is given."""
    assert check_base_url(base_url) == base_url.rstrip("/")


@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("", "is no http:// or https:// URL"),
        ("localhost:8000/v1", "is no http:// or https:// URL: give what any OpenAI client is given"),
        ("ftp://a/v1", "is no http:// or https:// URL"),
        ("https:///v1", "is no http:// or https:// URL"),
        ("http://a:99999/v1", "is no http:// or https:// URL"),
        ("http://a:b/v1", "is no http:// or https:// URL"),
        ("http://a..b/v1", "is no http:// or https:// URL"),
        (f"http://{'a' * 64}.example/v1", "is no http:// or https:// URL"),
        ("http://a:0/v1", "is no http:// or https:// URL"),
        ("http://[::1/v1", "is no http:// or https:// URL"),
        ("http://a b/v1", "is no http:// or https:// URL"),
        ("http://a/v1\n", "is no http:// or https:// URL"),
        ("http://me:pw@a/v1", "holds a user name or password"),
        ("http://me:pw@a b/v1", "`http://***@a b/v1` is no http:// or https:// URL"),
        ("http://a/v1?key=pw", "`http://a/v1` with what follows it is more than a base URL"),
        ("http://a/v1?key=pw", 'parameters go to `endpoint.query`, as query = { "api-version" = "2024-10-21" }'),
        ("http://a/v1#x", "is more than a base URL"),
        ("http://a/v1/responses/", "leave out `/responses`, which gives `http://a/v1`"),
        ("http://a/v1/chat/completions", "leave out `/chat/completions`, which gives `http://a/v1`"),
    ],
)
def test_base_url_that_cannot_be_one_is_refused(base_url: str, message: str) -> None:
    """Before anything is sent, with what to give instead."""
    with pytest.raises(ConfigError) as caught:
        check_base_url(base_url)
    assert message in str(caught.value)
    assert "pw" not in str(caught.value)


def test_key_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blanks around it, as a shell or an editor leaves them, are not part of it."""
    monkeypatch.setenv("A_KEY", f" {KEY}\n")
    key = key_from_environment("A_KEY")
    assert key is not None
    assert key.reveal() == KEY
    assert key_from_environment(None) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("A_KEY", None, "the environment variable A_KEY is not set: export A_KEY=<your key>"),
        ("A_KEY", "  ", "A_KEY is not set"),
        ("A_KEY", "sk CANARY", "the value of A_KEY has a blank"),
        ("A_KEY", "sk-CANARY\r\nX-Evil: 1", "the value of A_KEY has a blank, a line break"),
        ("A_KEY", "sk-CANARY-é", "a non-ASCII character"),
        ("sk-CANARY-0123", None, "give the name of an environment variable"),
    ],
)
def test_key_that_cannot_be_sent_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, message: str
) -> None:
    """And neither it nor a key given in place of the name is shown."""
    monkeypatch.delenv("A_KEY", raising=False)
    if value is not None:
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        key_from_environment(name)
    assert message in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:1/v1", "http://[::1]/v1", "http://localhost/v1", "https://a/v1"]
)
def test_key_is_sent_where_nobody_can_read_it(monkeypatch: pytest.MonkeyPatch, base_url: str) -> None:
    """Over https://, or within this machine."""
    monkeypatch.setenv("A_KEY", KEY)
    endpoint = endpoint_of(EndpointSettings(base_url=f"{base_url}/", api_key_env="A_KEY"))
    assert endpoint.base_url == base_url
    assert endpoint.key is not None


@pytest.mark.parametrize(
    "host", ["example.com", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com", "[2001:db8::1]"]
)
def test_key_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """To another machine over http:// it goes only where that is said to be meant; without a key there is no secret."""
    monkeypatch.setenv("A_KEY", KEY)
    settings = EndpointSettings(base_url=f"http://{host}/v1", api_key_env="A_KEY")
    with pytest.raises(ConfigError, match=r"over http://.*--set endpoint\.insecure_http=true") as caught:
        endpoint_of(settings)
    assert "CANARY" not in str(caught.value)
    assert endpoint_of(replace(settings, insecure_http=True)).key is not None
    assert endpoint_of(replace(settings, api_key_env=None)).key is None


def headers_of(key: str | None = KEY, **settings: Any) -> dict[str, str]:  # noqa: ANN401 -- settings
    """Return the headers of requests under some settings."""
    return request_headers(Endpoint(EndpointSettings(**settings), "https://a/v1", Secret(key) if key else None))


def test_headers_are_what_the_contract_needs_and_no_more() -> None:
    """The key as a Bearer token, in whatever letters the header is written."""
    plain = headers_of(None)
    assert sorted(plain) == ["Accept", "Content-Type", "User-Agent"]
    assert headers_of() == plain | {"Authorization": f"Bearer {KEY}"}
    assert headers_of(api_key_header="authorization") == plain | {"authorization": f"Bearer {KEY}"}


def test_key_goes_alone_under_another_name() -> None:
    """As Azure wants it."""
    assert headers_of(api_key_header="api-key") == headers_of(None) | {"api-key": KEY}


def test_headers_of_the_user_are_added() -> None:
    """Or stand in place of ours, in whatever letters they are written."""
    headers = {"OpenAI-Organization": "org", "user-agent": "mine"}
    ours = {name: value for name, value in headers_of(None).items() if name != "User-Agent"}
    assert headers_of(None, headers=headers) == ours | headers


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ({}, "https://a/v1/x"),
        ({"api-version": "2024-10-21"}, "https://a/v1/x?api-version=2024-10-21"),
        ({"a b": "c&d=é/", "e": ""}, "https://a/v1/x?a%20b=c%26d%3D%C3%A9%2F&e="),
    ],
)
def test_url_carries_the_query(query: dict[str, str], url: str) -> None:
    """Whatever letters are in it."""
    assert request_url(Endpoint(EndpointSettings(query=query), "https://a/v1", None), "/x") == url


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *((name, "sk-CANARY", "name its variable with `api_key_env`") for name in
          ("Authorization", "Proxy-Authorization", "api-key", "X-API-KEY", "x-goog-api-key", "Cookie", "X-Auth-Token",
           "Ocp-Apim-Subscription-Key", "x-secret", "X-Mine")),
        ("", "x", "no name of a header"),
        ("X A", "x", "no name of a header"),
        ("X-A:", "x", "no name of a header"),
        ("X-\u00c4", "x", "no name of a header"),
        ("X-A\n", "x", "no name of a header"),
        ("content-type", "text/plain", "is set by the client"),
        ("Content-Length", "0", "is set by the client"),
        ("Host", "evil", "is set by the client"),
        ("x-team", "x", "stands there twice"),
        ("X-A", "x\r\nX-Evil: CANARY", "printable ASCII"),
        ("X-A", " x", "no blank at either end"),
        ("X-A", "\u00e9", "printable ASCII"),
    ],
)  # fmt: skip
def test_header_that_cannot_be_set_is_named(name: str, value: str, message: str) -> None:
    """With the reason, but without its value, which may be a key."""
    (told,) = header_misfits({"X-Team": "a b", "X-Empty": "", name: value}, "X-Mine")
    assert told.startswith(f"headers.{name}: ")
    assert message in told
    assert "CANARY" not in told


@pytest.mark.parametrize("name", ["", "a b", "content-type", "Host", "X:"])
def test_key_goes_in_no_header_of_the_client(name: str) -> None:
    """Nor in one that is none."""
    (told,) = header_misfits({}, name)
    assert told.startswith(f"api_key_header: `{name}` can be no header of yours")


def test_key_is_no_query_parameter() -> None:
    """Proxies write down URLs, and so do we."""
    told = list(query_misfits(["api-version", "key", "api_key", "access_token", "sig", "monkey", "max_tokens"]))
    assert [each.partition(":")[0] for each in told] == [
        "query.key",
        "query.api_key",
        "query.access_token",
        "query.sig",
    ]
