"""Settings of an endpoint, and the key, which nothing gives away."""

from __future__ import annotations

import copy
import json
import logging
import pickle

import pytest

from fceval.client.endpoint import Endpoint, EndpointSettings, Secret, check_base_url, key_from_environment
from fceval.errors import ConfigError

KEY = 'sk-CANARY/"q\\x"+0123456789'


def test_key_is_in_no_text_that_python_makes_of_it() -> None:
    """repr, str, format, logging, a tuple, a record that holds it."""
    secret = Secret(KEY)
    endpoint = Endpoint(EndpointSettings(), "http://127.0.0.1/v1", secret)
    record = logging.LogRecord("x", 20, "x", 1, "%s %r", (secret, secret), None)
    texts = [repr(secret), str(secret), f"{secret}", f"{secret!r}", repr([secret]), repr(endpoint), record.getMessage()]
    assert not any("CANARY" in text for text in texts)
    assert secret.reveal() == KEY


@pytest.mark.parametrize("write", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps], ids=["p", "c", "d", "j"])
def test_key_cannot_be_written(write: object) -> None:
    """It is an error, whose text does not hold the key either."""
    assert callable(write)
    with pytest.raises(TypeError) as caught:
        write(Secret(KEY))
    assert "CANARY" not in str(caught.value)


def test_key_is_not_compared_by_value() -> None:
    """Nobody finds it out by asking."""
    value: object = KEY
    assert Secret(KEY) != value
    assert Secret(KEY) != Secret(KEY)


ESCAPED = [
    KEY,
    json.dumps(KEY)[1:-1],
    json.dumps(json.dumps(KEY)[1:-1])[1:-1],
    json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "".join(f"\\u{ord(letter):04X}" for letter in KEY),
    "".join(f"\\u{ord(letter):04x}" for letter in KEY).replace("\\", "\\\\"),
]


@pytest.mark.parametrize("written", ESCAPED)
def test_key_is_hidden_however_json_writes_it(written: str) -> None:
    """Plain, escaped, in JSON text inside of JSON text: and what is around it stays JSON."""
    text = (
        f'{{"a": "before {written} after", "b": "\\n{written}"}}' if written != KEY else f"before {KEY} after \n{KEY}"
    )
    hidden = Secret(KEY).hidden_in(text.encode()).decode()
    assert hidden == text.replace(written, "***")
    if written != KEY:
        assert json.loads(hidden) == {"a": "before *** after", "b": "\n***"}


def test_key_that_is_a_word_stays() -> None:
    """Local servers want a key and take any: hiding `test` in an answer would change the answer."""
    assert Secret("test").hidden_in(b'{"a": "test_results"}') == b'{"a": "test_results"}'
    assert Secret("").hidden_in(b"a") == b"a"


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
        ("http://a/v1#x", "is more than a base URL"),
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
