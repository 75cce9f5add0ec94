"""What a run may cost at most: requests, tokens, money and time. Pure: the clock is passed in.

A request is estimated and reserved before it is sent, and settled once its answer says what it took. So the bill
is at most the limit, plus what requests in flight took beyond their estimates.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from annotated_types import Ge, Gt, Le

from fceval.prices import Price, cost_usd
from fceval.records import JsonObject, Usage

BYTES_A_TOKEN = 3.5
"""Of a request's JSON, in UTF-8: what tokens of a prompt are estimated by before any was counted."""
UNLIMITED_COMPLETION_TOKENS = 1_000
"""What an answer is taken to have at most where the request sets no limit."""
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
"""Body fields that limit an answer's tokens, whichever API's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSettings:
    """Settings: where a run stops, and can be gone on with later."""

    max_requests: Annotated[int, Ge(1)] | None = None
    """Most requests; none: as many as there are."""
    max_cost_usd: Annotated[float, Gt(0), Le(1e9)] | None = None
    """Most money, in USD; needs the price of every model."""
    max_tokens: Annotated[int, Ge(1)] | None = None
    """Most tokens, those of prompts and of answers together."""
    deadline_s: Annotated[float, Gt(0), Le(31_536_000)] | None = None
    """Time after which no request is begun, in seconds."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request may take at most."""

    tokens: int
    """Of prompt and answer, >= 0."""
    cost_usd: float | None
    """None where the price is unknown."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not be sent."""

    reason: str
    """For a person."""
    may_pass: bool
    """What is in flight may turn out to take less: ask again once one request is settled; else it is final."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Requests, tokens and money; sums of it are exact."""

    requests: int = 0
    tokens: int = 0
    cost_usd: Fraction = Fraction(0)

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.requests + other.requests, self.tokens + other.tokens, self.cost_usd + other.cost_usd)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.requests - other.requests, self.tokens - other.tokens, self.cost_usd - other.cost_usd)


class Budget:
    """Admits requests while they fit into the limits."""

    def __init__(self, settings: BudgetSettings, clock: Callable[[], float], spent: Amount = Amount()) -> None:
        """Make a budget; its time begins now.

        Args:
            settings: The limits.
            clock: Seconds that never go back.
            spent: What the run took before it was gone on with.
        """
        self._settings = settings
        self._clock = clock
        self._began_at = clock()
        self.spent = spent
        """What settled requests took."""
        self.reserved = Amount()
        """What requests in flight may take."""

    def admit(self, estimate: Estimate) -> Refusal | None:
        """Reserve what a request may take and return None, or return why it may not be sent."""
        refusal = self._refusal(estimate)
        if refusal is None:
            self.reserved += _amount(estimate)
        return refusal

    def settle(self, estimate: Estimate, usage: Usage, cost_usd: float | None) -> None:
        """Put what an admitted request took in the place of its estimate.

        Args:
            estimate: As it was admitted.
            usage: As the endpoint reported it. What it did not report is taken to be as estimated, or it could go
                on for ever without a bill.
            cost_usd: None: unknown, as estimated.

        Raises:
            ValueError: No request of that estimate is in flight.
        """
        self._release(estimate)
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        known = (prompt or 0) + (completion or 0)
        tokens = known if prompt is not None and completion is not None else max(known, estimate.tokens)
        self.spent += _amount(Estimate(tokens, estimate.cost_usd if cost_usd is None else cost_usd))

    def settle_unbilled(self, estimate: Estimate) -> None:
        """Count an admitted request that no one bills: the endpoint refused it, or was never reached.

        Raises:
            ValueError: No request of that estimate is in flight.
        """
        self._release(estimate)
        self.spent += Amount(requests=1)

    def _release(self, estimate: Estimate) -> None:
        left = self.reserved - _amount(estimate)
        if left.requests < 0 or left.tokens < 0 or left.cost_usd < 0:
            msg = "no request of that estimate is in flight"
            raise ValueError(msg)
        self.reserved = left

    def _refusal(self, estimate: Estimate) -> Refusal | None:
        limits = self._settings
        if limits.deadline_s is not None and self._clock() - self._began_at >= limits.deadline_s:
            return Refusal(f"deadline: the {limits.deadline_s:g} s of the run are over", may_pass=False)
        after = self.spent + _amount(estimate)
        if limits.max_requests is not None and (after + self.reserved).requests > limits.max_requests:
            return Refusal(f"max_requests: all {limits.max_requests} requests are sent", may_pass=False)
        if limits.max_tokens is not None and (after + self.reserved).tokens > limits.max_tokens:
            reason = f"max_tokens: {self.spent.tokens} of {limits.max_tokens} tokens are used, "
            reason += f"and the next request may take {estimate.tokens}"
            return Refusal(reason, may_pass=after.tokens <= limits.max_tokens)
        if limits.max_cost_usd is not None:
            return self._refusal_for_cost(limits.max_cost_usd, estimate, after)
        return None

    def _refusal_for_cost(self, limit_usd: float, estimate: Estimate, after: Amount) -> Refusal | None:
        spent = f"max_cost: ${float(self.spent.cost_usd):.4g} of ${limit_usd:.4g} are spent"
        if estimate.cost_usd is None:
            return Refusal(f"{spent}, and the price of the next request is unknown", may_pass=False)
        if (after + self.reserved).cost_usd <= Fraction(limit_usd):
            return None
        reason = f"{spent}, and the next request may cost ${estimate.cost_usd:.4g}"
        return Refusal(reason, may_pass=after.cost_usd <= Fraction(limit_usd))


def _amount(estimate: Estimate) -> Amount:
    return Amount(1, estimate.tokens, Fraction(estimate.cost_usd or 0))


# --- estimates ------------------------------------------------------------------------------------------------


def estimate(body: JsonObject, price: Price | None) -> Estimate:
    """Return what a request may take: its prompt by its size, and as long an answer as it allows."""
    usage = Usage(prompt_tokens(body), most_completion_tokens(body))
    return Estimate((usage.prompt_tokens or 0) + (usage.completion_tokens or 0), cost_usd(usage, price))


def body_bytes(body: JsonObject) -> int:
    """Return the size of a request as it is sent."""
    return len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def prompt_tokens(body: JsonObject) -> int:
    """Return about how many tokens a request's prompt has, tools included; at least 1."""
    return max(1, round(body_bytes(body) / BYTES_A_TOKEN))


def completion_limit(body: JsonObject) -> int | None:
    """Return how many tokens a request lets its answers have together; None where it sets no limit."""
    limits = [limit for name in _LIMITS if (limit := _count(body.get(name)))]
    return min(limits) * (_count(body.get("n")) or 1) if limits else None


def most_completion_tokens(body: JsonObject) -> int:
    """Return how many tokens a request's answers are taken to have at most."""
    return completion_limit(body) or UNLIMITED_COMPLETION_TOKENS * (_count(body.get("n")) or 1)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
