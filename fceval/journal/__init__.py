"""Append-only, checksummed record of what was asked and answered: on disk before anything can lose it.

::

    lines.py    what stands in the file: begin of a request, response, checksum
    writer.py   Journal: the one writer; begin, append, and what happens where the disk is full
    index.py    JournalIndex: which responses are there
    places.py   Places: a compact table of where they are
    part.py     JournalPart: some of them, for another process
    lookup.py   responses_to, is_answered: a few of them, without an index
    reuse.py    ReusableAnswers: other runs' answers, by what was asked
    repair.py   torn tails and damaged lines, set aside
    spill.py    what could not be written, on another disk
    files.py    small files that are there whole or not at all

What was begun and never ended was possibly billed, and is counted. An answer may be written twice (a crash while
something is repaired), which changes nothing: the last one measured counts.
"""

from __future__ import annotations

from fceval.journal.index import JournalIndex
from fceval.journal.lookup import is_answered, responses_to
from fceval.journal.part import JournalPart, places
from fceval.journal.places import NOWHERE
from fceval.journal.reuse import ReusableAnswers
from fceval.journal.writer import PATIENCE_S, SYNC_EVERY_S, Journal

__all__ = [
    "NOWHERE",
    "PATIENCE_S",
    "SYNC_EVERY_S",
    "Journal",
    "JournalIndex",
    "JournalPart",
    "ReusableAnswers",
    "is_answered",
    "places",
    "responses_to",
]
