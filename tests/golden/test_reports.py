"""Whole reports against expected files, for every exporter there is."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import cache

import openpyxl
import pyarrow.parquet as pq
import pytest

from fceval.report import comparison, history
from fceval.report.document import Report
from fceval.report.exporters import load, names
from fceval.report.terminal import short_report
from fceval.report.totals import summary_document
from tests.golden.runs import Run, troubled_run, variants_run
from tests.golden.several import compared_runs, compared_variants, past_runs

RUNS: dict[str, Callable[[], Run]] = {"troubled": troubled_run, "variants": variants_run}
REPORTS: dict[str, Callable[[], Report]] = {
    "troubled": lambda: troubled_run().report(),
    "variants": lambda: variants_run().report(),
    "compared": compared_runs,
    "compared-variants": compared_variants,
    "history": past_runs,
}
BRIEF: dict[str, Callable[[Report], Report]] = {
    "compared": comparison.brief,
    "compared-variants": comparison.brief,
    "history": history.brief,
}
"""What of a report is for a terminal, where that is not all of it."""
Golden = Callable[[str, bytes], None]


@cache
def _made(name: str) -> Report:
    """Return a report, made once for all formats."""
    return REPORTS[name]()


def _parquet(content: bytes) -> bytes:
    """Return what a Parquet file holds, as text; its bytes are the library's affair."""
    table = pq.read_table(io.BytesIO(content))
    types = {field.name: str(field.type) for field in table.schema}
    metadata = {name.decode(): value.decode() for name, value in table.schema.metadata.items()}
    read = {"metadata": metadata, "types": types, "rows": table.to_pylist()}
    return (json.dumps(read, indent=1) + "\n").encode()


def _xlsx(content: bytes) -> bytes:
    """Return what a workbook holds, as text: each sheet's cells with their type and number format."""
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    sheets = {
        sheet.title: [
            [
                [cell.coordinate, cell.data_type, cell.number_format, cell.value]
                for cell in row
                if cell.value is not None
            ]
            for row in sheet.iter_rows()
        ]
        for sheet in workbook
    }
    lines = [f"{sheet} {json.dumps(cell)}" for sheet, rows in sheets.items() for row in rows for cell in row]
    return ("\n".join(lines) + "\n").encode()


BINARY = {"parquet": (".parquet.json", _parquet), "xlsx": (".xlsx.txt", _xlsx)}


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("format_name", names())
def test_report(name: str, format_name: str, golden: Golden) -> None:
    """The file is the expected one: byte for byte, or what is read back from a binary one."""
    exporter = load(format_name)
    suffix, text = BINARY.get(format_name, (exporter.suffix, bytes))
    golden(f"{name}{suffix}", text(exporter.render(_made(name))))


@pytest.mark.parametrize("name", REPORTS)
def test_short_report(name: str, golden: Golden) -> None:
    """What a terminal of 100 columns shows."""
    report = _made(name)
    shown = BRIEF[name](report) if name in BRIEF else report
    golden(f"{name}.txt", short_report(shown, 100).encode())


@pytest.mark.parametrize("run", RUNS)
def test_summary_json(run: str, golden: Golden) -> None:
    """The totals for scripts."""
    made = RUNS[run]()
    totals = summary_document(made.meta, made.metrics())
    golden(f"{run}.summary.json", (json.dumps(totals, indent=1) + "\n").encode())


@pytest.mark.untraced
@pytest.mark.parametrize("name", REPORTS)
def test_same_report_same_bytes(name: str) -> None:
    """Making and rendering it again changes nothing, in any format."""
    again = REPORTS[name]()
    for format_name in names():
        exporter = load(format_name)
        assert exporter.name == format_name
        assert exporter.render(again) == exporter.render(_made(name))
