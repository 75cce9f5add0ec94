"""`fceval schema`: the JSON Schema of a config, for editors, or of a report as JSON, for scripts."""

from __future__ import annotations

import json

import click

from fceval.cli import streams


@click.command()
@click.argument("what", type=click.Choice(["config", "report"]), default="config")
def schema(what: str) -> None:
    """Print the JSON Schema of a config file, or of a report written with --format json."""
    from fceval.config import json_schema
    from fceval.report.exporters import json as report

    streams.tell(json.dumps(json_schema() if what == "config" else report.json_schema(), indent=2))
