"""The long table of metrics, opened for looking numbers up."""

from __future__ import annotations

import polars as pl

from fceval.report.document import Cell, Estimate
from fceval.rows import MetricRow


class Numbers:
    """Metrics by variant, scope, group and name.

    Args:
        metrics: Rows of `fceval.rows.MetricRow`, in the order of `fceval.stats.metrics.measure`.
    """

    def __init__(self, metrics: pl.DataFrame) -> None:
        rows = [MetricRow(*row) for row in metrics.iter_rows()]
        self._rows = {(row.variant, row.scope, row.group, row.metric): row for row in rows}
        self._groups: dict[str, dict[str, None]] = {}
        for row in rows:
            self._groups.setdefault(row.scope, {})[row.group] = None
        of_run = [row for row in rows if row.scope == "run"]
        self.variants = tuple(dict.fromkeys(row.variant for row in rows if row.variant))
        self.names = tuple(dict.fromkeys(row.metric for row in of_run if row.variant))
        """Metrics of all that a variant did, in order."""
        self.shared = tuple(row.metric for row in of_run if not row.variant)
        """Metrics of all variants together, whose `variant` is empty; in order."""

    def groups(self, scope: str) -> tuple[str, ...]:
        """Return the groups of a scope over all variants; sorted, and turns by number."""
        groups = self._groups.get(scope, {})
        return tuple(sorted(groups, key=lambda group: (len(group) if scope == "turn" else 0, group)))

    def row(self, variant: str, metric: str, scope: str = "run", group: str = "") -> MetricRow | None:
        """Return one metric; None where the variant has none of that name there."""
        return self._rows.get((variant, scope, group, metric))

    def value(self, variant: str, metric: str, scope: str = "run", group: str = "") -> float | None:
        """Return the value of one metric; None where nothing was measured."""
        row = self.row(variant, metric, scope, group)
        return row.value if row else None

    def n(self, variant: str, metric: str, scope: str = "run", group: str = "") -> int:
        """Return how many observations one metric rests on."""
        row = self.row(variant, metric, scope, group)
        return row.n if row else 0

    def count(self, variant: str, metric: str, scope: str = "run", group: str = "") -> int:
        """Return one metric that is a count; 0 where the variant has none."""
        return int(self.value(variant, metric, scope, group) or 0)

    def total(self, metric: str, scope: str = "run", group: str = "") -> int:
        """Return a count, summed over the variants."""
        return sum(self.count(variant, metric, scope, group) for variant in self.variants)

    def cell(self, variant: str, metric: str, scope: str = "run", group: str = "") -> Cell:
        """Return one metric for a table: with its interval where it has one."""
        row = self.row(variant, metric, scope, group)
        if row is None or row.value is None:
            return None
        if row.low is None or row.high is None:
            return row.value
        return Estimate(row.value, row.low, row.high)
