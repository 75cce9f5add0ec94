"""Pair expected with predicted calls so that the pairs agree as well as they can: optimal, not greedy.

Full matches count most, then pairs of the same tool, then how many of their arguments are right; among equally good
pairings the one wins that pairs calls at about the same place of both lists. As many pairs are made as the shorter
list has calls, so that two calls which match nothing are reported as one wrong call and not as a missing and an extra
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_ARGUMENT_STEPS = 1000


class Likeness(NamedTuple):
    """How well one predicted call answers one expected call."""

    full: bool
    """Same tool, every argument right."""
    same_tool: bool
    arguments_right: float
    """Share of the arguments that are right, in [0, 1]; 0 unless `same_tool`."""


def align(likeness: Sequence[Sequence[Likeness]], *, ordered: bool) -> list[tuple[int, int]]:
    """Return the pairs (expected index, predicted index), sorted.

    Args:
        likeness: A row per expected call, a column per predicted call.
        ordered: Whether pairs may not cross (calls wanted in a strict order).

    The assignment is the Hungarian method's; with a strict order it is the best monotone pairing, by dynamic
    programming as for a longest common subsequence.
    """
    if not likeness or not likeness[0]:
        return []
    worth = _worth(likeness)
    if len(worth) == 1 and len(worth[0]) == 1:
        return [(0, 0)]
    return _monotone(worth) if ordered else _assignment(worth)


def _worth(likeness: Sequence[Sequence[Likeness]]) -> list[list[int]]:
    """Return one number per pair, in which a better criterion outweighs any sum of the ones below it."""
    pairs, size = sorted((len(likeness), len(likeness[0])))
    place = pairs * size + 1  # one step of arguments outweighs the place of all pairs
    tool = (_ARGUMENT_STEPS * pairs + 1) * place
    full = (pairs + 1) * tool
    return [
        [
            full * pair.full
            + tool * pair.same_tool
            + place * round(_ARGUMENT_STEPS * pair.arguments_right)
            + (size - abs(row - column))
            for column, pair in enumerate(of_row)
        ]
        for row, of_row in enumerate(likeness)
    ]


def _assignment(worth: list[list[int]]) -> list[tuple[int, int]]:
    """Return the best pairing of as many pairs as the shorter list has calls.

    The Hungarian method in its form with prices: a row joins those that are paired already along the path that costs
    the least, and the prices of rows and columns change so that no pair is worth more than both its prices. In whole
    numbers, and at once: to load scipy's takes longer than to score a thousand answers.
    """
    if len(worth) > len(worth[0]):
        across = [list(column) for column in zip(*worth, strict=True)]
        return sorted((row, column) for column, row in _assignment(across))
    row_prices, column_prices = [max(of_row) for of_row in worth], [0] * len(worth[0])
    row_at, column_at = dict[int, int](), dict[int, int]()
    for new, highest in enumerate(row_prices):
        loss_to, row_before = dict[int, int](), dict[int, int]()  # of each column that can be reached
        settled = dict[int, int]()  # columns by what the way to them costs
        row, loss = new, 0
        while True:
            for column, value in enumerate(worth[row]):
                through = loss + row_prices[row] + column_prices[column] - value
                if column not in settled and through < loss_to.get(column, through + 1):
                    loss_to[column], row_before[column] = through, row
            column = min(loss_to, key=loss_to.__getitem__)
            loss = loss_to.pop(column)
            if column not in row_at:
                break
            settled[column] = loss
            row = row_at[column]
        row_prices[new] = highest - loss
        for taken, cost in settled.items():
            row_prices[row_at[taken]] -= loss - cost
            column_prices[taken] += loss - cost
        last = -1
        while last != new:
            last = row_before[column]
            row_at[column] = last
            column, column_at[last] = column_at.get(last, -1), column
    return sorted(column_at.items())


def _monotone(worth: list[list[int]]) -> list[tuple[int, int]]:
    """Return the best pairing in which no two pairs cross, of as many pairs as the shorter list has calls."""
    rows, columns = len(worth), len(worth[0])
    # best[r][c]: (number of pairs, worth) reachable with the calls from r and from c on.
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for row in reversed(range(rows)):
        for column in reversed(range(columns)):
            pairs, value = best[row + 1][column + 1]
            taken = (pairs + 1, value + worth[row][column])
            best[row][column] = max(taken, best[row + 1][column], best[row][column + 1])
    found, row, column = [], 0, 0
    while row < rows and column < columns:
        pairs, value = best[row + 1][column + 1]
        if best[row][column] == (pairs + 1, value + worth[row][column]):
            found.append((row, column))
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1
    return found
