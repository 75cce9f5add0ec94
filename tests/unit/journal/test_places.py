"""Places: one number for each name, the one that counts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fceval.journal.places import Places


@given(st.lists(st.tuples(st.binary(max_size=2), st.integers(0, 2**63)), max_size=30))
def test_of_several_places_the_highest_rank_stays_and_then_the_last(added: list[tuple[bytes, int]]) -> None:
    """As a plain dictionary would have it; what was never added has none."""
    places, wanted = Places(), dict[bytes, int]()
    for name, place in added:
        places.add(name, place)
        if name not in wanted or place % 2 >= wanted[name] % 2:
            wanted[name] = place
    places.seal(lambda numbers: numbers % 2)
    assert {name: places.get(name) for name in wanted} == wanted
    assert (places.get(b"never"), len(places)) == (None, len(wanted))
    assert list(places.in_order()) == sorted(wanted.values())
    assert places.how_many(lambda numbers: numbers % 2) == sum(place % 2 for place in wanted.values())
