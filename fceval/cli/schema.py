"""`fceval schema`: the JSON Schema of a config, for editors."""

from __future__ import annotations

import json

import click

from fceval.cli import streams


@click.command()
def schema() -> None:
    """Print the JSON Schema of a config file."""
    from fceval.config import json_schema

    streams.tell(json.dumps(json_schema(), indent=2))
