"""What of a run is worth a picture: accuracy by group, outcomes, where arguments fail, and latencies.

A chart of one bar says nothing, and few responses are better read one by one: such a run has no charts.
"""

from __future__ import annotations

import polars as pl

from fceval.report.document import Cell, Chart, Column, Estimate, Mark
from fceval.report.numbers import Numbers
from fceval.report.wording import counted, in_words, seconds
from fceval.scoring.verdict import OUTCOMES
from fceval.stats.metrics import ARGUMENT_FAULTS

LEAST = 10
"""Fewer responses are not charted."""

_MOST_ROWS = 30
_MOST_GRID_ROWS = 12
_MOST_VARIANTS = 4
_SHARE_TEXT = "The dot is the share that passed of what was measured, the bar its 95% interval."


def variant_charts(numbers: Numbers) -> tuple[Chart, ...]:
    """Return the accuracy of each variant as a chart."""
    return _shares("Accuracy by variant", "Variant", [(name, name, "run", "") for name in numbers.variants], numbers)


def group_charts(scope: str, label: str, numbers: Numbers) -> tuple[Chart, ...]:
    """Return the accuracy of each group as a chart: those with the most responses, where there are too many."""
    groups = sorted(numbers.groups(scope), key=lambda group: -numbers.total("planned", scope, group))
    most = _MOST_ROWS // max(1, len(numbers.variants))
    kept = set(groups[:most])
    several = len(numbers.variants) > 1
    wanted = [
        (variant, f"{group}, {variant}" if several else group, scope, group)
        for group in numbers.groups(scope)
        if group in kept
        for variant in numbers.variants
    ]
    cut = f" The {most} groups with the most responses." if len(groups) > most else ""
    return _shares(f"Accuracy by {label.lower()}", label, wanted, numbers, cut) if len(groups) > 1 else ()


def _shares(
    title: str, label: str, wanted: list[tuple[str, str, str, str]], numbers: Numbers, cut: str = ""
) -> tuple[Chart, ...]:
    found = [(name, numbers.cell(variant, "accuracy", scope, group)) for variant, name, scope, group in wanted]
    rows = tuple((name, cell) for name, cell in found if isinstance(cell, Estimate))
    if len(rows) < 2 or numbers.total("planned") < LEAST:  # noqa: PLR2004 -- what can be compared
        return ()
    columns = (Column(label, "name"), Column("Accuracy", "rate"))
    return (Chart("intervals", title, f"{_SHARE_TEXT}{cut}", columns, rows),)


def outcome_charts(numbers: Numbers) -> tuple[Chart, ...]:
    """Return what became of the responses that did not pass, a chart for each variant."""
    charts = []
    for variant in numbers.variants[:_MOST_VARIANTS]:
        rows: list[tuple[Cell, ...]] = [
            (in_words(outcome), number)
            for outcome in OUTCOMES
            if outcome != "passed" and (number := numbers.count(variant, f"outcome:{outcome}"))
        ]
        planned, passed = numbers.count(variant, "planned"), numbers.count(variant, "passed")
        if len(rows) > 1 and planned >= LEAST:
            rows.sort(key=lambda row: -int(str(row[1])))
            text = f"{counted(planned - passed, 'response')} of {planned:,}; the other {passed:,} passed."
            columns = (Column("Outcome", "text"), Column("Responses", "count"))
            title = f"What did not pass{_of(variant, numbers)}"
            charts.append(Chart("bars", title, text, columns, tuple(rows)))
    return tuple(charts)


def argument_charts(numbers: Numbers) -> tuple[Chart, ...]:
    """Return how often which argument of which tool fails in which way, all variants together."""
    found = []
    for group in numbers.groups("argument"):
        counts = [numbers.total(f"fault:{fault}", "argument", group) for fault in ARGUMENT_FAULTS]
        if any(counts):
            tool, _, argument = group.rpartition(".")
            found.append((tool, argument, counts))
    found.sort(key=lambda row: (-sum(row[2]), row[0], row[1]))
    if len(found) < 2 or numbers.total("planned") < LEAST:  # noqa: PLR2004 -- what can be compared
        return ()
    cut = f" The {_MOST_GRID_ROWS} that fail most, of {len(found):,}." if len(found) > _MOST_GRID_ROWS else ""
    text = f"Faulty arguments in calls of the right tool; the stronger the colour, the more.{cut}"
    shown = found[:_MOST_GRID_ROWS]
    kept = [at for at in range(len(ARGUMENT_FAULTS)) if any(counts[at] for _, _, counts in shown)]
    columns = (
        Column("Tool", "name"),
        Column("Argument", "name"),
        *(Column(in_words(ARGUMENT_FAULTS[at]), "count") for at in kept),
    )
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (tool, argument, *(counts[at] for at in kept)) for tool, argument, counts in shown
    )
    return (Chart("grid", "Where arguments fail", text, columns, rows),)


def latency_charts(bins: pl.DataFrame, numbers: Numbers) -> tuple[Chart, ...]:
    """Return how long responses took, a chart for each variant.

    Args:
        bins: As `fceval.stats.latencies.latency_bins` returns them.
        numbers: For the quantiles that are marked.
    """
    charts = []
    for variant in numbers.variants[:_MOST_VARIANTS]:
        rows = tuple(bins.filter(pl.col("variant") == variant).drop("variant").iter_rows())
        total = sum(row[-1] for row in rows)
        if total < LEAST or len(rows) < 2:  # noqa: PLR2004 -- a distribution
            continue
        marks = [
            Mark(f"{share}% within {seconds(value)}", value)
            for share in (50, 90, 99)
            if (value := numbers.value(variant, f"latency_p{share}_s")) is not None
        ]
        text = f"How many of {counted(total, 'response')} took how long, on a logarithmic scale."
        columns = (Column("From", "seconds"), Column("To", "seconds"), Column("Responses", "count"))
        title = f"Time to the whole response{_of(variant, numbers)}"
        charts.append(Chart("histogram", title, text, columns, rows, tuple(marks), in_tables=False))
    return tuple(charts)


def _of(variant: str, numbers: Numbers) -> str:
    return f", {variant}" if len(numbers.variants) > 1 else ""
