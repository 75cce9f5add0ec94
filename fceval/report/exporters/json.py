"""The neutral report as JSON: its records as objects, field by field.

At the top stands `format_version` (`fceval.report.document.FORMAT_VERSION`), then the fields of `Report`. Foreign
text is exact: characters that do not show themselves stand as JSON escapes. `json_schema` describes all of it.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter

from fceval.report import document
from fceval.report.document import FORMAT_VERSION, Report
from fceval.report.exporters import Exporter
from fceval.report.visible import json_safe


class Json:
    """Exports a report as it is."""

    name = "json"
    suffix = ".json"
    filename = "report.json"

    def render(self, report: Report) -> bytes:
        """Return the report as indented JSON."""
        document = {"format_version": FORMAT_VERSION, **_members(report)}
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False, default=_members)
        return (json_safe(text) + "\n").encode()


def _members(record: Any) -> dict[str, Any]:  # noqa: ANN401 -- any record of a report
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a report in this format, with what is said of each field."""
    for record in vars(document).values():
        if dataclasses.is_dataclass(record):
            # The records are plain ones; that their schema tells what the fields mean is this format's affair.
            setattr(record, "__pydantic_config__", ConfigDict(use_attribute_docstrings=True))  # noqa: B010 -- mypy knows no such attribute
    schema = TypeAdapter(Report).json_schema(mode="serialization")
    schema["properties"] = {"format_version": {"const": FORMAT_VERSION}, **schema["properties"]}
    schema["required"] = list(schema["properties"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


PLUGIN: Exporter = Json()
