"""`fceval init`: a config and a few cases, ready to run."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

from fceval.cli import streams
from fceval.cli.options import PATH
from fceval.errors import ConfigError, LocalError

_FILES = ("fceval.toml", "cases.jsonl")


@click.command()
@click.argument("folder", type=PATH, default=".", metavar="[DIR]")
def init(folder: Path) -> None:
    """Write fceval.toml and cases.jsonl into DIR (here, if none is given); overwrites nothing."""
    there = [name for name in _FILES if (folder / name).exists()]
    if there:
        msg = f"{folder / there[0]}: exists already, and is not overwritten"
        raise ConfigError(msg)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            (folder / name).write_bytes((files("fceval.cli") / "templates" / name).read_bytes())
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror or error}"
        raise LocalError(msg) from error
    streams.tell(f"{folder / 'fceval.toml'} and {folder / 'cases.jsonl'} written; try it, no key needed:")
    streams.tell(f"  fceval run {folder / 'fceval.toml'}")
