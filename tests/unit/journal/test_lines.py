"""What stands in a journal: nothing is believed that the checksum does not vouch for."""

from __future__ import annotations

import json
import os
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.errors import LocalError
from fceval.journal.lines import (
    decode_record,
    encode_begin,
    encode_header,
    encode_record,
    encode_response,
    fingerprint_of,
    head_in_line,
    head_of,
    is_measured,
    is_whole,
    line_at,
    message_at,
    opened_for_reading,
    response_at,
    scan,
)
from fceval.records import Json, Key, Response, json_text
from tests.journal_records import HOSTILE, key, response, responses

AT = b', "fingerprint": "'


NO_RECORDS = [b"", b"\n", b"{}", b'{"a": 1}', b'{"a": 1,"_crc":"00000000"}', b'{"a": 1,"_crc":"0"}\n']


@pytest.mark.parametrize("line", NO_RECORDS)
def test_line_without_its_checksum_is_no_record(line: bytes) -> None:
    """None at all, a wrong one, and one cut short."""
    assert decode_record(line) is None


def test_record_is_one_line_with_its_checksum_last() -> None:
    """So that a person can read it, and any tool can check it."""
    line = encode_record({"a": "x\ny"})
    start, _, end = line.rpartition(b',"_crc":"')
    assert (start, end) == (b'{"a": "x\\ny"', b'%08x"}\n' % zlib.crc32(start))
    assert decode_record(line) == {"a": "x\ny", "_crc": f"{zlib.crc32(start):08x}"}


@given(st.data(), responses)
def test_no_changed_byte_goes_unnoticed(data: st.DataObject, odd: Response) -> None:
    """Wherever it is, in the checksum as well."""
    whole = encode_response(odd)
    assert is_whole(whole)
    line = bytearray(whole)
    line[data.draw(st.integers(0, len(line) - 2))] ^= data.draw(st.integers(1, 255))
    assert decode_record(bytes(line)) is None


@given(responses)
def test_response_is_read_back_as_it_was(odd: Response) -> None:
    """Whatever stands in it: key, fingerprint and whether it was measured are known without decoding it."""
    line = encode_response(odd)
    at = line.find(AT)
    assert head_in_line(line, at) == head_of(odd.key)
    assert fingerprint_of(line) == odd.fingerprint.encode()
    assert is_measured(line, message_at(line, at)) == (odd.message is not None)
    file = os.memfd_create("line")
    try:
        os.pwrite(file, line, 7)
        assert repr(response_at(file, 7, Path("journal.jsonl"))) == repr(odd)
    finally:
        os.close(file)


@pytest.mark.parametrize("text", HOSTILE)
def test_begin_has_key_fingerprint_and_time_alone(text: str) -> None:
    """It is told from a response without being decoded."""
    of = Key(text, text, 1, 2, 3)
    line = encode_begin(of, "abc")
    record = decode_record(line) or {}
    assert (message_at(line, line.find(AT)), head_in_line(line, line.find(AT))) == (-1, head_of(of))
    assert [record[name] for name in ("case_id", "variant", "trial", "turn", "step")] == [text, text, 1, 2, 3]
    assert record["fingerprint"] == "abc"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(record["begun_at"])).total_seconds()) < 60


@pytest.mark.parametrize("text", HOSTILE)
def test_key_is_the_same_however_its_line_is_escaped(text: str) -> None:
    """Earlier versions escaped all strings of a line where one of them was no Unicode text."""
    of = Key(text, "天", 0, 0, 0)
    members: dict[str, Json] = {"case_id": text, "variant": "天", "trial": 0, "turn": 0, "step": 0, "fingerprint": "f"}
    for line in (json.dumps(members).encode(), json_text(members).encode()):
        assert head_in_line(line, line.find(AT)) == head_of(of)


def test_keys_differ_in_every_part() -> None:
    """No two keys look alike."""
    of = key(1)
    others = [of._replace(trial=7), of._replace(turn=7), of._replace(step=7)]
    others += [of._replace(case_id='case-1", "variant": "x'), of._replace(variant="x")]
    assert len({head_of(each) for each in [of, *others]}) == 6


@pytest.mark.parametrize("length", [1, 2**13 - 40, 2**13, 100_000])
def test_line_of_any_length_is_read_from_its_place(path: Path, length: int) -> None:
    """Up to its end, which may be missing in the last one."""
    first, second = encode_record({"a": "x" * length}), encode_record({"b": "x" * length})[:-1]
    path.write_bytes(first + second)
    file = opened_for_reading(path)
    assert (line_at(file, 0), line_at(file, len(first))) == (first, second)
    os.close(file)


@pytest.mark.parametrize("line", [b"", encode_begin(key(1), ""), encode_response(response(1)).replace(b"H", b"h")])
def test_what_is_no_response_is_not_returned(path: Path, line: bytes) -> None:
    """The file was cut, or written to, while it was read."""
    path.write_bytes(line)
    file = opened_for_reading(path)
    with pytest.raises(LocalError, match=r"the record at byte \d+ is damaged, or was changed while it was read"):
        response_at(file, 0, path)
    os.close(file)


def test_offsets_are_those_in_the_file(path: Path) -> None:
    """Of every line but an incomplete last one."""
    lines = [encode_header("journal", "ab"), encode_begin(key(1), "天"), encode_response(response(1))]
    path.write_bytes(b"".join(lines) + encode_response(response(2))[:-9])
    file = opened_for_reading(path)
    assert [(path.read_bytes()[offset:][: len(line)], line) for offset, line, _ in scan(file, path)] == [
        (line, line) for line in lines
    ]
    os.close(file)
