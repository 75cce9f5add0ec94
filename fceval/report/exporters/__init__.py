"""The neutral report in one format a file; the file's name is the format's name.

To add one, write a class with the members of `Exporter` and `PLUGIN: Exporter = ThatClass()`. An exporter chooses
layout and makes foreign text harmless for its format (`fceval.report.visible` first, then the format's own escapes);
it computes nothing, and the same report gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from fceval import registry
from fceval.errors import ConfigError
from fceval.report.document import Report


class Exporter(Protocol):
    """Writes a report in one format; pure."""

    name: str
    """The format's name, as the file is named."""
    suffix: str
    """Ending of the files it makes, with the dot; no two formats have the same, but one may end another."""
    filename: str
    """In the folder of a run, unless another is asked for."""

    def render(self, report: Report) -> bytes:
        """Return the whole file."""


def names() -> tuple[str, ...]:
    """Return the formats there are."""
    return registry.names(__name__)


def load(name: str) -> Exporter:
    """Return an exporter.

    Raises:
        ConfigError: There is none of that name.
    """
    return cast("Exporter", registry.load(__name__, name))


def format_of(path: Path) -> str:
    """Return the format that a file's name asks for by its ending: of several that fit, the longest.

    Raises:
        ConfigError: The ending belongs to none.
    """
    suffixes = {load(name).suffix: name for name in names()}
    fitting = [suffix for suffix in suffixes if path.name.lower().endswith(suffix)]
    if not fitting:
        offered = ", ".join(sorted(suffixes))
        msg = f"{path}: no report has the ending `{path.suffix}`; there are: {offered} (or name one: --format NAME)"
        raise ConfigError(msg)
    return suffixes[max(fitting, key=len)]
