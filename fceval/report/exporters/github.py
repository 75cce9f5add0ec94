"""The report for a GitHub Actions step: a step summary in Markdown, and annotations for the workflow's page.

fceval writes a file like any other and touches nothing of the runner's. Show it to both of its readers at once:

    fceval report RUN -o summary.github.md && tee -a "$GITHUB_STEP_SUMMARY" < summary.github.md

The annotations are workflow commands, which the runner takes from what a step prints; in the summary they stand in a
comment, which nobody sees. GitHub shows ten errors a step, so there are no more. It drops a summary beyond 1 MiB, so
this one ends at a row before that, and says so. No line of foreign text can be taken for a workflow command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from fceval.report.document import CaseLine, Report
from fceval.report.exporters import Exporter
from fceval.report.exporters.markdown import code, code_cell, prose, table_lines
from fceval.report.visible import visible
from fceval.report.wording import in_words, reason, written

LIMIT_BYTES = 1_048_576
"""Of a step's summary."""
ANNOTATIONS = 10
"""Of one severity that a step may have."""
FAILURES = 100
"""Rows of the table of failures."""

_CUT = "**Cut here: GitHub shows no more than 1 MiB. The whole is in the other formats of the report.**"
_END_OF_COMMENT = re.compile(r"-(?=-!?>)")
_OLD_COMMAND = "##["


class GitHub:
    """Exports a report as step summary and annotations."""

    name = "github"
    suffix = ".github.md"
    filename = "report.github.md"

    def render(self, report: Report) -> bytes:
        """Return Markdown of less than `LIMIT_BYTES`."""
        # The runner reads the older form of its commands anywhere in a line.
        lines = (line.replace(_OLD_COMMAND, r"##\x5b") for line in _lines(report))
        return "".join(_within(lines, LIMIT_BYTES)).encode()


def _within(lines: Iterable[str], limit: int) -> Iterator[str]:
    """Yield lines while they and a word on the cut stay under a number of bytes."""
    left = limit - len(_CUT.encode()) - 3
    for line in lines:
        left -= len(line.encode()) + 1
        if left <= 0:
            yield f"\n{_CUT}\n"
            return
        yield f"{line}\n"


def _lines(report: Report) -> Iterator[str]:
    yield from (f"## {prose(report.title)}", "", f"**{prose(report.headline)}**", "")
    yield from ("<!--", *_annotations(report), "-->", "")
    for figure in report.figures:
        note = f" ({figure.note})" if figure.note else ""
        yield f"- {prose(figure.label)}: **{prose(written(figure.value, figure.kind))}**{prose(note)}"
    yield ""
    yield from _failures([case for case in report.cases if not case.passed])
    for section in report.sections:
        if section.tables:
            yield from (f"### {prose(section.title)}", "")
            yield from (prose(section.text), "") if section.text else ()
            for table in section.tables:
                yield from table_lines(table)
    yield from ("### What was run", "", *(f"- {prose(label)}: {code(value)}" for label, value in report.meta))


def _failures(failures: list[CaseLine]) -> Iterator[str]:
    if not failures:
        return
    yield from ("### Failures", "", "| Case | Outcome | Category | Why |", "| --- | --- | --- | --- |")
    for case in failures[:FAILURES]:
        place, category, why = (code_cell(text) for text in (_name(case), case.category, case.detail))
        yield f"| {place} | {prose(in_words(case.outcome))} | {category} | {why} |"
    yield ""
    if len(failures) > FAILURES:
        yield from (f"The first {FAILURES:,} of {len(failures):,}.", "")


def _name(case: CaseLine) -> str:
    variant = "" if case.variant == "default" else f" {case.variant}"
    numbers = "".join(f" {label} {number}" for label, number in (("trial", case.trial), ("turn", case.turn)) if number)
    return f"{case.case_id}{variant}{numbers}"


def _annotations(report: Report) -> Iterator[str]:
    """Yield one line on the whole report, and an error for each failure; the last one counts the rest."""
    yield _command("notice" if report.complete else "warning", report.title, report.headline)
    failures = [case for case in report.cases if case.measured and not case.passed]
    shown = failures if len(failures) <= ANNOTATIONS else failures[: ANNOTATIONS - 1]
    for case in shown:
        yield _command("error", _name(case), reason(case))
    if len(shown) < len(failures):
        yield _command("error", report.title, f"{len(failures) - len(shown):,} more responses failed")


def _command(severity: str, title: str, message: str) -> str:
    """Return a workflow command; what its syntax, and the comment around it, would read is escaped."""
    shown_title = _escaped(title).replace(":", "%3A").replace(",", "%2C")
    return f"::{severity} title={shown_title}::{_escaped(message)}"


def _escaped(text: str) -> str:
    # `visible` leaves no line end; of what the runner would decode, only the percent sign can still be there.
    return _END_OF_COMMENT.sub(r"\\x2d", visible(text)).replace("%", "%25")


PLUGIN: Exporter = GitHub()
