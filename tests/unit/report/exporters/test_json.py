"""The neutral report as JSON."""

from __future__ import annotations

import dataclasses
import json

from fceval.report.document import FORMAT_VERSION
from fceval.report.exporters.json import PLUGIN
from tests.golden.runs import troubled_run


def test_json_is_the_report() -> None:
    """Every field reads back, hostile text exact, with a version at the top."""
    report = troubled_run().report()
    expected = json.loads(json.dumps({"format_version": FORMAT_VERSION, **dataclasses.asdict(report)}))
    assert json.loads(PLUGIN.render(report)) == expected


def test_chinese_is_readable() -> None:
    """Text stands as text, not as escapes."""
    assert "北京今天天气怎么样？" in PLUGIN.render(troubled_run().report()).decode()
