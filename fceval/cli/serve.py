"""`fceval serve`: an endpoint of our own on loopback, for any OpenAI client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fceval.cli import streams
from fceval.cli.options import PATH

if TYPE_CHECKING:
    from fceval.endpoints import Address
    from fceval.records import Json


def _list_faults(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print every fault of the mock, what it is and where it can show, one a line."""
    if not wanted:
        return
    from fceval.endpoints.mock import FAULTS

    width = max(map(len, FAULTS))
    for name, fault in FAULTS.items():
        streams.tell(f"{name:{width}}  {fault.meaning}  [{fault.where.meaning}]")
    context.exit()


@click.command()
@click.argument("endpoint", metavar="mock|local-model")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: any free one. [0]")
@click.option("--dataset", type=PATH, metavar="FILE", help="Of the mock: cases to answer from.")
@click.option("--mistakes", metavar="KIND=RATE,...", help="Of the mock: what it gets wrong, how often.")
@click.option(
    "--fault", multiple=True, metavar="NAME=RATE", help="Of the mock: one thing that goes wrong, how often. Repeatable."
)
@click.option("--faults", metavar="NAME=RATE,...", help="Of the mock: several of them.")
@click.option(
    "--list-faults", is_flag=True, is_eager=True, expose_value=False, callback=_list_faults, help="Show them and exit."
)
@click.option("--seed", type=int, metavar="N", help="Of the mock: decides which cases. [0]")
@click.option("--latency", type=float, metavar="SECONDS", help="Of the mock: least time to an answer. [0]")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting of the endpoint.")
@click.option("--api-key-env", metavar="NAME", help="Variable with the key to ask for; else a fresh one is printed.")
def serve(
    endpoint: str,
    port: int,
    dataset: Path | None,
    settings: tuple[str, ...],
    api_key_env: str | None,
    mistakes: str | None,
    fault: tuple[str, ...],
    faults: str | None,
    seed: int | None,
    latency: float | None,
) -> None:
    """Serve an endpoint on 127.0.0.1 until Ctrl-C."""
    from fceval import pipeline
    from fceval.config import parse_override

    def ready(address: Address) -> None:
        streams.tell(f"base URL  {address.base_url}")
        streams.tell(f"API key   {address.api_key if api_key_env is None else f'the value of {api_key_env}'}")
        streams.note(f"serving {endpoint}; stop with Ctrl-C")

    all_faults = ",".join(filter(None, (*fault, faults))) or None
    named = {"mistakes": mistakes, "faults": all_faults, "seed": seed, "latency_s": latency}
    options: dict[str, Json] = {name: value for name, value in named.items() if value is not None}
    options.update(parse_override(text) for text in settings)
    pipeline.serve(endpoint, options, dataset, port, api_key_env, ready)
