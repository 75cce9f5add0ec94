"""The same case gets the same calls in whichever dialect it is asked, streamed and not."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fceval import dialects
from fceval.cases.read import read_cases
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client
from fceval.client.secret import Secret
from fceval.endpoints._answers import right_calls
from fceval.records import Case, Json, Key, Request
from tests.mock_server import mock_server

STARTER = Path(__file__).parents[2] / "datasets" / "starter.jsonl"


@pytest.fixture(scope="module")
def starter() -> list[Case]:
    """Give the cases that the project ships."""
    return list(read_cases(STARTER))


def _right(case: Case, dialect: str) -> list[tuple[str, Json]]:
    calls: list[tuple[str, Json]] = [(call.name, call.arguments) for call in right_calls(case, 0)]
    return calls[:1] if dialect == "functions" else calls  # its messages have room for one


async def _called(cases: list[Case], name: str, *, stream: bool) -> list[list[tuple[str, Json]]]:
    dialect = dialects.load(name)
    options: dict[str, Any] = {"stream": True} if stream else {}
    async with mock_server(cases) as address:
        settings = EndpointSettings(base_url=address.base_url, model="mock", max_attempts=1)
        async with Client(Endpoint(settings, address.base_url, Secret(address.api_key)), dialect) as client:
            found = []
            for case in cases:
                body = {"model": "mock", **dialect.render(case, case.turns[0].messages), **options}
                response = await client.send(Request(Key(case.case_id, "default", 0, 0, 0), body, case.tools))
                assert response.irregularities == ()
                parsed = dialect.parse(response.message or {})
                assert parsed.problems == ()
                found.append([(call.name, call.value) for call in parsed.calls])
    return found


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", dialects.names())
def test_calls_are_the_cases(name: str, starter: list[Case], *, stream: bool) -> None:
    """The starter cases get their right calls, and nothing is irregular."""
    assert asyncio.run(_called(starter, name, stream=stream)) == [_right(case, name) for case in starter]
