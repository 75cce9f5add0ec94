"""Records: texts that equal values share, and what names a question."""

from __future__ import annotations

import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.cases.rows import case_of
from fceval.records import Attempt, Json, Key, NotMeasured, Request, Response, Usage, canonical_json, json_text
from tests.case_rows import row
from tests.row_strategies import json_values


@given(json_values)
def test_texts_hold_the_value_and_can_be_written(value: object) -> None:
    """Both are JSON of the same value, in UTF-8, lone surrogates included."""
    for text in (canonical_json(value), json_text(value)):  # type: ignore[arg-type]  # Hypothesis knows no JSON type
        text.encode()
        assert "\n" not in text
        assert repr(json.loads(text)) == repr(value) or json.loads(text) == value


@given(json_values)
def test_texts_are_those_of_the_library(value: Json) -> None:
    """To the byte, though the encoder is not made anew for each value."""
    assert canonical_json(value) == json.dumps(value, sort_keys=True, separators=(",", ":"))
    text = json.dumps(value, ensure_ascii=False)
    assert json_text(value) == (json.dumps(value) if re.search("[\ud800-\udfff]", text) else text)


def test_canonical_text_is_the_same_for_equal_objects() -> None:
    """Whatever the order of their members."""
    assert canonical_json({"b": [1, 2.5], "a": "é"}) == canonical_json({"a": "é", "b": [1, 2.5]})
    assert canonical_json({"a": "é"}) == '{"a":"\\u00e9"}'


def test_text_for_people_keeps_order_and_letters() -> None:
    """It is what a dataset looks like."""
    assert json_text({"b": "天气", "a": 1}) == '{"b": "天气", "a": 1}'
    assert json_text("天\ud800") == '"\\u5929\\ud800"'


def request(trial: int = 0, **body: int) -> Request:
    """Return a request."""
    return Request(Key("a", "default", trial, 0, 0), body)


def test_fingerprint_names_a_question() -> None:
    """Trial, endpoint and body decide; whose case it is does not."""
    plain = request(a=1, b=2).fingerprint("u")
    assert plain == request(b=2, a=1).fingerprint("u")
    assert plain == Request(Key("b", "other", 0, 1, 0), {"a": 1, "b": 2}).fingerprint("u")
    others = [request(1, a=1, b=2).fingerprint("u"), request(a=1).fingerprint("u"), request(a=1, b=2).fingerprint("v")]
    assert len({plain, *others}) == 4


@given(st.dictionaries(st.text(max_size=8) | st.sampled_from(["tools", "functions"]), json_values, max_size=5))
def test_body_is_written_as_json_writes_it(body: dict[str, Json]) -> None:
    """Byte by byte, though it is put together from texts; asked again, and for another case with the same tools."""
    for trial in (0, 1):
        asked = Request(Key("a", "default", trial, 0, 0), body)
        try:
            wanted = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:
            wanted = json.dumps(body, separators=(",", ":")).encode()
        named = hashlib.sha256(canonical_json([trial, "http://é", body]).encode()).hexdigest()
        assert [(asked.encoded(), asked.fingerprint("http://é")) for _ in range(2)] == [(wanted, named)] * 2


def test_content_hash_is_what_decides_request_and_verdict() -> None:
    """Labels, provenance and nulls do not."""
    plain = case_of(row(), 1).content_hash
    same = row(case_id="b", category="x", tags=["y"], source="z", note=1, tool_choice=None)
    assert case_of(same, 7).content_hash == plain
    changes: list[dict[str, object]] = [{"expected": []}, {"order": "strict"}, {"request": {"seed": 1}}]
    for change in changes:
        assert case_of(row(**change), 1).content_hash != plain


@pytest.mark.parametrize("failure", ["timed_out", "rate_limited", None])
def test_failure_is_that_of_the_last_attempt(failure: NotMeasured | None) -> None:
    """An answer has none; a response without attempts was never asked for."""
    attempts = (Attempt("", 0.1, None, 503, "endpoint_error"), Attempt("", 0.1, None, None, failure))
    unmeasured = Response(Key("a", "v", 0, 0, 0), "f", None, None, Usage(), None, (), attempts)
    assert unmeasured.failure == (failure or "not_run")
    answered = Response(Key("a", "v", 0, 0, 0), "f", {}, None, Usage(), None, (), attempts)
    assert answered.failure is None
    assert Response(Key("a", "v", 0, 0, 0), "", None, None, Usage(), None, (), ()).failure == "not_run"
