"""What a run would send, take and cost, before anything is sent. Pure: dialogues and prices go in, numbers come out.

Each range begins with what a run takes at least (short answers, dialogues that end after their first turn) and
ends with what it may take (answers as long as they are allowed to be). Attempts that are made again are in none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fceval.budget import (
    BYTES_A_TOKEN,
    UNLIMITED_COMPLETION_TOKENS,
    body_bytes,
    completion_limit,
    most_completion_tokens,
)
from fceval.client.ledger import TokenLedger
from fceval.config import RunConfig
from fceval.dialogue import Dialogue, Variant, next_request, parts
from fceval.errors import ConfigError
from fceval.prices import PER_TOKENS, Price, why_unknown
from fceval.records import JsonObject, Request, Response, ToolCall, Usage, json_text

SPREAD = 0.3
"""By how much an estimate of tokens may be off, either way, as a share of it."""
LATENCY_S = (1.0, 6.0)
"""How long an answer is taken to be waited for where nobody says: at least, at most."""
_MINUTE_S = 60.0

Limit: TypeAlias = Literal["concurrency", "rpm", "tpm"]
"""What a run's time may be bound by."""
_Bound: TypeAlias = tuple[Limit, Limit]


@dataclass(frozen=True, slots=True)
class Range:
    """From at least to at most."""

    low: float
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What requests take."""

    requests: Range
    prompt_tokens: Range
    completion_tokens: Range
    cost_usd: Range | None
    """None where a price is unknown."""

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cost_usd + other.cost_usd if self.cost_usd and other.cost_usd else None,
        )


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """What one variant takes."""

    name: str
    model: str
    price: Price | None
    """None: unknown."""
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class PaceLimits:
    """How fast a run may ask."""

    concurrency: int
    """Requests in flight at once, >= 1."""
    rpm: float | None
    """Most requests a minute; None: no limit."""
    tpm: float | None
    """Most tokens a minute; None: no limit."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the numbers rest on."""

    bytes_a_token: float
    """Of a request's JSON."""
    spread: float
    """By how much tokens may be off, either way, as a share."""
    latency_s: Range
    """Time to an answer."""
    unlimited_completion_tokens: int | None
    """Longest answer where the request sets no limit; None where each sets one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would take."""

    cases: int
    trials: int
    variants: tuple[VariantPlan, ...]
    total: Amounts
    time_s: Range
    bound_by: _Bound
    """What decides the time: of its lower end, of its higher."""
    assumptions: Assumptions
    warnings: tuple[str, ...]


def plan(
    dialogues: Iterable[Dialogue],
    config: RunConfig,
    pace: PaceLimits,
    prices: Mapping[str, Price],
    latency_s: Range = Range(*LATENCY_S),
) -> Plan:
    """Return what a run would take; holds one dialogue at a time.

    Args:
        dialogues: Everything that the run asks. Trials ask the same: the first one's are looked at, for all.
        config: The run's settings.
        pace: How fast it may ask.
        prices: By model; one that is not in it is unknown.
        latency_s: Time to an answer.

    Raises:
        ConfigError: There are no cases, or a request needs more tokens than a minute may hold.
    """
    by_variant = {variant.name: _Tally(variant, config) for variant in config.variants}
    for dialogue in dialogues:
        if dialogue.trial == 0:
            by_variant[dialogue.variant.name].add(dialogue)
    tallies = tuple(by_variant.values())
    cases = tallies[0].cases
    if not cases:
        msg = f"{config.dataset.path}: [dataset] and --limit select none of its cases: a run needs at least one"
        raise ConfigError(msg)
    if pace.tpm is not None:
        _refuse_too_large(tallies, pace.tpm)
    variants = tuple(tally.variant(prices) for tally in tallies)
    total = variants[0].amounts
    for variant in variants[1:]:
        total += variant.amounts
    workers = min(pace.concurrency, round(total.requests.low))  # so many wait for no other's answer
    time_s, bound_by = _time(total, pace, latency_s, workers, max(tally.most_in_a_row for tally in tallies))
    unlimited = any(tally.unlimited for tally in tallies)
    assumed = Assumptions(BYTES_A_TOKEN, SPREAD, latency_s, UNLIMITED_COMPLETION_TOKENS if unlimited else None)
    warnings = (*_pace_warnings(pace, latency_s), *_price_warnings(variants, tallies, config.endpoint.base_url))
    return Plan(cases, config.trials, variants, total, time_s, bound_by, assumed, warnings)


class _Tally:
    """Adds up what one variant asks, over all trials."""

    def __init__(self, variant: Variant, config: RunConfig) -> None:
        self._name = variant.name
        self._trials = config.trials
        self._requests = [0, 0]
        self._prompt_tokens = [0.0, 0.0]
        self._completion_tokens = [0.0, 0.0]
        self.model = variant.model or config.endpoint.model
        self.cases = 0
        self.most_in_a_row = 0
        """Of its requests, those that can only be sent one after the other."""
        self.largest = (0, 0)
        """Bytes and token limit of the request that needs most tokens."""
        self.largest_case = ""
        self.longest_prompt_bytes = 0
        self.unlimited = False
        """A request sets no limit of tokens."""

    def add(self, dialogue: Dialogue) -> None:
        """Add a case, asked in every trial."""
        self.cases += 1
        for part in parts(dialogue):
            for position, (request, answer) in enumerate(_asked(part)):
                size = body_bytes(request.body)
                self._add(request.body, size, answer, first=position == 0)
                self.most_in_a_row = max(self.most_in_a_row, position + 1)
                needs = (size, completion_limit(request.body) or 0)
                if _needed(needs) > _needed(self.largest):
                    self.largest, self.largest_case = needs, dialogue.case.case_id
                self.longest_prompt_bytes = max(self.longest_prompt_bytes, size)

    def _add(self, body: JsonObject, size: int, answer: JsonObject, *, first: bool) -> None:
        trials = self._trials
        prompt = size / BYTES_A_TOKEN * trials
        most = most_completion_tokens(body) * trials
        least = min(most, (1 - SPREAD) * body_bytes(answer) / BYTES_A_TOKEN * trials)
        self.unlimited |= completion_limit(body) is None
        for end, share in enumerate((1 - SPREAD, 1 + SPREAD)):
            if first or end:  # what builds on an answer is not asked without it
                self._requests[end] += trials
                self._prompt_tokens[end] += prompt * share
                self._completion_tokens[end] += most if end else least

    def variant(self, prices: Mapping[str, Price]) -> VariantPlan:
        """Return the sums."""
        prompt = Range(*map(math.ceil, self._prompt_tokens))
        completion = Range(*map(math.ceil, self._completion_tokens))
        price = prices.get(self.model)
        cost = None
        if price is not None and not self.outgrows(price):
            ends = ((prompt.low, completion.low), (prompt.high, completion.high))
            cost = Range(*((tokens * price.input_usd + more * price.output_usd) / PER_TOKENS for tokens, more in ends))
        return VariantPlan(self._name, self.model, price, Amounts(Range(*self._requests), prompt, completion, cost))

    def outgrows(self, price: Price) -> bool:
        """Whether a prompt may be longer than its price is known for."""
        longest = (1 + SPREAD) * self.longest_prompt_bytes / BYTES_A_TOKEN
        return price.longest_prompt_tokens is not None and longest > price.longest_prompt_tokens


def _asked(dialogue: Dialogue) -> Iterator[tuple[Request, JsonObject]]:
    """Yield what is asked if every turn is answered as wanted, and those answers."""
    history: list[Response] = []
    while request := next_request(dialogue, history):
        answer = _wanted_answer(dialogue, request.key.turn)
        yield request, answer
        history.append(Response(request.key, "", answer, None, Usage(), None, (), ()))


def _wanted_answer(dialogue: Dialogue, turn: int) -> JsonObject:
    """Return the message that makes a turn's expected calls, with expectations in the place of their values."""
    expected = dialogue.case.turns[turn].expected
    wanted = () if expected == "any" else expected[0]
    calls = [
        ToolCall(f"call_{turn}_{number}", call.name, json_text(dict(call.arguments)), dict(call.arguments))
        for number, call in enumerate(wanted)
    ]
    return dialogue.dialect.answer(calls, None if calls else "")


# --- pace -----------------------------------------------------------------------------------------------------


def _needed(needs: tuple[int, int]) -> int:
    """Return the tokens that are reserved for a request of (bytes, token limit) before it is sent."""
    return TokenLedger.at_least(*needs)


def _refuse_too_large(tallies: Sequence[_Tally], tpm: float) -> None:
    largest = max(tallies, key=lambda tally: _needed(tally.largest))
    if (needed := _needed(largest.largest)) > tpm:
        msg = (
            f"endpoint.tpm: {tpm:g} tokens a minute, but a request of case `{largest.largest_case}` needs about "
            f"{needed}: it would wait for ever; raise it, or lower the request's token limit"
        )
        raise ConfigError(msg)


def _time(total: Amounts, pace: PaceLimits, latency_s: Range, workers: int, in_a_row: int) -> tuple[Range, _Bound]:
    """Return how long a run takes, and what decides that at either end.

    Args:
        total: What it takes.
        pace: How fast it may ask.
        latency_s: Time to an answer.
        workers: Requests that are in flight at once.
        in_a_row: Most requests that can only be sent one after the other.
    """
    tokens = total.prompt_tokens + total.completion_tokens
    low_s, low_bound = _slowest(pace, total.requests.low, tokens.low, total.requests.low / workers * latency_s.low)
    answering_s = max(total.requests.high / workers, in_a_row) * latency_s.high
    high_s, high_bound = _slowest(pace, total.requests.high, tokens.high, answering_s)
    return Range(low_s, high_s), (low_bound, high_bound)


def _slowest(pace: PaceLimits, requests: float, tokens: float, answering_s: float) -> tuple[float, Limit]:
    """Return the longest of what requests, tokens and answers take, in seconds, and whose limit it is."""
    waits: dict[Limit, float] = {
        "concurrency": answering_s,
        "rpm": (requests - 1) / pace.rpm * _MINUTE_S if pace.rpm else 0.0,  # the first one goes at once
        "tpm": tokens / pace.tpm * _MINUTE_S if pace.tpm else 0.0,
    }
    bound = max(waits, key=lambda limit: waits[limit])
    return waits[bound], bound


def _pace_warnings(pace: PaceLimits, latency_s: Range) -> Iterator[str]:
    if pace.rpm is None:
        return
    reached = pace.concurrency / latency_s.low * _MINUTE_S
    if latency_s.low and pace.rpm > reached:
        enough = math.ceil(pace.rpm / _MINUTE_S * latency_s.high)
        yield (
            f"endpoint.rpm: {pace.rpm:g} requests a minute are never reached: {pace.concurrency} in flight that take "
            f"{latency_s.low:g} s or more make at most {reached:.0f}; that pace takes {enough} in flight"
        )


def _price_warnings(variants: Sequence[VariantPlan], tallies: Sequence[_Tally], base_url: str) -> Iterator[str]:
    yield from dict.fromkeys(why_unknown(each.model, base_url) for each in variants if each.price is None)
    for variant, tally in zip(variants, tallies, strict=True):
        if variant.price is not None and tally.outgrows(variant.price):
            yield (
                f"unknown price for `{variant.model}` above {variant.price.longest_prompt_tokens} tokens of prompt, "
                "which some requests may have"
            )
