"""The way to an endpoint: whose certificates are trusted, and which proxy requests pass."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fceval.client.secret import Secret
from fceval.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Route:
    """How requests travel."""

    certificates: ssl.SSLContext | None = None
    """Which ones are taken; None: those that the system trusts, or none are asked for."""
    proxy: str | None = None
    """URL of the proxy, without user name and password."""
    user: str = ""
    """At the proxy."""
    password: Secret | None = None
    """At the proxy."""


DIRECT = Route()
"""No proxy, and certificates as the system trusts them."""


def route_of(base_url: str, *, ca_file: Path | None, insecure_tls: bool, proxy: str | None) -> Route:
    """Return the way to an endpoint.

    Args:
        base_url: Of the endpoint.
        ca_file: Certificates to trust in place of the system's.
        insecure_tls: Take any certificate.
        proxy: URL of a proxy; may hold user name and password.

    Raises:
        ConfigError: The settings contradict each other, a file cannot be read, or the proxy's URL is none.
    """
    if ca_file and insecure_tls:
        msg = "endpoint.ca_file: stands against `endpoint.insecure_tls`, which takes any certificate: choose one"
        raise ConfigError(msg)
    certificates = _certificates(ca_file, insecure_tls=insecure_tls) if base_url.startswith("https:") else None
    if proxy is None:
        return Route(certificates)
    problem = _problem(proxy)
    if problem:
        msg = f"endpoint.proxy: {problem}"
        raise ConfigError(msg)
    parts = urlsplit(proxy)
    password = Secret(unquote(parts.password)) if parts.password else None
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    return Route(certificates, address, unquote(parts.username or ""), password)


def proxy_headers(route: Route) -> dict[str, str]:
    """Return the headers that are for the proxy alone."""
    if not route.user and route.password is None:
        return {}
    login = f"{route.user}:{route.password.reveal() if route.password else ''}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}


def proxy_misfits(proxy: str) -> Iterator[str]:
    """Yield what is wrong with a proxy in settings, without showing it: it may hold a password after all."""
    problem = _problem(proxy)
    if problem is not None:
        yield problem
    elif "@" in proxy:
        yield "settings are written down, so no password stands in them: name the URL's variable with `proxy_env`"


def _problem(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return "no URL: give http://host:port"
    if not usable or parts.path.strip("/") or parts.query or parts.fragment:
        return "give http://host:port or https://host:port; other kinds of proxies are not spoken to"
    return None


def _certificates(ca_file: Path | None, *, insecure_tls: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        msg = f"endpoint.ca_file: {ca_file}: holds no certificates as PEM writes them (`-----BEGIN CERTIFICATE-----`)"
        raise ConfigError(msg) from None
    except OSError as error:
        msg = f"endpoint.ca_file: {ca_file}: cannot be read: {error.strerror or error}"
        raise ConfigError(msg) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if insecure_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
