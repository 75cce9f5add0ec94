"""JUnit XML held against a strict reading of the schema that Jenkins, GitLab and Ant agree on."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree as ET

import pytest

from fceval.report.document import Report
from fceval.report.exporters.junit import PLUGIN
from tests.golden.runs import troubled_run, variants_run

_COUNT, _TIME, _ANY = r"\d+", r"\d+(\.\d+)?", r"(?s).*"
_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


@dataclass(frozen=True)
class Rule:
    """What an element may hold."""

    required: dict[str, str] = field(default_factory=dict)
    optional: dict[str, str] = field(default_factory=dict)
    children: str = ""
    """Pattern of the children's names, each followed by a space."""
    has_text: bool = False


SCHEMA = {
    "testsuites": Rule(
        {}, {"name": _ANY, "time": _TIME, "tests": _COUNT, "failures": _COUNT, "errors": _COUNT}, r"(testsuite )*"
    ),
    "testsuite": Rule(
        {"name": r"(?s).+", "tests": _COUNT, "failures": _COUNT, "errors": _COUNT},
        {"time": _TIME, "skipped": _COUNT, "timestamp": _MOMENT},
        r"(properties )?(testcase )*(system-out )?(system-err )?",
    ),
    "properties": Rule(children=r"(property )+"),
    "property": Rule({"name": r"(?s).+", "value": _ANY}),
    "testcase": Rule(
        {"name": r"(?s).+", "classname": _ANY, "time": _TIME},
        children=r"((skipped )|(error )|(failure ))?(system-out )?(system-err )?",
    ),
    "failure": Rule({"type": r"\w+", "message": _ANY}, has_text=True),
    "error": Rule({"type": r"\w+", "message": _ANY}, has_text=True),
    "system-out": Rule(has_text=True),
}


def misfits(element: ET.Element) -> list[str]:
    """Return how an element and what is in it break the schema."""
    rule = SCHEMA.get(element.tag)
    if rule is None:
        return [f"unknown element {element.tag}"]
    allowed = rule.required | rule.optional
    found = [f"{element.tag}: no {name}" for name in rule.required if name not in element.attrib]
    found += [
        f"{element.tag}: {name}={value!r}"
        for name, value in element.attrib.items()
        if name not in allowed or not re.fullmatch(allowed[name], value)
    ]
    if not re.fullmatch(rule.children, "".join(f"{child.tag} " for child in element)):
        found.append(f"{element.tag}: children")
    if not rule.has_text and (element.text or "").strip():
        found.append(f"{element.tag}: text")
    if element.tag.startswith("testsuite"):
        cases = list(element.iter("testcase"))
        counts = {
            "tests": len(cases),
            "failures": len(list(element.iter("failure"))),
            "errors": len(list(element.iter("error"))),
        }
        found += [f"{element.tag}: {name} is not {n}" for name, n in counts.items() if element.get(name) != str(n)]
        if abs(float(element.get("time", 0)) - sum(float(case.get("time", 0)) for case in cases)) > 0.001 * len(cases):
            found.append(f"{element.tag}: time")
    return found + [misfit for child in element for misfit in misfits(child)]


def _read(report: Report) -> ET.Element:
    return ET.fromstring(PLUGIN.render(report))  # noqa: S314 -- written by ourselves just now


def _properties(root: ET.Element) -> dict[str | None, str | None]:
    return {each.get("name"): each.get("value") for each in root.findall("testsuite[1]/properties/property")}


@pytest.mark.parametrize("run", [troubled_run, variants_run])
def test_fits_the_schema(run: type) -> None:
    """Elements, their order, attributes, counts and times; names are told apart."""
    root = _read(run().report())
    assert misfits(root) == []
    names = Counter((case.get("classname"), case.get("name")) for case in root.iter("testcase"))
    assert max(names.values()) == 1


def test_the_check_can_fail() -> None:
    """A wrong count, an unknown attribute and a misplaced element are seen."""
    root = _read(troubled_run().report())
    root.set("tests", "1")
    root[0].set("color", "red")
    root[0].append(ET.Element("properties"))
    assert {"testsuites: tests is not 12", "testsuite: color='red'", "testsuite: children"} <= set(misfits(root))


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
