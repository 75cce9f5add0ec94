"""A few answers out of a journal of any length, without an index of the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import count, takewhile
from pathlib import Path

from fceval.journal.lines import (
    head_in_line,
    head_of,
    heads,
    is_measured,
    message_at,
    opened_for_reading,
    response_at,
)
from fceval.records import Key, Response


def responses_to(path: Path, keys: Iterable[Key]) -> dict[Key, list[Response]]:
    """Return the responses to the steps of some turns, in the order of the steps; a turn without any is left out.

    The journal is read once, and of a line no more than tells whose it is: checksums are looked at where an answer is
    among those that were asked for. As in `JournalIndex` the last response that was measured counts, else the last.

    Args:
        path: The journal.
        keys: The first step of each turn.

    Raises:
        LocalError: The journal is missing, or one of these answers is damaged.
    """
    turns = {_turn(head_of(key)): key for key in keys}
    found: dict[Key, dict[int, int]] = {key: {} for key in turns.values()}
    file = opened_for_reading(path)
    try:
        for offset, line, at in heads(file):
            head = head_in_line(line, at)
            key = turns.get(_turn(head))
            message = message_at(line, at) if key else -1
            if key and message >= 0:
                step, measured = int(head[len(_turn(head)) :]), is_measured(line, message)
                if measured or not found[key].get(step, 0) & 1:
                    found[key][step] = offset << 1 | measured
        return {
            key: [response_at(file, place >> 1, path) for place in _in_order(steps)]
            for key, steps in found.items()
            if 0 in steps
        }
    finally:
        os.close(file)


def is_answered(path: Path) -> bool:
    """Return whether the model answered anything; a journal is read up to the first answer.

    Raises:
        LocalError: The journal is missing.
    """
    file = opened_for_reading(path)
    try:
        messages = ((line, message_at(line, at)) for _, line, at in heads(file))
        return any(message >= 0 and is_measured(line, message) for line, message in messages)
    finally:
        os.close(file)


def _turn(head: bytes) -> bytes:
    """Return what the heads of all steps of a turn begin with."""
    return head[: head.rindex(b" ") + 1]


def _in_order(steps: dict[int, int]) -> Iterable[int]:
    places = (steps.get(step) for step in count())
    return (place for place in takewhile(lambda place: place is not None, places) if place is not None)
