"""A few answers out of a journal: the same ones that an index of the whole would give."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fceval.errors import LocalError
from fceval.journal import JournalIndex, is_answered, responses_to
from fceval.journal.lines import encode_begin, encode_header, encode_lag, encode_response
from fceval.records import Key, Response
from tests.journal_records import HOSTILE, key, response, responses, written


@given(st.lists(st.tuples(responses, st.integers(0, 2), st.booleans()), max_size=10), st.integers(0, 5))
def test_answers_are_those_of_an_index(
    tmp_path_factory: pytest.TempPathFactory, all_: list[tuple[Response, int, bool]], wanted: int
) -> None:
    """For any records in any order, of some turns: every step up to the first one that is not there."""
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    placed = [(each._replace(key=each.key._replace(step=step)), is_begin) for each, step, is_begin in all_]
    lines = [encode_begin(each.key, "") if is_begin else encode_response(each) for each, is_begin in placed]
    path.write_bytes(encode_header("journal", None) + b"".join(lines) + encode_lag({1: 2}))
    turns = list(dict.fromkeys(each.key._replace(step=0) for each, _ in placed))[:wanted]
    expected: dict[Key, list[Response]] = {}
    with JournalIndex(path) as index:
        for turn in turns:
            steps = [index.get(turn._replace(step=step)) for step in range(4)]
            there = [step for step in steps[: steps.index(None)] if step]
            if there:
                expected[turn] = there
    assert repr(responses_to(path, turns)) == repr(expected)


@pytest.mark.parametrize("text", HOSTILE)
def test_names_of_any_kind_are_found(path: Path, text: str) -> None:
    """Whatever stands in them, and in the names beside them."""
    odd = response(1)._replace(key=Key(text or "a", text or "v", 3, 2, 0))
    written(path, odd, response(2))
    assert list(responses_to(path, [odd.key])) == [odd.key]


def test_only_what_was_asked_for_is_looked_at(path: Path) -> None:
    """A damaged record of another key is nobody's affair here; one that was asked for is not read in silence."""
    content = written(path, response(1), response(2))
    path.write_bytes(content.replace(b"Hello", b"hello", 1))
    assert responses_to(path, [key(2)]) == {key(2): [response(2)]}
    with pytest.raises(LocalError, match="is damaged"):
        responses_to(path, [key(1)])


def test_record_without_its_end_is_none(path: Path) -> None:
    """It is still being written, or never will be."""
    path.write_bytes(written(path, response(1), response(2))[:-5])
    assert responses_to(path, [key(1), key(2)]) == {key(1): [response(1)]}


def test_a_journal_is_answered_by_one_measured_response(path: Path) -> None:
    """Begun requests and failures are no answers."""
    begun = encode_header("journal", None) + encode_begin(key(1), "f") + encode_response(response(2, None))
    path.write_bytes(begun)
    assert not is_answered(path)
    path.write_bytes(begun + encode_response(response(1)) + encode_response(response(3, None)))
    assert is_answered(path)
