"""The Chat Completions contract on loopback, answered from a dataset: right, or wrong at a seeded rate.

It is a complete endpoint, so that any OpenAI client can talk to it, and it never has to be asked nicely: what is not
in the dataset gets the contract's plain answer. What it will get wrong can be predicted, see `planned_mistake`.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from fceval.endpoints import Address, Endpoint
from fceval.endpoints._answers import TEXT, Answer, calling, plain_call
from fceval.endpoints._contract import ChatRequest, Refused, chat_request
from fceval.endpoints._conversations import Conversations, Place
from fceval.endpoints._mistakes import MISTAKES, answer, planned_mistake
from fceval.endpoints._rates import chance, drawn, pick, rates_of
from fceval.endpoints._stopping import stop_signals
from fceval.endpoints._wire import Envelope, completion, events, tokens
from fceval.errors import LocalError
from fceval.records import Case, Tool, canonical_json

__all__ = ["MISTAKES", "MockSettings", "planned_mistake"]

_MAX_BODY_BYTES = 8 * 1024 * 1024
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_FAULTS = ("429", "500", "hang")
_CLOSE_S = 0.2
"""How long requests in flight may take once the endpoint is told to stop."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class MockSettings(BaseModel):
    """What the mock answers from, and what goes wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Path | None = None
    """Cases to answer from; none: every answer is the plain text."""
    seed: int = 0
    """Decides which cases get which mistakes and faults."""
    mistakes: Annotated[Mapping[str, float], rates_of(tuple(MISTAKES))] = {}
    """Share of the cases answered wrong, by kind of mistake."""
    faults: Annotated[Mapping[str, float], rates_of(_FAULTS)] = {}
    """Share of the requests not answered at all, by kind: `429`, `500` or `hang` (until the client goes away)."""
    retry_after_s: NonNegativeFloat = 1.0
    """What a 429 asks for."""
    latency_s: NonNegativeFloat = 0.0
    """Least time to an answer."""
    latency_jitter_s: NonNegativeFloat = 0.0
    """Spread of the time to an answer, evenly above `latency_s`."""
    models: Annotated[tuple[str, ...], Field(min_length=1)] = ("mock",)
    """What `GET /models` lists; any other name is answered too."""


class Mock:
    """See the module."""

    options: type[BaseModel] = MockSettings

    def serve(self, options: BaseModel, port: int, api_key: str, ready: Callable[[Address], None]) -> None:
        """Serve until stopped; see `Endpoint`."""
        checked = MockSettings.model_validate(options)
        conversations = Conversations(_cases(checked.dataset) if checked.dataset else ())
        asyncio.run(_serve(_Server(checked, conversations, api_key), port, ready))


def _cases(dataset: Path) -> Iterator[Case]:
    from fceval.cases.read import read_cases  # noqa: PLC0415 -- heavy, and not needed to check settings

    return read_cases(dataset)


async def _serve(server: _Server, port: int, ready: Callable[[Address], None]) -> None:
    stopped = asyncio.Event()
    for number in stop_signals():
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # Without cancellation a handler would not notice that the client of a hanging request went away.
    runner = web.AppRunner(server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=_CLOSE_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        ready(Address(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", server.api_key))
        await stopped.wait()
    except OSError as error:
        msg = f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another port, or 0 for any free one"
        raise LocalError(msg) from error
    finally:
        await runner.cleanup()


class _Server:
    """The handlers, and how often each case was asked."""

    def __init__(self, settings: MockSettings, conversations: Conversations, api_key: str) -> None:
        self.settings = settings
        self.conversations = conversations
        self.api_key = api_key
        self._requests: Counter[tuple[str, int]] = Counter()
        self._answers: dict[tuple[str, int], Answer] = {}
        self._served = 0
        self._started_at = int(time.time())

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._guard])
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            self._admit(request)
            return await handler(request)
        except Refused as error:
            refused = error
        except web.HTTPException as error:
            refused = _http_refusal(request, error)
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)

    def _admit(self, request: web.Request) -> None:
        # A page in a browser must not reach an endpoint on loopback: not by its own script, nor by a rebound name.
        if request.host.rpartition(":")[0] not in _HOSTS and request.host not in _HOSTS:
            raise Refused(403, "This endpoint answers to loopback names only.", kind="permission_error")
        if "Origin" in request.headers:
            raise Refused(403, "This endpoint does not answer web pages.", kind="permission_error")
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, b"Bearer " + self.api_key.encode()):
            msg = "Incorrect API key provided." if given else "You didn't provide an API key: use a Bearer token."
            raise Refused(401, msg, code="invalid_api_key")

    async def _models(self, _request: web.Request) -> web.StreamResponse:
        listed = [
            {"id": name, "object": "model", "created": self._started_at, "owned_by": "fceval"}
            for name in self.settings.models
        ]
        return web.json_response({"object": "list", "data": listed})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        asked = chat_request(request.content_type, await request.read())
        place = self.conversations.find(asked.messages, asked.tools)
        prompt = canonical_json([asked.messages, asked.tools])
        await self._disturb(place, prompt)
        given = self._answer(asked, place)
        self._served += 1
        envelope = Envelope(
            completion_id=f"chatcmpl-{pick(self._started_at, self._served):016x}",
            created=int(time.time()),
            model=asked.model,
            prompt_tokens=tokens(prompt),
            call_ids=tuple(self._call_id(place, prompt, index) for index in range(len(given.calls))),
        )
        if asked.stream:
            return await _stream(request, given, envelope, include_usage=asked.include_usage)
        return web.Response(body=completion(given, envelope), content_type="application/json")

    async def _disturb(self, place: Place | None, prompt: str) -> None:
        """Wait as long as an answer takes, then fail where this request of the case has to."""
        case = (place.case.case_id, place.turn) if place else (prompt, 0)
        self._requests[case] += 1
        settings, what = self.settings, (*case, self._requests[case])
        if delay_s := settings.latency_s + settings.latency_jitter_s * chance(settings.seed, "latency", *what):
            await asyncio.sleep(delay_s)
        fault = drawn(settings.faults, _FAULTS, chance(settings.seed, "fault", *what)) if settings.faults else None
        if fault == "429":
            msg = f"Rate limit reached. Please try again in {settings.retry_after_s:g}s."
            headers = {"Retry-After": f"{settings.retry_after_s:g}"}
            raise Refused(429, msg, kind="requests", code="rate_limit_exceeded", headers=headers)
        if fault == "500":
            raise Refused(500, "The server had an error while processing your request.", kind="server_error")
        if fault == "hang":
            await asyncio.Event().wait()

    def _answer(self, asked: ChatRequest, place: Place | None) -> Answer:
        if asked.tool_choice == "none" or (place and place.answered):
            return TEXT
        if place is None:
            return _made_up(asked)
        key = (place.case.case_id, place.turn)
        if key not in self._answers:
            self._answers[key] = answer(place.case, place.turn, self.settings.mistakes, self.settings.seed)
        return self._answers[key]

    def _call_id(self, place: Place | None, prompt: str, index: int) -> str:
        about = (place.case.case_id, place.turn) if place else (prompt, 0)
        return f"call_{pick(self.settings.seed, 'call', *about, index):016x}"


def _made_up(asked: ChatRequest) -> Answer:
    """Return the answer to what no case asks: text, or a made-up call where `tool_choice` insists on one."""
    if asked.tool_choice == "auto":
        return TEXT
    wire = next(tool for tool in asked.tools if asked.named_tool in {None, tool["function"]["name"]})
    tool = Tool(wire["function"]["name"], None, wire["function"].get("parameters"), None, wire)
    made_up = calling((plain_call(tool),))
    # OpenAI ends an answer that had to call one named tool with `stop`.
    return Answer(calls=made_up.calls, finish_reason="stop") if asked.named_tool else made_up


async def _stream(
    request: web.Request, given: Answer, envelope: Envelope, *, include_usage: bool
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
    await response.prepare(request)
    for event in events(given, envelope, include_usage=include_usage):
        await response.write(event)
    await response.write_eof()
    return response


def _http_refusal(request: web.Request, error: web.HTTPException) -> Refused:
    messages: Mapping[int, Any] = {
        404: f"Invalid URL ({request.method} {request.path})",
        405: f"Not allowed to {request.method} on {request.path}.",
        413: f"The body is larger than {_MAX_BODY_BYTES} bytes.",
    }
    code = "unknown_url" if error.status == 404 else None  # noqa: PLR2004 -- an HTTP status
    allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return Refused(error.status, messages.get(error.status, error.reason), code=code, headers=allow)


PLUGIN: Endpoint = Mock()
