"""Settings of an endpoint: where it is, how it is asked, how fast; and the key, which is never shown."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from annotated_types import Ge, Gt, Le

import fceval
from fceval.errors import ConfigError

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATHS = ("/chat/completions", "/responses")
BEARER_HEADER = "Authorization"
"""Carries the key as a Bearer token; any other header carries the key alone."""
_USER_AGENT = f"fceval/{fceval.__version__}"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
_OF_THE_CLIENT = frozenset({
    "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
    "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_KEYS_NAME = re.compile(
    r"(?:^|[-_])(?:authorization|(?:api|access|auth|subscription)[-_]?key|token|secret|cookies?|password|sig)$|^key$",
    re.IGNORECASE,
)
"""What headers and parameters are called that carry a key."""

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
    api_key_header: str = BEARER_HEADER
    """Header that carries the key: `Authorization` as a Bearer token, any other (Azure: `api-key`) the key alone."""
    insecure_http: bool = False
    """Send the key over http:// to another machine, too, where anyone on the way can read it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that every request gets; no key among them, as settings are written down."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Query parameters that every request gets (Azure: `api-version`).

    An Azure deployment has the base URL `https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT`,
    `query = { "api-version" = "2024-10-21" }` and `api_key_header = "api-key"`.
    """
    dialect: str = "tools"
    """How tools are written and calls are read."""
    stream: bool = False
    """Ask for answers piece by piece, which also tells the time to the first token and to the first call."""
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    """Body fields of this endpoint's own, over those of `[request]`, of a variant and of a case."""
    omit: tuple[str, ...] = ()
    """Body fields that are never sent, whoever sets them (e.g. `stream_options`, where an endpoint refuses it)."""
    developer_role: Literal["keep", "system"] = "keep"
    """`system`: messages in the role `developer` are sent as `system`, for endpoints that do not know that role."""
    token_limit: Literal["as_given", "max_tokens", "max_completion_tokens"] = "as_given"  # noqa: S105 -- a limit, not a secret
    """The name that the token limit is sent under, whatever the request calls it.

    The Responses API has but one, `max_output_tokens`, which its dialect sends in any case.
    """
    concurrency: Annotated[int, Ge(1), Le(4096)] = 8
    """Requests in flight at once."""
    rpm: Annotated[float, Gt(0), Le(10_000_000)] | None = None
    """Most requests a minute; none: as fast as `concurrency` allows."""
    tpm: Annotated[float, Ge(1), Le(1e12)] | None = None
    """Most tokens a minute, of prompts and answers together; none: no limit."""
    burst: bool = False
    """Let a minute's requests and tokens go as fast as they can, for endpoints that count by the minute; else they
    are spread over it, as most endpoints count by the second."""
    timeout_s: Annotated[float, Gt(0), Le(86_400)] = 120.0
    """Longest time for one attempt, in seconds."""
    max_attempts: Annotated[int, Ge(1), Le(100)] = 5
    """Attempts per request, the first one included; only what may pass by itself is tried again."""
    max_case_s: Annotated[float, Gt(0), Le(86_400)] = 900.0
    """Longest time for one request with all of its attempts and the waiting between them, in seconds."""
    breaker: Annotated[int, Ge(0), Le(100_000)] = 20
    """Equal failures in a row after which nothing is sent for a while; then one request finds out whether the
    endpoint is back, and the run stops if it is not. 0: never."""
    breaker_pause_s: Annotated[float, Ge(0), Le(3600)] = 30.0
    """How long nothing is sent then, in seconds."""
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
    for path in _PATHS:
        if parts.path.rstrip("/").endswith(path):
            base = shown.partition(path)[0]
            msg = f"endpoint.base_url: `{shown}` is more than a base URL: leave out `{path}`, which gives `{base}`"
            raise ConfigError(msg)
    if parts.query or parts.fragment:
        msg = (
            f"endpoint.base_url: `{shown}` with what follows it is more than a base URL: {advice}; "
            'parameters go to `endpoint.query`, as query = { "api-version" = "2024-10-21" }'
        )
        raise ConfigError(msg)
    return base_url.rstrip("/")


def endpoint_of(settings: EndpointSettings) -> Endpoint:
    """Return the endpoint at an address, with its key.

    Raises:
        ConfigError: See `check_base_url` and `key_from_environment`; or the key would go over http:// to another
            machine.
    """
    base_url = check_base_url(settings.base_url)
    key = key_from_environment(settings.api_key_env)
    if key is not None and not settings.insecure_http and not _is_confidential(base_url):
        msg = (
            f"endpoint.base_url: the key would go to `{urlsplit(base_url).hostname}` over http://, where anyone on the "
            "way can read it: give https://, or allow it with --set endpoint.insecure_http=true"
        )
        raise ConfigError(msg)
    return Endpoint(settings, base_url, key)


def _is_confidential(base_url: str) -> bool:
    """Whether nobody on the way can read what is sent: it is encrypted, or stays on this machine."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.scheme == "https" or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which may mean any machine
        return False


def header_misfits(headers: Mapping[str, str], api_key_header: str) -> Iterator[str]:
    """Yield what is wrong with headers that are set; no value is shown, as it may be a key after all.

    Args:
        headers: Name to value.
        api_key_header: The header that carries the key.
    """
    if not _HEADER_NAME.fullmatch(api_key_header) or api_key_header.lower() in _OF_THE_CLIENT:
        yield f"api_key_header: `{api_key_header}` can be no header of yours; `Authorization` is the usual one"
    seen: set[str] = set()
    for name, value in headers.items():
        folded = name.lower()
        place = f"headers.{name}"
        if not _HEADER_NAME.fullmatch(name):
            yield f"{place}: no name of a header: letters, digits and `-` are"
        elif folded in _OF_THE_CLIENT:
            yield f"{place}: is set by the client, by what it sends; leave it out"
        elif _KEYS_NAME.search(name) or folded == api_key_header.lower():
            yield f"{place}: {_KEY_ADVICE}"
        elif folded in seen:
            yield f"{place}: stands there twice, in other letters"
        elif not _HEADER_VALUE.fullmatch(value):
            yield f"{place}: a header carries printable ASCII, with no blank at either end"
        seen.add(folded)


def query_misfits(query: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the names of query parameters."""
    for name in query:
        if _KEYS_NAME.search(name):
            yield f"query.{name}: {_KEY_ADVICE}"


_KEY_ADVICE = (
    "settings are written down, so no key stands in them: name its variable with `api_key_env`, "
    "and the header that carries it with `api_key_header`"
)


def request_headers(endpoint: Endpoint) -> dict[str, str]:
    """Return the headers of every request; the key is in one of them."""
    settings = endpoint.settings
    given = {name.lower() for name in settings.headers}
    own = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": _USER_AGENT}
    headers = {name: value for name, value in own.items() if name.lower() not in given} | dict(settings.headers)
    if endpoint.key is not None:
        is_bearer = settings.api_key_header.lower() == BEARER_HEADER.lower()
        headers[settings.api_key_header] = f"Bearer {endpoint.key.reveal()}" if is_bearer else endpoint.key.reveal()
    return headers


def request_url(endpoint: Endpoint, path: str) -> str:
    """Return the URL of every request: base URL, path, and the query parameters that are set."""
    query = urlencode(endpoint.settings.query, quote_via=quote)
    return endpoint.base_url + path + (f"?{query}" if query else "")


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
