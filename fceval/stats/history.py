"""When a metric changed: the runs after which a series is no longer what it was before. Pure.

Binary segmentation (A. J. Scott and M. Knott, Biometrics 30, 1974; L. Y. Vostrikova, Soviet Mathematics Doklady 24,
1981): the best split of a series is tested, and where it is one, both parts are searched in turn. The distribution of
the best split among equals is simulated, so that looking at every place is paid for. What it is held against is

* for a share of observations, the likelihood ratio of two chances against one (K. J. Worsley, "The power of likelihood
  ratio and cumulative sum tests for a change in a binomial probability", Biometrika 70, 1983), given the sum of all;
* for any other amount, the standardised difference of the means before and after, with permutations of the series
  (J. Antoch and M. Hušková, "Permutation tests in change point analysis", Statistics and Probability Letters 53, 2001).

The first can tell two runs apart; the second knows nothing but the order of the values, and needs about eight runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from fceval.stats.intervals import Z_95
from fceval.stats.paired import ALPHA

Floats: TypeAlias = npt.NDArray[np.float64]

_DRAWS_PER_ALPHA = 20
"""How many simulated series are to lie beyond the level: then chance moves the p-value by about a fifth of it."""
_FEWEST_DRAWS = 2_000
_SHORTEST = 4
"""Fewer values cannot be told from a permutation of themselves at any usual level."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Observed:
    """One metric of one run."""

    value: float
    n: float | None = None
    """Independent observations that `value`, a share in [0, 1], rests on; None for any other amount."""


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """A run from which on a metric is another."""

    at: int
    """Position of the first run after the change."""
    before: float
    """Mean of the stretch that ends there."""
    after: float
    """Mean of the stretch that begins there."""
    p_value: float
    """Of a split as clear as this, anywhere in the stretch, between equals."""


def effective_n(share: float, low: float, high: float) -> float | None:
    """Return how many independent observations Wilson's 95% interval of a share stands for; None for none.

    It undoes `fceval.stats.intervals.wilson`, whose width is a quadratic equation in z^2 / n.
    """
    width, spread = (high - low) ** 2 / 4, share * (1 - share)
    if not 0 < width < 0.25:  # noqa: PLR2004 -- half of the whole range, squared: no observation leaves more
        return None
    a, b, c = width - 0.25, 2 * width - spread, width
    u = (-b - math.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a)
    return Z_95**2 / u if u > 0 else None


def change_points(series: Sequence[Observed], alpha: float = ALPHA, tests: int = 1) -> tuple[ChangePoint, ...]:
    """Return where a series changed, in order; the same series gives the same answer.

    Args:
        series: In order of time; all of them shares with their `n`, or all of them amounts.
        alpha: Chance that any change is seen in series that have none.
        tests: How many series are searched together; each gets its part of `alpha` (Bonferroni).
    """
    values = np.asarray([each.value for each in series], dtype=np.float64)
    are_shares = all(each.n is not None for each in series)
    weights = np.asarray([max(1.0, round(each.n or 1.0)) if are_shares else 1.0 for each in series], dtype=np.float64)
    simulated = _redistributed if are_shares else _permuted
    split = likelihood_ratio if are_shares else standardised
    level = alpha / max(1, tests)
    draws = max(_FEWEST_DRAWS, math.ceil(_DRAWS_PER_ALPHA / level))
    ends = [0, len(values)]
    p_values: dict[int, float] = {}
    pending = [(0, len(values))]
    while pending:
        start, end = pending.pop()
        part, sizes = values[start:end], weights[start:end]
        if len(part) < (2 if are_shares else _SHORTEST) or np.ptp(part) == 0:
            continue
        scores = split(part[None], sizes[None])[0]
        place = int(scores.argmax())
        p_value = _p_value(scores[place], simulated(part, sizes, draws), split)
        if p_value <= level:
            at = start + place + 1
            p_values[at] = p_value
            ends.append(at)
            pending += [(start, at), (at, end)]
    ends.sort()
    means = [np.average(values[start:end], weights=weights[start:end]) for start, end in pairwise(ends) if start < end]
    return tuple(
        ChangePoint(at, float(before), float(after), p_values[at])
        for at, (before, after) in zip(ends[1:-1], pairwise(means), strict=True)
    )


Simulated: TypeAlias = tuple[Floats, Floats]
"""Values and weights of many series, a row each."""


def _p_value(found: float, simulated: Simulated, split: Callable[[Floats, Floats], Floats]) -> float:
    best = split(*simulated).max(axis=1)
    beyond = int((best >= found - _ROUNDING).sum())
    return (1 + beyond) / (1 + len(best))


def _redistributed(values: Floats, sizes: Floats, draws: int) -> Simulated:
    """Return series of the same sizes and the same hits in all, which chance alone has spread over the runs.

    Given their sum the chance of a hit itself does not matter, so the test is exact whatever it is.
    """
    numbers = sizes.astype(np.int64)
    hits = int(np.rint(values * numbers).sum())
    drawn = np.random.default_rng(0).multivariate_hypergeometric(numbers, hits, size=draws, method="marginals")
    return drawn / numbers, np.broadcast_to(sizes, drawn.shape)


def _permuted(values: Floats, weights: Floats, draws: int) -> Simulated:
    series = np.random.default_rng(0).permuted(np.tile(values, (draws, 1)), axis=1)
    return series, np.broadcast_to(weights, series.shape)


def likelihood_ratio(values: Floats, sizes: Floats) -> Floats:
    """Return, per series and place of a split, twice the log-likelihood that two chances gain over one.

    Args:
        values: Shares in [0, 1], a series a row.
        sizes: Observations that each of them rests on.
    """
    hits, totals = np.cumsum(values * sizes, axis=1), np.cumsum(sizes, axis=1)
    all_hits, all_totals = hits[:, -1:], totals[:, -1:]
    before = _log_likelihood(hits[:, :-1], totals[:, :-1])
    after = _log_likelihood(all_hits - hits[:, :-1], all_totals - totals[:, :-1])
    gained: Floats = 2 * (before + after - _log_likelihood(all_hits, all_totals))
    return gained


def _log_likelihood(hits: Floats, totals: Floats) -> Floats:
    from scipy.special import xlogy  # noqa: PLC0415 -- heavy, and for histories only

    misses = np.maximum(0.0, totals - hits)
    found = xlogy(hits, hits / totals) + xlogy(misses, misses / totals)
    return np.asarray(found, dtype=np.float64)


def standardised(values: Floats, _weights: Floats) -> Floats:
    """Return, per series and place of a split, how far the means before and after are apart, in standard deviations.

    Args:
        values: A series a row.
        _weights: Not used: every value counts the same.
    """
    length = values.shape[1]
    number = np.arange(1, length, dtype=np.float64)
    centred = values - values.mean(axis=1, keepdims=True)
    sums = np.cumsum(centred, axis=1)[:, :-1]
    spread = np.sqrt((centred**2).mean(axis=1, keepdims=True))
    distance: Floats = np.abs(sums) / np.sqrt(number * (length - number) / length) / np.where(spread > 0, spread, 1.0)
    return distance
