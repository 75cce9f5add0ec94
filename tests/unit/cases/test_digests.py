"""Names as hashes: nothing is forgotten when many come, and nothing invented."""

from __future__ import annotations

import tracemalloc
from random import Random

import pytest

from fceval.cases import digests
from fceval.cases.digests import Seen, TurnCounts


def test_every_name_comes_new_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it came so long ago that it is no longer among the recent ones."""
    monkeypatch.setattr(digests, "_RECENT", 10)
    draw = Random(1)
    names = [f"case-{draw.randrange(300)}" for _ in range(1000)]
    seen, known = Seen(), set[str]()
    for name in names:
        assert seen.add(name) == (name in known)
        known.add(name)


def test_many_names_take_little_memory() -> None:
    """A set of so many hashes takes more than 8 MB."""
    tracemalloc.start()
    try:
        seen = Seen()
        assert not any(seen.add(number) for number in range(2**17))
        current, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(seen.add(number) for number in range(0, 2**17, 1000))
    assert current < 3_000_000


def test_turns_are_those_of_the_case() -> None:
    """Whatever the order in which cases come; a case that did not come has none."""
    counts = TurnCounts()
    assert counts.of("a") == 0
    counts = TurnCounts()
    for number in range(1000):
        counts.add(f"case-{number * 7919 % 1000}", number * 7919 % 1000)
    assert [counts.of(f"case-{number}") for number in range(1001)] == [*range(1000), 0]
