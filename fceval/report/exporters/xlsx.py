"""The report as an Excel workbook: a summary, a sheet per chapter of tables, all cases, and the failures alone.

Needs the extra `xlsx`. Text is written as text: no cell becomes a formula or a link, control characters stand as
escapes, and a text longer than a cell can hold is cut and says so. Numbers are numbers: a share is in [0, 1] and shown
as a percentage, and an interval has two columns beside its value. The time of creation is fixed, so that the same
report gives the same bytes with the same XlsxWriter.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from fceval.errors import ConfigError
from fceval.report.document import CaseLine, Cell, Column, Estimate, Kind, Report, Section, Table
from fceval.report.exporters import Exporter
from fceval.report.exporters._case_columns import NAMES, flat
from fceval.report.visible import visible
from fceval.report.wording import UNKNOWN

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # the library takes no zone
_LONGEST_CELL = 32_767
"""UTF-16 units, Excel's limit."""
_CUT = "… (cut)"
_NUMBER_FORMATS: dict[Kind, str] = {
    "count": "#,##0",
    "tokens": "#,##0",
    "rate": "0.0%",
    "points": "+0.0%;-0.0%;0.0%",
    "change": "+0.0%;-0.0%;0%",
    "p": "0.0000",
    "seconds": "0.000",
    "usd": "$#,##0.00####",
}
_CASE_KINDS: dict[str, Kind] = {"latency_s": "seconds", "cost_usd": "usd"}
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\']")
_LONGEST_NAME = 31
_WIDEST = 60
_ROWS_MEASURED = 200

_Value: TypeAlias = str | int | float | bool | None


class Xlsx:
    """Exports a report as a workbook."""

    name = "xlsx"
    suffix = ".xlsx"
    filename = "report.xlsx"

    def render(self, report: Report) -> bytes:
        """Return the workbook.

        Raises:
            ConfigError: The package that writes it is not installed.
        """
        try:
            import xlsxwriter  # noqa: PLC0415 -- an extra, which everything else does without
        except ModuleNotFoundError:
            msg = "xlsx: the package `xlsxwriter` is not installed; pip install 'fceval[xlsx]', then: fceval report RUN"
            raise ConfigError(msg) from None
        content = io.BytesIO()
        options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with xlsxwriter.Workbook(content, options) as workbook:
            workbook.set_properties({"title": visible(report.title)[:255], "created": _CREATED})
            sheets = _Sheets(workbook)
            _summary(sheets.new("Summary"), report)
            for section in report.sections:
                if section.tables:
                    _chapter(sheets.new(section.title), section)
            if report.cases:
                _cases(sheets.new("Cases"), report.cases, report.cases_note)
                failures = [case for case in report.cases if not case.passed]
                _cases(sheets.new("Failures"), failures, report.cases_note)
        return content.getvalue()


class _Sheets:
    """Adds sheets to a workbook, with the formats that they share."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._names: set[str] = set()
        self._bold = workbook.add_format({"bold": True})
        self._title = workbook.add_format({"bold": True, "font_size": 14})
        self._numbers = {kind: workbook.add_format({"num_format": form}) for kind, form in _NUMBER_FORMATS.items()}

    def new(self, title: str) -> _Sheet:
        """Return an empty sheet named after a title, as far as Excel allows."""
        wanted = _NOT_IN_NAMES.sub(" ", visible(title)).strip() or "Sheet"
        name, number = wanted[:_LONGEST_NAME], 1
        while name.lower() in self._names:
            number += 1
            name = f"{wanted[: _LONGEST_NAME - 4]} {number}"
        self._names.add(name.lower())
        return _Sheet(self._workbook.add_worksheet(name), self._bold, self._title, self._numbers)


class _Sheet:
    """Writes one sheet from top to bottom."""

    def __init__(self, sheet: Worksheet, bold: Format, title: Format, numbers: dict[Kind, Format]) -> None:
        self.sheet = sheet
        self.bold = bold
        self.title = title
        self._numbers = numbers
        self.row = 0

    def write(self, values: Iterable[_Value], kinds: Sequence[Kind] = (), style: Format | None = None) -> None:
        """Write one row; text never as anything but text."""
        for at, value in enumerate(values):
            form = style or (self._numbers.get(kinds[at]) if at < len(kinds) else None)
            if isinstance(value, bool):
                self.sheet.write_boolean(self.row, at, value, form)
            elif isinstance(value, int | float):
                self.sheet.write_number(self.row, at, value, form)
            elif value:
                self.sheet.write_string(self.row, at, _text(value), form)
        self.row += 1

    def skip(self) -> None:
        """Leave a row empty."""
        self.row += 1


def _text(value: str) -> str:
    """Return what a cell shows: on one line, and cut where a cell ends."""
    shown = visible(value)
    units = shown.encode("utf-16-le")
    if len(units) // 2 <= _LONGEST_CELL:
        return shown
    return units[: 2 * (_LONGEST_CELL - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def _summary(sheet: _Sheet, report: Report) -> None:
    sheet.sheet.set_column(0, 0, 28)
    sheet.sheet.set_column(1, 3, 14)
    sheet.sheet.set_column(4, 4, _WIDEST)
    sheet.write([report.title], style=sheet.title)
    sheet.write([report.headline])
    sheet.skip()
    sheet.write(["Figure", "Value", "Low", "High", "Note"], style=sheet.bold)
    for figure in report.figures:
        values = _spread(figure.value, is_estimate=True)
        sheet.write([figure.label, *values, figure.note], ["text", *[figure.kind] * 3, "text"])
    sheet.skip()
    sheet.write(["What was run"], style=sheet.bold)
    for label, value in report.meta:
        sheet.write([label, value])


def _spread(value: Cell, *, is_estimate: bool) -> tuple[_Value, ...]:
    """Return a value as cells: three of them where its column has intervals."""
    if isinstance(value, Estimate):
        return value.value, value.low, value.high
    shown = UNKNOWN if value is None else value
    return (shown, None, None) if is_estimate else (shown,)


def _chapter(sheet: _Sheet, section: Section) -> None:
    sheet.write([section.title], style=sheet.title)
    if section.text:
        sheet.write([section.text])
    widths: list[int] = []
    for table in section.tables:
        sheet.skip()
        _table(sheet, table, widths)
    for at, width in enumerate(widths):
        sheet.sheet.set_column(at, at, width)


def _table(sheet: _Sheet, table: Table, widths: list[int]) -> None:
    if table.title:
        sheet.write([table.title], style=sheet.bold)
    estimates = [any(isinstance(row[at], Estimate) for row in table.rows) for at in range(len(table.columns))]
    labels = [label for column, wide in zip(table.columns, estimates, strict=True) for label in _labels(column, wide)]
    kinds = [
        column.kind for column, wide in zip(table.columns, estimates, strict=True) for _ in range(3 if wide else 1)
    ]
    sheet.write(labels, style=sheet.bold)
    rows = [
        [cell for value, wide in zip(row, estimates, strict=True) for cell in _spread(value, is_estimate=wide)]
        for row in table.rows
    ]
    for row in rows:
        sheet.write(row, kinds)
    if table.note:
        sheet.write([table.note])
    _widen(widths, [labels, *rows])


def _labels(column: Column, wide: bool) -> list[str]:  # noqa: FBT001 -- one of a pair
    return [column.label, f"{column.label}, low", f"{column.label}, high"] if wide else [column.label]


def _widen(widths: list[int], rows: Iterable[Sequence[_Value]]) -> None:
    """Make columns as wide as what they hold, within reason."""
    for row in rows:
        widths.extend([8] * (len(row) - len(widths)))
        for at, value in enumerate(row):
            needed = len(value) + 2 if isinstance(value, str) else 10
            widths[at] = max(widths[at], min(needed, _WIDEST))


def _cases(sheet: _Sheet, cases: Sequence[CaseLine], note: str) -> None:
    if note:
        sheet.write([note])
    head = sheet.row
    sheet.write(NAMES, style=sheet.bold)
    kinds: list[Kind] = [_CASE_KINDS.get(name, "text") for name in NAMES]
    widths: list[int] = []
    _widen(widths, [NAMES, *(flat(case) for case in cases[:_ROWS_MEASURED])])
    for case in cases:
        sheet.write(flat(case), kinds)
    for at, width in enumerate(widths):
        sheet.sheet.set_column(at, at, width)
    sheet.sheet.freeze_panes(head + 1, 1)
    sheet.sheet.autofilter(head, 0, head + len(cases), len(NAMES) - 1)


PLUGIN: Exporter = Xlsx()
