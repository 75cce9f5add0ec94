"""The mock on a real socket of this process: for tests that want many of them, each with settings of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from fceval.endpoints import Address
from fceval.endpoints._conversations import Conversations
from fceval.endpoints.mock import MockSettings, Server
from fceval.records import Case

KEY = "a-key-of-this-test"


@asynccontextmanager
async def mock_server(cases: Iterable[Case] = (), **settings: object) -> AsyncIterator[Address]:
    """Serve the mock while the context lasts.

    Args:
        cases: What it answers from.
        settings: Of the mock, by field name.
    """
    server = Server(MockSettings.model_validate(settings), Conversations(cases), KEY)
    runner = web.AppRunner(server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield Address(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", KEY)
    finally:
        await runner.cleanup()


REQUESTS: Mapping[str, Any] = {
    row["case_id"]: row
    for row in map(
        json.loads, (Path(__file__).parent / "data" / "mock" / "requests.jsonl").read_text("utf-8").splitlines()
    )
}
"""Requests for all kinds of answers, as rows of a dataset; the mock needs no dataset for them."""


def chat_body(name: str, *, stream: bool = False) -> dict[str, Any]:
    """Return the body of one of `REQUESTS` for Chat Completions; a stream asks for usage."""
    row = REQUESTS[name]
    fields = ("messages", "tools", "tool_choice", "parallel_tool_calls")
    kept = {field: row[field] for field in fields if row.get(field) not in (None, [])}
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"model": "mock", **kept, **row.get("request", {}), **streamed}


@dataclass(frozen=True)
class Raw:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 -- decoded JSON, which each test knows the shape of
        """The decoded body."""
        return json.loads(self.content)

    @property
    def choice(self) -> Any:  # noqa: ANN401 -- as above
        """The one choice."""
        (choice,) = self.body["choices"]
        return choice

    @property
    def calls(self) -> Any:  # noqa: ANN401 -- as above
        """The entries of `tool_calls`."""
        return self.choice["message"].get("tool_calls", [])

    @property
    def data(self) -> list[bytes]:
        """What stands behind each `data:`."""
        return [line[6:] for line in self.content.split(b"\n") if line.startswith(b"data: ")]

    @property
    def chunks(self) -> list[Any]:
        """The decoded chunks of a stream."""
        return [json.loads(data) for data in self.data if data != b"[DONE]"]

    @property
    def pieces(self) -> list[Any]:
        """The pieces of calls in a stream."""
        choices = [choice for chunk in self.chunks for choice in chunk["choices"]]
        return [piece for choice in choices for piece in choice["delta"].get("tool_calls", [])]

    @property
    def finish_reasons(self) -> list[str]:
        """The finish reasons in a stream."""
        reasons = [choice["finish_reason"] for chunk in self.chunks for choice in chunk["choices"]]
        return [reason for reason in reasons if reason is not None]


async def post(address: Address, body: Mapping[str, Any], path: str = "/chat/completions", key: str = KEY) -> Raw:
    """Send one request as bytes, and read bytes."""
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        session.post(address.base_url + path, json=body, headers=headers, allow_redirects=False) as answer,
    ):
        return Raw(answer.status, dict(answer.headers), await answer.read())


def asked(fault: str, name: str, *, stream: bool = False, seed: int = 0) -> Raw:
    """Return what one of `REQUESTS` gets of a mock that always has a fault where it can."""

    async def ask() -> Raw:
        async with mock_server(faults={fault: 1}, seed=seed) as address:
            return await post(address, chat_body(name, stream=stream))

    return asyncio.run(ask())
