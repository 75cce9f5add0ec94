"""Pairing: optimal by brute force, independent of the order of calls, and monotone where order counts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from fceval.scoring.align import Likeness, align
from tests.strategies import likenesses

Pairs = list[tuple[int, int]]

FULL = Likeness(full=True, same_tool=True, arguments_right=1.0)
HALF = Likeness(full=False, same_tool=True, arguments_right=0.5)
NOTHING = Likeness(full=False, same_tool=False, arguments_right=0.0)


def worth(likeness: list[list[Likeness]], pairs: Iterable[tuple[int, int]]) -> tuple[int, int, float]:
    """Return what pairs are worth: full matches, then tools, then arguments."""
    chosen = [likeness[row][column] for row, column in pairs]
    full = sum(pair.full for pair in chosen)
    return full, sum(pair.same_tool for pair in chosen), round(sum(pair.arguments_right for pair in chosen), 6)


def all_pairings(rows: int, columns: int) -> Iterable[Pairs]:
    """Yield every pairing of as many pairs as the shorter list has calls."""
    if rows <= columns:
        for chosen in permutations(range(columns), rows):
            yield list(enumerate(chosen))
    else:
        for chosen in permutations(range(rows), columns):
            yield [(row, column) for column, row in enumerate(chosen)]


def all_monotone_pairings(rows: int, columns: int) -> Iterable[Pairs]:
    """Yield every pairing of full size in which no two pairs cross."""
    size = min(rows, columns)
    for chosen_rows in combinations(range(rows), size):
        for chosen_columns in combinations(range(columns), size):
            yield list(zip(chosen_rows, chosen_columns, strict=True))


@given(likenesses())
@settings(max_examples=150)
def test_no_pairing_is_better(likeness: list[list[Likeness]]) -> None:
    """Brute force over all pairings finds none that is worth more."""
    best = max(worth(likeness, pairs) for pairs in all_pairings(len(likeness), len(likeness[0])))
    assert worth(likeness, align(likeness, ordered=False)) == best


@pytest.mark.parametrize(("rows", "columns"), [(25, 25), (12, 40), (40, 12)])
def test_long_pairings_are_worth_what_scipy_finds(rows: int, columns: int) -> None:
    """Far beyond brute force: the totals of scipy's assignment."""
    random = Random(rows)
    # Of whole matches too few for all, and near ones of many worths: the best of one call stands in another's way.
    near = [Likeness(full=False, same_tool=True, arguments_right=share / 50) for share in range(50)]
    likeness = [[random.choice([FULL, *near, *[NOTHING] * 50]) for _ in range(columns)] for _ in range(rows)]
    totals = np.array(
        [[pair.full * 10_000 + pair.same_tool * 100 + pair.arguments_right for pair in row] for row in likeness]
    )
    found = linear_sum_assignment(totals, maximize=True)
    assert worth(likeness, align(likeness, ordered=False)) == worth(likeness, zip(*found, strict=True))


@given(likenesses())
@settings(max_examples=150)
def test_no_monotone_pairing_is_better(likeness: list[list[Likeness]]) -> None:
    """With a strict order, brute force over all monotone pairings finds none that is worth more."""
    best = max(worth(likeness, pairs) for pairs in all_monotone_pairings(len(likeness), len(likeness[0])))
    assert worth(likeness, align(likeness, ordered=True)) == best


@given(likenesses(), st.booleans())
def test_pairs_are_a_matching_of_full_size(likeness: list[list[Likeness]], ordered: bool) -> None:  # noqa: FBT001 -- drawn
    """Each call is in one pair at most, the shorter list is used up, and ordered pairs never cross."""
    pairs = align(likeness, ordered=ordered)
    assert len(pairs) == min(len(likeness), len(likeness[0]))
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert pairs == sorted(pairs)
    if ordered:
        columns = [column for _, column in pairs]
        assert columns == sorted(columns)


@given(likenesses(), st.randoms(use_true_random=False))
def test_order_of_calls_does_not_count(likeness: list[list[Likeness]], random: Random) -> None:
    """Shuffling the calls of both sides leaves the pairing's worth as it is."""
    shuffled = [list(row) for row in likeness]
    columns = random.sample(range(len(likeness[0])), len(likeness[0]))
    shuffled = [[row[column] for column in columns] for row in shuffled]
    random.shuffle(shuffled)
    assert worth(shuffled, align(shuffled, ordered=False)) == worth(likeness, align(likeness, ordered=False))


def test_equal_calls_keep_their_order() -> None:
    """Among equally good pairings the one along the diagonal is chosen."""
    assert align([[FULL] * 4] * 4, ordered=False) == [(0, 0), (1, 1), (2, 2), (3, 3)]
    assert align([[NOTHING, FULL], [NOTHING, FULL]], ordered=False) == [(0, 0), (1, 1)]


def test_one_full_match_outweighs_many_near_ones() -> None:
    """A pairing with a full match wins over one with more arguments right."""
    likeness = [[HALF, FULL, HALF], [HALF, HALF, NOTHING], [NOTHING, HALF, NOTHING]]
    assert (0, 1) in align(likeness, ordered=False)


def test_nothing_to_pair() -> None:
    """Without expected or predicted calls there are no pairs."""
    assert align([], ordered=False) == align([[]], ordered=True) == []
