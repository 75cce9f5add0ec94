"""What tests of the client share: a client on an endpoint, and retries that do not wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fceval.client import retry
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client
from fceval.client.secret import Secret
from fceval.dialects import load

ClientOf = Callable[..., Client]


@pytest.fixture
def client_of() -> ClientOf:
    """Give a function from base URL, key and settings to a client."""

    def make(base_url: str, key: str | None = None, **settings: Any) -> Client:  # noqa: ANN401 -- settings of all types
        given = EndpointSettings(base_url=base_url, model="m", **settings)
        return Client(Endpoint(given, base_url, Secret(key) if key else None), load("tools"))

    return make


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is tried again be tried at once."""
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.001)
