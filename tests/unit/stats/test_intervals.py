"""Intervals against scipy, and against what they must be at the edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from fceval.stats.intervals import ClusterSums, clustered_wilson, effective_observations, wilson
from fceval.stats.resampling import percentile_interval


def _sums(*cases: tuple[int, int]) -> ClusterSums:
    """Return the sums over cases given as (hits, observations)."""
    return ClusterSums(
        cases=len(cases),
        hits=sum(x for x, _ in cases),
        observations=sum(m for _, m in cases),
        hits_squared=sum(x * x for x, _ in cases),
        hits_by_observations=sum(x * m for x, m in cases),
        observations_squared=sum(m * m for _, m in cases),
    )


@pytest.mark.parametrize(
    ("passed", "n"), [(p, n) for n in (1, 2, 10, 97, 5000) for p in sorted({0, 1, n // 2, n - 1, n})]
)
def test_wilson_agrees_with_scipy(passed: int, n: int) -> None:
    """Both ends are scipy's, at 0 and at 1 too."""
    reference = binomtest(passed, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(passed / n, n) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_wilson_of_nothing_is_no_interval() -> None:
    """No observation, no interval."""
    assert wilson(0.0, 0) is None
    assert clustered_wilson(_sums()) is None


@pytest.mark.parametrize("passed", [0, 1, 7, 19, 20])
def test_one_observation_per_case_is_wilson(passed: int) -> None:
    """Where each case has one trial, clustering changes nothing."""
    cases = [(1, 1)] * passed + [(0, 1)] * (20 - passed)
    reference = binomtest(passed, 20).proportion_ci(method="wilson")
    assert clustered_wilson(_sums(*cases)) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_trials_that_always_agree_are_worth_one_each() -> None:
    """Ten cases, three equal trials each: n (K - 1) / (n - 1) = 30 * 9 / 29 observations, by hand."""
    sums = _sums(*[(3, 3)] * 6, *[(0, 3)] * 4)
    assert effective_observations(sums) == pytest.approx(30 * 9 / 29, abs=1e-12)


def test_design_effect_by_the_book() -> None:
    """The variance of a ratio estimator over cases, written out with fractions of cases instead of sums."""
    cases = [(3, 3), (1, 3), (2, 2), (0, 3), (2, 3), (1, 1)]
    k, n, p = len(cases), 15, 9 / 15
    between = k / (k - 1) * sum((x - p * m) ** 2 for x, m in cases) / n**2
    expected = n * (p * (1 - p) / (n - 1)) / between
    assert effective_observations(_sums(*cases)) == pytest.approx(expected, rel=1e-12)


def test_trials_that_differ_like_coins_are_worth_no_more_than_themselves() -> None:
    """Cases that are more alike than chance allows do not make more of the observations than there are."""
    assert effective_observations(_sums(*[(1, 2)] * 10)) == 20
    assert effective_observations(_sums(*[(1, 2)] * 9, (2, 2))) == 20


@pytest.mark.parametrize("hits", [0, 3])
def test_full_agreement_counts_cases(hits: int) -> None:
    """At 0 % and 100 % the cautious end: five cases of three trials are five observations."""
    sums = _sums(*[(hits, 3)] * 5)
    assert effective_observations(sums) == 5
    assert clustered_wilson(sums) == wilson(hits / 3, 5)


def test_one_case_is_one_observation() -> None:
    """Trials of a single case say nothing about other cases."""
    assert effective_observations(_sums((2, 5))) == 1


def test_interval_never_leaves_the_unit_range() -> None:
    """Whatever the cases are, 0 <= low <= share <= high <= 1."""
    shapes = [(x, m) for m in (1, 2, 5) for x in range(m + 1)]
    for cases in itertools.combinations_with_replacement(shapes, 3):
        sums = _sums(*cases)
        interval = clustered_wilson(sums)
        assert interval is not None
        assert 0 <= interval[0] <= sums.hits / sums.observations <= interval[1] <= 1


def test_interval_of_several_trials_is_as_wide_as_that_of_drawing_cases_anew() -> None:
    """Within a tenth, where Wilson over single responses would be a third too narrow."""
    draw = np.random.default_rng(0)
    trials, cases = 4, 400
    hits = draw.binomial(trials, draw.beta(1.5, 0.7, size=cases))
    low, high = clustered_wilson(_sums(*((int(each), trials) for each in hits))) or (0.0, 0.0)
    resampled = percentile_interval(hits / trials, 0.05)
    naive = wilson(hits.sum() / (cases * trials), cases * trials) or (0.0, 0.0)
    assert (low, high) == pytest.approx(resampled, abs=0.1 * (high - low))
    assert naive[1] - naive[0] < 0.7 * (high - low)
