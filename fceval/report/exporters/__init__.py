"""The neutral report in one format a file; the file's name is the format's name.

To add one, write a class with the members of `Exporter` and `PLUGIN: Exporter = ThatClass()`. An exporter chooses
layout and makes foreign text harmless for its format (`fceval.report.visible` first, then the format's own escapes);
it computes nothing, and the same report gives the same bytes.
"""

from __future__ import annotations

from typing import Protocol, cast

from fceval import registry
from fceval.report.document import Report


class Exporter(Protocol):
    """Writes a report in one format; pure."""

    name: str
    """The format's name, as the file is named."""
    suffix: str
    """Of the files it makes, with the dot."""

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
