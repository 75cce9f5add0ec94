"""A part of a journal, by where its responses are."""

from __future__ import annotations

from pathlib import Path

from fceval.journal import NOWHERE, JournalIndex, JournalPart, places
from tests.journal_records import response, written


def test_each_response_is_where_it_is_told_to_be(path: Path) -> None:
    """In the order in which they are asked for; what is not in the journal is nowhere."""
    first, second, third = (response(number) for number in (1, 2, 3))
    written(path, first, second)
    asked = [second.key, third.key, first.key]
    with JournalIndex(path) as index:
        (column,) = places(index, asked, in_steps=False)
        assert column.tolist() == [index.place(second.key), NOWHERE, index.place(first.key)]
    with JournalPart(path) as part:
        found = [part.get(key, place) for key, place in zip(asked, column, strict=True)]
    assert found == [second, None, first]


def test_steps_of_a_turn_are_columns(path: Path) -> None:
    """As many as the longest turn has, and where turns have one step alone none is looked for."""
    first, second = response(1), response(2)
    further = second._replace(key=second.key._replace(step=1))
    written(path, first, second, further)
    with JournalIndex(path) as index:
        keys = [first.key, second.key]
        steps = places(index, keys, in_steps=True)
        assert [column.tolist() for column in steps[1:]] == [[NOWHERE, index.place(further.key)]]
        assert places(index, keys, in_steps=False) == steps[:1]


def test_two_keys_that_share_a_digest_do_not_share_an_answer(path: Path) -> None:
    """The record says itself whose it is: another case's answer is never taken."""
    first, second = response(1), response(2)
    written(path, first, second)
    with JournalIndex(path) as index:
        place = index.place(first.key)
        assert place is not None
    with JournalPart(path) as part:
        assert part.get(second.key, place) is None
