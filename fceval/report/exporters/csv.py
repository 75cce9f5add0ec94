r"""The list of cases as CSV for a spreadsheet: a head, then one row per response, nothing else.

UTF-8 with a byte order mark, without which Excel reads every script but Latin wrongly; lines end as RFC 4180 has it.
A cell of text that a spreadsheet would run as a formula (it starts with ``= + - @``, a tab or a carriage return, or
with a full-width one of them) gets a leading ``'``. Control characters stand as escapes such as ``\n``. Numbers stay
numbers, `true` and `false` are words, and what is not known is empty. Programs are better served by `parquet`.
"""

from __future__ import annotations

import csv
import io
import re

from fceval.report.document import Report
from fceval.report.exporters import Exporter
from fceval.report.exporters._case_columns import NAMES, Value, flat
from fceval.report.visible import visible

_FORMULA = re.compile(r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


class Csv:
    """Exports the list of cases as CSV."""

    name = "csv"
    suffix = ".csv"
    filename = "report.csv"

    def render(self, report: Report) -> bytes:
        """Return the rows, in the order of the report."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(NAMES)
        writer.writerows([_cell(value) for value in flat(case)] for case in report.cases)
        return text.getvalue().encode("utf-8-sig")


def _cell(value: Value) -> Value:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return value
    shown = visible(value)
    # Whether it would be a formula is asked of both: an escape must not be what makes it harmless in one version only.
    return f"'{shown}" if _FORMULA.match(value) or _FORMULA.match(shown) else shown


PLUGIN: Exporter = Csv()
