"""The list of cases as JUnit XML, as CI servers read it (the elements and attributes of Jenkins' schema).

A suite per category, and per variant where there are several. A response that passed is a plain `testcase`; one that
failed has a `failure`, one that was not measured an `error`, both with the outcome as `type`, and the difference
between expected and predicted calls in `system-out`. Each suite's properties say what was run, and the figures of the
whole run: a share as a number in [0, 1], with `_low` and `_high` for its interval. Counts are those of the cases in
the file; where the list was cut, the property `cases_note` says so. Characters that XML cannot hold stand as escapes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree as ET

from fceval.report.document import CaseLine, Estimate, Figure, Report
from fceval.report.exporters import Exporter
from fceval.report.visible import visible, visible_lines
from fceval.report.wording import reason

_STARTED = "started at"
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(?:Z|\+00:00)")


class JUnit:
    """Exports the list of cases as JUnit XML."""

    name = "junit"
    suffix = ".xml"
    filename = "junit.xml"

    def render(self, report: Report) -> bytes:
        """Return the XML document as UTF-8."""
        root = ET.Element("testsuites", {"name": visible(report.title), **_totals(report.cases)})
        name_of = _namer(report.cases)
        for suite, cases in _suites(report.cases).items():
            root.append(_suite(suite, cases, name_of, report))
        ET.indent(root)
        document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
        return document + b"\n"


def _suites(cases: Iterable[CaseLine]) -> dict[str, list[CaseLine]]:
    cases = list(cases)
    several = len({case.variant for case in cases}) > 1
    found: dict[str, list[CaseLine]] = {}
    for case in cases:
        found.setdefault(f"{case.variant} / {case.category}" if several else case.category, []).append(case)
    return found


def _namer(cases: Iterable[CaseLine]) -> Callable[[CaseLine], str]:
    """Return what names a case, the same way in every suite: by trial and turn where there are several."""
    cases = list(cases)
    trials, turns = any(case.trial for case in cases), any(case.turn for case in cases)

    def name(case: CaseLine) -> str:
        parts = [f"trial {case.trial}"] * trials + [f"turn {case.turn}"] * turns
        return case.case_id + (f" ({', '.join(parts)})" if parts else "")

    return name


def _suite(name: str, cases: list[CaseLine], name_of: Callable[[CaseLine], str], report: Report) -> ET.Element:
    suite = ET.Element("testsuite", {"name": visible(name), **_totals(cases), "skipped": "0", **_timestamp(report)})
    properties = ET.SubElement(suite, "properties")
    for label, value in _properties(report):
        ET.SubElement(properties, "property", {"name": visible(label), "value": visible(value)})
    for case in cases:
        suite.append(_testcase(case, name, name_of(case)))
    return suite


def _totals(cases: Iterable[CaseLine]) -> dict[str, str]:
    cases = list(cases)
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.measured and not case.passed for case in cases)),
        "errors": str(sum(not case.measured for case in cases)),
        "time": _seconds(sum(case.latency_s or 0 for case in cases)),
    }


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _timestamp(report: Report) -> dict[str, str]:
    """Return when the run began, in UTC without a zone, as the schema has it."""
    found = _MOMENT.fullmatch(dict(report.meta).get(_STARTED, ""))
    return {"timestamp": found[1]} if found else {}


def _properties(report: Report) -> Iterator[tuple[str, str]]:
    yield from ((label.replace(" ", "_"), value) for label, value in report.meta)
    for figure in report.figures:
        yield from _figure(figure)
    if report.cases_note:
        yield "cases_note", report.cases_note


def _figure(figure: Figure) -> Iterator[tuple[str, str]]:
    name = re.sub(r"[^\w.-]+", "_", figure.label.lower())
    if isinstance(figure.value, Estimate):
        bounds = {"": figure.value.value, "_low": figure.value.low, "_high": figure.value.high}
        yield from ((f"{name}{end}", repr(value)) for end, value in bounds.items())
    elif figure.value is not None:
        yield name, str(figure.value)


def _testcase(case: CaseLine, suite: str, name: str) -> ET.Element:
    place = {"name": visible(name), "classname": visible(suite), "time": _seconds(case.latency_s or 0)}
    element = ET.Element("testcase", place)
    if case.passed:
        return element
    kind = "failure" if case.measured else "error"
    said = ET.SubElement(element, kind, {"type": case.outcome, "message": visible(reason(case))})
    difference = visible_lines("\n".join(_difference(case)))
    said.text = "\n".join(filter(None, (visible_lines(reason(case)), difference)))
    if difference:
        ET.SubElement(element, "system-out").text = difference
    return element


def _difference(case: CaseLine) -> Iterable[str]:
    """Return expected and predicted calls as a unified difference, a call a line, whole."""
    if case.expected == case.predicted:
        return [f"  {call}" for call in case.expected]
    context = len(case.expected) + len(case.predicted)
    return difflib.unified_diff(case.expected, case.predicted, "expected", "predicted", n=context, lineterm="")


PLUGIN: Exporter = JUnit()
