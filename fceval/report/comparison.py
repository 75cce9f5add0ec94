"""Runs beside each other as a `Report`: what got better or worse, how sure that is, and which cases did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fceval.report.differences import (
    VERDICTS,
    Compared,
    changes_chart,
    chapters,
    difference_of,
    number_cells,
    number_columns,
)
from fceval.report.document import Column, Figure, Report, Section, Table
from fceval.report.terminal import SECTIONS as ON_A_TERMINAL
from fceval.report.wording import counted, p_clause, percent, points, written_range
from fceval.stats.paired import FEWEST_RESAMPLED, Verdict, verdict_of


def comparison_report(compared: Sequence[Compared], meta: Mapping[str, str], alpha: float, matters: float) -> Report:
    """Return the report on one or more comparisons with the same base.

    Args:
        compared: At least one.
        meta: What was compared, as label and value.
        alpha: Level of the verdicts.
        matters: What a comparison must be able to see not to be called underpowered.
    """
    level = _Level(alpha, matters)
    several = len(compared) > 1
    told = [section for at, each in enumerate(compared, 1) for section in chapters(each, at if several else 0)]
    return Report(
        title=f"{compared[0].base} and {counted(len(compared), 'other')}" if several else _title(compared[0]),
        headline=_headline(compared, level),
        complete=True,
        meta=tuple(meta.items()),
        figures=_figures(compared, level),
        sections=(_verdicts(compared, level), *_cautions(compared), *told),
    )


_DIFFERENCE = "Difference in points"
_BRIEF = ("slices", "flows", "flips", "amounts", "cases")
_ROWS_ON_A_TERMINAL = 12
WIDE = frozenset({"Interval", "Worse", "Better", "Detectable drop"})
"""Columns that the report has and a terminal does without."""


def brief(report: Report) -> Report:
    """Return what of a comparison is short enough for a terminal, as `fceval.report.terminal` shows it.

    Args:
        report: As `comparison_report` returns it.
    """
    several = len(report.figures) and report.figures[0].label != _DIFFERENCE
    wanted = ("verdict", "slices") if several else _BRIEF
    return replace(report, sections=tuple(_short(each) for each in report.sections if each.key.startswith(wanted)))


def _short(section: Section) -> Section:
    tables = (_narrow(table) for table in section.tables)
    shown = tuple(_cut_short(table, table.title or ("" if at else section.title)) for at, table in enumerate(tables))
    return replace(section, key=ON_A_TERMINAL[-1], tables=shown)  # the terminal shows sections by key


def _cut_short(table: Table, title: str) -> Table:
    rows = table.rows[:_ROWS_ON_A_TERMINAL]
    if len(rows) < len(table.rows):
        title += f" (the first {len(rows)})" if table.note else f" ({len(rows)} of {len(table.rows)})"
    return replace(table, title=title, rows=rows)


def _narrow(table: Table) -> Table:
    """Return a table of verdicts without the columns that a terminal has no room for."""
    kept = [
        at for at, column in enumerate(table.columns) if column.label not in WIDE and "interval" not in column.label
    ]
    rows = tuple(tuple(row[at] for at in kept) for row in table.rows)
    return replace(table, columns=tuple(table.columns[at] for at in kept), rows=rows)


@dataclass(frozen=True, slots=True)
class _Level:
    alpha: float
    matters: float

    def verdict(self, each: Compared) -> Verdict:
        found = each.overall
        return verdict_of(found.difference, each.p_adjusted, found.detectable, self.alpha, self.matters)

    @property
    def interval(self) -> str:
        return f"{100 * (1 - self.alpha):g}% interval"


def _title(each: Compared) -> str:
    return f"{each.new} compared with {each.base}"


# --- words ------------------------------------------------------------------------------------------------------


def _headline(compared: Sequence[Compared], level: _Level) -> str:
    """Return the verdict in words, and what could have been seen."""
    if len(compared) == 1:
        return _finding(compared[0], level)
    by_verdict: dict[Verdict, list[str]] = {}
    for each in compared:
        change = f"{each.new} ({points(each.overall.difference)})"
        by_verdict.setdefault(level.verdict(each), []).append(change)
    clauses = [
        f"{VERDICTS[verdict]}: {', '.join(by_verdict[verdict])}" for verdict in VERDICTS if verdict in by_verdict
    ]
    return (
        f"{counted(len(compared), 'comparison')} with {compared[0].base}, in points of accuracy. "
        f"{'; '.join(clauses)}. Verdicts are adjusted for the number of comparisons."
    )


def _finding(each: Compared, level: _Level) -> str:
    found, verdict = each.overall, level.verdict(each)
    over = f"over {counted(found.cases, 'shared case')}"
    seen = f"a drop of {100 * found.detectable:.1f} points or more"
    if not each.found.flipped.height:
        return f"Nothing changed: accuracy {percent(found.new)} {over}, the same in every case. {_would(seen, verdict)}"
    interval = written_range(difference_of(found), "points")
    moved = f"accuracy {percent(found.base)} before, {percent(found.new)} now {over}"
    sure = f"{points(found.difference)} points, {level.interval} {interval}; {p_clause(each.p_adjusted)}"
    counts = f"{counted(found.worse, 'case')} got worse, {found.better:,} better"
    said = f"{VERDICTS[verdict]}: {moved} ({sure}); {counts}."
    return said if verdict in {"regressed", "improved"} else f"{said} {_would(seen, verdict)}"


def _would(seen: str, verdict: Verdict) -> str:
    if verdict == "underpowered":
        return f"Only {seen} would probably have been seen: add cases or trials."
    return f"{seen[0].upper()}{seen[1:]} would probably have been seen."


# --- figures and the first tables -------------------------------------------------------------------------------


def _figures(compared: Sequence[Compared], level: _Level) -> tuple[Figure, ...]:
    if len(compared) > 1:
        return tuple(
            Figure(
                f"Difference, {each.new}",
                difference_of(each.overall),
                "points",
                level.verdict(each),
            )
            for each in compared
        )
    (each,) = compared
    found = each.overall
    return (
        Figure(_DIFFERENCE, difference_of(found), "points", f"of accuracy, with {level.interval}"),
        Figure("Accuracy before", found.base, "rate", each.base),
        Figure("Accuracy now", found.new, "rate", each.new),
        Figure("Shared cases", found.cases, "count", f"{found.worse:,} got worse, {found.better:,} better"),
        Figure("Detectable drop", found.detectable, "rate", "a smaller one would probably not have been seen"),
    )


def _verdicts(compared: Sequence[Compared], level: _Level) -> Section:
    several = len(compared) > 1
    columns = (
        Column("Run", "name"),
        Column("Verdict", "text"),
        *number_columns(level.interval, "p, adjusted" if several else "p"),
    )
    rows = tuple((each.new, level.verdict(each), *number_cells(each.overall, each.p_adjusted)) for each in compared)
    methods = {each.overall.method for each in compared}
    tests = " and ".join(_METHODS[method] for method in sorted(methods))
    note = (
        f"Cases measured in both runs, each of them one observation: {tests}. The detectable drop is what a one-sided "
        f"test at {level.alpha:g} finds with a power of 0.8; underpowered is what would have missed one of "
        f"{100 * level.matters:g} points."
    )
    return Section(
        "verdict",
        "Verdict",
        f"Compared with {compared[0].base}.",
        tables=(Table(columns, rows, note=note),),
        charts=(changes_chart("Accuracy before and now", "Run", [(each.new, each.overall) for each in compared]),),
    )


_METHODS = {
    "mcnemar": "McNemar's exact test with Newcombe's interval (each case passed or it did not, or all changed alike)",
    "paired_t": "the paired t test on the cases' means (several trials or turns), with the interval of drawing cases "
    f"anew, or, of fewer than {FEWEST_RESAMPLED} cases, Student's",
}


def _cautions(compared: Sequence[Compared]) -> Iterator[Section]:
    rows = dict.fromkeys(
        (caution.setting, caution.base, caution.new, caution.why) for each in compared for caution in each.cautions
    )
    if rows:
        columns = (Column("Setting", "name"), Column("Before", "name"), Column("Now", "name"), Column("Mind", "text"))
        text = "These differ besides what is compared, and may be the reason for what is seen."
        yield Section("cautions", "What else differs", text, tables=(Table(columns, tuple(rows)),))
