"""The contract of OpenAI's two APIs on loopback, answered from a dataset: right, or wrong at a seeded rate.

It is a complete endpoint, so that any OpenAI client can talk to it, and it never has to be asked nicely: Chat
Completions with `tools` or the legacy `functions`, the Responses API, and tools that are written into the prompt,
streamed and not.

* A request of the dataset, found by what was said (`_conversations`), gets the calls that its case expects.
* Any other request gets a call for each time that the user's last message names a tool on offer. A JSON object right
  after the name is the call's arguments, as it is written there: ``Use set_profile {"name": "Zo\u00eb"}``. Without
  one they are made up. Where no tool is named, or the results of the calls are there, the contract's plain text.
  In prompt mode the tools and the conversation are read from the text; what it says in words about calling is not.
* What the request demands or forbids is obeyed: `tool_choice`, `parallel_tool_calls`, and limits of tokens, which
  cut text and arguments in the middle and end with `length`. Tokens are the mock's own, see `_tokens`.

`mistakes` are the model's, by outcome (`_mistakes`); `planned_mistake` predicts them. `faults` are the endpoint's, by
the code that fceval reports for them (`_faults`): each shows alone, and only where it can.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Protocol, TypeAlias

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

from fceval.endpoints import Address, Endpoint
from fceval.endpoints._answers import TEXT, Answer, calling, right_calls
from fceval.endpoints._contract import Asked, Refused, chat_request
from fceval.endpoints._conversations import Conversations, Place
from fceval.endpoints._faults import FAULTS, misshapen, refusal
from fceval.endpoints._irregular import lost_signature
from fceval.endpoints._mistakes import MISTAKES, answer, planned_mistake
from fceval.endpoints._planning import allowed, demanded, unplanned
from fceval.endpoints._prompt_mode import prompted
from fceval.endpoints._rates import chance, drawn, pick, rates_of
from fceval.endpoints._replies import reply, said
from fceval.endpoints._responses_contract import responses_request
from fceval.endpoints._sending import send
from fceval.endpoints._situations import Situation
from fceval.endpoints._stopping import stop_signals
from fceval.endpoints._tokens import tokens
from fceval.endpoints._wire import Envelope
from fceval.errors import LocalError
from fceval.records import Case, canonical_json

__all__ = ["FAULTS", "MISTAKES", "MockSettings", "planned_mistake"]

_MAX_BODY_BYTES = 8 * 1024 * 1024
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_CLOSE_S = 0.2
"""How long requests in flight may take once the endpoint is told to stop."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Reader(Protocol):
    """Reads a request to one of the APIs."""

    def __call__(self, content_type: str, body: bytes, *, forgiving: bool) -> Asked:
        """Return what is asked, or raise `Refused`; see `chat_request`."""


class MockSettings(BaseModel):
    """What the mock answers from, and what goes wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: Path | None = None
    """Cases to answer from; none: see the module on other requests."""
    seed: int = 0
    """Decides which cases get which mistakes and faults."""
    mistakes: Annotated[Mapping[str, float], rates_of(tuple(MISTAKES))] = {}
    """Share of the cases answered wrong, by kind of mistake."""
    faults: Annotated[Mapping[str, float], rates_of(tuple(FAULTS))] = {}
    """Share of the requests with a fault of the endpoint, by name; of those where it can show."""
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
        asyncio.run(_serve(Server(checked, conversations, api_key), port, ready))


def _cases(dataset: Path) -> Iterator[Case]:
    from fceval.cases.read import read_cases  # noqa: PLC0415 -- heavy, and not needed to check settings

    return read_cases(dataset)


async def _serve(server: Server, port: int, ready: Callable[[Address], None]) -> None:
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


class Server:
    """The handlers, and how often each case was asked."""

    def __init__(self, settings: MockSettings, conversations: Conversations, api_key: str) -> None:
        self.settings = settings
        self.conversations = conversations
        self.api_key = api_key
        self._requests: Counter[tuple[str, int]] = Counter()
        self._answers: dict[tuple[str, int], tuple[Answer, bool]] = {}
        self._served = 0
        self._started_at = int(time.time())

    def app(self) -> web.Application:
        app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[self._guard])
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_post("/v1/responses", self._respond)
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
        return web.json_response(self._error(request, refused), status=refused.status, headers=refused.headers)

    def _error(self, request: web.Request, refused: Refused) -> object:
        """Return the body of an error, in another shape than the contract's where that is drawn."""
        if refused.planned or not self.settings.faults:
            return refused.body
        about = (_digest(f"{request.method} {request.path} {refused}"), refused.status)
        if self._drawn(about) != "error_shape":
            return refused.body
        return misshapen(refused, pick(self.settings.seed, "form", *about, self._requests[about]))

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
        return await self._answered(request, chat_request)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return await self._answered(request, responses_request)

    async def _answered(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        asked = reader(request.content_type, await request.read(), forgiving=bool(self.settings.faults))
        _refuse_lost_signatures(asked)
        in_prompt = prompted(asked)
        read = in_prompt.asked if in_prompt else asked
        place = self.conversations.find(read.messages, read.tools, prompted=in_prompt is not None)
        prompt = canonical_json([asked.messages, asked.tools])
        about = (place.case.case_id, place.turn) if place else (_digest(prompt), 0)
        drawn_fault = self._drawn(about)
        number = self._requests[about]
        await self._wait(about, number)
        wanted = self._wanted(read, place)
        wanted = in_prompt.written(wanted) if in_prompt else wanted
        form = pick(self.settings.seed, "form", *about, number)
        situation = Situation(asked, wanted, allowed(asked, wanted), form, native=in_prompt is None)
        fault = drawn_fault if drawn_fault and FAULTS[drawn_fault].where.holds(situation) else ""
        if refused := refusal(fault, self.settings.retry_after_s):
            raise refused
        given = said(situation, fault)
        envelope = self._envelope(asked, prompt, about, len(given.calls))
        return await send(request, reply(situation, given, envelope, fault), fault)

    def _drawn(self, about: tuple[str, int]) -> str:
        """Count one more request about something, and return the fault that it is to have; empty: none."""
        self._requests[about] += 1
        settings = self.settings
        if not settings.faults:
            return ""
        return drawn(settings.faults, FAULTS, chance(settings.seed, "fault", *about, self._requests[about])) or ""

    async def _wait(self, about: tuple[str, int], number: int) -> None:
        """Wait as long as an answer takes."""
        settings = self.settings
        delay_s = settings.latency_s + settings.latency_jitter_s * chance(settings.seed, "latency", *about, number)
        if delay_s:
            await asyncio.sleep(delay_s)

    def _wanted(self, asked: Asked, place: Place | None) -> Answer:
        """Return what the model would say, whatever the request forbids."""
        if place is None:
            return demanded(asked, unplanned(asked))
        key = (place.case.case_id, place.turn)
        if key not in self._answers:
            made = answer(place.case, place.turn, self.settings.mistakes, self.settings.seed)
            self._answers[key] = made, made == calling(right_calls(place.case, place.turn))
        given, is_right = self._answers[key]
        if place.results:
            # Where a message has room for one call, the next one follows the result of the one before.
            left = () if asked.parallel else given.calls[place.results :]
            if not left and not asked.forced:
                return TEXT
            given = replace(given, calls=left or given.calls)
        return demanded(asked, given) if is_right else given

    def _envelope(self, asked: Asked, prompt: str, about: tuple[str, int], calls: int) -> Envelope:
        self._served += 1
        prefix = "resp" if asked.api == "responses" else "chatcmpl"
        separator = "_" if asked.api == "responses" else "-"
        # A second answer to the same turn makes other calls than the first.
        step = len(asked.messages)
        return Envelope(
            completion_id=f"{prefix}{separator}{pick(self._started_at, self._served):016x}",
            created=int(time.time()),
            model=asked.model,
            prompt_tokens=tokens(prompt),
            call_ids=tuple(
                f"call_{pick(self.settings.seed, 'call', *about, step, index):016x}" for index in range(calls)
            ),
            api_key=self.api_key,
        )


def _digest(text: str) -> str:
    """Return what stands for a text among the requests that are counted."""
    return f"{pick(text):016x}"


def _refuse_lost_signatures(asked: Asked) -> None:
    index = lost_signature(asked.messages)
    if index is not None:
        msg = "Function call is missing a thought_signature in functionCall parts. This is required for tools to work."
        raise Refused(400, msg, param=f"messages[{index}].tool_calls")


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
