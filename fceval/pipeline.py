"""The story: one function per command, each line a stage; what one command alone needs, it imports itself.

What a run is made of is in `fceval.runs`; here it is read, asked, judged, counted and told.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from fceval import endpoints, runs
from fceval.cases.count import count_cases, counts_text
from fceval.cases.digests import TurnCounts
from fceval.cases.predictions import read_predictions
from fceval.cases.read import read_cases, read_rows
from fceval.cases.select import Selection, select
from fceval.cases.write import write_cases
from fceval.client.endpoint import EndpointSettings, key_from_environment
from fceval.config import RunConfig
from fceval.endpoints import Address
from fceval.errors import ConfigError, DatasetError, EndpointError, ExitCode, FcevalError, LocalError, did_you_mean
from fceval.journal import Journal, JournalIndex
from fceval.judging import judgement, looked_up, write_tables
from fceval.opening import adopted, begun, check_settings, journalled, opened, widened
from fceval.reaching import reached
from fceval.records import Json, Key
from fceval.report import exporters
from fceval.report.bfcl import bfcl_section
from fceval.report.casebook import case_text, failure_list
from fceval.report.document import Report
from fceval.report.examples import examples, opened_keys
from fceval.report.summary import summarise, with_chapter
from fceval.report.totals import summary_document
from fceval.report.visible import json_safe, visible_lines
from fceval.runs import Run
from fceval.scoring.matchers import check_case
from fceval.stats.bfcl import bfcl_by_variant
from fceval.stats.metrics import measure
from fceval.tables import METRICS, read_table, write_table

if TYPE_CHECKING:
    from fceval.asking import Watch
    from fceval.comparing.sources import Source
    from fceval.engines import Stop
    from fceval.report.probe import Probe

_CAUSES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command over a run ended."""

    run: Run
    report: Report | None
    """None where there is nothing to tell: interrupted, or nothing measured."""
    exit_code: ExitCode
    why: str = ""
    """For a person, where the exit code is not 0."""
    gate: str = ""
    """What the run's own gate decided, and why; empty where it has none."""


def run(config: RunConfig, out: Path | None, resume: Path | None, watch: Watch, *, salvage: bool = False) -> Ended:
    """Ask the endpoint for every case of a dataset, score the answers and report on them.

    Args:
        config: What is asked, and how.
        out: Folder of a new run; None: one in the reports' folder.
        resume: Folder of the run to go on with.
        watch: Is told how it goes on.
        salvage: Whether damaged lines of the journal are set aside; else a damaged journal is refused.

    Raises:
        FcevalError: Nothing could be begun, or this machine cannot go on.
    """
    check_settings(config)
    baseline: Source | None = None
    if config.gate:
        from fceval.comparing.gating import checked_baseline

        baseline = checked_baseline(config.gate)
    this = opened(resume, config) if resume else begun(config, out)
    go_on = f"go on with: fceval run --resume {shlex.quote(str(this.folder))}"
    try:
        with Journal(this.journal, salvage=salvage) as journal:
            for told in _set_right(journal):
                watch.noted(f"{this.journal}: {told}")
            if resume:
                this = adopted(this, config)
            runs.mark_latest(this)
            stop, interrupted = _asked(this, journal, watch)
            journal.settle()
            if interrupted:
                return Ended(this, None, ExitCode.INTERRUPTED, f"interrupted; {go_on}")
            is_hopeless = isinstance(stop.reason, EndpointError) and runs.is_unanswered(this)
            if stop.reason and (isinstance(stop.reason, LocalError | ConfigError) or is_hopeless):
                raise stop.reason
            report = score(this)
    except KeyboardInterrupt:
        return Ended(this, None, ExitCode.INTERRUPTED, f"interrupted; {go_on}")
    except FcevalError:
        if not resume and runs.is_unanswered(this):
            runs.discard(this.folder)
        raise
    if stop.reason:
        return Ended(this, report, stop.reason.exit_code, f"{stop.reason}\nnothing is lost; {go_on}")
    return _gated(Ended(this, report, *conclusion(this)), baseline)


def _gated(ended: Ended, baseline: Source | None) -> Ended:
    """Return how a run ended once its own gate, where it has one, has decided: a failed gate counts before the rest."""
    settings = ended.run.config.gate
    if settings is None:
        return ended
    from fceval.comparing.gating import gate_run

    code, paragraph = gate_run(ended.run, settings, baseline)
    decides = code is ExitCode.GATE_FAILED or ended.exit_code is ExitCode.OK
    return replace(ended, exit_code=code if decides else ended.exit_code, gate=paragraph)


def _set_right(journal: Journal) -> Iterator[str]:
    """Yield what opening a journal had to put right."""
    if journal.torn_bytes:
        yield f"the last record was cut off ({journal.torn_bytes} bytes) and is set aside; it will be asked for again"
    if journal.salvaged_lines:
        yield f"{journal.salvaged_lines} damaged lines are set aside; what they held will be asked for again"
    if journal.restored:
        yield f"{journal.restored} answers were taken back from where a full disk had driven them"


def _asked(this: Run, journal: Journal, watch: Watch) -> tuple[Stop, bool]:
    from fceval.asking import ask, event_loop

    with reached(this.config.endpoint, this.cases) as endpoint, asyncio.Runner(loop_factory=event_loop) as runner:
        return runner.run(ask(this, endpoint, journal, watch))


def score_again(reference: Path, config: RunConfig, out: Path | None) -> Ended:
    """Judge the answers of a run again, under other rules where given; sends nothing.

    Raises:
        ConfigError: Settings are given that would have asked for something else.
        DatasetError: The rules lack what they need of a case.
    """
    this = opened(reference, config)
    if not this.journal.is_file():
        msg = f"{this.journal}: missing: there are no answers to score"
        raise LocalError(msg)
    if out:
        this = runs.copied(this, out)
    with Journal(this.journal):
        this = adopted(this, config)
        return Ended(this, score(this), *conclusion(this))


def score_predictions(config: RunConfig, predictions: Path, out: Path | None) -> Ended:
    """Judge answers made elsewhere; sends nothing.

    Raises:
        FcevalError: Settings, dataset or predictions cannot make a run; nothing is left behind.
    """
    turns = TurnCounts()
    this = begun(config, out, turns)
    with Journal(this.journal) as journal:
        try:
            this = widened(this, *journalled(read_predictions(predictions, turns), journal))
        except DatasetError:
            runs.discard(this.folder)
            raise
        runs.mark_latest(this)
        return Ended(this, score(this), *conclusion(this))


def score(this: Run) -> Report | None:
    """Write the tables and reports of a run from its cases and answers; pure but for the files.

    Returns:
        The report; None where nothing was measured.
    """
    with closing(JournalIndex(this.journal)) as responses:
        pace = write_tables(this, responses)
    tables = [read_table(this.folder / f"{name}.parquet") for name in ("scores", "calls", "arguments")]
    metrics = measure(*tables, pace=pace)
    write_table(this.folder / "metrics.parquet", [metrics], METRICS)
    report = report_of(this)
    summary = json.dumps(summary_document(this.meta(), metrics), indent=2, ensure_ascii=False)
    runs.write_file(this.folder / "summary.json", summary.encode("utf-8", "backslashreplace") + b"\n")
    for name in this.config.report.formats:
        export(report, name, None, this)
    return report if tables[0].filter("measured").head(1).collect().height else None


def report_of(this: Run) -> Report:
    """Return the report on a scored run.

    Raises:
        ConfigError: It was not scored.
    """
    scores, calls, arguments, metrics = _tables(this, "scores", "calls", "arguments", "metrics")
    cases, responses = looked_up(this, opened_keys(scores))
    report = summarise(this.meta(), metrics.collect(), scores, calls, arguments, cases, responses)
    return with_chapter(report, bfcl_section(bfcl_by_variant(scores))) if this.config.rules.name == "bfcl" else report


def _tables(this: Run, *names: str) -> list[pl.LazyFrame]:
    paths = [this.folder / f"{name}.parquet" for name in names]
    if not all(path.exists() for path in paths):
        folder = shlex.quote(str(this.folder))
        msg = f"{folder}: is not scored yet: go on with it (fceval run --resume {folder}), or: fceval score {folder}"
        raise ConfigError(msg)
    return [read_table(path) for path in paths]


def export(report: Report, format_name: str, path: Path | None, this: Run) -> Path:
    """Write a report in one format and return the file; None: under its usual name in the run's folder."""
    exporter = exporters.load(format_name)
    target = path or this.folder / exporter.filename
    runs.write_file(target, exporter.render(report))
    return target


def conclusion(this: Run) -> tuple[ExitCode, str]:
    """Return the exit code of a scored run, and why it is not 0."""
    scores = read_table(this.folder / "scores.parquet")
    planned, measured = scores.select(pl.len(), pl.col("measured").sum()).collect().row(0)
    missing = planned - measured
    if missing <= this.config.max_not_measured * planned:
        return ExitCode.OK, ""
    missed = scores.filter(~pl.col("measured"))
    counted = missed.group_by("outcome").len().sort("outcome").collect().rows()
    detailed = missed.filter(pl.col("failure_detail").is_not_null()).group_by("failure_detail").len()
    commonest = detailed.sort(-pl.col("len").cast(pl.Int64), "failure_detail").head(_CAUSES_SHOWN).collect().rows()
    kinds = ", ".join(f"{number} {outcome}" for outcome, number in counted)
    allowed = f"{this.config.max_not_measured:.4g}"
    why = f"inconclusive: {missing} of {planned} responses were not measured ({kinds}); allowed is a share of {allowed}"
    return ExitCode.INCONCLUSIVE, "\n".join([why, *(f"  {number} times: {detail}" for detail, number in commonest)])


# --- commands without a run -----------------------------------------------------------------------------------


def write_reports(reference: Path, formats: Sequence[str], outputs: Sequence[Path]) -> list[Path]:
    """Write the report of a scored run to each file, and in each format under its usual name; return the files.

    A single format is that of the files, if there are any; else their endings choose.

    Raises:
        ConfigError: A file's ending belongs to no format, or there is no format of a name.
    """
    this = runs.open_run(reference)
    if outputs and len(formats) == 1:
        wanted: list[tuple[str, Path | None]] = [(formats[0], path) for path in outputs]
    else:
        wanted = [(exporters.format_of(path), path) for path in outputs]
        wanted += [(name, None) for name in formats or (() if outputs else this.config.report.formats)]
    for name, _ in wanted:
        exporters.load(name)
    report = report_of(this)
    return [export(report, name, path, this) for name, path in wanted]


def probe(
    config: RunConfig, compared: EndpointSettings | None, out: Path | None, watch: Watch
) -> tuple[Path, Probe, Probe | None]:
    """Ask an endpoint the fixed suite, and a reference beside it where one is named; write down what was found.

    Returns:
        The folder of `probe.json` and `probe.html`, and what was found of both.

    Raises:
        EndpointError: One of the two does not answer at all.
    """
    from fceval import probing
    from fceval.report.probe import probe_files

    asked = [config.endpoint] if compared is None else [config.endpoint, compared]
    for settings in asked:
        check_settings(replace(config, endpoint=settings))
    folder = runs.new_folder(config, out)
    try:
        watch.started(folder, probing.requests_planned(asked), 0)
        found, *others = probing.probes(asked, config.request, watch.responded)
    except (FcevalError, KeyboardInterrupt):
        runs.discard(folder)
        raise
    reference = others[0] if others else None
    for name, content in probe_files(found, reference).items():
        runs.write_file(folder / name, content)
    return folder, found, reference


def redact(reference: Path) -> Path:
    """Take out of a scored run's folder what was said, and write its reports anew without it; return the folder."""
    from fceval import redacting

    this = runs.open_run(reference)
    _tables(this, "scores", "calls", "arguments", "metrics")
    this = redacting.redacted(this)
    report = report_of(this)
    for name in this.config.report.formats:
        export(report, name, None, this)
    redacting.forget(this)
    return this.folder


def show(reference: Path, case_id: str | None) -> str:
    """Return one case of a scored run as text, or the list of what did not pass.

    Raises:
        ConfigError: The run has no such case.
    """
    this = runs.open_run(reference)
    scores, calls, arguments = _tables(this, "scores", "calls", "arguments")
    if case_id is None:
        return failure_list(scores)
    rows = scores.filter(pl.col("case_id") == case_id).select("variant", "trial", "turn").collect().rows()
    if not rows:
        known = scores.select(pl.col("case_id").unique()).collect()["case_id"].to_list()
        msg = f"{reference}: there is no case `{case_id}`{did_you_mean(case_id, known)}"
        raise ConfigError(msg)
    keys = [Key(case_id, variant, trial, turn, 0) for variant, trial, turn in rows]
    return "\n".join(map(case_text, examples(keys, scores, calls, arguments, *looked_up(this, keys))))


def lint(path: Path, *, as_json: bool) -> tuple[str, bool]:
    """Return the findings of a dataset as text or JSON, and whether an error is among them."""
    from fceval.cases.lint import lint as lint_rows

    findings = list(lint_rows(read_rows(path), judgement()))
    has_errors = any(finding.severity == "error" for finding in findings)
    if as_json:
        return json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2), has_errors
    lines = [
        f"{path}, row {each.row} ({each.case_id}), {each.field}: {each.severity} {each.rule}: {each.problem}"
        for each in findings
    ]
    errors = sum(finding.severity == "error" for finding in findings)
    lines.append(f"{path}: {errors} errors, {len(findings) - errors} warnings")
    return visible_lines("\n".join(lines)), has_errors


def convert(source: Path, target: Path) -> int:
    """Write a dataset in the format of the target's ending; return the number of cases."""
    return write_cases(target, read_cases(source, check_case))


def sample(source: Path, target: Path, number: int, seed: int) -> int:
    """Write a seeded sample of a dataset; return the number of cases."""
    return write_cases(target, select(read_cases(source, check_case), Selection(sample=number, seed=seed)))


def import_dataset(name: str, source: Path, target: Path) -> tuple[int, list[str]]:
    """Write someone else's dataset as cases; return the number of cases, and what became none, with the reason."""
    from fceval.cases import importers

    skipped: list[importers.Skipped] = []
    cases = importers.import_cases(importers.load(name), source, check_case, skipped.append)
    return write_cases(target, cases), [visible_lines(str(each)) for each in skipped]


def stats(path: Path, *, as_json: bool) -> str:
    """Return the counts of a dataset as text or JSON."""
    counted = count_cases(read_cases(path, check_case))
    as_text = json_safe(json.dumps(counted, indent=2, ensure_ascii=False))
    return as_text if as_json else visible_lines(counts_text(counted))


def serve(  # noqa: PLR0913, PLR0917 -- what the command line says
    name: str,
    options: Mapping[str, Json],
    dataset: Path | None,
    port: int,
    api_key_env: str | None,
    ready: Callable[[Address], None],
) -> None:
    """Serve an endpoint of our own until a signal ends it."""
    key = key_from_environment(api_key_env)
    settings = endpoints.settings(name, options, dataset=dataset)
    endpoints.load(name).serve(settings, port, key.reveal() if key else endpoints.new_api_key(), ready)
