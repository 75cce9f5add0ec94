"""Options that several commands share, and how flags become settings."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fceval.cli import streams

if TYPE_CHECKING:
    from fceval.client.endpoint import EndpointSettings
    from fceval.records import Json

Command = TypeVar("Command", bound=Callable[..., Any])

FLAGS: dict[str, str] = {
    "dataset": "dataset.path",
    "base_url": "endpoint.base_url",
    "model": "endpoint.model",
    "api_key_env": "endpoint.api_key_env",
    "dialect": "endpoint.dialect",
    "stream": "endpoint.stream",
    "concurrency": "endpoint.concurrency",
    "rpm": "endpoint.rpm",
    "tpm": "endpoint.tpm",
    "grace": "grace_s",
    "prices": "prices",
    "max_requests": "budget.max_requests",
    "max_tokens": "budget.max_tokens",
    "max_cost": "budget.max_cost_usd",
    "deadline": "budget.deadline_s",
    "timeout": "endpoint.timeout_s",
    "mistakes": "endpoint.options.mistakes",
    "fault": "endpoint.options.faults",
    "trials": "trials",
    "limit": "dataset.limit",
    "name": "name",
    "rules": "rules.name",
    "max_not_measured": "max_not_measured",
}
"""Flag to the setting that it sets."""

PATH = click.Path(path_type=Path)

set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Any setting of the config, e.g. rules.strings=exact.",
)
fault_option = click.option(
    "--fault",
    multiple=True,
    metavar="KIND=RATE",
    help="Of embedded:mock: how it breaks the contract, how often; may be repeated.",
)
out_option = click.option("--out", type=PATH, metavar="DIR", help="The run's folder itself.")


def run_options(command: Command) -> Command:
    """Add the flags that stand for settings of a run."""
    for option in reversed(
        (
            click.option("--dataset", type=PATH, metavar="FILE", help="Cases, .jsonl or .parquet."),
            click.option("--base-url", metavar="URL", help="https://host/v1, embedded:mock or embedded:local-model."),
            click.option("--model", metavar="NAME", help="The model, as the endpoint knows it."),
            click.option("--api-key-env", metavar="NAME", help="Environment variable that holds the key."),
            click.option("--dialect", metavar="NAME", help="How tools are written and calls are read. [tools]"),
            click.option("--stream/--no-stream", default=None, help="Ask for answers piece by piece. [no]"),
            click.option("-j", "--concurrency", type=int, metavar="N", help="Requests in flight at once. [8]"),
            click.option("--rpm", type=float, metavar="N", help="Most requests a minute."),
            click.option("--tpm", type=float, metavar="N", help="Most tokens a minute."),
            click.option("--timeout", type=float, metavar="SECONDS", help="Longest time for one attempt. [120]"),
            click.option("--trials", type=int, metavar="N", help="Repetitions of each case. [1]"),
            click.option("--limit", type=int, metavar="N", help="Only the first N cases."),
            click.option("--max-requests", type=int, metavar="N", help="Stop after so many requests (exit 6)."),
            click.option("--max-tokens", type=int, metavar="N", help="Stop before more tokens are used (exit 6)."),
            click.option("--max-cost", type=float, metavar="USD", help="Stop before more is spent (exit 6)."),
            click.option("--deadline", type=float, metavar="SECONDS", help="Stop after so long (exit 6)."),
            click.option(
                "--prices", type=PATH, metavar="FILE", help="Your own prices, .toml; they win over listed ones."
            ),
            click.option("--grace", type=float, metavar="SECONDS", help="Time for what is in flight on Ctrl-C. [10]"),
            click.option("--name", metavar="WORD", help="Becomes part of the run folder's name."),
            click.option(
                "--max-not-measured", type=float, metavar="SHARE", help="Above it the run is inconclusive. [0]"
            ),
            click.option(
                "--mistakes", metavar="KIND=RATE,...", help="Of embedded:mock: what it gets wrong, how often."
            ),
            fault_option,
            set_option,
        )
    ):
        command = option(command)
    return command


def overrides(flags: Mapping[str, Any], settings: tuple[str, ...]) -> list[tuple[str, Json]]:
    """Return what flags and `--set` say, as (dotted name, value) in the order in which they count."""
    from fceval.config import parse_override

    given = [(FLAGS[name], _setting(value)) for name, value in flags.items() if value is not None and value != ()]
    return given + [parse_override(text) for text in settings]


def warn(endpoint: EndpointSettings) -> None:
    """Say what makes asking unsafe, however quiet a command is to be."""
    if endpoint.insecure_tls:
        streams.note(
            "WARNING: endpoint.insecure_tls: certificates are not checked: whoever is on the way can read the key "
            "and change the answers"
        )


def check_trust(endpoint: EndpointSettings, *, typed: bool) -> None:
    """Let a key go only where its owner may want it: a config file may be someone else's, and so its endpoint.

    Args:
        endpoint: Settings, from a file and from the command line.
        typed: Whether the key was named, or trusted, on the command line.

    Raises:
        ConfigError: By its name the key is for another server, or a person at the terminal says so.
    """
    from fceval.client.trust import Trust, destination, remember, trust_in
    from fceval.errors import ConfigError
    from fceval.report.visible import visible

    name = endpoint.api_key_env
    if not name or not os.environ.get(name) or (trust := trust_in(endpoint)) is Trust.GIVEN:
        return
    place = destination(endpoint)
    if not typed and trust is Trust.UNKNOWN:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return
        typed = click.confirm(visible(f"Send the key in {name} to {place}, as the config says?"), err=True)
    if not typed:
        msg = (
            f"endpoint.api_key_env: the config would send the key in {name} to {place}: if that is right, "
            f"give --trust, or name the key yourself (--api-key-env {name}); it is remembered"
        )
        raise ConfigError(msg)
    remember(endpoint)


def _setting(value: Any) -> Json:  # noqa: ANN401 -- click passes each flag's own type
    """Return what a flag says as the value of its setting; a flag that may be repeated says it in parts."""
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value) if isinstance(value, Path) else value
