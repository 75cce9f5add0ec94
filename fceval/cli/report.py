"""`fceval report`: write the report of a run again, in any format."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH

FORMATS = "csv, github, html, json, junit, markdown, parquet or xlsx"


@click.command()
@click.argument("run", type=PATH)
@click.option("--format", "formats", multiple=True, metavar="NAME", help=f"{FORMATS}; may be repeated.")
@click.option(
    "-o",
    "--output",
    "outputs",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Its ending chooses a format, unless a single --format says it.",
)
def report(run: Path, formats: tuple[str, ...], outputs: tuple[Path, ...]) -> None:
    """Write the report of RUN, into its folder or to -o FILE; sends nothing and scores nothing."""
    from fceval import pipeline

    for path in pipeline.write_reports(run, formats, outputs):
        streams.tell(str(path))
