"""Stage 3 without a dataset: a fixed suite of requests that shows how an endpoint keeps the contract.

Nothing is said about the model, only about what is on the wire. Each request is asked whole and streamed, as a case
of any dialect, by the client that runs use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from fceval import dialects
from fceval.cases.probe_suite import Asked, probe_suite
from fceval.client.endpoint import Endpoint, EndpointSettings
from fceval.client.http import Client, Tried
from fceval.client.limits import Pace
from fceval.client.outcome import Failed
from fceval.client.secret import Secret
from fceval.dialects import Dialect
from fceval.dialogue import Dialogue, Variant, next_request
from fceval.errors import EndpointError
from fceval.irregularities import IRREGULARITIES
from fceval.reaching import reached
from fceval.records import Json, JsonObject, Parsed, Request, Response
from fceval.report.probe import REFUSALS, Outcome, Probe, Probed
from fceval.runs import shape_of

WRONG_KEY = "fceval-probe-wrong-key"
"""Sent in place of the key where a key must be turned down; no part of any real one."""

_DISAGREE = "stream_nonstream_disagree"
_TELLING = frozenset(
    {
        "finish_stop_with_calls",
        "finish_toolcalls_without_calls",
        "finish_nonstandard",
        *(code for code, known in IRREGULARITIES.items() if known.effect != "none"),
    }
)
"""Codes that say already why one way's answer is of another kind."""

Told: TypeAlias = Callable[[Response], None]
"""Is given each response as it comes."""


def requests_planned(settings: Sequence[EndpointSettings]) -> int:
    """Return how many requests the suite has for endpoints; pairs whose answers disagree are sent once more."""
    return len(settings) * sum(len(asked.ways) for asked in probe_suite())


def probes(settings: Sequence[EndpointSettings], fields: Mapping[str, Json], told: Told) -> list[Probe]:
    """Ask endpoints everything in the suite, all of them at the same time.

    Args:
        settings: Whom to ask.
        fields: Body fields that every request gets.
        told: Called with each response.

    Raises:
        ConfigError: An embedded endpoint cannot be started so.
        EndpointError: The very first request to one of them shows that none will be answered.
        LocalError: This machine cannot start one, or open one more connection.
    """
    with ExitStack() as stack:
        reachable = [stack.enter_context(reached(each, None)) for each in settings]
        return asyncio.run(_all(reachable, fields, told))


async def _all(reachable: Sequence[Endpoint], fields: Mapping[str, Json], told: Told) -> list[Probe]:
    return await asyncio.gather(*(probe(endpoint, fields, told) for endpoint in reachable))


async def probe(endpoint: Endpoint, fields: Mapping[str, Json], told: Told) -> Probe:
    """Ask an endpoint everything in the suite, a few requests at a time.

    Args:
        endpoint: Whom to ask.
        fields: Body fields that every request gets.
        told: Called with each response.

    Raises:
        EndpointError: The very first request shows that none will be answered: wrong address, wrong key.
        LocalError: This machine cannot open one more connection.
    """
    settings = endpoint.settings
    dialect, pace = dialects.load(settings.dialect), Pace(settings.rpm)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    async with (
        _Enduring(endpoint, dialect, pace) as client,
        _Enduring(replace(endpoint, key=Secret(WRONG_KEY)), dialect, pace) as stranger,
    ):
        found = await _Asking(endpoint, fields, client, stranger, told).everything()
    return Probe(
        settings.base_url, settings.model, settings.dialect, started_at, tuple(found), settings.insecure_tls
    )  # fmt: skip


class _Enduring(Client):
    """A client to which, once it knows the endpoint, no refusal is final: refusals are what a probe looks for."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, pace: Pace) -> None:
        super().__init__(endpoint, dialect)
        self._pace = pace
        self.is_acquainted = False
        """Whether the endpoint has answered anything at all."""

    def refuses(self, failed: Failed) -> bool:
        """Return whether a failure ends the probe.

        A web page with status 200 does not: gateways that are overloaded, or logged out, serve one.
        """
        return not self.is_acquainted and "html_200" not in failed.irregularities and super().refuses(failed)

    async def attempt(
        self, request: Request, body: bytes, number: int, waited: Mapping[str, float] | None = None
    ) -> Tried:
        """Send a request once, when it is its turn."""
        permit = await self._pace.admit()
        return await super().attempt(request, body, number, {**(waited or {}), **permit.waited})


_Kind: TypeAlias = tuple[str, str | None]
"""Outcome and finish reason, or how the request was turned down."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """A request of the suite, asked in one way, with what came back."""

    asked: Asked
    streamed: bool
    response: Response
    parsed: Parsed | None
    """None where there is no message."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        if self.parsed is None:
            status = self.response.attempts[-1].status or 0
            return "rejected" if self.asked.wrong and status in REFUSALS else self.response.failure or "not_run"
        if self.asked.wrong:
            return "accepted"
        if self.parsed.calls or self.parsed.problems:
            return "called"
        return "text" if self.parsed.text.strip() else "refused" if self.parsed.refusal else "nothing"

    @property
    def kind(self) -> _Kind | None:
        """What both ways of a request must agree on; None where chance or the network decided."""
        last = self.response.attempts[-1]
        if self.response.failure == "content_filtered":
            return "content_filtered", None
        if self.response.failure is not None:
            return ("rejected", str(last.status)) if last.status in REFUSALS else None
        return self.outcome, self.response.finish_reason

    def entry(self) -> Probed:
        """Return what a report says of it."""
        last = self.response.attempts[-1]
        return Probed(
            request=self.asked.case.case_id,
            about=self.asked.about,
            streamed=self.streamed,
            outcome=self.outcome,
            codes=self.response.irregularities,
            status=last.status,
            detail=last.detail,
            finish_reason=self.response.finish_reason,
            calls=self.parsed.calls if self.parsed else (),
            latency_s=last.latency_s,
            ttft_s=last.ttft_s,
        )


_Pair: TypeAlias = Sequence[_Exchange]
"""A request of the suite in each of its ways: whole, then streamed."""


def _kinds(pair: _Pair) -> list[_Kind | None]:
    return [each.kind for each in pair]


def _disagree(pair: _Pair) -> bool:
    """Return whether both ways gave answers of different kinds, and no code says why."""
    kinds = set(_kinds(pair))
    if len(kinds) < 2 or None in kinds:  # noqa: PLR2004 -- two ways
        return False
    whole, streamed = (set(each.response.irregularities) for each in pair)
    return not (whole ^ streamed) & _TELLING


def _entries(pair: _Pair, *, disagree: bool) -> Iterator[Probed]:
    *others, last = (each.entry() for each in pair)
    yield from others
    if not disagree:
        yield last
        return
    told = ", ".join(
        f"{'streamed' if each.streamed else 'whole'}: {' '.join(filter(None, each.kind or ()))}" for each in pair
    )
    yield replace(last, codes=tuple(sorted({*last.codes, _DISAGREE})), detail=told)


class _Asking:
    """The suite on its way to one endpoint."""

    def __init__(
        self, endpoint: Endpoint, fields: Mapping[str, Json], client: _Enduring, stranger: _Enduring, told: Told
    ) -> None:
        self._settings = endpoint.settings
        self._key = endpoint.key
        self._dialect = dialects.load(endpoint.settings.dialect)
        self._fields = fields
        self._client = client
        self._stranger = stranger
        self._told = told
        self._slots = asyncio.Semaphore(endpoint.settings.concurrency)
        self._answers: dict[tuple[str, bool], Response] = {}

    async def everything(self) -> list[Probed]:
        """Return an entry for each request and way, in the suite's order.

        Raises:
            EndpointError: To the first request nothing comes back at all, whole or streamed.
        """
        first, *rest = probe_suite()
        pair = await self._pair(first)
        attempts = [attempt for each in pair for attempt in each.response.attempts]
        if all(attempt.status is None for attempt in attempts):
            raise EndpointError(self._client.advice(attempts[-1].detail))
        pairs = [pair, *await asyncio.gather(*map(self._pair, rest))]
        doubtful = [pair for pair in pairs if _disagree(pair)]
        # A model that draws its words may give another kind of answer by chance: it will not do so twice alike.
        again = await asyncio.gather(*(self._pair(pair[0].asked, trial=1) for pair in doubtful))
        certain = [pair for pair, other in zip(doubtful, again, strict=True) if _kinds(pair) == _kinds(other)]
        return [entry for pair in pairs if pair for entry in _entries(pair, disagree=pair in certain)]

    async def _pair(self, asked: Asked, trial: int = 0) -> _Pair:
        return [each for streamed in asked.ways if (each := await self._ask(asked, trial, streamed=streamed))]

    async def _ask(self, asked: Asked, trial: int, *, streamed: bool) -> _Exchange | None:
        """Return what came of a request; None where it would go on from an answer that there is not."""
        request = self._request(asked, trial, streamed=streamed)
        if request is None:
            return None
        async with self._slots:
            response = await (self._as_stranger(request) if asked.wrong == "key" else self._client.send(request))
        self._client.is_acquainted = self._stranger.is_acquainted = True
        parsed = None if response.message is None else self._dialect.parse(response.message)
        exchange = _Exchange(asked, streamed, response, parsed)
        if trial == 0:  # a second look is none of the requests planned
            # What is turned down as it should be is no failure to whoever watches.
            self._told(response._replace(message={}) if exchange.outcome == "rejected" else response)
            self._answers[asked.case.case_id, streamed] = response
        return exchange

    async def _as_stranger(self, request: Request) -> Response:
        """Send a request with the wrong key, and keep of the answer only what cannot hold the real one."""
        response = await self._stranger.send(request)
        attempts = tuple(attempt._replace(detail=self._hidden(attempt.detail)) for attempt in response.attempts)
        message: JsonObject | None = None if response.message is None else {}
        return response._replace(message=message, finish_reason=None, served_model=None, attempts=attempts)

    def _hidden(self, text: str) -> str:
        return text if self._key is None else self._key.hidden_in(text.encode()).decode()

    def _request(self, asked: Asked, trial: int, *, streamed: bool) -> Request | None:
        variant = Variant(name="streamed" if streamed else "whole")
        shape = shape_of(replace(self._settings, stream=streamed))
        dialogue = Dialogue(asked.case, variant, trial, self._dialect, self._settings.model, self._fields, shape)
        history = [self._answers[asked.follows, streamed]] if asked.follows else []
        if any(self._is_spoilt(response) for response in history):
            return None
        request = next_request(dialogue, history)
        if request is None or asked.wrong != "shape":
            return request
        return replace(request, body={**request.body, "input" if self._dialect.api == "responses" else "messages": 7})

    def _is_spoilt(self, response: Response) -> bool:
        """Whether an answer has a call that cannot be read, cut off or malformed: servers choke on it in a history."""
        return response.message is not None and any(
            call.problem for call in self._dialect.parse(response.message).calls
        )
