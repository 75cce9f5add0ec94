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
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATH = "/chat/completions"


HIDDEN = b"***"
"""Stands where a key was."""
_SHORTEST_HIDDEN = 8  # a shorter one (`EMPTY`, `test`) is no secret, but a word that an answer may well hold


class Secret:
    """A key. Only `reveal` gives it away; printing, comparing and pickling do not."""

    __slots__ = ("_value", "_written")

    def __init__(self, value: str) -> None:
        self._value = value
        self._written = re.compile("".join(map(_as_json_may_write, value)).encode()) if value else None

    def reveal(self) -> str:
        """Return the key itself, for the one header that carries it."""
        return self._value

    def hidden_in(self, content: bytes) -> bytes:
        """Return content without the key, however JSON writes it; a key that is too short to be one stays."""
        if self._written is None or len(self._value) < _SHORTEST_HIDDEN:
            return content
        if b"\\" not in content:  # nothing is escaped
            return content.replace(self._value.encode(), HIDDEN)
        return self._written.sub(HIDDEN, content)

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        msg = "a key is not written anywhere"
        raise TypeError(msg)


def _as_json_may_write(letter: str) -> str:
    """Return a pattern of the ways to write a letter in JSON text, and in JSON text inside of JSON text."""
    plain = rf"\\{{0,3}}{re.escape(letter)}" if letter in '"\\/' else re.escape(letter)
    return rf"(?:{plain}|\\{{1,3}}u00(?i:{ord(letter):02x}))"


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
        host = (parts.hostname or "").encode("idna")
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        parts, host, port_ok = urlsplit(""), b"", False
    advice = "give what any OpenAI client is given, e.g. https://host/v1"
    shown = re.sub(r"//[^/]*@", "//***@", base_url).partition("?")[0]  # what is cut off may be a key
    if parts.scheme not in {"http", "https"} or not host or not port_ok or not _PRINTABLE.fullmatch(base_url):
        msg = f"endpoint.base_url: `{shown}` is no http:// or https:// URL: {advice}"
        raise ConfigError(msg)
    if parts.username or parts.password:
        msg = "endpoint.base_url: holds a user name or password: name the key's variable with `api_key_env` instead"
        raise ConfigError(msg)
    if parts.path.rstrip("/").endswith(_PATH):
        base = shown.partition(_PATH)[0]
        msg = f"endpoint.base_url: `{shown}` is more than a base URL: leave out `{_PATH}`, which gives `{base}`"
        raise ConfigError(msg)
    if parts.query or parts.fragment:
        msg = f"endpoint.base_url: `{shown}` with what follows it is more than a base URL: {advice}"
        raise ConfigError(msg)
    return base_url.rstrip("/")


def key_from_environment(name: str | None) -> Secret | None:
    """Return the key that an environment variable holds; None where none is named.

    Raises:
        ConfigError: The variable is not set, or holds what no header can carry.
    """
    if name is None:
        return None
    if not _VARIABLE.fullmatch(name):  # it may be the key itself: it is not shown
        msg = "endpoint.api_key_env: give the name of an environment variable, as OPENAI_API_KEY, not the key itself"
        raise ConfigError(msg)
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"endpoint.api_key_env: the environment variable {name} is not set: export {name}=<your key>"
        raise ConfigError(msg)
    if not _PRINTABLE.fullmatch(value):
        msg = f"endpoint.api_key_env: the value of {name} has a blank, a line break or a non-ASCII character in it"
        raise ConfigError(msg)
    return Secret(value)
