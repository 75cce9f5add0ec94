"""When a metric changed: against scipy's likelihood ratio, by simulation, and on series that a reader can judge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ttest_ind

from fceval.stats.history import Observed, change_points, effective_n, likelihood_ratio, standardised
from fceval.stats.intervals import wilson


def shares(*hits: int, n: int = 200) -> list[Observed]:
    """Return runs of `n` cases with so many passes."""
    return [Observed(each / n, n) for each in hits]


def amounts(*values: float) -> list[Observed]:
    """Return runs of an amount."""
    return [Observed(each) for each in values]


def test_one_bad_run_at_the_end_is_seen() -> None:
    """With shares, the latest run is enough: that is what a nightly run is for."""
    (change,) = change_points(shares(184, 182, 185, 140))
    assert (change.at, round(change.before, 3), change.after) == (3, 0.918, 0.7)
    assert change.p_value < 0.01


def test_fall_and_rise_are_two_changes() -> None:
    """In order, each with the means of the stretches beside it."""
    found = change_points(shares(*[184] * 6, *[150] * 6, *[190] * 6))
    assert [change.at for change in found] == [6, 12]
    assert [round(change.before, 2) for change in found] == [0.92, 0.75]
    assert [round(change.after, 2) for change in found] == [0.75, 0.95]


@pytest.mark.parametrize(
    "series", [shares(), shares(180), shares(180, 180, 180), amounts(1, 2, 9), amounts(*[1.5] * 9), shares(0, 0), []]
)
def test_what_cannot_be_told_from_chance_is_no_change(series: list[Observed]) -> None:
    """Nothing, one run, equal runs, three latencies."""
    assert change_points(series) == ()


def test_amounts_change_where_their_mean_does() -> None:
    """A latency that doubles and stays."""
    draw = np.random.default_rng(3)
    series = amounts(*draw.normal(1.0, 0.1, 8), *draw.normal(2.0, 0.1, 8))
    (change,) = change_points(series, tests=12)
    assert change.at == 8
    assert change.after == pytest.approx(2.0, abs=0.1)


def test_more_series_need_more_evidence() -> None:
    """Looking at many makes one of them look changed; the level is shared out."""
    series = shares(184, 186, 170)
    assert change_points(series, alpha=0.2)
    assert not change_points(series, alpha=0.2, tests=50)


def test_same_series_same_answer() -> None:
    """What is simulated is seeded."""
    series = shares(180, 170, 188, 160, 190)
    assert change_points(series, alpha=0.5) == change_points(series, alpha=0.5)


def test_split_of_shares_is_the_likelihood_ratio_of_scipy() -> None:
    """At every place of a series, to the ninth digit."""
    hits, sizes = np.asarray([18, 30, 7, 44, 20]), np.asarray([20, 40, 20, 50, 20])
    found = likelihood_ratio((hits / sizes)[None], sizes[None].astype(float))[0]
    for place in range(1, len(hits)):
        table = [
            [part.sum(), size.sum() - part.sum()]
            for part, size in ((hits[:place], sizes[:place]), (hits[place:], sizes[place:]))
        ]
        expected = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
        assert found[place - 1] == pytest.approx(expected, abs=1e-9)


def test_split_of_amounts_orders_as_the_t_test_of_scipy() -> None:
    """It is the t statistic but for a monotone function: t^2 / (n - 2 + t^2) is its square over n."""
    values = np.random.default_rng(1).normal(size=9)
    found = standardised(values[None], np.ones((1, 9)))[0]
    for place in range(1, 9):
        if 1 < place < 8:
            t = ttest_ind(values[:place], values[place:]).statistic
            assert found[place - 1] ** 2 / 9 == pytest.approx(t**2 / (7 + t**2), abs=1e-9)


@pytest.mark.parametrize("kind", ["shares", "amounts"])
def test_false_alarms_keep_to_the_level(kind: str) -> None:
    """Of 300 quiet histories at most alpha and 3 points see a change."""
    draw = np.random.default_rng(7)
    alarms = 0
    for _ in range(300):
        series = (
            shares(*draw.binomial(200, 0.9, size=10).tolist())
            if kind == "shares"
            else amounts(*draw.normal(size=10).tolist())
        )
        alarms += bool(change_points(series))
    assert alarms / 300 <= 0.05 + 0.03


@given(passed=st.integers(0, 60), n=st.integers(1, 60), effect=st.floats(1, 5))
def test_observations_are_read_back_from_an_interval(passed: int, n: int, effect: float) -> None:
    """Whatever the design effect: Wilson's interval says how much it rests on."""
    share, size = min(passed, n) / n, max(1.0, n / effect)
    interval = wilson(share, size)
    assert interval is not None
    assert effective_n(share, *interval) == pytest.approx(size, rel=1e-6)


def test_interval_of_nothing_rests_on_nothing() -> None:
    """No width, or all of it."""
    assert effective_n(0.5, 0.5, 0.5) is None
    assert effective_n(0.5, 0.0, 1.0) is None
