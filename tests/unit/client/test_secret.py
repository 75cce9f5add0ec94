"""Keys, which nothing gives away."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.secret import Secret, looks_like_key, places_of_keys, redacted, without_known, without_likely

KEY = 'sk-CANARY/"q\\x"+0123456789'
LONG = "sk-proj-CANARYq7ZxJ4kd83jsQwPn29mVb"
"""As makers of keys write them; `sk-proj-` is in every key of this one."""


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


ENCODED = {
    "URL": quote(KEY, safe=""),
    "URL in small letters": quote(KEY, safe="").replace("%2F", "%2f").replace("%2B", "%2b"),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of a header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64 of a login": base64.b64encode(f"me:{KEY}".encode()).decode(),
    "base64 for URLs": base64.urlsafe_b64encode(f"it is {KEY}?>".encode()).decode(),
    "base64, no filling": base64.b64encode(f"{KEY}..".encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", ENCODED)
@pytest.mark.parametrize("key", [KEY, LONG, "0123abcd"])
def test_key_is_hidden_in_other_alphabets(form: str, key: str) -> None:
    """Whatever stands before it in the same encoding; what is left gives no three bytes of it away."""
    text = ENCODED[form] if key == KEY else base64.b64encode(f"{form}{key}{form}".encode()).decode()
    hidden = Secret(key).hidden_in(f'{{"a": "{text}"}}'.encode()).decode()
    assert "***" in hidden
    assert json.loads(hidden)
    left = "".join(json.loads(hidden)["a"].split("***"))
    assert not any(
        key[at : at + 4].encode()
        in base64.b64decode(left[skip:] + "=" * (-len(left[skip:]) % 4), b"-_", validate=False)
        for at in range(len(key) - 4)
        for skip in range(4)
        if len(left[skip:]) % 4 != 1
    )


@pytest.mark.parametrize("length", range(8, len(LONG) - len("sk-proj-") + 1))
def test_piece_of_either_end_is_hidden(length: int) -> None:
    """A text that is cut in the middle of the key leaves eight letters of it or more."""
    secret = Secret(LONG)
    assert secret.hidden_in(f"it was {LONG[: 8 + length]}".encode()) == b"it was ***"
    assert secret.hidden_in(f"{LONG[-length:]} it was".encode()) == b"*** it was"


def test_piece_is_hidden_however_json_writes_it() -> None:
    """The escapes before and behind it stay whole."""
    piece = LONG[:20]
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in piece)
    for text in (f"\\n{piece}", f"\\u4e2d{piece}\\n", f"\\\\{piece}", escaped, f"\\n{escaped}\\t", f'\\"{piece}\\"'):
        hidden = Secret(LONG).hidden_in(f'{{"a": "{text}"}}'.encode()).decode()
        assert "CANARY" not in json.loads(hidden)["a"]
        assert "***" in json.loads(hidden)["a"]


@pytest.mark.parametrize("text", ["sk-proj-", "the maker's sk-proj-other", "CANARY", "Vb"])
def test_what_is_no_piece_of_it_stays(text: str) -> None:
    """What all keys of a maker begin with is no secret, and fewer than eight letters are a word."""
    assert Secret(LONG).hidden_in(text.encode()) == text.encode()


@given(
    st.recursive(
        st.text('sk-CANARYq7Zx\\"/\n0u4e2d 中', max_size=30) | st.sampled_from([LONG, LONG[:20], LONG[-9:], KEY]),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", LONG, "\n"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
    st.booleans(),
    st.integers(0, 2),
)
def test_json_stays_json(value: object, ascii_only: bool, nested: int) -> None:  # noqa: FBT001 -- drawn
    """Whatever stands around the key, and however deep one JSON text is in another."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    for _ in range(nested):
        text = json.dumps({"text": text}, ensure_ascii=ascii_only)
    for key in (LONG, KEY):
        text = Secret(key).hidden_in(text.encode()).decode()
        assert LONG[:18] not in json.dumps(json.loads(text)) or key != LONG


def test_every_key_of_the_process_is_known() -> None:
    """Also when who made it is gone."""
    Secret("a-key-long-forgotten-8qPzX71mRt0KwB")
    assert without_known("it is a-key-long-forgotten-8qPzX71mRt0KwB, \ud800") == "it is ***, \ud800"


LIKELY = [
    "sk-abcdefghij0123456789",
    "Bearer abcdefgh1",
    'api-key: "abcdefgh1"',
    "apikey=abcdefgh1",
    "https://host/v1?key=abcdefgh1&x=1",
    "'Authorization': 'abcdefgh1'",
    "hf_abcdefgh0123456789",
    "AIzaSyabcdefgh0123456789",
]


@pytest.mark.parametrize("text", LIKELY)
def test_what_looks_like_a_key_is_hidden_from_people(text: str) -> None:
    """Anyone's: an endpoint may quote another one's."""
    assert "abcdefgh" not in without_likely(text)
    assert "***" in redacted(f"HTTP 401: {text}.")


@pytest.mark.parametrize(
    "text",
    [
        "export OPENAI_API_KEY=<your key>",
        "endpoint.api_key_env: the environment variable OPENAI_API_KEY is not set",
        "api_key_header: `x` can be no header of yours",
        "task-force-of-the-year-2024",
        "key=value",
        "Bearer token",
        "",
    ],
)
def test_what_does_not_stays(text: str) -> None:
    """Our own advice can be read."""
    assert redacted(text) == text


def test_likeness_is_of_keys_alone() -> None:
    """A name that begins like one is none."""
    assert looks_like_key("use sk-abcdefghij0123456789")
    assert not looks_like_key("sk-learn-is-a-library-of-python")


def test_places_of_keys_are_named() -> None:
    """However deep they stand."""
    tables = {"a": {"b": ["x", "sk-abcdefghij0123456789"]}, "c": 1, "d": {"e": "Bearer sk-abcdefghij0123456789"}}
    assert list(places_of_keys("", tables)) == ["a.b[1]", "d.e"]
