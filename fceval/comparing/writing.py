"""Reports that belong to no run's folder: written to named files, or told in one format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fceval import runs
from fceval.errors import ConfigError
from fceval.report import exporters
from fceval.report.document import Report

_OF_RESPONSES = frozenset({"csv", "junit", "parquet"})
"""Formats that list single responses, of which a report on several runs has none."""


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse files that a report on several runs could not be written to, before anything is computed.

    Raises:
        ConfigError: See `check_files`; or an ending belongs to a format that lists responses.
    """
    for path in paths:
        _check_format(exporters.format_of(path), str(path))
    check_files(paths)


def check_files(paths: Sequence[Path], made: Path | None = None) -> None:
    """Refuse files that no report could be written to.

    Args:
        paths: The files.
        made: A folder that will have been made by the time they are written.

    Raises:
        ConfigError: A file's ending belongs to no format, or its folder does not exist.
    """
    for path in paths:
        exporters.format_of(path)
        if path.parent != made and not path.parent.is_dir():
            msg = f"{path}: there is no folder {path.parent}"
            raise ConfigError(msg)


def write_to(report: Report, paths: Sequence[Path]) -> None:
    """Write a report to files, each in the format that its ending stands for.

    Raises:
        ConfigError: A file's ending belongs to no format.
        LocalError: A file cannot be written.
    """
    for path in paths:
        runs.write_file(path, exporters.load(exporters.format_of(path)).render(report))


def in_format(report: Report, name: str) -> str:
    """Return a report as text in a format that is one.

    Raises:
        ConfigError: There is no such format, it lists responses, or it is no text.
    """
    _check_format(name, f"--format {name}")
    try:
        return exporters.load(name).render(report).decode()
    except UnicodeDecodeError:
        msg = f"--format {name}: is no text; write it to a file: -o FILE{exporters.load(name).suffix}"
        raise ConfigError(msg) from None


def _check_format(name: str, asked: str) -> None:
    if name in _OF_RESPONSES:
        msg = f"{asked}: {name} lists the responses of one run, and this report is about several; take html or markdown"
        raise ConfigError(msg)
