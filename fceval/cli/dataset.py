"""`fceval dataset`: look at a dataset before it costs anything, and change its form."""

from __future__ import annotations

from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH


@click.group()
def dataset() -> None:
    """Check, convert, count, sample and import datasets."""


@dataset.command()
@click.argument("file", type=PATH)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="[text]")
def lint(file: Path, form: str) -> int:
    """Report everything that is wrong with FILE; exit code 2 where a case is unusable."""
    from fceval import pipeline

    text, has_errors = pipeline.lint(file, as_json=form == "json")
    streams.tell(text)
    return 2 if has_errors else 0


@dataset.command()
@click.argument("source", type=PATH)
@click.argument("target", type=PATH)
def convert(source: Path, target: Path) -> None:
    """Write SOURCE as TARGET; the endings (.jsonl, .parquet) say the formats. Nothing is lost either way."""
    from fceval import pipeline

    number = pipeline.convert(source, target)
    streams.tell(f"{number} cases written to {target}")


@dataset.command()
@click.argument("file", type=PATH)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="[text]")
def stats(file: Path, form: str) -> None:
    """Count the cases of FILE by category, tag, tool and number of calls."""
    from fceval import pipeline

    streams.tell(pipeline.stats(file, as_json=form == "json"))


@dataset.command()
@click.argument("file", type=PATH)
@click.option("-n", "--number", type=click.IntRange(min=1), required=True, help="How many cases.")
@click.option("--seed", type=int, default=0, help="The same seed draws the same cases. [0]")
@click.option("--out", "target", type=PATH, required=True, metavar="FILE", help="A .jsonl or .parquet file.")
def sample(file: Path, number: int, seed: int, target: Path) -> None:
    """Draw cases of FILE at random, in the order of the file."""
    from fceval import pipeline

    drawn = pipeline.sample(file, target, number, seed)
    streams.tell(f"{drawn} cases written to {target}")


@dataset.command("import")
@click.argument("form", metavar="NAME")
@click.argument("source", type=PATH, metavar="SRC")
@click.option("--out", "target", type=PATH, required=True, metavar="FILE", help="A .jsonl or .parquet file.")
def import_(form: str, source: Path, target: Path) -> None:
    """Write someone else's dataset as cases. NAME: bfcl, k2vv, openai or promptfoo.

    SRC is a file of theirs; for bfcl the data folder, a checkout, or the word bfcl_eval for the installed package.
    What cannot be expressed as a case is listed on stderr, never dropped in silence.
    """
    from fceval import pipeline

    number, skipped = pipeline.import_dataset(form, source, target)
    for line in skipped:
        click.echo(f"skipped: {line}", err=True)
    streams.tell(f"{number} cases written to {target}" + (f", {len(skipped)} skipped" if skipped else ""))
