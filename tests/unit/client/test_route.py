"""The way to an endpoint: certificates, and a proxy's URL taken apart."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest

from fceval.client.route import DIRECT, Route, proxy_headers, proxy_misfits, route_of
from fceval.client.secret import Secret
from fceval.errors import ConfigError

AUTHORITY = Path(__file__).parents[2] / "data" / "tls" / "authority.crt"


def route(base_url: str = "https://a/v1", **settings: object) -> Route:
    """Return the way under some settings."""
    given: dict[str, object] = {"ca_file": None, "insecure_tls": False, "proxy": None, **settings}
    return route_of(base_url, **given)  # type: ignore[arg-type]  # settings of all types


def test_certificates_are_checked() -> None:
    """With their host's name, and nothing older than TLS 1.2."""
    for context in (route().certificates, route(ca_file=AUTHORITY).certificates):
        assert context is not None
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_authority_stands_in_place_of_the_systems() -> None:
    """Not beside them."""
    context = route(ca_file=AUTHORITY).certificates
    assert context is not None
    (found,) = context.get_ca_certs()
    assert "an authority of these tests" in str(found["subject"])


def test_certificates_may_go_unchecked() -> None:
    """Only where that is said."""
    context = route(insecure_tls=True).certificates
    assert context is not None
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


def test_plain_http_has_no_certificates() -> None:
    """And no proxy unless one is named."""
    assert route("http://a/v1", ca_file=AUTHORITY) == DIRECT


@pytest.mark.parametrize(
    ("proxy", "address", "login"),
    [
        ("http://proxy:3128", "http://proxy:3128", None),
        ("https://proxy", "https://proxy", None),
        ("http://me:pw@proxy:3128/", "http://proxy:3128", "me:pw"),
        ("http://me@[::1]:1", "http://[::1]:1", "me:"),
        ("http://a%40b:c%3Ad%2F@proxy", "http://proxy", "a@b:c:d/"),
    ],
)
def test_proxy_and_its_login_are_parted(proxy: str, address: str, login: str | None) -> None:
    """The password is a secret from here on."""
    way = route(proxy=proxy)
    assert way.proxy == address
    written = base64.b64encode((login or "").encode()).decode()
    assert proxy_headers(way) == ({"Proxy-Authorization": f"Basic {written}"} if login else {})
    assert "pw" not in repr(way)


@pytest.mark.parametrize(
    "proxy",
    ["", "proxy:3128", "socks5://pw@proxy", "http://", "http://pw:x", "http://[pw", "http://p:0", "http://p/pw"],
)
def test_proxy_that_cannot_be_one_is_refused(proxy: str) -> None:
    """Without being shown: it may hold a password."""
    with pytest.raises(ConfigError, match=r"endpoint\.proxy: .*give http://host:port") as caught:
        route(proxy=proxy)
    assert "pw" not in str(caught.value)
    assert list(proxy_misfits(proxy)) == [str(caught.value).partition(": ")[2]]


def test_no_password_stands_in_settings() -> None:
    """They are written down."""
    (told,) = proxy_misfits("http://me:pw@proxy")
    assert "`proxy_env`" in told
    assert list(proxy_misfits("http://proxy:3128")) == []


def test_authority_and_none_contradict_each_other() -> None:
    """Nobody is left to guess which of the two counts."""
    with pytest.raises(ConfigError, match="choose one"):
        route(ca_file=AUTHORITY, insecure_tls=True)


def test_password_is_a_secret() -> None:
    """As any key is."""
    assert repr(Route(password=Secret("p4ssw0rd"))).endswith("password=***)")
