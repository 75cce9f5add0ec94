"""JUnit XML held against a strict reading of the schema that Jenkins, GitLab and Ant agree on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema

from fceval.report.document import Report
from fceval.report.exporters.junit import PLUGIN
from tests.golden.runs import troubled_run, variants_run

SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[3] / "data" / "junit" / "junit.xsd")


def misfits(root: ET.Element) -> list[str]:
    """Return how a document breaks the schema, and what no schema can say: counts and times that do not add up."""
    found = [f"{error.path}: {error.reason}" for error in SCHEMA.iter_errors(root)]
    for element in (root, *root):
        cases = list(element.iter("testcase"))
        counts = {
            "tests": len(cases),
            "failures": len(list(element.iter("failure"))),
            "errors": len(list(element.iter("error"))),
        }
        found += [f"{element.tag}: {name} is not {n}" for name, n in counts.items() if element.get(name) != str(n)]
        if abs(float(element.get("time", 0)) - sum(float(case.get("time", 0)) for case in cases)) > 0.001 * len(cases):
            found.append(f"{element.tag}: time")
    return found


def _read(report: Report) -> ET.Element:
    return ET.fromstring(PLUGIN.render(report))  # noqa: S314 -- written by ourselves just now


def _properties(root: ET.Element) -> dict[str | None, str | None]:
    return {each.get("name"): each.get("value") for each in root.findall("testsuite[1]/properties/property")}


@pytest.mark.parametrize("run", [troubled_run, variants_run])
def test_fits_the_schema(run: type) -> None:
    """Elements, their order, attributes, counts and times; names are told apart."""
    assert misfits(_read(run().report())) == []


BROKEN: dict[str, Callable[[ET.Element], object]] = {
    "testsuites: tests is not 12": lambda root: root.set("tests", "1"),
    "'color' attribute not allowed": lambda root: root[0].set("color", "red"),
    "Unexpected child with tag 'properties'": lambda root: root[0].append(ET.Element("properties")),
    "missing required attribute 'classname'": lambda root: root[0][1].attrib.pop("classname"),
    "duplicated value": lambda root: root[0][1].set("name", root[0][2].get("name", "")),
    "invalid datetime": lambda root: root[0].set("timestamp", "yesterday"),
}


@pytest.mark.parametrize("complaint", BROKEN)
def test_the_check_can_fail(complaint: str) -> None:
    """A wrong count, an unknown attribute, a misplaced element, a missing name and one too many are seen."""
    root = _read(troubled_run().report())
    BROKEN[complaint](root)
    assert any(complaint.lower() in misfit.lower() for misfit in misfits(root)), misfits(root)


def test_hostile_text_is_xml(hostile: Report) -> None:
    """It parses, fits the schema, and holds no character that XML cannot."""
    assert misfits(_read(hostile)) == []


def test_failed_and_not_measured() -> None:
    """A failure is the model's, an error is not; both say why, and what passed says nothing."""
    root = _read(troubled_run().report())
    (failure,) = root.findall(".//testcase[@name='refund-value']/failure")
    assert failure.get("type") == "wrong_value"
    assert failure.get("message") == "wrong value: issue_refund, argument amount: expected 12.5, got 1250"
    (error,) = root.iter("error")
    assert error.get("type") == "timed_out"
    (passed,) = root.findall(".//testcase[@name='passed-0']")
    assert list(passed) == []


def test_difference_stands_in_system_out() -> None:
    """Expected calls and predicted ones, a line each, as a unified difference."""
    (out,) = _read(troubled_run().report()).findall(".//testcase[@name='parallel-missing']/system-out")
    assert (out.text or "").splitlines()[2:] == [
        "@@ -1,2 +1 @@",
        ' {"name": "get_delivery_date", "arguments": {"order_id": "order_12345"}}',
        '-{"name": "get_delivery_date", "arguments": {"order_id": "order_12345"}}',
    ]


def test_properties_tell_the_run() -> None:
    """What was run, the share with its interval as numbers, and what was cut."""
    report = replace(troubled_run().report(), cases_note="cut")
    told = _properties(_read(report))
    assert told["base_url"] == "https://relay.example/v1"
    assert float(told["accuracy_low"] or "") < float(told["accuracy"] or "") < float(told["accuracy_high"] or "")
    assert told["cases_note"] == "cut"
    assert "coverage" in told


def test_variants_have_suites_of_their_own() -> None:
    """With trials in the names."""
    root = _read(variants_run().report())
    assert {suite.get("name", "").split(" / ")[0] for suite in root} == {"polite", "terse"}
    assert any("(trial 2)" in case.get("name", "") for case in root.iter("testcase"))
