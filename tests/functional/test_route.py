"""The way to an endpoint: nothing is sent to whom no certificate vouches for, and a proxy is passed only if asked."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_endpoint import FakeEndpoint, Reply
from tests.functional.conftest import Command
from tests.functional.orders import orders, right_answer

TLS = Path(__file__).parents[1] / "data" / "tls"
KEY = "sk-CANARYq7ZxJ4kd83jsQwPn29mVb"
AUTHORITY = (f"ca_file={TLS / 'authority.crt'}",)
PASSWORD = "p4ss/CANARY+w0rd@Zq81LmX"


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a key that `ORDERS_KEY` holds."""
    monkeypatch.setenv("ORDERS_KEY", KEY)


def secured(certificate: str) -> FakeEndpoint:
    """Return an endpoint that shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{certificate}.crt", TLS / "localhost.key")
    return FakeEndpoint(right_answer, context)


def run(command: Command, folder: Path, base_url: str, *settings: str) -> tuple[int, str]:
    """Run three orders with the key; return exit code and what was said on stderr."""
    given = [part for setting in settings for part in ("--set", f"endpoint.{setting}")]
    ended = command(
        "run", "--dataset", orders(folder), "--base-url", base_url, "--model", "m", "--api-key-env", "ORDERS_KEY",
        "--out", folder / "run", *given,
    )  # fmt: skip
    return ended.code, ended.err


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        ("localhost", (), "self-signed certificate"),
        ("vouched", (), "unable to get local issuer certificate"),
        ("expired", AUTHORITY, "certificate has expired"),
        ("elsewhere", AUTHORITY, "IP address mismatch, certificate is not valid for '127.0.0.1'"),
    ],
)
def test_certificate_that_is_not_good_stops_the_run(
    command: Command, tmp_path: Path, certificate: str, trusted: tuple[str, ...], why: str
) -> None:
    """With exit code 4, its reason, and not a byte sent."""
    with secured(certificate) as endpoint:
        code, said = run(command, tmp_path, endpoint.base_url, *trusted)
    assert (code, endpoint.received) == (4, ())
    assert f"is not trusted: {why}" in said
    assert not (tmp_path / "run").exists()


def test_authority_of_the_users_own_is_trusted(command: Command, tmp_path: Path) -> None:
    """A relative `ca_file` lies beside the config file."""
    config = tmp_path / "inner" / "own.toml"
    config.parent.mkdir()
    (config.parent / "own.pem").write_bytes((TLS / "authority.crt").read_bytes())
    config.write_text('[endpoint]\nca_file = "own.pem"\n', encoding="utf-8")
    with secured("vouched") as endpoint:
        ended = command(
            "run", config, "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m",
            "--out", "run",
        )  # fmt: skip
    assert (ended.code, len(endpoint.received)) == (0, 3)
    assert "certificates" not in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def test_certificates_may_go_unchecked_and_the_report_says_so(command: Command, tmp_path: Path) -> None:
    """As does stderr, before anything is sent, however quiet the command is to be."""
    with secured("expired") as endpoint:
        ended = command(
            "run", "-q", "--dataset", orders(tmp_path), "--base-url", endpoint.base_url, "--model", "m",
            "--out", "run", "--set", "endpoint.insecure_tls=true",
        )  # fmt: skip
    assert (ended.code, len(endpoint.received)) == (0, 3)
    assert ended.err.startswith("WARNING: endpoint.insecure_tls: certificates are not checked")
    for name in ("report.md", "report.html"):
        assert "not checked (insecure_tls)" in (tmp_path / "run" / name).read_text(encoding="utf-8")


def test_run_that_checked_certificates_is_not_gone_on_with_unchecked(command: Command, tmp_path: Path) -> None:
    """Its report would not say what is true of all of it."""
    with secured("vouched") as endpoint:
        run(command, tmp_path, endpoint.base_url, *AUTHORITY)
        ended = command("run", "--resume", "run", "--set", "endpoint.insecure_tls=true", "--set", "endpoint.ca_file=''")
    assert ended.code == 2
    assert "endpoint.insecure_tls: false then, true now" in ended.err


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (["ca_file=missing.pem"], "missing.pem: cannot be read: No such file or directory"),
        (["ca_file=orders.jsonl"], "orders.jsonl: holds no certificates as PEM writes them"),
        (["ca_file=missing.pem", "insecure_tls=true"], "stands against `endpoint.insecure_tls`"),
        (["proxy=socks5://127.0.0.1:1"], "other kinds of proxies are not spoken to"),
        ([f"proxy=http://me:{KEY}@127.0.0.1:1"], "name the URL's variable with `proxy_env`"),
        (["proxy=http://127.0.0.1:1", "proxy_env=ORDERS_KEY"], "choose one"),
        (["proxy_env=NOWHERE"], "the environment variable NOWHERE is not set: export NOWHERE=<your proxy>"),
        (["proxy_env=ORDERS_KEY"], "give http://host:port"),
    ],
)
def test_way_that_cannot_be_gone_is_refused(command: Command, tmp_path: Path, settings: list[str], why: str) -> None:
    """As a mistake in the settings, which shows no password."""
    code, said = run(command, tmp_path, "https://127.0.0.1:1/v1", *settings)
    assert code == 2
    assert why in said
    assert "CANARY" not in said


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    """Give a proxy that answers in the endpoint's place, and whose URL `ORDERS_PROXY` holds."""
    with FakeEndpoint(right_answer) as proxy:
        login = "me:p4ss%2FCANARY+w0rd%40Zq81LmX"
        address = proxy.base_url.removeprefix("http://").removesuffix("/v1")
        monkeypatch.setenv("ORDERS_PROXY", f"http://{login}@{address}")
        yield proxy


def test_proxy_is_passed_where_it_is_named(command: Command, tmp_path: Path, proxy: FakeEndpoint) -> None:
    """With its own login, which is in no file and no message."""
    code, said = run(command, tmp_path, "http://127.0.0.1:9/v1", "proxy_env=ORDERS_PROXY")
    assert code == 0
    sent = proxy.received[0]
    assert sent.path == "http://127.0.0.1:9/v1/chat/completions"
    assert sent.header("Proxy-Authorization") == f"Basic {base64.b64encode(f'me:{PASSWORD}'.encode()).decode()}"
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    assert b"CANARY" not in written + said.encode()


def test_key_goes_to_no_other_machine_by_a_proxy(command: Command, tmp_path: Path) -> None:
    """Over http:// a proxy reads it as well."""
    code, said = run(command, tmp_path, "http://127.0.0.1:9/v1", "proxy=http://proxy.invalid:3128")
    assert code == 2
    assert "the key would go to `proxy.invalid` over http://" in said


def test_proxy_that_refuses_is_named(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It never sees the key of an endpoint behind https://, and the message is free of its own."""
    refusal = Reply(status=407, body=PASSWORD.encode())
    with FakeEndpoint(refusal) as proxy:
        address = proxy.base_url.removeprefix("http://").removesuffix("/v1")
        monkeypatch.setenv("ORDERS_PROXY", f"http://me:{PASSWORD.replace('/', '%2F').replace('@', '%40')}@{address}")
        code, said = run(command, tmp_path, "https://127.0.0.1:9/v1", "proxy_env=ORDERS_PROXY", "max_attempts=1")
    assert code == 4
    assert f"the proxy http://{address} refuses with HTTP 407" in said
    assert {request.method for request in proxy.received} == {"CONNECT"}
    assert not any(KEY in value for request in proxy.received for _, value in request.headers)
    assert "CANARY" not in said
