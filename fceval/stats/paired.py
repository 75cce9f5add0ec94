"""Two runs over the same cases: how large the difference is, how sure, and how small a one would have been seen. Pure.

The unit is the case, because trials and turns of one case fall and rise together. Where every case was asked once,
it passed or it did not: McNemar's exact test, and Newcombe's interval. Where there are several trials or turns, a
case has a mean: the paired t test on the differences of the means, and the interval of the cluster bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fceval.stats.intervals import wilson
from fceval.stats.resampling import Floats, percentile_interval

Verdict: TypeAlias = Literal["regressed", "improved", "no evidence", "underpowered"]

ALPHA = 0.05
"""Share of comparisons of equals that may be called different."""
POWER = 0.8
"""Share of true differences of the detectable size that are found."""
MATTERS = 0.05
"""A comparison that could not have seen a difference of this size is underpowered."""
FEWEST_RESAMPLED = 20
"""The bootstrap draws from the cases that there are; fewer say too little of what others would do (then Student's)."""
_SAME = 1e-12  # differences of equal shares, computed from other shares, are not equal to the last bit


@dataclass(frozen=True, slots=True)
class Paired:
    """What a comparison found."""

    cases: int
    """Cases measured in both."""
    base: float
    """Mean over the cases, in [0, 1]."""
    new: float
    low: float
    """Lower end of the interval of `difference`, at level 1 - alpha."""
    high: float
    worse: int
    """Cases whose mean fell."""
    better: int
    """Cases whose mean rose."""
    p_value: float
    """Of a difference as large as this, in either direction, between equals."""
    p_drop: float
    """Of a drop as large as this between equals."""
    method: Literal["mcnemar", "paired_t"]
    detectable: float
    """Smallest drop that such a comparison finds with a power of 0.8, in [0, 1]."""
    verdict: Verdict

    @property
    def difference(self) -> float:
        """New minus base."""
        return self.new - self.base


def paired(base: Sequence[float], new: Sequence[float], alpha: float = ALPHA, matters: float = MATTERS) -> Paired:
    """Compare the means of the same cases in two runs.

    Args:
        base: Share of each case's responses that passed, in [0, 1]; at least one.
        new: The same of the other run, in the same order.
        alpha: Level of the verdict and, as 1 - alpha, of the interval.
        matters: What a comparison must be able to see not to be called underpowered.
    """
    before, after = np.asarray(base, dtype=np.float64), np.asarray(new, dtype=np.float64)
    differences = after - before
    worse, better = int((differences < 0).sum()), int((differences > 0).sum())
    once = bool(np.isin(before, (0.0, 1.0)).all() and np.isin(after, (0.0, 1.0)).all())
    # Where all cases changed by the same there is no spread to test or to resample: then they are counted.
    alike = bool(np.ptp(differences) < _SAME)
    counted = once or alike
    if counted:
        p_value, p_drop = mcnemar(worse, better)
        low, high = newcombe(before, after, alpha)
        spread = None
    else:
        p_value, p_drop, low, high = paired_t(differences, alpha)
        if len(differences) >= FEWEST_RESAMPLED:
            low, high = percentile_interval(differences, alpha)
        spread = float(differences.std(ddof=1))
    detectable = detectable_drop(len(differences), 2 * min(worse, better), alpha, spread)
    return Paired(
        cases=len(differences),
        base=float(before.mean()),
        new=float(after.mean()),
        low=max(-1.0, low),
        high=min(1.0, high),
        worse=worse,
        better=better,
        p_value=p_value,
        p_drop=p_drop,
        method="mcnemar" if counted else "paired_t",
        detectable=detectable,
        verdict=verdict_of(float(differences.mean()), p_value, detectable, alpha, matters),
    )


def verdict_of(difference: float, p_value: float, detectable: float, alpha: float, matters: float) -> Verdict:
    """Return what a comparison says.

    Args:
        difference: New minus base.
        p_value: Of a difference in either direction, adjusted where several are judged together.
        detectable: Smallest drop that it would have found.
        alpha: Level of the verdict.
        matters: What it must be able to see not to be called underpowered.
    """
    if p_value < alpha:
        return "regressed" if difference < 0 else "improved"
    return "underpowered" if detectable > matters else "no evidence"


def mcnemar(worse: int, better: int) -> tuple[float, float]:
    """Return (p of a difference, p of a drop) by McNemar's exact test: the cases that changed are tosses of a coin."""
    from scipy.stats import binomtest  # noqa: PLC0415 -- heavy, and for comparisons only

    changed = worse + better
    if not changed:
        return 1.0, 1.0
    two_sided = binomtest(worse, changed, 0.5).pvalue
    return float(two_sided), float(binomtest(worse, changed, 0.5, alternative="greater").pvalue)


def newcombe(base: Floats, new: Floats, alpha: float) -> tuple[float, float]:
    """Return the interval of a difference of paired proportions (Newcombe 1998, method 10).

    Unlike the interval that a standard error gives it is no point where nothing changed, and stays within [-1, 1].
    The mean of a case that was asked several times counts as one observation, the cautious end.
    """
    from scipy.stats import norm  # noqa: PLC0415 -- heavy, and for comparisons only

    number, z = len(base), float(norm.ppf(1 - alpha / 2))
    both = float((base * new).sum())
    passed_base, passed_new = float(base.sum()), float(new.sum())
    share_base, share_new = passed_base / number, passed_new / number
    low_base, high_base = wilson(share_base, number, z) or (0.0, 1.0)
    low_new, high_new = wilson(share_new, number, z) or (0.0, 1.0)
    correlation = _correlation(both, passed_base, passed_new, number)
    below = _distance(share_new - low_new, high_base - share_base, correlation)
    above = _distance(high_new - share_new, share_base - low_base, correlation)
    difference = share_new - share_base
    return max(-1.0, difference - below), min(1.0, difference + above)


def _distance(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one**2 - 2 * correlation * one * other + other**2))


def _correlation(both: float, passed_base: float, passed_new: float, number: int) -> float:
    """Return Newcombe's estimate of phi: with a correction of continuity where it is positive."""
    only_base, only_new = passed_base - both, passed_new - both
    neither = number - both - only_base - only_new
    margins = passed_base * (number - passed_base) * passed_new * (number - passed_new)
    if not margins:
        return 0.0
    agreement = both * neither - only_base * only_new
    if agreement > 0:
        agreement = max(agreement - number / 2, 0.0)
    return agreement / math.sqrt(margins)


def paired_t(differences: Floats, alpha: float) -> tuple[float, float, float, float]:
    """Return (p of a difference, p of a drop, low, high) by the t test on the differences of the cases' means.

    Args:
        differences: One per case; they must vary.
        alpha: Of the interval at level 1 - alpha.
    """
    from scipy.stats import ttest_1samp  # noqa: PLC0415 -- heavy, and for comparisons only

    found = ttest_1samp(differences, 0.0)
    low, high = found.confidence_interval(1 - alpha)
    drop = ttest_1samp(differences, 0.0, alternative="less")
    return float(found.pvalue), float(drop.pvalue), float(low), float(high)


def detectable_drop(cases: int, churned: int, alpha: float = ALPHA, spread: float | None = None) -> float:
    """Return the smallest drop that a one-sided comparison finds with a power of 0.8, in [0, 1].

    Args:
        cases: Cases measured in both.
        churned: Cases that change between equals, as many to the worse as to the better.
        alpha: Level of the test.
        spread: Standard deviation of the differences of the cases' means; None where each case was asked once.

    Once: Connor (1987), solved for the drop. Several times: the normal approximation of the paired t test.
    """
    from scipy.optimize import brentq  # noqa: PLC0415 -- heavy, and for comparisons only
    from scipy.stats import norm  # noqa: PLC0415 -- likewise

    z_alpha, z_power = float(norm.ppf(1 - alpha)), float(norm.ppf(POWER))
    if spread:
        return min(1.0, (z_alpha + z_power) * spread / math.sqrt(cases))

    def shortfall(drop: float) -> float:
        changed = min(1.0, churned / cases + drop)
        needed = z_alpha * math.sqrt(changed) + z_power * math.sqrt(max(0.0, changed - drop**2))
        return needed - drop * math.sqrt(cases)

    return float(brentq(shortfall, 1e-9, 1.0)) if shortfall(1.0) < 0 else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number (Holm 1979), in the order in which they came."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, p_values[at] * (len(p_values) - rank)))
        adjusted[at] = largest
    return adjusted
