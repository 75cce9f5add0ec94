"""One comparison in chapters: groups, outcomes, cases that got worse or better, latency and cost, unshared cases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from fceval.report.document import Cell, Chart, Column, Estimate, Kind, Pair, Section, Table
from fceval.report.wavering import wavering_section
from fceval.report.wording import UNKNOWN, counted, in_words
from fceval.stats.compare import Comparison, SliceComparison
from fceval.stats.paired import Paired, Verdict

ROWS_SHOWN = 100
"""Longer tables are cut, and say so."""

VERDICTS: Mapping[Verdict, str] = {
    "regressed": "Regressed",
    "improved": "Improved",
    "no evidence": "No evidence of a difference",
    "underpowered": "Underpowered, too few cases to tell",
}
"""How a sentence on a verdict begins, in the order of how much it matters."""

GROUPS_CHARTED = 30
"""Of more groups, those that fell most and those that rose most are in the chart."""

_AMOUNTS: Mapping[str, tuple[str, Kind]] = {
    "latency_p50_s": ("Latency p50", "seconds"),
    "ttft_p50_s": ("First token p50", "seconds"),
    "prompt_tokens": ("Prompt tokens", "tokens"),
    "completion_tokens": ("Completion tokens", "tokens"),
    "cost_usd": ("Cost", "usd"),
}


@dataclass(frozen=True, slots=True)
class Caution:
    """A setting in which two runs differ besides what is compared."""

    setting: str
    base: str
    new: str
    why: str
    """What it does to the comparison, and what to do about it."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One run compared with another."""

    base: str
    """What it is called."""
    new: str
    found: Comparison
    overall: Paired
    p_adjusted: float
    """Of `overall`, adjusted for the number of comparisons in the report (Holm)."""
    flips: tuple[Pair, ...]
    cautions: tuple[Caution, ...]
    base_flakes: pl.DataFrame
    """As `fceval.stats.repeats.flakes` returns them."""
    new_flakes: pl.DataFrame


def number_columns(interval: str, p_label: str) -> tuple[Column, ...]:
    """Return the columns of `number_cells`."""
    return (
        Column("Before", "rate"),
        Column("Now", "rate"),
        Column(f"Points, {interval}", "points"),
        Column(p_label, "p"),
        Column("Worse", "count"),
        Column("Better", "count"),
        Column("Cases", "count"),
        Column("Detectable drop", "rate"),
    )


def number_cells(found: Paired, p: float) -> tuple[Cell, ...]:
    """Return what a row of verdicts says in numbers; `p` is the p-value that the verdict rests on."""
    counts = found.worse, found.better, found.cases
    return found.base, found.new, difference_of(found), p, *counts, found.detectable


def difference_of(found: Paired) -> Estimate:
    """Return a difference of shares with its interval."""
    return Estimate(found.difference, found.low, found.high)


def chapters(each: Compared, number: int) -> Iterator[Section]:
    """Yield what there is to tell of one comparison; `number` tells several apart, 0 stands for the only one."""
    of = f", {each.new}" if number else ""
    made = (
        Section(
            "slices",
            f"By group{of}",
            _SLICES_TEXT,
            tables=_slices(each.found.slices, of),
            charts=_slice_charts(each),
        ),
        Section("flows", f"What became of outcomes{of}", tables=_flows(each.found.flows)),
        Section("flips", f"Cases that got worse or better{of}", tables=_flips(each), pairs=each.flips),
        Section("amounts", f"Latency, tokens and cost{of}", tables=_amounts(each.found.amounts)),
        wavering_section(((each.base, each.base_flakes), (each.new, each.new_flakes)), title=f"Cases that waver{of}"),
        Section("cases", f"New, removed and changed cases{of}", tables=_only(each)),
    )
    for section in made:
        if section.tables:
            yield replace(section, key=f"{section.key}-{number}") if number else section


_SLICES_TEXT = (
    "Verdicts and p-values are adjusted for the number of groups (Holm): of many groups one always looks bad."
)


def _cut(rows: Iterable[tuple[Cell, ...]], noun: str) -> tuple[tuple[tuple[Cell, ...], ...], str]:
    everything = tuple(rows)
    if len(everything) <= ROWS_SHOWN:
        return everything, ""
    return everything[:ROWS_SHOWN], f"The first {ROWS_SHOWN} of {counted(len(everything), noun)}."


def _slices(slices: Sequence[SliceComparison], of_run: str) -> tuple[Table, ...]:
    tables = []
    for scope in dict.fromkeys(each.scope for each in slices):
        groups = [each for each in slices if each.scope == scope]
        groups.sort(key=lambda each: (each.p_adjusted, each.found.p_value, each.found.difference, each.group))
        rows, note = _cut(
            ((each.group, each.verdict, *number_cells(each.found, each.p_adjusted)) for each in groups),
            "group",
        )
        columns = (
            Column(scope.capitalize(), "name"),
            Column("Verdict", "text"),
            *number_columns("interval", "p, adjusted"),
        )
        of = {"tool": "Expected calls that are right. ", "argument": "Arguments that are right. "}.get(scope, "")
        tables.append(Table(columns, rows, f"By {scope}{of_run}", f"{of}{note}".strip()))
    return tuple(tables)


def _slice_charts(each: Compared) -> tuple[Chart, ...]:
    found = []
    for scope in dict.fromkeys(piece.scope for piece in each.found.slices):
        groups = [(piece.group, piece.found) for piece in each.found.slices if piece.scope == scope]
        groups.sort(key=lambda group: (group[1].difference, group[0]))
        if len(groups) > GROUPS_CHARTED:
            groups = [*groups[: GROUPS_CHARTED // 2], *groups[-GROUPS_CHARTED // 2 :]]
        found.append(changes_chart(f"Before and now, by {scope}", scope.capitalize(), groups))
    return tuple(found)


def changes_chart(title: str, label: str, groups: Sequence[tuple[str, Paired]]) -> Chart:
    """Return what became of each group's accuracy as a chart."""
    text = (
        "Hollow mark: before; filled mark: now; bar: the interval of the difference, laid off from before. "
        "Where the bar reaches the hollow mark, it may be chance."
    )
    columns = (
        Column(label, "name"),
        Column("Before", "rate"),
        Column("Now", "rate"),
        Column("Interval from", "rate"),
        Column("to", "rate"),
    )
    rows = tuple(
        (name, found.base, found.new, found.base + found.low, found.base + found.high) for name, found in groups
    )
    return Chart("changes", title, text, columns, rows)


def _flows(flows: pl.DataFrame) -> tuple[Table, ...]:
    changed = flows.filter(pl.col("base_outcome") != pl.col("new_outcome"))
    same = int(flows["responses"].sum()) - int(changed["responses"].sum())
    rows = tuple((in_words(base), in_words(new), number) for base, new, number in changed.iter_rows())
    if not rows:
        return ()
    columns = (Column("Before", "text"), Column("Now", "text"), Column("Responses", "count"))
    return (Table(columns, rows, note=f"{counted(same, 'response')} had the same outcome in both."),)


def _flips(each: Compared) -> tuple[Table, ...]:
    flipped = each.found.flipped
    columns = (
        Column("Case", "name"),
        Column("Before", "rate"),
        Column("Now", "rate"),
        Column("Outcome before", "text"),
        Column("Outcome now", "text"),
    )
    tables = []
    for title, rows in (
        ("Got worse", flipped.filter(pl.col("new_mean") < pl.col("base_mean"))),
        ("Got better", flipped.filter(pl.col("new_mean") > pl.col("base_mean")).reverse()),
    ):
        shown, note = _cut(
            (
                (
                    row["new_case"],
                    row["base_mean"],
                    row["new_mean"],
                    *map(_outcome, (row["base_outcome"], row["new_outcome"])),
                )
                for row in rows.iter_rows(named=True)
            ),
            "case",
        )
        if shown:
            tables.append(Table(columns, shown, title, note))
    return tuple(tables)


def _outcome(outcome: str | None) -> str:
    return UNKNOWN if outcome is None else in_words(outcome)


def _amounts(amounts: pl.DataFrame) -> tuple[Table, ...]:
    tables = []
    for kind in dict.fromkeys(kind for _, kind in _AMOUNTS.values()):
        rows = tuple(
            (_AMOUNTS[metric][0], base, new, _relative(base, new), number)
            for metric, base, new, number in amounts.iter_rows()
            if _AMOUNTS[metric][1] == kind and number
        )
        columns = (
            Column("", "text"),
            Column("Before", kind),
            Column("Now", kind),
            Column("Change", "change"),
            Column("Responses", "count"),
        )
        if rows:
            tables.append(Table(columns, rows))
    if tables:
        note = "Over responses that both runs measured and tell it of. Latencies vary with the load: no test is made."
        tables[-1] = replace(tables[-1], note=note)
    return tuple(tables)


def _relative(base: float, new: float) -> float | None:
    if base == new:
        return 0
    return new / base - 1 if base else None


def _only(each: Compared) -> tuple[Table, ...]:
    matching = each.found.matching
    tables = []
    for title, cases, note in (
        ("New: in the new run only", matching.added, ""),
        ("Removed: in the base only", matching.removed, ""),
        ("Changed: same name, other content", matching.changed, "They are other cases now, and are not compared."),
    ):
        rows, cut = _cut(((case,) for case in cases), "case")
        if rows:
            tables.append(Table((Column("Case", "name"),), rows, title, f"{note} {cut}".strip()))
    return tuple(tables)
