"""Paired comparisons, against figures of statsmodels, scipy and the papers, and by simulation.

`tests/data/stats/paired.json` was computed with statsmodels (McNemar, Holm, Wilson) and scipy (t test).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from fceval.stats.intervals import wilson
from fceval.stats.paired import ALPHA, FEWEST_RESAMPLED, POWER, detectable_drop, holm, mcnemar, newcombe, paired
from fceval.stats.resampling import percentile_interval

REFERENCES: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "data" / "stats" / "paired.json").read_text(encoding="utf-8")
)
SHARES = st.sampled_from([0.0, 1.0]) | st.integers(0, 5).map(lambda passed: passed / 5)


def table(both: int, worse: int, better: int, neither: int) -> tuple[list[float], list[float]]:
    """Return the cases of a fourfold table, of the base run and of the new one."""
    base = [1.0] * (both + worse) + [0.0] * (better + neither)
    new = [1.0] * both + [0.0] * worse + [1.0] * better + [0.0] * neither
    return base, new


@pytest.mark.parametrize("reference", REFERENCES["mcnemar"])
def test_mcnemar_is_that_of_statsmodels(reference: dict[str, Any]) -> None:
    """In both directions, to the ninth place; nothing changed is no evidence."""
    found = paired(*table(*(reference[name] for name in ("both", "worse", "better", "neither"))))
    assert found.method == "mcnemar"
    assert found.p_value == pytest.approx(reference["p_value"], abs=1e-9)
    assert found.p_drop == pytest.approx(reference["p_drop"], abs=1e-9)


@pytest.mark.parametrize("reference", REFERENCES["paired_t"])
def test_several_trials_are_compared_by_the_t_test_of_scipy(reference: dict[str, Any]) -> None:
    """On the means of the cases; p-values to the ninth place, and the bootstrap's interval, of few cases Student's."""
    found = paired(reference["base"], reference["new"])
    assert found.method == "paired_t"
    for name in ("p_value", "p_drop"):
        assert getattr(found, name) == pytest.approx(reference[name], abs=1e-9)
    differences = np.asarray(reference["new"]) - np.asarray(reference["base"])
    few = ttest_1samp(differences, 0.0).confidence_interval(1 - ALPHA)
    interval = few if len(differences) < FEWEST_RESAMPLED else percentile_interval(differences, ALPHA)
    assert (found.low, found.high) == pytest.approx(interval, abs=1e-9)


@pytest.mark.parametrize("reference", REFERENCES["holm"])
def test_holm_is_that_of_statsmodels(reference: dict[str, Any]) -> None:
    """Never below the raw value, in the order of the tests."""
    assert holm(reference["p_values"]) == pytest.approx(reference["adjusted"], abs=1e-9)


@pytest.mark.parametrize("reference", REFERENCES["wilson"])
def test_wilson_is_that_of_statsmodels(reference: dict[str, Any]) -> None:
    """The interval that every accuracy of a report has."""
    share = reference["passed"] / reference["n"]
    assert wilson(share, reference["n"]) == pytest.approx((reference["low"], reference["high"]), abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [((36, 12, 2, 0), 0.0569, 0.3404), ((20, 12, 2, 16), 0.0562, 0.3292), ((54, 0, 0, 0), -0.0664, 0.0664)],
)
def test_interval_of_a_paired_difference_is_newcombes(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Method 10 for tables of his paper (1998), turned round: a drop is negative here."""
    base, new = table(*counts)
    found = newcombe(np.asarray(base), np.asarray(new), 0.05)
    assert found == pytest.approx((-high, -low), abs=5e-5)


@given(st.lists(SHARES, min_size=1, max_size=40))
def test_run_does_not_differ_from_itself(shares: list[float]) -> None:
    """No difference, no flip, no evidence of anything."""
    found = paired(shares, shares)
    assert (found.difference, found.worse, found.better, found.p_value, found.p_drop) == (0, 0, 0, 1, 1)
    assert found.verdict in {"no evidence", "underpowered"}
    assert found.low <= 0 <= found.high


@settings(max_examples=40, deadline=None)  # each of them draws 9,999 sets of cases, twice
@given(st.lists(st.tuples(SHARES, SHARES), min_size=2, max_size=40))
def test_turned_round_it_says_the_opposite(pairs: list[tuple[float, float]]) -> None:
    """Base and new change places: so do the signs, and the p-value stays."""
    base, new = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    one, other = paired(base, new), paired(new, base)
    assert one.p_value == pytest.approx(other.p_value, abs=1e-9)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-9)
    assert (one.worse, one.better) == (other.better, other.worse)
    opposite = {"regressed": "improved", "improved": "regressed"}
    assert one.verdict == opposite.get(other.verdict, other.verdict)
    assert -1 <= one.low <= one.difference + 1e-12
    assert one.difference - 1e-12 <= one.high <= 1


def test_cases_that_all_fell_by_the_same_are_evidence() -> None:
    """There is no spread for a t test, and little doubt: they are counted, and the interval is no point."""
    found = paired([1.0] * 20, [0.8] * 20)
    assert (found.verdict, found.method) == ("regressed", "mcnemar")
    assert found.p_value == pytest.approx(2 * 0.5**20)
    assert found.low < -0.2 < found.high < 0.001
    only = paired([0.6], [0.4])
    assert (only.p_value, only.low < -0.7, only.high > 0.4) == (1.0, True, True)


@pytest.mark.parametrize("cases", [100, 500, 2000])
@pytest.mark.parametrize("churn", [0.02, 0.08])
def test_drop_that_is_called_detectable_is_detected(cases: int, churn: float) -> None:
    """A simulated drop of that size is found in about 80 % of runs; between equals at most 5 % are false alarms."""
    draw = np.random.default_rng(cases)
    churned = 2 * round(churn * cases / 2)
    drop = detectable_drop(cases, churned)
    shares = (churned / 2 / cases + drop, churned / 2 / cases)
    found = alarms(draw, cases, *shares)
    false = alarms(draw, cases, shares[1], shares[1])
    # The exact test is a little more careful than the approximation: its level is at most alpha, not alpha.
    assert POWER - 0.09 <= found <= POWER + 0.05
    assert false <= ALPHA + 0.015


def alarms(draw: np.random.Generator, cases: int, worse: float, better: float, runs: int = 2_000) -> float:
    """Return the share of simulated comparisons in which McNemar's test calls a drop significant."""
    counts = draw.multinomial(cases, [worse, better, 1 - worse - better], size=runs)
    known: dict[tuple[int, int], bool] = {}
    for fell, rose in {(int(row[0]), int(row[1])) for row in counts}:
        known[fell, rose] = mcnemar(fell, rose)[1] <= ALPHA
    return sum(known[int(row[0]), int(row[1])] for row in counts) / runs
