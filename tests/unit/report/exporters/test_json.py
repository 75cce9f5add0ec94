"""The neutral report as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from fceval.report.document import FORMAT_VERSION, Report
from fceval.report.exporters.json import PLUGIN, json_schema
from tests.golden.runs import NOT_UTF8, troubled_run, variants_run
from tests.golden.several import compared_runs, compared_variants, past_runs


def test_json_is_the_report() -> None:
    """Every field reads back, hostile text exact, with a version at the top."""
    report = troubled_run().report()
    expected = json.loads(json.dumps({"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}))
    assert json.loads(PLUGIN.render(report)) == expected


def test_chinese_is_readable() -> None:
    """Text stands as text, not as escapes."""
    assert "北京今天天气怎么样？" in PLUGIN.render(troubled_run().report()).decode()


@pytest.mark.parametrize("run", [troubled_run, variants_run])
def test_round_trip(run: type) -> None:
    """The records come back from the text, one by one."""
    report: Report = run().report()
    # pydantic refuses a lone surrogate; that JSON keeps it, the test above shows.
    document = json.loads(PLUGIN.render(report).replace(b"\\ud800", b"?"))
    assert document.pop("format_version") == FORMAT_VERSION
    read = TypeAdapter(Report).validate_python(document)
    assert repr(read) == repr(report).replace(repr(NOT_UTF8)[1:-1], "?")
    assert read.cases == report.cases


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: troubled_run().report(), id="troubled_run"),
        pytest.param(lambda: variants_run().report(), id="variants_run"),
        compared_runs,
        compared_variants,
        past_runs,
    ],
)
def test_fits_its_schema(made: Callable[[], Report]) -> None:
    """Of a run, of a comparison and of a history; and the schema refuses what is no report."""
    validator = jsonschema_rs.validator_for(json_schema())
    document = json.loads(PLUGIN.render(made()).replace(b"\\ud800", b"?"))
    assert [error.message for error in validator.iter_errors(document)] == []
    assert not validator.is_valid({**document, "format_version": FORMAT_VERSION + 1})
    assert not validator.is_valid({**document, "cases": [{"case_id": 1}]})


def test_schema_says_what_fields_mean() -> None:
    """Every record of the document is described, and fields with the words of their own."""

    def objects(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 -- JSON
        if isinstance(schema, dict):
            if "properties" in schema and isinstance(schema["properties"], dict):
                yield schema
            yield from (found for each in schema.values() for found in objects(each))

    found = list(objects(json_schema()))
    assert len(found) > 10
    assert all(each.get("description") for each in found)
    lines = json_schema()["$defs"]["CaseLine"]["properties"]
    assert lines["cost_usd"]["description"] == "None where the price or the tokens are not known."
