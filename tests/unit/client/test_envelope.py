"""The tolerant reader of answers: values stay JSON, and what was odd is noted."""

from __future__ import annotations

import json

import pytest

from fceval.client.envelope import read_envelope
from fceval.jsontext import JsonTextError


@pytest.mark.parametrize(
    ("body", "value", "notes"),
    [
        (b"", None, ()),
        (b"\xef\xbb\xbf \n", None, ()),
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}, ()),
        (b'{"a": 1, "a": 2}', {"a": 2}, ("duplicate_key",)),
        (b"[NaN, Infinity, -Infinity]", ["NaN", "Infinity", "-Infinity"], ("invalid_number",)),
        (b"[1e400, -1e400, 1e-400]", ["1e400", "-1e400", 0.0], ("invalid_number",)),
        (b"18446744073709551616", 2**64, ()),
        (b"1" * 4_301, "1" * 4_301, ("invalid_number",)),
        (b'"caf\xe9"', "caf\ufffd", ("invalid_utf8",)),
    ],
)
def test_body_is_read_tolerantly(body: bytes, value: object, notes: tuple[str, ...]) -> None:
    """What is not JSON becomes text, so that what is kept can be read by anything."""
    read, noted = read_envelope(body)
    assert (read, noted) == (value, notes)
    json.dumps(read, allow_nan=False)


@pytest.mark.parametrize("body", [b"{", b"{}{}", b"[" * 100_000, b'{"a":' * 100_000, b"<html>", b"nan"])
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """With one exception, whatever is wrong, and no recursion."""
    with pytest.raises(JsonTextError):
        read_envelope(body)
