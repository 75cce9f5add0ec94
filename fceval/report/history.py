"""Many runs as a `Report`: how every metric went, where it changed, and what each run was."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from fceval.report.document import Cell, Chart, Column, Estimate, Figure, Kind, Report, Section, Table
from fceval.report.terminal import SECTIONS as ON_A_TERMINAL
from fceval.report.wording import UNKNOWN, counted, in_words, percent_range, written
from fceval.rows import MetricRow
from fceval.stats.history import ChangePoint, Observed, change_points, effective_n
from fceval.stats.metrics import BY_NAME

HEADLINE_METRICS = (
    "accuracy",
    "coverage",
    "strict_accuracy",
    "tool_selection_accuracy",
    "argument_accuracy_per_call",
    "irrelevance_accuracy",
    "latency_p50_s",
    "latency_p90_s",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
)
"""What is told first, and searched for changes together, unless other metrics are asked for."""

_KINDS: Mapping[str, Kind] = {"rate": "rate", "seconds": "seconds", "tokens": "tokens", "usd": "usd", "count": "count"}
_SETTINGS_SHOWN = 4
_ROWS_ON_A_TERMINAL = 15
_TREND = "trend-"
_WHY = "What else changed"
_COMMIT_DIGITS = 10
_MINUTES = 16
"""Of an ISO time: up to the minute."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One variant of a scored run."""

    folder: str
    """Below the folder whose history it is."""
    series: str
    """What it is one of: the run's name, and the variant's where it has several."""
    started_at: str
    model: str
    commit: str | None
    config: str
    """A short digest of the settings that decide a run; the same settings, the same digest."""
    changed: tuple[str, ...]
    """Settings that are not those of the run before, as `name: then -> now`; empty for the first."""
    metrics: Mapping[str, MetricRow]
    """Of the whole run, by name."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A folder that holds a run which cannot be told of."""

    folder: str
    why: str


@dataclass(frozen=True, slots=True)
class _Line:
    """One metric of one series."""

    series: str
    metric: str
    runs: tuple[PastRun, ...]
    """Those that have a value."""
    changes: tuple[ChangePoint, ...]

    @property
    def kind(self) -> Kind:
        known = BY_NAME.get(self.metric)
        return _KINDS[known.unit] if known else "rate"  # only pass@k and pass^k are not listed

    def value(self, at: int) -> Cell:
        row = self.runs[at].metrics[self.metric]
        if row.low is None or row.high is None or row.value is None:
            return row.value
        return Estimate(row.value, row.low, row.high)


def history_report(
    title: str, past: Sequence[PastRun], left_out: Sequence[LeftOut], metrics: Sequence[str], alpha: float
) -> Report:
    """Return the report on the runs of a folder.

    Args:
        title: What they are the history of.
        past: In order of time; at least one.
        left_out: What could not be told of.
        metrics: Names of metrics to follow; none: every one that has a value, the headline metrics first.
        alpha: Chance that any change is marked where there is none: once for the headline metrics (or those asked
            for), once for all others together, so that more metrics do not blunt the search where it matters.
    """
    first = tuple(metrics) or HEADLINE_METRICS
    others = () if metrics else tuple(_valued(past, HEADLINE_METRICS))
    lines = [*_lines(past, first, alpha), *_lines(past, others, alpha)]
    series = tuple(dict.fromkeys(run.series for run in past))
    return Report(
        title=title,
        headline=_headline(lines, past, left_out),
        complete=True,
        meta=(("runs", str(len(past))), ("from", past[0].started_at), ("to", past[-1].started_at)),
        figures=tuple(_figures([line for line in lines if line.metric in first], series)),
        sections=(*_changes(lines, alpha), *_trends(lines, len(series)), *_runs(past), *_missing(left_out)),
    )


def brief(report: Report) -> Report:
    """Return what of a history is short enough for a terminal, as `fceval.report.terminal` shows it.

    Args:
        report: As `history_report` returns it.
    """
    trends = [section for section in report.sections if section.key.startswith(_TREND)]
    shown = {"changes", "left-out", *(section.key for section in trends[:1])}
    return replace(report, sections=tuple(_short(each) for each in report.sections if each.key in shown))


def _short(section: Section) -> Section:
    # The terminal shows sections by key.
    tables = tuple(_latest_rows(_narrow(table), section.title) for table in section.tables)
    return replace(section, key=ON_A_TERMINAL[-1], tables=tables)


def _latest_rows(table: Table, title: str) -> Table:
    rows = table.rows[-_ROWS_ON_A_TERMINAL:]
    cut = f" (the last {len(rows)} of {len(table.rows)})" if len(rows) < len(table.rows) else ""
    return replace(table, title=f"{title}{', ' + table.title if table.title else ''}{cut}", rows=rows)


def _narrow(table: Table) -> Table:
    """Return a table without its last column where that says why: a terminal has no room for settings."""
    if table.columns[-1].label != _WHY:
        return table
    return replace(table, columns=table.columns[:-1], rows=tuple(row[:-1] for row in table.rows))


def _lines(past: Sequence[PastRun], metrics: Sequence[str], alpha: float) -> list[_Line]:
    told = []
    for series in dict.fromkeys(run.series for run in past):
        for metric in metrics:
            runs = tuple(run for run in past if run.series == series and _value(run, metric) is not None)
            if runs:
                told.append((series, metric, runs))
    return [
        _Line(series, metric, runs, change_points([_observed(run.metrics[metric]) for run in runs], alpha, len(told)))
        for series, metric, runs in told
    ]


def _valued(past: Sequence[PastRun], told: Collection[str]) -> list[str]:
    """Return the metrics beside those told of that are anything but 0 in any run, in the order of `metrics.parquet`."""
    names = {name for run in past for name, row in run.metrics.items() if row.value and name not in told}
    order = {name: at for at, name in enumerate(BY_NAME)}
    return sorted(names, key=lambda name: (order.get(name, len(order)), name))


def _value(run: PastRun, metric: str) -> float | None:
    row = run.metrics.get(metric)
    return None if row is None else row.value


def _observed(row: MetricRow) -> Observed:
    value = row.value or 0.0
    if row.low is None or row.high is None:
        return Observed(value)
    return Observed(value, effective_n(value, row.low, row.high) or 1.0)


# --- words ------------------------------------------------------------------------------------------------------


def _headline(lines: Sequence[_Line], past: Sequence[PastRun], left_out: Sequence[LeftOut]) -> str:
    folders = len({run.folder for run in past})
    said = f"{counted(folders, 'run')} from {_when(past[0])} to {_when(past[-1])}"
    if left_out:
        said += f" ({len(left_out)} more could not be read or are not scored)"
    first = [line for line in lines if line.metric == lines[0].metric] if lines else []
    latest = ", ".join(_latest(line, several=len(first) > 1) for line in first)
    told = [_sentence(line, change) for line in lines for change in line.changes]
    changes = " ".join(f"{sentence}." for sentence in told[:_SETTINGS_SHOWN]) or "No metric changed beyond chance."
    more = f" And {len(told) - _SETTINGS_SHOWN} more changes." if len(told) > _SETTINGS_SHOWN else ""
    return f"{said}; {latest}. {changes}{more}" if latest else f"{said}; none has one of the metrics asked for."


def _latest(line: _Line, *, several: bool) -> str:
    of = f" of {line.series}" if several else ""
    return f"{_label(line.metric)}{of} is {written(line.value(len(line.runs) - 1), line.kind)} in the latest"


def _sentence(line: _Line, change: ChangePoint) -> str:
    moved = "rose" if change.after > change.before else "fell"
    before, after = written(change.before, line.kind), written(change.after, line.kind)
    run = line.runs[change.at]
    return f"{_capital(_label(line.metric))} {moved} from {before} to {after} with {run.folder} ({_when(run)})"


def _label(metric: str) -> str:
    """Return a metric's name in words, without the unit that its values are written with."""
    return in_words(metric.removesuffix("_s").removesuffix("_usd")).replace(":", ": ")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _when(run: PastRun) -> str:
    return run.started_at[:_MINUTES].replace("T", " ")


# --- tables -----------------------------------------------------------------------------------------------------


def _figures(lines: Sequence[_Line], series: Sequence[str]) -> Iterator[Figure]:
    for line in lines:
        if line.metric == lines[0].metric or len(series) == 1:
            label = _capital(_label(line.metric)) + (f", {line.series}" if len(series) > 1 else "")
            marks = f"changed {len(line.changes)} times" if len(line.changes) > 1 else "changed once"
            note = f"latest of {counted(len(line.runs), 'run')}{'; ' + marks if line.changes else ''}"
            yield Figure(label, line.value(len(line.runs) - 1), line.kind, note)


def _changes(lines: Sequence[_Line], alpha: float) -> Iterator[Section]:
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        for change in line.changes:
            run = line.runs[change.at]
            moved = f"{written(change.before, line.kind)} \N{RIGHTWARDS ARROW} {written(change.after, line.kind)}"
            since = "; ".join(run.changed[:_SETTINGS_SHOWN]) or "nothing in the settings"
            rows.append((_label(line.metric), line.series, run.folder, _when(run), moved, change.p_value, since))
    text = (
        f"Runs from which on a metric is another, by binary segmentation at {alpha:g} for the first metrics together, "
        "and at as much for all others. Shares are tested by their likelihood ratio; other amounts by permutation, "
        "which needs about eight runs."
    )
    columns = (
        Column("Metric", "text"),
        Column("Series", "name"),
        Column("First run", "name"),
        Column("Started", "text"),
        Column("Mean", "text"),
        Column("p", "p"),
        Column(_WHY, "name"),
    )
    if rows:
        yield Section("changes", "Where it changed", text, tables=(Table(columns, tuple(rows)),))


def _trends(lines: Sequence[_Line], series: int) -> Iterator[Section]:
    for metric in dict.fromkeys(line.metric for line in lines):
        tables = tuple(_trend(line, titled=series > 1) for line in lines if line.metric == metric)
        known = BY_NAME.get(metric)
        yield Section(
            f"{_TREND}{re.sub('[_:]', '-', metric)}",
            _capital(_label(metric)),
            known.doc if known else "",
            tables=tables,
            charts=tuple(_chart(line, titled=series > 1) for line in lines if line.metric == metric and line.runs[1:]),
        )


def _chart(line: _Line, *, titled: bool) -> Chart:
    marks = {change.at for change in line.changes}
    has_interval = isinstance(line.value(0), Estimate)
    parts = [
        f"{counted(len(line.runs), 'run')}, oldest first.",
        *(["The band is the 95% interval."] if has_interval else []),
        *(["Dashed and with a diamond: the first run from which on it is another."] if marks else []),
    ]
    title = f"{_capital(_label(line.metric))}{', ' + line.series if titled else ''}"
    columns = (Column("Started", "text"), Column("Value", line.kind), Column("Changed", "count"))
    rows = tuple((_when(run), line.value(at), int(at in marks)) for at, run in enumerate(line.runs))
    return Chart("trend", title, " ".join(parts), columns, rows)


def _trend(line: _Line, *, titled: bool) -> Table:
    marks = {change.at: change for change in line.changes}
    has_interval = line.runs[0].metrics[line.metric].low is not None
    interval = (Column("95% interval", "text"),) if has_interval else ()
    columns = (Column("Started", "text"), Column("Run", "name"), Column("Value", line.kind), *interval)
    rows = []
    for at, run in enumerate(line.runs):
        row = run.metrics[line.metric]
        cells: list[Cell] = [_when(run), run.folder, row.value]
        if has_interval:
            cells.append(UNKNOWN if row.low is None or row.high is None else percent_range(row.low, row.high))
        rows.append((*cells, _mark(marks.get(at), line.kind)))
    return Table((*columns, Column("Change", "text")), tuple(rows), line.series if titled else "")


def _mark(change: ChangePoint | None, kind: Kind) -> str:
    if change is None:
        return ""
    sign = "\N{BLACK UP-POINTING TRIANGLE}" if change.after > change.before else "\N{BLACK DOWN-POINTING TRIANGLE}"
    return f"{sign} {written(change.before, kind)} \N{RIGHTWARDS ARROW} {written(change.after, kind)}"


def _runs(past: Sequence[PastRun]) -> Iterator[Section]:
    rows = tuple(
        (
            _when(run),
            run.folder,
            run.series,
            run.model,
            run.commit[:_COMMIT_DIGITS] if run.commit else UNKNOWN,
            run.config,
            "; ".join(run.changed[:_SETTINGS_SHOWN])
            + (f" and {len(run.changed) - _SETTINGS_SHOWN} more" if len(run.changed) > _SETTINGS_SHOWN else ""),
        )
        for run in past
    )
    columns = (
        Column("Started", "text"),
        Column("Run", "name"),
        Column("Series", "name"),
        Column("Model", "name"),
        Column("Commit", "name"),
        Column("Settings", "name"),
        Column("Changed since the run before", "name"),
    )
    note = "Settings: a digest of everything that decides a run; runs of the same digest differ by chance alone."
    yield Section("runs", "What each run was", tables=(Table(columns, rows, note=note),))


def _missing(left_out: Sequence[LeftOut]) -> Iterator[Section]:
    if left_out:
        columns = (Column("Run", "name"), Column("Why", "name"))
        rows = tuple((each.folder, each.why) for each in left_out)
        yield Section("left-out", "Runs that are not shown", tables=(Table(columns, rows),))
