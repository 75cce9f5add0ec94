"""The neutral report as JSON: its records as objects, field by field.

At the top stands `format_version` (`fceval.report.document.FORMAT_VERSION`), then the fields of `Report`. Foreign
text is exact: characters that do not show themselves stand as JSON escapes.
"""

from __future__ import annotations

import dataclasses
import json

from fceval.report.document import FORMAT_VERSION, Report
from fceval.report.exporters import Exporter
from fceval.report.visible import json_safe


class Json:
    """Exports a report as it is."""

    name = "json"
    suffix = ".json"

    def render(self, report: Report) -> bytes:
        """Return the report as indented JSON."""
        document = {"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        return (json_safe(text) + "\n").encode()


PLUGIN: Exporter = Json()
