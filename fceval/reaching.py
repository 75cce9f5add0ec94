"""How an endpoint is reached: at its address, or started for as long as it is needed where it is one of our own."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from fceval import endpoints
from fceval.client.endpoint import BEARER_HEADER, Endpoint, EndpointSettings, embedded_name, endpoint_of
from fceval.client.secret import Secret
from fceval.errors import ConfigError

_OTHER_FILES = 64
"""What a run has open beside its connections, and to spare."""


@contextmanager
def reached(settings: EndpointSettings, dataset: Path | None) -> Iterator[Endpoint]:
    """Yield the endpoint that settings name.

    Args:
        settings: Where it is, or which of our own it is.
        dataset: Cases for an endpoint of our own to answer from.

    Raises:
        ConfigError: Neither this process nor one it starts may open as many connections; or see `endpoint_of` and
            `endpoints.embedded`.
    """
    _allow_connections(settings.concurrency)
    embedded = embedded_name(settings.base_url)
    if embedded is None:
        yield endpoint_of(settings)
        return
    with endpoints.embedded(embedded, settings.options, dataset=dataset) as address:
        own = replace(settings, api_key_header=BEARER_HEADER)  # a setting of the endpoint that is being rehearsed for
        yield Endpoint(own, address.base_url, Secret(address.api_key))


def _allow_connections(connections: int) -> None:
    """Raise this process's own limit of open files, where it must be and may be raised."""
    wanted = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        most = max(1, hard - _OTHER_FILES)
        msg = f"endpoint.concurrency: {connections}, but this process may open {hard} files (ulimit -n): at most {most}"
        raise ConfigError(msg)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
