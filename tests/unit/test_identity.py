"""What is made of an object is made once, and of another one anew."""

from __future__ import annotations

from fceval.identity import OfSame


def test_same_object_is_not_made_of_twice() -> None:
    """Identity counts, not equality: an equal object is another one."""
    seen: list[list[int]] = []

    def length(given: list[int]) -> int:
        seen.append(given)
        return len(given)

    of_same, one, equal = OfSame(length), [1, 2], [1, 2]
    assert [of_same(one), of_same(one), of_same(equal)] == [2, 2, 2]
    assert len(seen) == 2
    assert of_same.knows(one)
    assert not of_same.knows([1, 2])


def test_known_object_stays_alive() -> None:
    """Else another object could come to stand where it stood, and be taken for it."""
    of_same = OfSame[list[int], int](len)
    assert [of_same([0] * size) for size in range(3000)] == list(range(3000))
