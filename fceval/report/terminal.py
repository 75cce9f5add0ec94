"""The short report at the end of a run, as plain text for a terminal or a log."""

from __future__ import annotations

import io

import rich.box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from fceval.report.document import Report, Table
from fceval.report.visible import visible
from fceval.report.wording import written

SECTIONS = ("categories", "outcomes")
"""Which sections are short enough to stand at the end of a run."""


def short_report(report: Report, width: int = 80) -> str:
    """Return headline and main tables as text without any control character but line feeds.

    Args:
        report: The report.
        width: Columns of the terminal; longer text is wrapped.
    """
    text = io.StringIO()
    console = Console(
        file=text, width=width, color_system=None, force_terminal=False, legacy_windows=False, _environ={}
    )
    # As `Text`, nothing in it is read as rich's markup.
    console.print(Text(visible(report.headline)))
    for section in report.sections:
        if section.key in SECTIONS:
            for table in section.tables:
                # The grid itself begins with an empty line, and would wrap a title at its own width.
                console.print(*([Text(), Text(visible(table.title))] if table.title else []), _grid(table), sep="\n")
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _grid(table: Table) -> Grid:
    grid = Grid(box=rich.box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        is_word = column.kind in {"text", "name"}
        grid.add_column(Text(visible(column.label)), justify="left" if is_word else "right", overflow="fold")
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        grid.add_row(*(Text(visible(written(value, column.kind))) for value, column in cells))
    return grid
