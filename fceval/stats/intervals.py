"""95% confidence intervals of proportions, in closed form.

One observation per case: Wilson's score interval. Several observations per case (trials, turns, calls, arguments)
are no independent evidence, so the case is the unit: Wilson's interval over the *effective* number of
observations, n / design effect, where the design effect compares the variance between cases with that of
independent observations. With one observation per case the design effect is 1 and both are the same interval.

Sources: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927);
J. N. K. Rao and A. J. Scott, "A simple method for the analysis of clustered binary data", Biometrics 48 (1992);
N. Dean and M. Pagano, "Evaluating confidence interval methods for binomial proportions in clustered surveys",
Journal of Survey Statistics and Methodology 3 (2015), which recommends this combination.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

Z_95 = 1.959963984540054
"""The 97.5% quantile of the standard normal distribution."""


def wilson(proportion: float, n: float, z: float = Z_95) -> tuple[float, float] | None:
    """Return the lower and upper end of Wilson's score interval; None for no observations.

    Args:
        proportion: Share of successes, in [0, 1].
        n: Number of independent observations; need not be whole.
        z: Normal quantile of the confidence level.
    """
    if n <= 0:
        return None
    scale = 1 + z * z / n
    centre = (proportion + z * z / (2 * n)) / scale
    half = z * math.sqrt(proportion * (1 - proportion) / n + z * z / (4 * n * n)) / scale
    # At 0 and 1 the ends are exact; rounding must not put them beyond.
    low = 0.0 if proportion == 0 else max(0.0, centre - half)
    high = 1.0 if proportion == 1 else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True, slots=True)
class ClusterSums:
    """What the interval needs of the cases: sums over cases with x hits among m observations each.

    Whole numbers, so that neither order nor batches of a computation can change the last digit.
    """

    cases: int
    """Cases with at least one observation."""
    hits: int
    """Sum of x."""
    observations: int
    """Sum of m."""
    hits_squared: int
    """Sum of x * x."""
    hits_by_observations: int
    """Sum of x * m."""
    observations_squared: int
    """Sum of m * m."""


def effective_observations(sums: ClusterSums) -> float:
    """Return how many independent observations the clustered ones are worth, from 1 to `observations`.

    Where every observation agrees, nothing can be learnt about how alike those of one case are; each case
    then counts once, which is the cautious end.
    """
    hits, n, cases = sums.hits, sums.observations, sums.cases
    if cases <= 1 or hits in {0, n}:
        return float(cases)
    # n^2 times the sum over cases of (x - p m)^2, with p = hits / n
    residuals = (
        n * n * sums.hits_squared - 2 * n * hits * sums.hits_by_observations + hits**2 * sums.observations_squared
    )
    if residuals == 0:
        return float(n)
    between_cases = Fraction(cases, cases - 1) * Fraction(residuals, n**4)
    independent = Fraction(hits * (n - hits), n * n * (n - 1))
    return float(min(Fraction(n), max(Fraction(1), n * independent / between_cases)))


def clustered_wilson(sums: ClusterSums) -> tuple[float, float] | None:
    """Return the 95% interval of hits / observations with the case as the unit; None for no observations."""
    if sums.observations == 0:
        return None
    return wilson(sums.hits / sums.observations, effective_observations(sums))
