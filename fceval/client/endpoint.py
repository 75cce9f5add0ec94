"""Settings of an endpoint: where it is, how it is asked, how fast; and the key, which is never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le

from fceval.errors import ConfigError

_PRINTABLE = re.compile(r"[\x21-\x7e]+")


class Secret:
    """A key. Only `reveal` gives it away; printing, comparing and pickling do not."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key itself, for the one header that carries it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        msg = "a key is not written anywhere"
        raise TypeError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Which endpoint is asked, and how."""

    base_url: str = ""
    """What any OpenAI client is given, e.g. `https://host/v1`; or `embedded:mock`, `embedded:local-model`."""
    model: str = ""
    """Name of the model, as the endpoint knows it."""
    api_key_env: str | None = None
    """Name of the environment variable with the key; none: no key is sent."""
    dialect: str = "tools"
    """How tools are written and calls are read."""
    concurrency: Annotated[int, Ge(1), Le(4096)] = 8
    """Requests in flight at once."""
    rpm: Annotated[float, Gt(0), Le(10_000_000)] | None = None
    """Most requests a minute; none: as fast as `concurrency` allows."""
    timeout_s: Annotated[float, Gt(0), Le(86_400)] = 120.0
    """Longest time for one attempt, in seconds."""
    max_attempts: Annotated[int, Ge(1), Le(100)] = 5
    """Attempts per request, the first one included; only what may pass by itself is tried again."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings of an embedded endpoint (of the mock: `mistakes`, `faults`, `latency_s`, `seed` ...)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that can be asked: settings, address and key put together."""

    settings: EndpointSettings
    base_url: str
    """Without a slash at its end."""
    key: Secret | None


def embedded_name(base_url: str) -> str | None:
    """Return which endpoint of our own a base URL names, or None where it is an address."""
    return base_url.removeprefix("embedded:") if base_url.startswith("embedded:") else None


def check_base_url(base_url: str) -> str:
    """Return a base URL without a slash at its end.

    Raises:
        ConfigError: No HTTP URL, or not one that paths can be put behind.
    """
    try:
        parts = urlsplit(base_url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_ok = urlsplit(""), False
    advice = "give what any OpenAI client is given, e.g. https://host/v1"
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_ok or not _PRINTABLE.fullmatch(base_url):
        msg = f"endpoint.base_url: `{base_url}` is no http:// or https:// URL: {advice}"
        raise ConfigError(msg)
    if parts.username or parts.password:
        msg = "endpoint.base_url: holds a user name or password: name the key's variable with `api_key_env` instead"
        raise ConfigError(msg)
    if parts.query or parts.fragment or parts.path.rstrip("/").endswith("/chat/completions"):
        msg = f"endpoint.base_url: `{base_url}` is more than a base URL: {advice}"
        raise ConfigError(msg)
    return base_url.rstrip("/")


def key_from_environment(name: str | None) -> Secret | None:
    """Return the key that an environment variable holds; None where none is named.

    Raises:
        ConfigError: The variable is not set, or holds what no header can carry.
    """
    if name is None:
        return None
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"endpoint.api_key_env: the environment variable {name} is not set: export {name}=<your key>"
        raise ConfigError(msg)
    if not _PRINTABLE.fullmatch(value):
        msg = f"endpoint.api_key_env: the value of {name} has a blank, a line break or a non-ASCII character in it"
        raise ConfigError(msg)
    return Secret(value)
