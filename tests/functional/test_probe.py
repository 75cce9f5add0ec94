"""`fceval probe` against endpoints of our own: the mock with and without faults, and a real model."""

from __future__ import annotations

import asyncio
import json
import signal
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from fceval.client import retry
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.secret import Secret
from fceval.endpoints.mock import FAULTS
from fceval.errors import EndpointError
from fceval.irregularities import IRREGULARITIES
from fceval.probing import WRONG_KEY, probe
from fceval.report.probe import Probe
from tests.cli_process import Fceval
from tests.fake_endpoint import FakeEndpoint, Reply, error_reply
from tests.functional.conftest import Command
from tests.mock_server import mock_server

CANARY = "sk-canary-fedcba9876543210"
ENDPOINT = {"base_url": "embedded:mock", "model": "mock", "dialect": "tools", "insecure_tls": False}
"""What `probe.json` says of the endpoint."""
IRREGULAR = [name for name in FAULTS if name in IRREGULARITIES]
DIALECTS = ("functions", "responses", "prompt_json", "prompt_xml", "prompt_python")


@pytest.fixture
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is tried again be tried at once."""
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.001)


def _document(folder: Path) -> Any:  # noqa: ANN401 -- decoded JSON
    return json.loads((folder / "probe.json").read_text(encoding="utf-8"))


async def _probed(dialect: str, faults: Mapping[str, float] | None = None, seed: int = 0) -> Probe:
    async with mock_server(faults=faults or {}, seed=seed) as address:
        settings = EndpointSettings(base_url=address.base_url, model="mock", max_attempts=2, dialect=dialect)
        return await probe(Endpoint(settings, address.base_url, Secret(address.api_key)), {}, lambda _: None)


def _found(dialect: str, code: str) -> set[str]:
    """Return the codes that a probe finds where the mock has one fault, wherever it can show."""
    if code != "html_200":
        return set(asyncio.run(_probed(dialect, {code: 1.0})).counts)
    for seed in range(20):  # a web page in answer to the very first request means a wrong address, and ends the probe
        with suppress(EndpointError):
            return set(asyncio.run(_probed(dialect, {code: 0.5}, seed)).counts)
    raise AssertionError


@pytest.mark.parametrize("code", IRREGULAR)
@pytest.mark.usefixtures("_no_pause")
def test_each_fault_is_reported_alone(code: str) -> None:
    """Every irregularity that the mock can produce is found, and nothing else with it."""
    assert _found("tools", code) == {code}


@pytest.mark.parametrize("dialect", ["functions", "responses", "prompt_xml"])
@pytest.mark.usefixtures("_no_pause")
def test_no_fault_is_taken_for_another_one(dialect: str) -> None:
    """Not all of them can show in every dialect."""
    found = {code: _found(dialect, code) for code in IRREGULAR}
    assert {code: others for code, others in found.items() if others - {code}} == {}
    assert sum(bool(codes) for codes in found.values()) > 15


def test_the_mock_can_produce_every_irregularity() -> None:
    """So that each can be rehearsed."""
    assert set(IRREGULAR) == set(IRREGULARITIES)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_dialect_finds_anything_where_nothing_is_wrong(dialect: str) -> None:
    """And every request is answered, or turned down where it must be."""
    found = asyncio.run(_probed(dialect))
    assert found.counts == {}
    assert all(each.is_answered for each in found.requests)


def test_without_faults_there_is_nothing_to_tell(command: Command, tmp_path: Path) -> None:
    """A matrix of `ok`, no legend; a folder of its own that nobody else can read, named in the last line."""
    said = command("probe", "--base-url", "embedded:mock", "--model", "mock")
    assert (said.code, said.out.splitlines()[0]) == (0, "No irregularity in 33 requests.")
    assert "endpoint_error" not in said.err  # what must be turned down was
    (folder,) = (tmp_path / "reports").iterdir()
    assert "-probe-" in folder.name
    assert said.out.splitlines()[-1] == f"Report: reports/{folder.name}/probe.html, reports/{folder.name}/probe.json"
    assert {path.name for path in folder.iterdir()} == {"probe.html", "probe.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    document = _document(folder)
    assert (document["counts"], document["compare"]) == ({}, None)
    assert document["endpoint"] == ENDPOINT
    assert len(document["requests"]) == 33


def test_faults_stand_in_matrix_legend_and_files(command: Command, tmp_path: Path) -> None:
    """As `--fault` names them."""
    flags = ("--fault", "usage_late=0.5", "--fault", "index_missing=0.5")
    said = command("probe", "--base-url", "embedded:mock", "--model", "mock", *flags, "--out", tmp_path / "found")
    assert said.code == 0
    for code in ("usage_late", "index_missing"):
        assert f"{code} (" in said.out.splitlines()[0] + said.out.splitlines()[1]
        assert code.encode() in (tmp_path / "found" / "probe.html").read_bytes()
    assert set(_document(tmp_path / "found")["counts"]) == {"usage_late", "index_missing"}
    assert max(map(len, said.out.splitlines()[:-1])) <= 100


def test_a_reference_stands_beside(command: Command, tmp_path: Path) -> None:
    """Faults are the endpoint's, not the reference's; lines that differ are marked."""
    flags = ("--fault", "finish_stop_with_calls=1", "--compare", "embedded:mock", "--compare-model", "other")
    said = command("probe", "--base-url", "embedded:mock", "--model", "mock", *flags, "--out", tmp_path / "both")
    assert said.code == 0
    marked = [line for line in said.out.splitlines() if line.strip().startswith("!=")]
    document = _document(tmp_path / "both")
    assert len(marked) == document["counts"]["finish_stop_with_calls"] > 10
    assert all("finish_stop_with_calls" in line and line.rstrip().endswith("ok") for line in marked)
    assert document["compare"]["endpoint"] == {**ENDPOINT, "model": "other"}
    assert document["compare"]["counts"] == {}


def test_a_real_model_is_told_as_it_is(command: Command, tmp_path: Path) -> None:
    """Whatever is found, the command is done; the model's context is too small for the long arguments.

    Nothing is left to chance: the likeliest token each time, and enough of them for a whole call.
    """
    certain = ("request.temperature=0", "request.seed=1", "request.max_tokens=24")
    flags = [flag for field in certain for flag in ("--set", field)]
    where = ("--base-url", "embedded:local-model", "--model", "smollm2-135m", "--out", tmp_path / "local")
    said = command("probe", *where, *flags)
    assert said.code == 0, said.err
    assert "auto call" in said.out
    found = {(each["request"], each["streamed"]): each for each in _document(tmp_path / "local")["requests"]}
    assert found["required call", False]["outcome"] == "called"
    assert found["long arguments", False]["status"] == 400
    assert found["wrong key", True]["outcome"] == "rejected"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--base-url", "http://127.0.0.1:9/v1"), "http://127.0.0.1:9/v1/chat/completions: cannot connect"),
        (("--base-url", "embedded:mock", "--compare", "http://127.0.0.1:9/v1"), "http://127.0.0.1:9/v1"),
    ],
)
def test_nobody_there_is_said_so(command: Command, tmp_path: Path, flags: tuple[str, ...], said: str) -> None:
    """Exit code 4, the address, and no folder left behind."""
    ended = command("probe", "--model", "m", *flags, "-q")
    assert (ended.code, ended.out) == (4, "")
    assert said in ended.err
    assert not list((tmp_path / "reports").iterdir())


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(drop=True), "the connection failed"),
        (Reply(hang=True), "no answer within 0.2 s"),
    ],
)
def test_silence_is_said_so(command: Command, tmp_path: Path, reply: Reply, said: str) -> None:
    """Exit code 4 after the first request, whole and streamed, and no folder left behind."""
    with FakeEndpoint(reply) as endpoint:
        ended = command("probe", "--base-url", endpoint.base_url, "--model", "m", "--timeout", "0.2")
    assert (ended.code, ended.out) == (4, "")
    assert said in ended.err
    assert len(endpoint.received) == 4  # two attempts each
    assert not list((tmp_path / "reports").iterdir())


@pytest.mark.usefixtures("_no_pause")
@pytest.mark.parametrize("status", [503, 429])
def test_nothing_but_failures_is_no_finding(command: Command, tmp_path: Path, status: int) -> None:
    """Exit code 4, beside the report of what did come: even the wrong requests were not turned down as such."""
    flags = ("--set", "endpoint.max_attempts=1", "--out", tmp_path / "down")
    with FakeEndpoint(error_reply(status, "Try later.")) as endpoint:
        ended = command("probe", "--base-url", endpoint.base_url, "--model", "m", *flags)
    assert ended.code == 4
    assert f"not one request was answered: HTTP {status}: Try later." in ended.err
    document = _document(tmp_path / "down")
    assert {each["outcome"] for each in document["requests"]} <= {"endpoint_error", "rate_limited"}
    assert ended.out.startswith("INCOMPLETE: 31 of 31 requests got no answer")


def test_a_refused_key_is_said_so(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 4 after one request, with what the endpoint said."""
    monkeypatch.setenv("RELAY_KEY", CANARY)
    with FakeEndpoint(error_reply(401, "Unknown key.")) as endpoint:
        said = command("probe", "--base-url", endpoint.base_url, "--model", "m", "--api-key-env", "RELAY_KEY")
    assert said.code == 4
    assert "HTTP 401: Unknown key." in said.err
    assert len(endpoint.received) == 1


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ((), "endpoint.base_url: not set"),
        (("--base-url", "embedded:mock"), "endpoint.model: not set"),
        (("--base-url", "embedded:mock", "--model", "m", "--fault", "nonsense=1"), "nonsense"),
        (("--base-url", "embedded:mock", "--model", "m", "--dialect", "tolls"), "did you mean `tools`"),
        (("--base-url", "embedded:mock", "--model", "m", "--compare", "ftp://x"), "--compare"),
        (("--base-url", "embedded:mock", "--model", "m", "--compare-model", "x"), "that --compare names"),
        (("--base-url", "embedded:mock", "--model", "m", "--set", "endpoint.modle=1"), "unknown setting"),
        (
            (
                "--base-url",
                "embedded:mock",
                "--model",
                "m",
                "--compare",
                "http://127.0.0.1:9/v1",
                "--compare-api-key-env",
                "NO_SUCH",
            ),
            "NO_SUCH",
        ),
    ],
)
def test_mistakes_are_said_before_anything_is_sent(
    command: Command, tmp_path: Path, flags: tuple[str, ...], said: str
) -> None:
    """Exit code 2, and nothing is left behind."""
    ended = command("probe", *flags)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert not (tmp_path / "reports").exists()


def test_a_folder_with_something_in_it_is_refused(command: Command, tmp_path: Path) -> None:
    """What is there stays."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "probe.json").write_text("mine", encoding="utf-8")
    ended = command("probe", "--base-url", "embedded:mock", "--model", "m", "--out", tmp_path / "full")
    assert ended.code == 2
    assert (tmp_path / "full" / "probe.json").read_text(encoding="utf-8") == "mine"


def test_keys_stay_where_they_belong(tmp_path: Path) -> None:
    """Each key goes to its own endpoint, none into a file or onto a screen, even where an endpoint echoes it."""
    fceval = Fceval(tmp_path, tmp_path)
    keys = {"RELAY_KEY": CANARY, "REFERENCE_KEY": f"{CANARY}-other"}
    replies = [error_reply(400, f"the key is {key}") for key in keys.values()]  # whichever key it is asked with
    with FakeEndpoint(replies[0]) as relay, FakeEndpoint(replies[1]) as reference:
        ended = fceval(
            *("probe", "--base-url", relay.base_url, "--model", "m", "--api-key-env", "RELAY_KEY"),
            *("--compare", reference.base_url, "--compare-api-key-env", "REFERENCE_KEY", "--out", "kept"),
            env=keys,
        )
    assert ended.returncode == 0, ended.stderr
    for endpoint, key in ((relay, keys["RELAY_KEY"]), (reference, keys["REFERENCE_KEY"])):
        sent = {each.header("Authorization") for each in endpoint.received}
        assert sent == {f"Bearer {key}", f"Bearer {WRONG_KEY}"}
        assert not any(CANARY.encode() in each.body for each in endpoint.received)
    written = b"".join(path.read_bytes() for path in (tmp_path / "kept").iterdir())
    assert CANARY not in ended.stdout + ended.stderr
    assert CANARY.encode() not in written
    assert b"key_echoed" in written


def test_an_interrupted_probe_leaves_nothing_behind(tmp_path: Path) -> None:
    """Exit code 130; what was found so far is little, and asking again is cheap."""
    fceval = Fceval(tmp_path, tmp_path)
    with (
        FakeEndpoint(Reply(hang=True)) as endpoint,
        fceval.start("probe", "--base-url", endpoint.base_url, "--model", "m") as started,
    ):
        endpoint.wait_for(1)
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=30)
    assert (started.returncode, out) == (130, "")
    assert "interrupted" in err
    assert not list((tmp_path / "reports").iterdir())
