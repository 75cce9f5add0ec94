"""The cluster bootstrap against scipy's, which draws every case, and against what it must hold."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy.stats import bootstrap, t

from fceval.stats.resampling import Floats, expanded_tail, percentile_interval


def differences(cases: int, trials: int, drop: float, seed: int) -> Floats:
    """Return the differences of the means of cases that waver, a few of which always pass or fail."""
    draw = np.random.default_rng(seed)
    chance = draw.beta(2, 0.5, size=cases)
    base, new = (draw.binomial(trials, np.clip(chance - less, 0, 1)) / trials for less in (0, drop))
    return new - base


@pytest.mark.parametrize(
    ("cases", "trials", "drop", "seed"), [(9, 2, 0.1, 9), (30, 3, 0.0, 30), (80, 3, 0.1, 81), (80, 3, 0.1, 82)]
)
def test_interval_is_that_of_scipy(cases: int, trials: int, drop: float, seed: int) -> None:
    """Equal to the ninth place: means of so few cases are steps apart, and neither end here lies between two."""
    values = differences(cases, trials, drop, seed)
    level = 1 - 2 * expanded_tail(cases, 0.05)
    reference = bootstrap(
        (values,),
        np.mean,
        n_resamples=100_000,
        batch=10_000,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert percentile_interval(values, 0.05) == pytest.approx((reference.low, reference.high), abs=1e-9)


def test_level_is_widened_as_students_quantile_is() -> None:
    """Hesterberg's table: for 10 cases 0.0086 at each end in place of 0.025; for many nearly nothing."""
    assert expanded_tail(10, 0.05) == pytest.approx(0.0086, abs=5e-5)
    assert expanded_tail(100_000, 0.05) == pytest.approx(0.025, abs=1e-5)


@pytest.mark.parametrize("cases", [100, 2_000])
def test_interval_of_many_cases_is_nearly_that_of_the_t_test(cases: int) -> None:
    """Within a tenth of its width."""
    values = differences(cases, 3, 0.05, seed=1)
    half = t.ppf(0.975, cases - 1) * values.std(ddof=1) / np.sqrt(cases)
    expected = (values.mean() - half, values.mean() + half)
    assert percentile_interval(values, 0.05) == pytest.approx(expected, abs=0.2 * half)


def test_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    """95 of 100 times, for twenty cases of three trials each: the case is the unit, not the trial."""
    truth = differences(400_000, 3, 0.1, seed=7).mean()
    ends = [percentile_interval(differences(20, 3, 0.1, seed), 0.05) for seed in range(300)]
    assert np.mean([low <= truth <= high for low, high in ends]) == pytest.approx(0.95, abs=0.03)


def test_order_does_not_matter_and_many_cases_take_little() -> None:
    """100,000 cases in any order have one interval, made in less memory than one draw of every case would take."""
    values = differences(100_000, 3, 0.01, seed=3)
    tracemalloc.start()
    found = percentile_interval(values, 0.05)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == percentile_interval(np.sort(values), 0.05)
    assert peak < 20e6
