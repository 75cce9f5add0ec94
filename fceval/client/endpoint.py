"""Settings of an endpoint: where it is, how it is asked, how fast, and what its key is called."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from annotated_types import Ge, Gt, Le

import fceval
from fceval.client.route import DIRECT, Route, route_of
from fceval.client.secret import Secret
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
    ca_file: Path | None = None
    """PEM file with the certificates to trust in place of the system's; a relative one is looked for beside the config
    file."""
    insecure_tls: bool = False
    """Take any certificate: whoever is on the way can read the key and change the answers. The report says so."""
    proxy: str | None = None
    """Proxy that requests pass, as `http://host:port`; none: none, whatever the environment's variables say."""
    proxy_env: str | None = None
    """Name of the environment variable with the proxy's URL, where that holds a user name and password."""
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
    route: Route = DIRECT

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What it must not see again in anything that is written: its key, the proxy's password."""
        return tuple(secret for secret in (self.key, self.route.password) if secret is not None)


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


def refuse_other_origin(settings: Mapping[str, object], overrides: Mapping[str, object]) -> None:
    """Refuse to send the key that settings name to another server than they name it for.

    Args:
        settings: Of the endpoint, by name, before overrides.
        overrides: Dotted name to value.

    Raises:
        ConfigError: Scheme, host or port of the base URL are overridden, and the key's variable is not.
    """
    name, before, now = settings.get("api_key_env"), settings.get("base_url"), overrides.get("endpoint.base_url")
    if not (name and isinstance(before, str) and isinstance(now, str)) or "endpoint.api_key_env" in overrides:
        return
    if embedded_name(now) is None and origin_of(before) != origin_of(now):
        msg = (
            f"endpoint.base_url: the key in {name} is for `{origin_of(before)}`, not for `{origin_of(now)}`: "
            "name the variable of the other one's key with --api-key-env, too"
        )
        raise ConfigError(msg)


def origin_of(base_url: str) -> str:
    """Return scheme, host and port, or what there is of them."""
    try:
        parts = urlsplit(base_url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}" if parts.hostname else parts.scheme


def endpoint_of(settings: EndpointSettings) -> Endpoint:
    """Return the endpoint at an address, with its key.

    Raises:
        ConfigError: See `check_base_url`, `key_from_environment` and `route_of`; or the key would go over http:// to
            another machine.
    """
    base_url = check_base_url(settings.base_url)
    key = key_from_environment(settings.api_key_env)
    route = route_of(
        base_url,
        ca_file=settings.ca_file,
        insecure_tls=settings.insecure_tls,
        proxy=settings.proxy or variable("proxy_env", settings.proxy_env),
    )
    if key is not None and not settings.insecure_http:
        _refuse_clear_text(base_url, route)
    return Endpoint(settings, base_url, key, route)


def _refuse_clear_text(base_url: str, route: Route) -> None:
    """Refuse to send a key where anyone on the way can read it.

    Raises:
        ConfigError: Something on the way is another machine, and nothing is encrypted.
    """
    if urlsplit(base_url).scheme == "https":
        return
    for url in filter(None, (base_url, route.proxy)):
        host = urlsplit(url).hostname or ""
        if not is_this_machine(host):
            msg = (
                f"endpoint.base_url: the key would go to `{host}` over http://, where anyone on the way can read it: "
                "give https://, or allow it with --set endpoint.insecure_http=true"
            )
            raise ConfigError(msg)


def is_this_machine(host: str) -> bool:
    """Whether a host can only be the machine that this process runs on."""
    if host == "localhost":
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
            yield f"{place}: {KEY_ADVICE}"
        elif folded in seen:
            yield f"{place}: stands there twice, in other letters"
        elif not _HEADER_VALUE.fullmatch(value):
            yield f"{place}: a header carries printable ASCII, with no blank at either end"
        seen.add(folded)


def query_misfits(query: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with the names of query parameters."""
    for name in query:
        if _KEYS_NAME.search(name):
            yield f"query.{name}: {KEY_ADVICE}"


KEY_ADVICE = (
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


def check_key(settings: EndpointSettings) -> None:
    """Refuse settings whose key is not there; an embedded endpoint brings its own, so that a run can be rehearsed.

    Raises:
        ConfigError: See `variable`.
    """
    if embedded_name(settings.base_url) is None:
        key_from_environment(settings.api_key_env)
    elif settings.api_key_env is not None:
        _check_variable("api_key_env", settings.api_key_env)


def key_from_environment(name: str | None) -> Secret | None:
    """Return the key that an environment variable holds; None where none is named.

    Raises:
        ConfigError: The variable is not set, or holds what no header can carry.
    """
    value = variable("api_key_env", name)
    return Secret(value) if value is not None else None


def variable(setting: str, name: str | None) -> str | None:
    """Return what the environment variable holds that a setting names; None where none is named.

    Raises:
        ConfigError: It is not set, or holds what no header can carry.
    """
    if name is None:
        return None
    _check_variable(setting, name)
    value = os.environ.get(name, "").strip()
    if not value:
        meant = "key" if setting == "api_key_env" else "proxy"
        msg = f"endpoint.{setting}: the environment variable {name} is not set: export {name}=<your {meant}>"
        raise ConfigError(msg)
    if not _PRINTABLE.fullmatch(value):
        msg = f"endpoint.{setting}: the value of {name} has a blank, a line break or a non-ASCII character in it"
        raise ConfigError(msg)
    return value


def _check_variable(setting: str, name: str) -> None:
    if not _VARIABLE.fullmatch(name):  # it may be the key itself: it is not shown
        example = "OPENAI_API_KEY" if setting == "api_key_env" else "HTTPS_PROXY"
        msg = f"endpoint.{setting}: give the name of an environment variable, as {example}, not its value"
        raise ConfigError(msg)
