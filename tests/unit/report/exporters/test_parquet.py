"""The list of cases as Parquet reads back as it was."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fceval.report.document import FORMAT_VERSION, CaseLine, Report
from fceval.report.exporters.parquet import PLUGIN
from tests.golden.runs import troubled_run, variants_run

_LISTS = ("tags", "irregularities", "expected", "predicted", "tools")


def _read(report: Report) -> tuple[CaseLine, ...]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(PLUGIN.render(report))).to_pylist()
    for row in rows:
        row.update({name: tuple(row[name]) for name in _LISTS})
    return tuple(CaseLine(**row) for row in rows)


@pytest.mark.parametrize("run", [troubled_run, variants_run])
def test_round_trip(run: type) -> None:
    """Every line, every field."""
    report = run().report()
    assert report.cases
    assert _read(report) == report.cases


def test_hostile_text_is_exact(hostile: Report) -> None:
    """But for lone surrogates, which stand as escapes."""
    for case, found in zip(hostile.cases, _read(hostile), strict=True):
        assert found.detail == case.detail.encode(errors="backslashreplace").decode()


def test_columns_are_typed() -> None:
    """As the record says, also where no row has a value; the metadata tell the version and what the report found."""
    report = replace(troubled_run().report(), cases=(), cases_note="none listed")
    schema = pq.read_schema(io.BytesIO(PLUGIN.render(report)))
    assert schema.names == [field.name for field in fields(CaseLine)]
    assert schema.field("cost_usd").type == pa.float64()
    assert schema.field("tags").type == pa.list_(pa.string())
    metadata = {name.decode(): value.decode() for name, value in schema.metadata.items()}
    assert metadata["fceval_format_version"] == str(FORMAT_VERSION)
    assert (metadata["headline"], metadata["cases_note"]) == (report.headline, "none listed")
