"""A workbook in which text is text and numbers are numbers."""

from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest

from fceval.errors import ConfigError
from fceval.report.document import Column, Report, Section, Table
from fceval.report.exporters.xlsx import PLUGIN
from tests.golden.runs import troubled_run


def _open(report: Report) -> Any:  # noqa: ANN401 -- openpyxl has no types
    return openpyxl.load_workbook(io.BytesIO(PLUGIN.render(report)))


def test_sheets() -> None:
    """A summary, a sheet per chapter with tables, all cases, and the failures alone."""
    workbook = _open(troubled_run().report())
    assert workbook.sheetnames[:3] == ["Summary", "By category", "Outcomes"]
    assert {"By tool", "Where calls and arguments fail"} <= set(workbook.sheetnames)
    assert workbook.sheetnames[-2:] == ["Cases", "Failures"]
    assert workbook["Cases"].max_row == 13
    assert workbook["Failures"].max_row == 8
    assert workbook["Cases"].freeze_panes == "B2"


def test_shares_are_numbers() -> None:
    """With their interval beside them, shown as percentages."""
    sheet = _open(troubled_run().report())["By category"]
    assert [cell.value for cell in sheet[3]][:4] == ["Category", "Accuracy", "Accuracy, low", "Accuracy, high"]
    rates = [cell for row in sheet.iter_rows(min_row=4) for cell in row[1:4] if isinstance(cell.value, float)]
    assert rates
    assert all(cell.number_format == "0.0%" for cell in rates)


def test_no_formula_and_no_link(hostile: Report) -> None:
    """Of all hostile text, in any cell of any sheet."""
    content = PLUGIN.render(hostile)
    workbook = openpyxl.load_workbook(io.BytesIO(content))
    cells = [cell for sheet in workbook for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 10 * len(hostile.cases)
    assert {cell.data_type for cell in cells} == {"s", "n", "b"}
    assert not [cell for cell in cells if cell.hyperlink]
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        assert not [name for name in parts.namelist() if "rels" in name and b"hyperlink" in parts.read(name)]
        assert not [name for name in parts.namelist() if "/sheet" in name and b"<f>" in parts.read(name)]


@pytest.mark.parametrize("text", ["x" * 40_000, "\N{GRINNING FACE}" * 20_000])
def test_long_text_is_cut_and_says_so(text: str) -> None:
    """Where a cell ends, which counts UTF-16 units."""
    report = troubled_run().report()
    value = _open(replace(report, meta=(("note", text),)))["Summary"].cell(_last_row(report), 2).value
    assert value.endswith("… (cut)")
    assert len(value.encode("utf-16-le")) // 2 in {32_766, 32_767}


def _last_row(report: Report) -> int:
    return int(_open(replace(report, meta=(("note", "x"),)))["Summary"].max_row)


def test_names_of_sheets_fit() -> None:
    """Excel's characters and length; two of the same stay apart."""
    table = Table((Column("A", "text"),), (("x",),))
    chapters = tuple(Section(key, f"[a/b] {'long ' * 9}", tables=(table,)) for key in ("one", "two"))
    names = _open(replace(troubled_run().report(), sections=chapters)).sheetnames
    assert len(set(names)) == len(names)
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)


def test_same_bytes() -> None:
    """The file holds no time of its own."""
    assert PLUGIN.render(troubled_run().report()) == PLUGIN.render(troubled_run().report())


def test_missing_package_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to get it."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ConfigError, match=r"pip install 'fceval\[xlsx\]'"):
        PLUGIN.render(troubled_run().report())
