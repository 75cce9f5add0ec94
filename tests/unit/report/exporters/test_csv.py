"""CSV that a spreadsheet reads as text and numbers."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from fceval.report.document import Report
from fceval.report.exporters.csv import PLUGIN
from fceval.report.visible import visible
from tests.golden.runs import troubled_run, variants_run

FORMULA_STARTS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")


def _rows(report: Report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(PLUGIN.render(report).decode("utf-8-sig"), newline=""), strict=True))


def test_one_row_per_response() -> None:
    """In the order of the report; what is not known is empty, lists are joined."""
    rows = _rows(troubled_run().report())
    assert len(rows) == 12
    (row,) = [row for row in rows if row["case_id"] == "wrong-tool"]
    assert row["passed"] == "false"
    assert row["cost_usd"] == "0.00025"
    assert row["tags"] == "en, amount"
    assert row["irregularities"] == "finish_stop_with_calls usage_absent"
    assert row["predicted"] == '[{"name": "get_delivery_date", "arguments": {"order_id": "ORD-1"}}]'
    (unmeasured,) = [row for row in rows if row["case_id"] == "timed-out"]
    assert (unmeasured["passed"], unmeasured["latency_s"]) == ("", "")
    assert len(_rows(variants_run().report())) == len(variants_run().report().cases)


def test_excel_sees_utf8() -> None:
    """A byte order mark stands first, once, and lines end as RFC 4180 has it."""
    content = PLUGIN.render(troubled_run().report())
    assert content.startswith(b"\xef\xbb\xbfcase_id,")
    assert content.count(b"\xef\xbb\xbf") == 1
    assert content.endswith(b"\r\n")


def test_no_cell_is_a_formula(hostile: Report) -> None:
    """Of all hostile text, in any column; numbers are left alone, negative ones too."""
    rows = _rows(hostile)
    assert len(rows) == len(hostile.cases)
    for row in rows:
        assert row.pop("cost_usd") == "-0.5"
        assert not [cell for cell in row.values() if cell.startswith(FORMULA_STARTS)]


def test_text_is_kept(hostile: Report) -> None:
    """What was added is one quote before what would be a formula, and escapes for what does not show."""
    for case, row in zip(hostile.cases, _rows(hostile), strict=True):
        assert row["case_id"].removeprefix("'") == visible(case.case_id).removeprefix("'")


@pytest.mark.parametrize(
    ("text", "cell"), [("=1", "'=1"), ("\t=1", r"'\t=1"), ("a=1", "a=1"), ("'=1", "'=1"), ("\uff1d1", "'\uff1d1")]
)
def test_the_quote_stands_only_where_it_must(text: str, cell: str) -> None:
    """Before what a spreadsheet would run."""
    report = troubled_run().report()
    assert _rows(replace(report, cases=(replace(report.cases[0], case_id=text),)))[0]["case_id"] == cell


def test_no_cases_is_a_head() -> None:
    """A report that is not about single responses has no rows."""
    assert _rows(replace(troubled_run().report(), cases=())) == []
