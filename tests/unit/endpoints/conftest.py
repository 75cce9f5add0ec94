"""A small dataset, and a mock that answers from it over a real socket."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from fceval.cases.read import read_cases
from fceval.endpoints import Address, embedded
from fceval.records import Case


def _tool(name: str, required: list[str], **properties: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


_CITY = {"type": "string"}
_HOURS = _tool("get_store_hours", ["city"], city=_CITY)
_REFUND = _tool(
    "refund_order",
    ["order_id", "amount"],
    order_id={"type": "string"},
    amount={"type": "number"},
    reason={"type": "string", "enum": ["damaged", "late"]},
)
_PING = _tool("ping", [])


def _user(content: str) -> dict[str, str]:
    return {"role": "user", "content": content}


ROWS: list[dict[str, Any]] = [
    {
        "case_id": "refund",
        "messages": [{"role": "system", "content": "Be brief."}, _user("Refund 20 on order 7: it came damaged.")],
        "tools": [_REFUND, _PING],
        "expected": [{"name": "refund_order", "arguments": {"order_id": "7", "amount": 20, "reason": "damaged"}}],
    },
    {
        "case_id": "two-cities",
        "messages": [_user("Opening hours in Leeds and York?")],
        "tools": [_HOURS],
        "expected": [{"name": "get_store_hours", "arguments": {"city": city}} for city in ("Leeds", "York")],
    },
    {"case_id": "thanks", "messages": [_user("Thank you!")], "tools": [_HOURS], "expected": []},
    {"case_id": "some-call", "messages": [_user("Do something.")], "tools": [_HOURS], "expected": "any"},
    {
        "case_id": "matchers",
        "messages": [_user("Refund what you like, on order 8 or order 9.")],
        "tools": [_REFUND],
        "expected": [
            {
                "name": "refund_order",
                "arguments": {
                    "order_id": {"$match": "one_of", "values": ["8", "9"]},
                    "amount": {"$match": "any"},
                    "reason": {"$match": "any", "optional": True},
                },
            }
        ],
    },
    {
        "case_id": "two-turns",
        "tools": [_HOURS, _PING],
        "turns": [
            {
                "messages": [_user("Opening hours in Bath?")],
                "expected": [{"name": "get_store_hours", "arguments": {"city": "Bath"}}],
            },
            {
                "messages": [_user("And in Hull?")],
                "expected": [{"name": "get_store_hours", "arguments": {"city": "Hull"}}],
            },
        ],
    },
]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:  # noqa: ANN401 -- decoded JSON, which each test knows the shape of
        """The decoded body."""
        return json.loads(self.text)

    @property
    def choice(self) -> Any:  # noqa: ANN401 -- as above
        """The one choice of a completion."""
        (choice,) = self.body["choices"]
        return choice

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Name and arguments of each tool call."""
        calls = self.choice["message"].get("tool_calls", [])
        return [(call["function"]["name"], call["function"]["arguments"]) for call in calls]


@dataclass(frozen=True)
class Served:
    """A mock that is being served, and a plain HTTP client for it."""

    address: Address

    def send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, timeout_s: float = 20
    ) -> Reply:
        """Send one request; `headers` replace the usual ones, an empty value drops one."""
        given = {"Content-Type": "application/json", "Authorization": f"Bearer {self.address.api_key}"}
        given = {name: value for name, value in {**given, **(headers or {})}.items() if value}
        connection = http.client.HTTPConnection(urlsplit(self.address.base_url).netloc, timeout=timeout_s)
        try:
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def complete(self, fields: Mapping[str, Any]) -> Reply:
        """Send one chat completion."""
        return self.send("POST", "/v1/chat/completions", json.dumps({"model": "mock", **fields}).encode())

    def ask(self, case_id: str, **more: object) -> Reply:
        """Send the request of a case of one turn."""
        (row,) = [row for row in ROWS if row["case_id"] == case_id]
        return self.complete({"messages": row["messages"], "tools": row["tools"], **more})


@pytest.fixture
def rows() -> list[dict[str, Any]]:
    """Give the rows of the small dataset."""
    return ROWS


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the small dataset as a file."""
    path = tmp_path_factory.mktemp("dataset") / "cases.jsonl"
    path.write_text("".join(json.dumps({"category": "small", **row}) + "\n" for row in ROWS), encoding="utf-8")
    return path


@pytest.fixture
def cases(dataset: Path) -> dict[str, Case]:
    """Give the small dataset as cases by id."""
    return {case.case_id: case for case in read_cases(dataset)}


@pytest.fixture
def serve(dataset: Path) -> Iterator[Callable[..., Served]]:
    """Give a function that starts a mock with some settings; it ends with the test."""
    with ExitStack() as stack:
        yield lambda **options: Served(stack.enter_context(embedded("mock", options, dataset=dataset)))


@pytest.fixture(scope="session")
def mock(dataset: Path) -> Iterator[Served]:
    """Give a mock that makes no mistakes; it keeps nothing between requests that a test could see."""
    with embedded("mock", {}, dataset=dataset) as address:
        yield Served(address)
