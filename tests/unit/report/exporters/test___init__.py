"""Which format a file's name asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from fceval.errors import ConfigError
from fceval.report.exporters import format_of, load, names


@pytest.mark.parametrize(
    ("path", "format_name"),
    [
        ("x.html", "html"),
        ("out/REPORT.HTML", "html"),
        ("x.md", "markdown"),
        ("summary.github.md", "github"),
        ("x.json", "json"),
        ("junit.xml", "junit"),
        ("r.junit.xml", "junit"),
        ("cases.csv", "csv"),
        ("r.parquet", "parquet"),
        ("r.xlsx", "xlsx"),
    ],
)
def test_the_longest_ending_wins(path: str, format_name: str) -> None:
    """Two formats are Markdown; the longer ending says which."""
    assert format_of(Path(path)) == format_name


@pytest.mark.parametrize(("path", "found"), [("x.pdf", "`.pdf`"), ("report", "``")])
def test_unknown_ending(path: str, found: str) -> None:
    """The message lists what there is, and the way out."""
    with pytest.raises(
        ConfigError, match=rf"{path}: no report has the ending {found}; there are: \.csv, \.github\.md, .*--format NAME"
    ):
        format_of(Path(path))


def test_formats_do_not_overwrite_each_other() -> None:
    """In a run's folder each has its own file, and none has that of the cases."""
    exporters = [load(name) for name in names()]
    files = {exporter.filename for exporter in exporters}
    assert len(files) == len({exporter.suffix for exporter in exporters}) == len(exporters)
    assert "cases.parquet" not in files
    assert all(format_of(Path(exporter.filename)) == exporter.name for exporter in exporters)
