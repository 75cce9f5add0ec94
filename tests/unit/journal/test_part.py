"""A part of a journal, by where its responses are."""

from __future__ import annotations

from pathlib import Path

from fceval.journal import JournalIndex, JournalPart, places
from fceval.journal.lines import head_of
from fceval.journal.places import digest
from tests.journal_records import response, written


def test_part_holds_what_it_is_told_of(path: Path) -> None:
    """And nothing else of the journal."""
    first, second = response(1), response(2)
    written(path, first, second)
    with JournalIndex(path) as index:
        told = dict(places(index, [first.key]))
    with JournalPart(path, told) as part:
        assert (part.get(first.key), part.get(second.key)) == (first, None)


def test_two_keys_that_share_a_digest_do_not_share_an_answer(path: Path) -> None:
    """The record says itself whose it is: another case's answer is never taken."""
    first, second = response(1), response(2)
    written(path, first, second)
    with JournalIndex(path) as index:
        place = index.place(first.key)
        assert place is not None
    with JournalPart(path, {digest(head_of(second.key)): place}) as part:
        assert part.get(second.key) is None
