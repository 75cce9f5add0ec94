"""The client as a whole: what an endpoint gives back of the key is nowhere in what is kept."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from fceval.client.http import KEY_ECHOED, Client
from fceval.errors import FcevalError
from fceval.records import Key, Request, Response
from tests.fake_endpoint import FakeEndpoint, Reply, error_reply, message_reply

pytestmark = pytest.mark.usefixtures("no_pause")

ClientOf = Callable[..., Client]

KEY = 'sk-CANARY/"0123456789'


def sent(client: Client) -> Response:
    """Send a request and return what came of it."""

    async def send() -> Response:
        async with client:
            return await client.send(Request(Key("a", "default", 0, 0, 0), {"model": "m"}))

    return asyncio.run(send())


ECHOES: list[Reply] = [
    error_reply(401, f"Incorrect API key provided: {KEY}"),
    error_reply(500, f"upstream refused {KEY}"),
    error_reply(429, KEY, headers={"X-Request": KEY}),
    Reply(200, {"Content-Type": "text/html"}, f"<html>{KEY}".encode()),
    Reply(302, {"Location": f"http://{KEY}@x/"}),
    Reply(400, body={"detail": [KEY]}),
    message_reply(content=f"Your key is {KEY}"),
    message_reply(tool_calls=[("f", {"key": KEY})]),
    message_reply(content="x", model=KEY),
    message_reply(content="x", finish_reason=KEY),
    Reply(drop=True),
    Reply(hang=True),
]


@pytest.mark.parametrize("reply", ECHOES)
def test_key_is_in_nothing_that_is_kept(client_of: ClientOf, reply: Reply) -> None:
    """However an endpoint gives it back: in no record, no exception, no traceback."""
    shown: list[Any] = []
    with FakeEndpoint(reply) as endpoint:
        client = client_of(endpoint.base_url, KEY, timeout_s=0.2, max_attempts=2)
        try:
            shown = [repr(sent(client)), repr(client)]
        except FcevalError as error:
            shown = [str(error), repr(error), *traceback.format_exception(error)]
    everything = "".join(shown).replace("\\", "")
    assert "CANARY" not in everything
    assert everything


def test_answer_with_the_key_in_it_stays_an_answer(client_of: ClientOf) -> None:
    """The arguments around it are still JSON, and that it was there is noted."""
    with FakeEndpoint(message_reply(tool_calls=[("f", {"key": KEY, "city": "Oslo"})])) as endpoint:
        response = sent(client_of(endpoint.base_url, KEY))
    message: Any = response.message
    arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert arguments == {"key": "***", "city": "Oslo"}
    assert KEY_ECHOED in response.irregularities
