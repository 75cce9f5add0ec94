"""What only repeated trials can tell: pass@k, pass^k, and which cases waver.

Sources: pass@k is the unbiased estimator of M. Chen et al., "Evaluating large language models trained on code" (2021),
section 2.1; pass^k that of S. Yao et al., "tau-bench" (2024), section 3. Both are means over cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from math import comb

import polars as pl

from fceval.rows import MetricRow


def pass_at_k(trials: int, passed: int, k: int) -> Fraction:
    """Return the chance that at least one of k trials, drawn from those of a case, passed.

    Args:
        trials: Measured trials of the case, at least k.
        passed: How many of them passed.
        k: Number of trials drawn without replacement.
    """
    return 1 - Fraction(comb(trials - passed, k), comb(trials, k))


def pass_hat_k(trials: int, passed: int, k: int) -> Fraction:
    """Return the chance that all of k trials, drawn from those of a case, passed; arguments as for `pass_at_k`."""
    return Fraction(comb(passed, k), comb(trials, k))


def flake_rate(trials: int, passed: int) -> Fraction:
    """Return the chance that two trials, drawn from those of a case, disagree: 0 for a steady case, at most 2/3.

    Args:
        trials: Measured trials of the case, at least 2.
        passed: How many of them passed.
    """
    return Fraction(passed * (trials - passed), comb(trials, 2))


def flakes(scores: pl.LazyFrame) -> pl.DataFrame:
    """Return the cases whose trials disagree, the most wavering first.

    Args:
        scores: Rows of `fceval.rows.Score` of one variant.

    Returns:
        `case_id`, `trials` (measured ones), `passed` and `flake_rate`, in [0, 1].
    """
    counts = _counted(scores, "case_id").filter(pl.col("passed") > 0, pl.col("passed") < pl.col("trials"))
    rows = [(*row, float(flake_rate(*row[1:]))) for row in counts.collect(engine="streaming").iter_rows()]
    schema = {"case_id": pl.String, "trials": pl.Int64, "passed": pl.Int64, "flake_rate": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort(
        "flake_rate", "trials", "case_id", descending=[True, True, False]
    )


def _counted(scores: pl.LazyFrame, *groups: str) -> pl.LazyFrame:
    """Return `trials` and `passed` per group: a trial counts where it was measured in every turn."""
    whole = pl.col("measured").all()
    per_trial = scores.group_by(*groups, "trial").agg(whole, pl.col("passed").all() & whole)
    return per_trial.group_by(*groups).agg(trials=pl.col("measured").sum(), passed=pl.col("passed").sum())


def ks(trials: int) -> list[int]:
    """Return the k to report: powers of two, and the number of trials."""
    return sorted({1 << power for power in range(trials.bit_length())} | {trials})


def doc(metric: str) -> str:
    """Return the line for the reader of a report."""
    k = metric.rpartition("@")[2] if "@" in metric else metric.rpartition("^")[2]
    which = "at least one" if "@" in metric else "every one"
    return f"Chance that {which} of {k} trials of a case passes"


def repeat_rows(scope: str, scores: pl.LazyFrame, trials: int) -> Iterator[MetricRow]:
    """Yield pass@k and pass^k per variant and group.

    Args:
        scope: Of the rows.
        scores: Rows of `fceval.rows.Score` with a column `group`.
        trials: Planned trials per case.

    A trial of several turns passes where all of its turns do, and is measured where all of them are. Cases with
    fewer than k measured trials say nothing about k and are left out.
    """
    per_case = _counted(scores, "variant", "group", "case_id")
    # Cases with the same counts have the same estimate: what is collected does not grow with the run.
    alike = per_case.group_by("variant", "group", "trials", "passed").agg(cases=pl.len())
    counts = alike.sort("variant", "group", "trials", "passed").collect(engine="streaming")
    for (variant, group), tallies in groupby(counts.iter_rows(), key=lambda row: row[:2]):
        kinds = [tally[2:] for tally in tallies]
        for name, estimate in (("pass@", pass_at_k), ("pass^", pass_hat_k)):
            for k in ks(trials):
                enough = [(estimate(n, c, k), cases) for n, c, cases in kinds if n >= k]
                cases = sum(number for _, number in enough)
                value = float(sum(chance * number for chance, number in enough) / cases) if cases else None
                yield MetricRow(variant, scope, group, f"{name}{k}", value, cases, None, None)
