"""Every fault that the mock knows, as fceval's own client reports it: that code alone, where it can show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fceval import dialects
from fceval.cases.rows import case_of
from fceval.client import retry
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client
from fceval.client.secret import Secret
from fceval.endpoints import Address
from fceval.endpoints.mock import FAULTS
from fceval.errors import EndpointError
from fceval.irregularities import IRREGULARITIES
from fceval.records import Key, Request
from tests.mock_server import REQUESTS, mock_server

SHOWN: Mapping[str, Mapping[str, list[str]]] = json.loads(
    (Path(__file__).parents[1] / "data" / "mock" / "faults.json").read_text("utf-8")
)
"""Fault to the requests that show it, not streamed (`whole`) and streamed."""
ELSEWHERE = {
    "error_shape": "shows where requests are refused",
    "stream_nonstream_disagree": "shows in two answers, not in one",
    "html_200": "ends a run before an answer is kept",
}
WAYS = {"whole": False, "streamed": True}


def _request(name: str, dialect: dialects.Dialect, *, stream: bool) -> Request:
    case = case_of(REQUESTS[name], 1)
    limit = {"max_tokens": "max_output_tokens"} if dialect.api == "responses" else {}
    body: dict[str, Any] = {"model": "mock", **dialect.render(case, case.turns[0].messages)}
    body.update({limit.get(field, field): value for field, value in case.request.items()})
    if stream:
        body.update({"stream": True} if dialect.api == "responses" else _STREAMED)
    return Request(Key(name, "default", 0, 0, 0), body, case.tools)


_STREAMED: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}


def _client(address: Address, dialect: dialects.Dialect, timeout_s: float = 120) -> Client:
    settings = EndpointSettings(base_url=address.base_url, model="mock", max_attempts=1, timeout_s=timeout_s)
    return Client(Endpoint(settings, address.base_url, Secret(address.api_key)), dialect)


async def _reported(dialect_name: str, fault: str = "", seed: int = 0) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the codes that each request gets, whole and streamed."""
    dialect = dialects.load(dialect_name)
    faults = {fault: 1} if fault else {}
    async with mock_server(faults=faults, seed=seed) as address, _client(address, dialect) as client:
        return {
            way: {name: (await client.send(_request(name, dialect, stream=stream))).irregularities for name in REQUESTS}
            for way, stream in WAYS.items()
        }


def _codes_of(shown: Mapping[str, list[str]], fault: str) -> dict[str, dict[str, tuple[str, ...]]]:
    return {way: {name: (fault,) if name in shown[way] else () for name in REQUESTS} for way in WAYS}


def test_every_numbered_code_is_a_fault() -> None:
    """What the survey counts, the mock can do; and each fault is in the data of this test."""
    numbered = {code for code, row in IRREGULARITIES.items() if row.number is not None}
    assert numbered <= set(FAULTS)
    assert set(SHOWN) | set(ELSEWHERE) == {fault for fault in FAULTS if fault in IRREGULARITIES}


@pytest.mark.parametrize("dialect", dialects.names())
def test_clean_mock_keeps_the_contract(dialect: str) -> None:
    """Without faults nothing is reported, whatever is asked, in whichever dialect, streamed and not."""
    assert asyncio.run(_reported(dialect)) == {way: dict.fromkeys(REQUESTS, ()) for way in WAYS}


@pytest.mark.untraced
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("fault", SHOWN)
def test_fault_is_reported_alone(fault: str, seed: int) -> None:
    """Each request that can show the fault reports that code and no other; each other request reports none."""
    assert asyncio.run(_reported("tools", fault, seed)) == _codes_of(SHOWN[fault], fault)


@pytest.mark.untraced
@pytest.mark.parametrize("fault", SHOWN)
@pytest.mark.parametrize("dialect", ["responses", "functions", "prompt_xml"])
def test_fault_is_reported_alone_in_other_dialects(fault: str, dialect: str) -> None:
    """Where another dialect can show it at all, the code is the same."""
    reported = asyncio.run(_reported(dialect, fault))
    assert {codes for way in reported.values() for codes in way.values()} <= {(), (fault,)}


@pytest.mark.parametrize("way", WAYS)
def test_page_is_a_wrong_address(way: str) -> None:
    """A page in place of an answer ends the run, and says what it is."""

    async def send() -> None:
        dialect = dialects.load("tools")
        async with mock_server(faults={"html_200": 1}) as address, _client(address, dialect) as client:
            await client.send(_request("one call", dialect, stream=WAYS[way]))

    with pytest.raises(EndpointError, match="a web page in place of JSON"):
        asyncio.run(send())


@pytest.mark.parametrize("seed", range(3))
def test_error_of_another_shape_is_reported(seed: int) -> None:
    """A request that is refused anyway is refused in another shape."""

    async def send() -> tuple[str, ...]:
        dialect = dialects.load("tools")
        async with mock_server(faults={"error_shape": 1}, seed=seed) as address, _client(address, dialect) as client:
            good = _request("one call", dialect, stream=False)
            return (await client.send(Request(good.key, {**good.body, "n": 2}, good.tools))).irregularities

    assert asyncio.run(send()) == ("error_shape",)


def test_calls_that_streams_lose() -> None:
    """Streamed and not, neither answer is irregular by itself; but only one of them calls."""

    async def send() -> list[tuple[tuple[str, ...], int]]:
        dialect = dialects.load("tools")
        async with (
            mock_server(faults={"stream_nonstream_disagree": 1}) as address,
            _client(address, dialect) as client,
        ):
            answers = [await client.send(_request("one call", dialect, stream=stream)) for stream in WAYS.values()]
        return [(answer.irregularities, len(dialect.parse(answer.message or {}).calls)) for answer in answers]

    assert asyncio.run(send()) == [((), 1), ((), 0)]


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        ("429", "rate_limited"),
        ("408", "endpoint_error"),
        ("500", "endpoint_error"),
        ("502", "endpoint_error"),
        ("503", "endpoint_error"),
        ("504", "endpoint_error"),
        ("529", "endpoint_error"),
        ("reset", "endpoint_error"),
        ("cut", "endpoint_error"),
        ("oversized", "endpoint_error"),
        ("gzip_bomb", "endpoint_error"),
        ("endless", "endpoint_error"),
        ("hang", "timed_out"),
        ("slow", "timed_out"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_fault_of_the_transport_is_not_measured(fault: str, failure: str, way: str) -> None:
    """What goes wrong on the way is a failure of its class, and no irregularity but that of a stream without an end."""

    async def send() -> tuple[str | None, tuple[str, ...]]:
        dialect = dialects.load("tools")
        timeout_s = 1 if failure == "timed_out" else 120
        async with mock_server(faults={fault: 1}) as address, _client(address, dialect, timeout_s) as client:
            response = await client.send(_request("one call", dialect, stream=WAYS[way]))
        return response.failure, response.irregularities

    found, codes = asyncio.run(send())
    assert found == failure
    assert set(codes) <= {"stream_truncated"}


@pytest.mark.parametrize("fault", ["401", "402", "403", "404", "quota", "redirect"])
def test_fault_that_no_other_request_escapes(fault: str) -> None:
    """A key, a quota or an address that is wrong ends the run."""

    async def send() -> None:
        dialect = dialects.load("tools")
        async with mock_server(faults={fault: 1}) as address, _client(address, dialect) as client:
            await client.send(_request("one call", dialect, stream=False))

    with pytest.raises(EndpointError):
        asyncio.run(send())


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_WAIT_S", 0.001)
