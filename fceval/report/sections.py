"""The tables of a report on one run, from its metrics. Several variants stand side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from fceval.report.conformance import KEY as CONFORMANCE
from fceval.report.conformance import conformance_section, repair_matters
from fceval.report.document import Cell, Column, Kind, Section, Table
from fceval.report.numbers import Numbers
from fceval.report.pace import latency_section, pace_section
from fceval.report.run_charts import argument_charts, group_charts, outcome_charts, variant_charts
from fceval.report.wording import OUTCOME_MEANINGS, counted, in_words
from fceval.scoring.verdict import NOT_MEASURED, OUTCOMES
from fceval.stats import metrics as known
from fceval.stats import repeats

ROWS_SHOWN = 100
"""Longer tables are cut, and say so."""

_REST = "the rest is in metrics.parquet"
_COUNTS = ("passed", "measured", "planned")


def sections(numbers: Numbers, bins: pl.DataFrame) -> tuple[Section, ...]:
    """Return the chapters that metrics fill, without those that would be empty.

    Args:
        numbers: The metrics of a run.
        bins: Its latencies, as `fceval.stats.latencies.latency_bins` returns them.
    """
    chapters = (
        Section("variants", "By variant", tables=_variants(numbers), charts=variant_charts(numbers)),
        _group_section("categories", "category", "Category", numbers),
        Section("outcomes", "Outcomes", tables=_outcomes(numbers), charts=outcome_charts(numbers)),
        Section("quality", "Quality in detail", tables=_quality(numbers)),
        Section("tools", "By tool", "Tools with the most wrong calls first.", tables=_tools(numbers)),
        Section(
            "faults",
            "Where calls and arguments fail",
            "All faults of a response are counted here; its outcome is the first of them.",
            tables=_faults(numbers),
            charts=argument_charts(numbers),
        ),
        _group_section("tags", "tag", "Tag", numbers),
        _group_section("turns", "turn", "Turn", numbers),
        conformance_section(numbers),
        latency_section(numbers, bins),
        pace_section(numbers),
    )
    return tuple(section for section in chapters if section and (section.tables or section.key == CONFORMANCE))


def _group_section(key: str, scope: str, label: str, numbers: Numbers) -> Section:
    charts = group_charts(scope, label, numbers)
    return Section(key, f"By {scope}", tables=_grouped(scope, label, numbers), charts=charts)


def _per_variant(numbers: Numbers, label: str, kind: Kind) -> tuple[Column, ...]:
    """Return a column for each variant, under the variant's name; under `label` where there is only one."""
    if len(numbers.variants) == 1:
        return (Column(label, kind),)
    return tuple(Column(variant, kind) for variant in numbers.variants)


def _cut(rows: Iterable[tuple[Cell, ...]], noun: str) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    everything = tuple(rows)
    if len(everything) <= ROWS_SHOWN:
        return everything, ""
    return everything[:ROWS_SHOWN], f"The first {ROWS_SHOWN} of {counted(len(everything), noun)}; {_REST}."


def _grouped(scope: str, label: str, numbers: Numbers) -> tuple[Table, ...]:
    groups = numbers.groups(scope)
    if not groups:
        return ()
    counts = _COUNTS if len(numbers.variants) == 1 else ("planned",)
    complete = numbers.total("measured") == numbers.total("planned")
    bounds = () if complete or len(numbers.variants) > 1 else ("worst_case", "best_case")
    rows, note = _cut(
        (
            (
                group,
                *(numbers.cell(variant, "accuracy", scope, group) for variant in numbers.variants),
                *(numbers.cell(numbers.variants[0], bound, scope, group) for bound in bounds),
                *(numbers.total(count, scope, group) for count in counts),
            )
            for group in groups
        ),
        "row",
    )
    columns = (
        Column(label, "name"),
        *_per_variant(numbers, "Accuracy", "rate"),
        *(Column(in_words(bound).capitalize(), "rate") for bound in bounds),
        *(Column(count.capitalize(), "count") for count in counts),
    )
    several = "Accuracy per variant; planned is the sum over variants." if len(numbers.variants) > 1 else ""
    return (Table(columns, rows, note=" ".join(filter(None, (several, note)))),)


def _outcomes(numbers: Numbers) -> tuple[Table, ...]:
    def table(title: str, outcomes: Sequence[str]) -> Table:
        rows: list[tuple[Cell, ...]] = [
            (
                in_words(outcome),
                *(numbers.count(variant, f"outcome:{outcome}") for variant in numbers.variants),
                OUTCOME_MEANINGS.get(outcome, ""),
            )
            for outcome in outcomes
            if numbers.total(f"outcome:{outcome}")
        ]
        columns = (Column("Outcome", "text"), *_per_variant(numbers, "Responses", "count"), Column("Meaning", "text"))
        return Table(columns, tuple(rows), title)

    tables = (
        table("What the model did", [outcome for outcome in OUTCOMES if outcome not in NOT_MEASURED]),
        table("Not measured, and so in no accuracy", NOT_MEASURED),
    )
    return tuple(found for found in tables if found.rows)


def _variants(numbers: Numbers) -> tuple[Table, ...]:
    if len(numbers.variants) == 1:
        return ()
    shown: tuple[tuple[str, Kind], ...] = (
        ("accuracy", "rate"),
        ("strict_accuracy", "rate"),
        *((("repaired_accuracy", "rate"),) if any(repair_matters(each, numbers) for each in numbers.variants) else ()),
        *((("dialogue_accuracy", "rate"),) if numbers.groups("turn") else ()),
        ("coverage", "rate"),
        ("worst_case", "rate"),
        ("best_case", "rate"),
        *((count, "count") for count in _COUNTS),
    )
    columns = (Column("Variant", "name"), *(Column(_label(name).capitalize(), kind) for name, kind in shown))
    rows = tuple((variant, *(numbers.cell(variant, name) for name, _ in shown)) for variant in numbers.variants)
    return (Table(columns, rows),)


def _quality(numbers: Numbers) -> tuple[Table, ...]:
    rows: list[tuple[Cell, ...]] = []
    for name in numbers.names:
        metric = known.BY_NAME.get(name)
        if (metric and metric.unit != "rate") or not any(numbers.n(variant, name) for variant in numbers.variants):
            continue
        meaning = metric.doc if metric else repeats.doc(name)
        n = (numbers.n(numbers.variants[0], name),) if len(numbers.variants) == 1 else ()
        rows.append((_label(name), *(numbers.cell(variant, name) for variant in numbers.variants), *n, meaning))
    n_column = (Column("Of", "count"),) if len(numbers.variants) == 1 else ()
    columns = (Column("Metric", "text"), *_per_variant(numbers, "Value", "rate"), *n_column, Column("Meaning", "text"))
    note = "In brackets: the 95% interval (Wilson, with the case as the unit)."
    return (Table(columns, tuple(rows), note=note),) if rows else ()


def _label(name: str) -> str:
    if name == "repaired_accuracy":
        return "accuracy after repair"
    words = in_words(name)
    return words.replace(" f1", " F1") if name.startswith(("call", "pass@", "pass^")) else words


def _tools(numbers: Numbers) -> tuple[Table, ...]:
    shown = {
        "Tool selected": "tool_selection_accuracy_per_call",
        "Arguments right": "argument_accuracy_per_call",
        "Precision": "call_precision",
        "Recall": "call_recall",
    }
    tables = []
    for variant in numbers.variants:
        rows, note = _cut(
            (
                (
                    tool,
                    *(numbers.count(variant, side, "tool", tool) for side in ("expected_calls", "predicted_calls")),
                    *(numbers.value(variant, name, "tool", tool) for name in shown.values()),
                )
                for tool in _worst_first(variant, numbers)
            ),
            "tool",
        )
        columns = (
            Column("Tool", "name"),
            Column("Expected calls", "count"),
            Column("Predicted calls", "count"),
            *(Column(label, "rate") for label in shown),
        )
        if rows:
            tables.append(Table(columns, rows, _about(variant, numbers), note))
    return tuple(tables)


def _worst_first(variant: str, numbers: Numbers) -> list[str]:
    """Return the tools that a variant has calls of, those with the most wrong or missing calls first."""

    def wrong(tool: str) -> int:
        calls, right = numbers.n(variant, "call_f1", "tool", tool), numbers.value(variant, "call_f1", "tool", tool)
        return round(calls * (1 - (right or 0)))

    tools = [tool for tool in numbers.groups("tool") if numbers.n(variant, "expected_calls", "tool", tool)]
    return sorted(tools, key=lambda tool: (-wrong(tool), tool))


def _about(variant: str, numbers: Numbers) -> str:
    return f"Variant {variant}" if len(numbers.variants) > 1 else ""


def _faults(numbers: Numbers) -> tuple[Table, ...]:
    tables = (
        _fault_table("Calls", "Tool", "tool", known.CALL_FAULTS, numbers),
        _fault_table("Arguments", "Argument", "argument", known.ARGUMENT_FAULTS, numbers),
    )
    return tuple(table for table in tables if table.rows)


def _fault_table(title: str, label: str, scope: str, faults: Sequence[str], numbers: Numbers) -> Table:
    found = [
        (group, fault, numbers.total(f"fault:{fault}", scope, group))
        for group in numbers.groups(scope)
        for fault in faults
    ]
    order: Callable[[tuple[str, str, int]], tuple[int, str, str]] = lambda row: (-row[2], row[0], row[1])  # noqa: E731 -- typed
    rows, note = _cut(
        (
            (
                group,
                in_words(fault),
                *(numbers.count(variant, f"fault:{fault}", scope, group) for variant in numbers.variants),
            )
            for group, fault, total in sorted(found, key=order)
            if total
        ),
        "row",
    )
    columns = (Column(label, "name"), Column("Fault", "text"), *_per_variant(numbers, "Count", "count"))
    return Table(columns, rows, title, note)
