"""The list of cases as Parquet, for programs: typed columns, one row per response, text exact.

`tags`, `irregularities`, `expected`, `predicted` and `tools` are lists of text. The file's metadata hold
`fceval_format_version` (`fceval.report.document.FORMAT_VERSION`), and `title`, `headline` and `cases_note` of the
report. A lone surrogate, which no table holds, stands as its escape.
"""

from __future__ import annotations

import io
import types
import typing

import pyarrow as pa
import pyarrow.parquet as pq

from fceval.report.document import FORMAT_VERSION, CaseLine, Report
from fceval.report.exporters import Exporter
from fceval.report.exporters._case_columns import NAMES

_TYPES: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    tuple[str, ...]: pa.list_(pa.string()),
}


class Parquet:
    """Exports the list of cases as Parquet."""

    name = "parquet"
    suffix = ".parquet"
    filename = "report.parquet"

    def render(self, report: Report) -> bytes:
        """Return the file; the same report gives the same bytes with the same pyarrow."""
        told = {
            "fceval_format_version": str(FORMAT_VERSION),
            "title": report.title,
            "headline": report.headline,
            "cases_note": report.cases_note,
        }
        schema = _schema().with_metadata({name: _encodable(value) for name, value in told.items()})
        columns = {name: [_encodable(getattr(case, name)) for case in report.cases] for name in NAMES}
        content = io.BytesIO()
        pq.write_table(pa.table(columns, schema=schema), content, compression="zstd")
        return content.getvalue()


def _schema() -> pa.Schema:
    hints = typing.get_type_hints(CaseLine)
    return pa.schema([pa.field(name, _TYPES[_without_none(hints[name])]) for name in NAMES])


def _without_none(hint: object) -> object:
    if typing.get_origin(hint) is not types.UnionType:
        return hint
    (inner,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return inner


def _encodable(value: object) -> object:
    if isinstance(value, tuple):
        return [_encodable(each) for each in value]
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


PLUGIN: Exporter = Parquet()
