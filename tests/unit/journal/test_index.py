"""Which responses a journal holds, and what was begun and never ended."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.errors import LocalError
from fceval.journal import Journal, JournalIndex
from fceval.journal.lines import encode_begin, encode_header, encode_record, encode_response
from fceval.records import Json, Key, Response
from tests.journal_records import HOSTILE, SMALL, key, mixed, read, response, responses, small, written


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_written_is_read_back(path: Path, text: str) -> None:
    """Verbatim, whatever stands in names and messages."""
    odd = response(1)._replace(
        key=Key(text or "a", text or "v", 3, 2, 1),
        message={"content": text, text: {"arguments": {"n": 2**80, "f": -0.0, "b": [True, None]}}},
    )
    unmeasured = response(2, None)._replace(key=Key("b", text or "v", 0, 0, 0))
    written(path, odd, unmeasured)
    assert repr(read(path)) == repr([odd, unmeasured])
    with JournalIndex(path) as index:
        assert (index.measured(odd.key), index.measured(unmeasured.key)) == (odd, None)
        assert (index.measured_count, len(index)) == (1, 2)


@given(st.lists(st.tuples(responses, st.booleans()), max_size=8))
def test_index_is_what_a_plain_reading_gives(
    tmp_path_factory: pytest.TempPathFactory, all_: list[tuple[Response, bool]]
) -> None:
    """For any records in any order: the last one measured counts, else the last one; a begin without an end counts."""
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    lines = [encode_begin(each.key, "") if is_begin else encode_response(each) for each, is_begin in all_]
    path.write_bytes(encode_header("journal", None) + b"".join(lines))
    wanted: dict[Key, Response] = {}
    open_: set[Key] = set()
    billed = 0
    for each, is_begin in all_:
        if is_begin:
            billed += each.key in open_
            open_.add(each.key)
            continue
        open_.discard(each.key)
        if each.message is not None or wanted.get(each.key, SMALL).message is None or each.key not in wanted:
            wanted.pop(each.key, None)
            wanted[each.key] = each
    with JournalIndex(path) as index:
        assert repr(list(index.responses())) == repr(list(wanted.values()))
        assert index.possibly_billed == billed + len(open_)
        assert index.measured_count == sum(each.message is not None for each in wanted.values())
        for of, each in wanted.items():
            assert repr(index.get(of)) == repr(each)
            assert repr(index.measured(of)) == repr(each if each.message is not None else None)
        assert index.have_measured(wanted) == [each.message is not None for each in wanted.values()]


def test_later_answer_counts_only_if_it_was_measured(path: Path) -> None:
    """A failure never hides an answer; an answer replaces what was there."""
    written(path, response(1), response(1, None), response(2, None), response(2, "new"), response(3, "a"))
    written(path, response(3, "b"), response(4, None), response(4, None)._replace(finish_reason="later"))
    found = {each.key: each for each in read(path)}
    contents = [(found[key(number)].message or {}).get("content") for number in (1, 2, 3)]
    assert contents == ["Hello", "new", "b"]
    assert found[key(4)].finish_reason == "later"


def test_what_is_not_there_is_none(path: Path) -> None:
    """A key that was never asked, and one that was begun only."""
    with Journal(path) as journal:
        journal.begin([(key(1), "f")])
    with JournalIndex(path) as index:
        for of in (key(1), key(2)):
            assert (index.get(of), index.measured(of), index.have_measured([of])) == (None, None, [False])
        assert (len(index), index.measured_count) == (0, 0)


def test_possibly_billed_counts_over_the_life_of_a_journal(path: Path) -> None:
    """What was lost in earlier sessions stays lost, also where the question was asked again and answered."""
    for number, billed in ((1, 3), (2, 6), (3, 6)):
        with Journal(path) as journal:
            for each in range(3):
                journal.begin([(key(each), "f")])
            if number == 3:
                for each in range(3):
                    journal.append(response(each, None if each else "Hello"))
        with JournalIndex(path) as index:
            assert index.possibly_billed == billed


def test_journal_of_an_earlier_version_is_read(path: Path) -> None:
    """It has no begins and no id, and its strings may be escaped otherwise."""
    record: dict[str, Json] = {
        "case_id": "\ud800天",
        "variant": "default",
        "trial": 0,
        "turn": 0,
        "step": 0,
        "fingerprint": "f",
        "message": {},
        "finish_reason": None,
        "usage": {},
        "served_model": None,
        "irregularities": [],
        "attempts": [],
    }
    path.write_bytes(encode_record({"format_version": 1, "kind": "journal"}) + encode_record(record))
    of = Key("\ud800天", "default", 0, 0, 0)
    with Journal(path) as journal:
        assert journal.index.measured(of) is not None
        assert (journal.index.possibly_billed, journal.torn_bytes) == (0, 0)
        journal.append(small(1))
    assert [each.key for each in read(path)] == [of, key(1)]


def test_index_takes_little_memory(path: Path) -> None:
    """So that millions of responses, begins included, fit."""
    number = 20_000
    with path.open("wb") as file:
        file.write(encode_header("journal", None))
        file.writelines(encode_begin(key(each), "f") + encode_response(small(each)) for each in range(number))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        with JournalIndex(path) as index:
            after, most = tracemalloc.get_traced_memory()
            assert len(index) == number
    finally:
        tracemalloc.stop()
    assert (after - before) / number < 40
    assert (most - before - 2**21) / number < 150


# --- damage ---------------------------------------------------------------------------------------------------


@pytest.mark.untraced
def test_cut_at_any_byte_loses_one_record_at_most(path: Path) -> None:
    """Each of 50 records is there or not; what is there is whole."""
    whole = mixed(path)
    everything = read(path)
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    assert len(ends) == 1 + 50
    for cut in range(len(whole), -1, -1):
        os.truncate(path, cut)
        with JournalIndex(path) as index:
            lines = sum(end <= cut for end in ends)
            known = max(0, lines - 1) // 2
            assert len(index) == known
            assert index.possibly_billed == max(0, lines - 1) % 2
        if cut % 97 == 0:
            assert read(path) == everything[:known]


def test_torn_tail_is_passed_over_by_who_only_reads(path: Path) -> None:
    """A report on a run that is still going, or was killed, changes nothing in it."""
    whole = written(path, response(1), response(2))
    path.write_bytes(whole[:-9])
    assert [each.key for each in read(path)] == [key(1)]
    path.write_bytes(whole[:-1])
    assert [each.key for each in read(path)] == [key(1), key(2)]
    assert path.read_bytes() == whole[:-1]


def test_byte_changed_in_the_middle_is_refused(path: Path) -> None:
    """With the line named, what to do about it, and the file left as it is."""
    whole = written(path, *(response(number) for number in range(5)))
    third = whole.index(b"case-2")
    for place in (third - 12, third + 3, third + 40, whole.index(b"\n", third) - 4, whole.index(b"\n", third)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(LocalError, match=r"journal\.jsonl: line 4 is damaged .*--resume with --salvage"):
            JournalIndex(path)
        with pytest.raises(LocalError, match=r"journal\.jsonl: line 4 is damaged"):
            Journal(path).__enter__()
        assert path.read_bytes() == damaged


def _offenders() -> Iterator[tuple[bytes, str]]:
    yield encode_record({"format_version": 99, "kind": "journal"}), "format version 99, but this fceval reads 1: update"
    yield encode_record({"format_version": "1", "kind": "journal"}), "format version 1, but"
    yield b'{"case_id": "a"}\n', "line 1 is damaged"
    yield b"\n", "line 1 is damaged"
    yield b'[1],"_crc":"%08x"}\n' % zlib.crc32(b"[1]"), "line 1 is damaged"


@pytest.mark.parametrize(("line", "message"), [*_offenders()])
def test_file_that_is_no_journal_of_ours_is_refused(path: Path, line: bytes, message: str) -> None:
    """A newer format, no checksum, no object."""
    path.write_bytes(line)
    with pytest.raises(LocalError) as caught, Journal(path):
        pass
    assert message in str(caught.value)


def test_journal_that_is_not_there_is_refused(path: Path) -> None:
    """It is not made by who only reads."""
    with pytest.raises(LocalError, match="cannot be read: No such file"):
        JournalIndex(path)
    assert not path.exists()
