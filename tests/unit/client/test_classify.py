"""Answers: what endpoints and gateways really send, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.client.classify import Answered, Failed, classify, usage_of
from fceval.records import Usage

MESSAGE = {"role": "assistant", "content": "Hello"}


def completion(**fields: object) -> dict[str, Any]:
    """Return a chat completion with some fields in place of its own."""
    choice = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    return {"id": "x", "object": "chat.completion", "model": "m-1", "choices": [choice], "usage": usage, **fields}


def choice(**fields: object) -> dict[str, Any]:
    """Return a completion whose only choice has these fields."""
    return completion(choices=[{"index": 0, "message": MESSAGE, "finish_reason": "stop", **fields}])


def openai_error(code: object = None, kind: str = "invalid_request_error", message: object = "no") -> dict[str, Any]:
    """Return an error in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def read(status: int, body: object, **headers: str) -> Answered | Failed:
    """Classify an answer; a body that is no bytes goes as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, headers, content, {"model": "m"}, "chat")


def summary(result: Answered | Failed) -> str:
    """Return the class of a failure: what it is, and what it asks for."""
    assert isinstance(result, Failed), result
    flags = [name for name in ("retryable", "stops_run", "wrong_address") if getattr(result, name)]
    return " ".join([result.failure, *flags])


PAGE = b"\n<!-- proxy --><html><body>Log in</body></html>"

FAILURES: list[tuple[int, object, str, str]] = [
    # OpenAI
    (400, openai_error(), "endpoint_error", "HTTP 400: no"),
    (401, openai_error("invalid_api_key"), "endpoint_error stops_run", "HTTP 401: no"),
    (403, openai_error("unsupported_country"), "endpoint_error stops_run", "HTTP 403: no"),
    (404, openai_error("model_not_found"), "endpoint_error wrong_address", "the model's name?"),
    (413, openai_error(), "endpoint_error", "HTTP 413"),
    (422, openai_error(), "endpoint_error", "HTTP 422"),
    (429, openai_error("rate_limit_exceeded", "requests"), "rate_limited retryable", "HTTP 429: no"),
    (429, openai_error("insufficient_quota", "insufficient_quota"), "endpoint_error stops_run", "HTTP 429: no"),
    (429, openai_error("429", "insufficient_quota"), "endpoint_error stops_run", "HTTP 429"),
    (500, openai_error(None, "server_error"), "endpoint_error retryable", "HTTP 500: no"),
    (500, openai_error(), "endpoint_error retryable", "HTTP 500: no"),
    (503, openai_error("slow_down", "server_error"), "endpoint_error retryable", "HTTP 503: no"),
    (400, openai_error("context_length_exceeded"), "endpoint_error", "HTTP 400: no"),
    (400, openai_error("content_filter"), "content_filtered", "HTTP 400: no"),
    (403, openai_error("content_policy_violation"), "content_filtered", "HTTP 403: no"),
    # gateways
    (400, openai_error("invalid_api_key"), "endpoint_error stops_run", "HTTP 400"),
    (402, {"error": {"message": "Insufficient Balance", "code": 402}}, "endpoint_error stops_run", "Insufficient"),
    (429, b"", "rate_limited retryable", "HTTP 429: an empty body"),
    (408, b"", "endpoint_error retryable", "HTTP 408: an empty body"),
    (524, PAGE, "endpoint_error retryable", "HTTP 524: a web page"),
    (529, {"type": "error", "error": {"type": "overloaded_error"}}, "endpoint_error retryable", "overloaded_error"),
    (500, openai_error("sensitive_words_detected", "new_api_error"), "content_filtered", "HTTP 500"),
    (403, openai_error("insufficient_user_quota", "new_api_error"), "endpoint_error stops_run", "HTTP 403"),
    (400, {"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, "endpoint_error", "400: no"),
    (503, {"error": "Model is loading"}, "endpoint_error retryable", "HTTP 503: Model is loading"),
    (429, {"error": "insufficient_quota"}, "endpoint_error stops_run", "insufficient_quota"),
    (422, {"detail": [{"loc": ["body"], "msg": "no"}]}, "endpoint_error", '422: [{"loc": ["body"], "msg": "no"}]'),
    (404, {"detail": "Not Found"}, "endpoint_error wrong_address", "HTTP 404: Not Found (is the base URL right"),
    (500, {"code": 1001, "msg": "busy"}, "endpoint_error retryable", "HTTP 500: busy"),
    (500, b"upstream\nfailed", "endpoint_error retryable", "HTTP 500: upstream"),
    (400, b"bad", "endpoint_error", "HTTP 400: bad"),
    (400, [1], "endpoint_error", "HTTP 400: [1]"),
    (400, openai_error(message="so\n it is"), "endpoint_error", "HTTP 400: so it is"),
    (200, {"error": {"message": "no", "code": "9" * 5_000}}, "endpoint_error retryable", "HTTP 200: no"),
    (400, openai_error(message={"why": "no"}), "endpoint_error", 'HTTP 400: {"why": "no"}'),
    (401, PAGE, "endpoint_error stops_run", "HTTP 401: a web page"),
    # errors inside of a 200
    (200, openai_error("x", "server_error"), "endpoint_error retryable", "HTTP 200: no"),
    (200, openai_error("x"), "endpoint_error", "HTTP 200: no"),
    (200, {**completion(choices=None), "error": {"message": "no", "code": 429}}, "rate_limited retryable", "429: no"),
    (200, {"error": {"message": "no", "code": "401"}}, "endpoint_error stops_run", "HTTP 401: no"),
    (200, {"error": "boom"}, "endpoint_error retryable", "HTTP 200: boom"),
    (200, {**completion(), "error": {"message": "cut", "code": 502}}, "endpoint_error retryable", "HTTP 502: cut"),
    (200, choice(error={"message": "cut", "code": 502}), "endpoint_error retryable", "cut"),
    (200, {"object": "error", "message": "no", "code": 400}, "endpoint_error", "HTTP 400: no"),
    (200, openai_error("x", message=" <!DOCTYPE html><p>no"), "endpoint_error", "an error that holds a web page"),
    (200, openai_error("x", message="<b>no</b>", kind="server_error"), "endpoint_error retryable", "HTTP 200: <b>no"),
    (200, openai_error("rate_limit_exceeded", "tokens"), "rate_limited retryable", "HTTP 200: no"),
    (400, openai_error("rate_limit_exceeded", "tokens"), "endpoint_error", "HTTP 400: no"),
    (200, choice(finish_reason="error"), "endpoint_error retryable", "broke the answer off (`error`)"),
    (200, choice(finish_reason="content_filter"), "content_filtered", "content filter ended the answer"),
    # no answer in it
    (200, b"", "endpoint_error retryable", "HTTP 200 with an empty body"),
    (200, completion(choices=None), "endpoint_error retryable", "has no `choices[0].message`"),
    (200, completion(choices=[]), "endpoint_error retryable", "has no `choices[0].message`"),
    (200, {"id": "x"}, "endpoint_error retryable", "has no `choices[0].message`"),
    (200, choice(message=None), "endpoint_error retryable", "has no `choices[0].message`"),
    (200, completion(choices=["x"]), "endpoint_error retryable", "has no `choices[0].message`"),
    (200, json.dumps(completion()).encode()[:-9], "endpoint_error retryable", "the body is not valid JSON"),
    (200, b"data: {}\n\ndata: [DONE]\n", "endpoint_error retryable", "the body is not valid JSON"),
    (200, b"[" * 10_000, "endpoint_error retryable", "nested deeper"),
    (200, PAGE, "endpoint_error wrong_address", "a web page in place of JSON: is the base URL right"),
    (404, PAGE, "endpoint_error wrong_address", "a web page in place of JSON"),
    (404, b"no", "endpoint_error wrong_address", "HTTP 404: no"),
    (502, PAGE, "endpoint_error retryable", "HTTP 502: a web page"),
    (308, b"", "endpoint_error wrong_address", "redirects to nowhere, which is not followed"),
]


@pytest.mark.parametrize(("status", "body", "expected", "detail"), FAILURES)
def test_failure_has_its_class(status: int, body: object, expected: str, detail: str) -> None:
    """What it is, whether to try again, whether to go on at all, and one line for a person."""
    result = read(status, body)
    assert summary(result) == expected
    assert isinstance(result, Failed)
    assert detail in result.detail
    assert len(result.detail) < 400
    assert "\n" not in result.detail


@pytest.mark.parametrize("status", [429, 503, 200])
def test_what_may_pass_keeps_its_headers(status: int) -> None:
    """They may say when to come back, also where a 200 holds the error."""
    result = read(status, openai_error("x", "server_error"), **{"retry-after": "7"})
    assert isinstance(result, Failed)
    assert result.headers == {"retry-after": "7"}


def test_an_encoding_that_was_not_asked_for_is_named() -> None:
    """Else its bytes would look like broken JSON."""
    result = read(200, b"\x8b\x02\x80", **{"content-encoding": "br"})
    assert isinstance(result, Failed)
    assert result.detail == "the body is in the encoding `br`, which was not asked for"


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("https://login.example/?token=abc", "https://login.example"),
        ("https://me:abc@login.example:8443/abc#abc", "https://login.example:8443"),
        ("//login.example/abc", "http(s)://login.example"),
        ("/abc", "another path"),
        ("https://[login/abc", "another path"),
        ("https://login.example:abc/", "another path"),
    ],
)
def test_redirect_names_the_origin_of_its_target_alone(location: str, said: str) -> None:
    """Path and query may hold what nobody should see."""
    result = read(302, b"", location=location)
    assert isinstance(result, Failed)
    assert f"redirects to {said}, which" in result.detail
    assert "abc" not in result.detail


ANSWERS: list[tuple[object, dict[str, object]]] = [
    (completion(), {"finish_reason": "stop", "served_model": "m-1", "usage": Usage(20, 5)}),
    (completion(error=None), {}),
    (completion(error={}), {}),
    (completion(error={"message": "", "code": 0}), {}),
    (completion(error=False), {}),
    (completion(detail="x", message="y", code=0), {}),
    (b"\xef\xbb\xbf\r\n" + json.dumps(completion()).encode() + b"\n", {}),
    (completion(usage=None), {"usage": Usage()}),
    (completion(model=None), {"served_model": None}),
    (completion(model="m\ud800"), {"served_model": "m?"}),
    (choice(finish_reason=None), {"finish_reason": None}),
    (choice(finish_reason=7), {"finish_reason": None}),
    (choice(finish_reason=""), {"finish_reason": ""}),
    (choice(finish_reason="MAX_TOKENS"), {"finish_reason": "MAX_TOKENS"}),
    (choice(logprobs={"x": [[[1]]]}), {}),
]


@pytest.mark.parametrize(("body", "expected"), ANSWERS)
def test_answer_is_read(body: object, expected: dict[str, object]) -> None:
    """The message is the endpoint's own, whatever stands beside it."""
    result = read(200, body)
    assert isinstance(result, Answered), result
    assert result.message == MESSAGE
    assert result.irregularities == ()
    assert {name: getattr(result, name) for name in expected} == expected


@pytest.mark.parametrize("status", [201, 202, 203])
def test_any_success_is_one(status: int) -> None:
    """Some frameworks answer every POST with 201."""
    assert isinstance(read(status, completion()), Answered)


BESIDE = json.dumps(completion()).encode()[:-1]


@pytest.mark.parametrize(
    ("body", "irregularities"),
    [
        (BESIDE + b', "x": NaN, "y": -Infinity}', ("invalid_number",)),
        (BESIDE + b', "x": 1e999}', ("invalid_number",)),
        (BESIDE + b', "x": ' + b"9" * 5_000 + b"}", ("invalid_number",)),
        (BESIDE + b', "model": "m-1"}', ("duplicate_key",)),
        (BESIDE + b', "x": "\xff"}', ("invalid_utf8",)),
        (BESIDE + b', "x": NaN, "x": "\xff"}', ("duplicate_key", "invalid_number", "invalid_utf8")),
        (BESIDE + b', "x": "\\ud800"}', ()),
        (BESIDE + b', "x": ' + b"[" * 100 + b"]" * 100 + b"}", ()),
    ],
)
def test_odd_field_beside_the_message_makes_no_answer_worse(body: bytes, irregularities: tuple[str, ...]) -> None:
    """It is noted, and the answer counts."""
    result = read(200, body)
    assert isinstance(result, Answered), result
    assert (result.message, result.irregularities) == (MESSAGE, irregularities)


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream", "", "application/json; charset=bogus"])
def test_content_type_is_not_believed(kind: str) -> None:
    """The body says what it is."""
    assert isinstance(read(200, completion(), **{"content-type": kind}), Answered)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 20, "completion_tokens": 0}, Usage(20, 0)),
        ({"prompt_tokens": 20.0, "completion_tokens": 0.5}, Usage(20, None)),
        ({"prompt_tokens": "20", "completion_tokens": True}, Usage()),
        ({"prompt_tokens": -1, "completion_tokens": 10**30}, Usage()),
        ({}, Usage()),
        (None, Usage()),
        ([1], Usage()),
    ],
)
def test_usage_is_what_is_a_number_of_tokens(usage: Any, tokens: Usage) -> None:  # noqa: ANN401 -- any JSON
    """Nothing is made up, and no table is asked to hold what it cannot."""
    assert usage_of(usage) == tokens


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "choices", "message", "code", "usage", "detail", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from([200, 204, 302, 400, 401, 404, 429, 500, 999]), _JSON | st.binary())
def test_no_body_breaks_it(status: int, body: object) -> None:
    """Any JSON and any bytes are an answer or a failure with a line that can be written down."""
    result = read(status, body)
    if isinstance(result, Failed):
        assert result.detail.encode()
        assert "\n" not in result.detail
