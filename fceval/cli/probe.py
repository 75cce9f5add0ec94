"""`fceval probe`: how an endpoint keeps the contract, without a dataset."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fceval.cli import streams
from fceval.cli.options import PATH, fault_option, overrides, set_option, warn

if TYPE_CHECKING:
    from fceval.client.endpoint import EndpointSettings
    from fceval.config import RunConfig
    from fceval.records import Json

_DEFAULTS: tuple[tuple[str, Json], ...] = (
    ("name", "probe"),
    ("endpoint.concurrency", 4),
    ("endpoint.max_attempts", 2),
)
"""What a probe asks gently with, unless `--set` says otherwise."""
_SHARED = ("dialect", "token_limit", "concurrency", "rpm", "timeout_s", "max_attempts")
"""What the reference is asked with, too. Headers, parameters and body fields may be secrets of the endpoint's own."""
_WIDEST = 100


@click.command()
@click.option("--base-url", metavar="URL", help="https://host/v1, embedded:mock or embedded:local-model.")
@click.option("--model", metavar="NAME", help="The model, as the endpoint knows it.")
@click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the key.")
@click.option("--dialect", metavar="NAME", help="How tools are written and calls are read. [tools]")
@click.option("--compare", metavar="URL", help="A reference endpoint, asked the same beside it.")
@click.option("--compare-model", metavar="NAME", help="The model, as the reference knows it. [--model]")
@click.option("--compare-api-key-env", metavar="NAME", help="Variable that holds the reference's key. [none is sent]")
@click.option("--timeout", type=float, metavar="SECONDS", help="Longest time for one attempt. [120]")
@click.option("--rpm", type=float, metavar="N", help="Most requests a minute.")
@fault_option
@set_option
@click.option("--out", type=PATH, metavar="DIR", help="The probe's folder itself.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
def probe(
    compare: str | None,
    compare_model: str | None,
    compare_api_key_env: str | None,
    settings: tuple[str, ...],
    out: Path | None,
    quiet: bool,
    **flags: Any,  # noqa: ANN401 -- click passes each flag's own type
) -> int:
    """Ask an endpoint about 30 fixed requests, and say in what it is off the contract.

    No dataset is needed, and no answer is judged: what is reported are irregularities on the wire, by code, of each
    request asked whole and streamed. Among them are a request of the wrong shape and one with a wrong key.
    Exit codes: 0 whatever is found, 4 where the endpoint answers nothing.
    """
    from fceval import pipeline
    from fceval.cli.progress import Progress
    from fceval.config import load_config
    from fceval.errors import ExitCode
    from fceval.report.probe import probe_text

    if compare is None and (compare_model or compare_api_key_env):
        msg = "--compare-model and --compare-api-key-env are about the endpoint that --compare names"
        raise click.UsageError(msg)
    config = load_config(None, [*_DEFAULTS, *overrides(flags, settings)])
    compared = None if compare is None else _compared(config, compare, compare_model, compare_api_key_env)
    warn(config.endpoint)
    with Progress(quiet=quiet) as watch:
        folder, found, reference = pipeline.probe(config, compared, out, watch)
    streams.tell(probe_text(found, reference, width=min(shutil.get_terminal_size().columns, _WIDEST)))
    streams.tell(f"Report: {folder / 'probe.html'}, {folder / 'probe.json'}")
    silent = [each for each in (found, reference) if each is not None and each.is_silent]
    for each in silent:
        streams.note(f"Error: {each.base_url}: not one request was answered: {each.requests[0].detail}")
    return int(ExitCode.ENDPOINT_REFUSED if silent else ExitCode.OK)


def _compared(config: RunConfig, base_url: str, model: str | None, api_key_env: str | None) -> EndpointSettings:
    """Return the reference's settings, checked as any endpoint's."""
    from fceval.config import parse_config

    endpoint: dict[str, Json] = {name: getattr(config.endpoint, name) for name in _SHARED}
    endpoint |= {"base_url": base_url, "model": model or config.endpoint.model, "api_key_env": api_key_env}
    return parse_config({"endpoint": endpoint}, origin="--compare").endpoint
