"""The budget: what is admitted never exceeds a limit, and what is settled is exact."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fceval.budget import (
    UNLIMITED_COMPLETION_TOKENS,
    Amount,
    Budget,
    BudgetSettings,
    Estimate,
    completion_limit,
    estimate,
    most_completion_tokens,
    prompt_tokens,
)
from fceval.prices import Price
from fceval.records import Usage


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def budget(spent: Amount | None = None, **limits: Any) -> Budget:  # noqa: ANN401 -- fields of the settings
    """Return a budget whose time stands still."""
    return Budget(BudgetSettings(**limits), Clock(), spent or Amount())


def test_no_limit_admits_everything() -> None:
    """Without limits nothing is refused, whatever it may cost."""
    free = budget()
    assert all(free.admit(Estimate(10**9, None)) is None for _ in range(100))


def test_requests() -> None:
    """The last one that fits is admitted; the next is refused for good, whether or not others are in flight."""
    two = budget(max_requests=2)
    assert two.admit(Estimate(1, None)) is None
    assert two.admit(Estimate(1, None)) is None
    refused = two.admit(Estimate(1, None))
    assert refused
    assert (refused.reason, refused.may_pass) == ("max_requests: all 2 requests are sent", False)
    two.settle_unbilled(Estimate(1, None))
    assert two.admit(Estimate(1, None))


def test_tokens_in_flight_may_turn_out_fewer() -> None:
    """A reservation keeps others waiting, not away: once it is settled with less, they fit."""
    hundred = budget(max_tokens=100)
    assert hundred.admit(Estimate(60, None)) is None
    refused = hundred.admit(Estimate(60, None))
    assert refused
    assert refused.may_pass
    hundred.settle(Estimate(60, None), Usage(20, 20), None)
    assert hundred.admit(Estimate(60, None)) is None
    hundred.settle(Estimate(60, None), Usage(40, 20), None)
    last = hundred.admit(Estimate(1, None))
    assert last
    assert last.reason == "max_tokens: 100 of 100 tokens are used, and the next request may take 1"
    assert not last.may_pass


def test_cost() -> None:
    """Money likewise: what just fits is admitted, and what comes after is not."""
    dollar = budget(max_cost_usd=1.0)
    share = Estimate(1, 0.0625)
    for _ in range(16):
        assert dollar.admit(share) is None
        dollar.settle(share, Usage(1, 0), 0.0625)
    refused = dollar.admit(share)
    assert refused
    assert refused.reason == "max_cost: $1 of $1 are spent, and the next request may cost $0.0625"
    assert not refused.may_pass


def test_unknown_cost_is_refused_where_cost_is_limited() -> None:
    """A bill that cannot be bounded is not begun."""
    refused = budget(max_cost_usd=1.0).admit(Estimate(1, None))
    assert refused
    assert refused.reason.endswith("the price of the next request is unknown")
    assert not refused.may_pass


def test_deadline() -> None:
    """Time begins with the budget, and ends at the very second."""
    clock = Clock()
    hour = Budget(BudgetSettings(deadline_s=3600), clock)
    clock.now += 3599.9
    assert hour.admit(Estimate(1, None)) is None
    clock.now += 0.1
    refused = hour.admit(Estimate(1, None))
    assert refused
    assert (refused.reason, refused.may_pass) == ("deadline: the 3600 s of the run are over", False)


def test_what_was_spent_before_counts() -> None:
    """A run that is gone on with has the same limits as one that was never stopped."""
    resumed = budget(Amount(9, 50, Fraction(1)), max_requests=10)
    assert resumed.admit(Estimate(1, None)) is None
    assert resumed.admit(Estimate(1, None))


@pytest.mark.parametrize(
    ("usage", "cost_usd", "tokens", "spent_usd"),
    [
        (Usage(30, 10), 0.25, 40, 0.25),
        (Usage(300, 10), 0.75, 310, 0.75),
        (Usage(None, None), None, 100, 0.5),
        (Usage(30, None), None, 100, 0.5),
        (Usage(300, None), None, 300, 0.5),
        (Usage(0, 0), 0.0, 0, 0.0),
    ],
)
def test_settled_exactly(usage: Usage, cost_usd: float | None, tokens: int, spent_usd: float) -> None:
    """What was reported counts; what was not reported counts as estimated; nothing stays reserved."""
    open_ended = budget()
    estimated = Estimate(100, 0.5)
    open_ended.admit(estimated)
    open_ended.settle(estimated, usage, cost_usd)
    assert open_ended.spent == Amount(1, tokens, Fraction(spent_usd))
    assert open_ended.reserved == Amount()


def test_refused_by_the_endpoint_is_not_billed() -> None:
    """It counts as a request, and costs nothing."""
    open_ended = budget()
    open_ended.admit(Estimate(100, 0.5))
    open_ended.settle_unbilled(Estimate(100, 0.5))
    assert (open_ended.spent, open_ended.reserved) == (Amount(requests=1), Amount())


def test_nothing_is_settled_twice() -> None:
    """A mistake of ours shows at once, not as a wrong bill."""
    open_ended = budget()
    open_ended.admit(Estimate(100, 0.5))
    open_ended.settle(Estimate(100, 0.5), Usage(1, 1), 0.1)
    with pytest.raises(ValueError, match="in flight"):
        open_ended.settle(Estimate(100, 0.5), Usage(1, 1), 0.1)
    assert open_ended.spent.requests == 1


def test_refused_requests_reserve_nothing() -> None:
    """What was refused leaves no trace."""
    small = budget(max_tokens=10)
    assert small.admit(Estimate(11, None))
    assert (small.spent, small.reserved) == (Amount(), Amount())


money = st.floats(0, 1)


class Bill(RuleBasedStateMachine):
    """Admits and settles in any order; keeps books of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = Budget(BudgetSettings(max_requests=30, max_tokens=2000, max_cost_usd=5.0), Clock())
        self.in_flight: list[Estimate] = []
        self.settled: list[tuple[int, float]] = []
        self.overruns = Amount()

    @rule(tokens=st.integers(0, 500), cost_usd=money)
    def ask(self, tokens: int, cost_usd: float) -> None:
        """Ask for leave; a refusal that may pass is only given while something is in flight."""
        refusal = self.budget.admit(Estimate(tokens, cost_usd))
        if refusal is None:
            self.in_flight.append(Estimate(tokens, cost_usd))
        else:
            assert self.in_flight or not refusal.may_pass

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data(), prompt=st.integers(0, 300), completion=st.integers(0, 300), cost_usd=money)
    def answer(self, data: st.DataObject, prompt: int, completion: int, cost_usd: float) -> None:
        """Settle one of those in flight with less or more than was estimated."""
        asked = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        self.budget.settle(asked, Usage(prompt, completion), cost_usd)
        self.settled.append((prompt + completion, cost_usd))
        more_usd = max(Fraction(0), Fraction(cost_usd) - Fraction(asked.cost_usd or 0))
        self.overruns += Amount(0, max(0, prompt + completion - asked.tokens), more_usd)

    @invariant()
    def bill_is_bounded(self) -> None:
        """What is spent and reserved is within the limits, but for what answers took beyond their estimates."""
        total = self.budget.spent + self.budget.reserved
        assert total.requests <= 30
        assert total.tokens <= 2000 + self.overruns.tokens
        assert total.cost_usd <= 5 + self.overruns.cost_usd

    @invariant()
    def books_agree(self) -> None:
        """The sums are exact, whatever the order."""
        assert self.budget.reserved.requests == len(self.in_flight)
        assert self.budget.spent.tokens == sum(tokens for tokens, _ in self.settled)
        assert float(self.budget.spent.cost_usd) == math.fsum(cost for _, cost in self.settled)
        assert self.budget.reserved.cost_usd == sum(Fraction(each.cost_usd or 0) for each in self.in_flight)


TestBill = Bill.TestCase


# --- estimates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({}, None),
        ({"max_tokens": 64}, 64),
        ({"max_completion_tokens": 64}, 64),
        ({"max_output_tokens": 64}, 64),
        ({"max_tokens": 64, "max_completion_tokens": 32}, 32),
        ({"max_tokens": 64, "n": 3}, 192),
        ({"max_tokens": None}, None),
        ({"max_tokens": "64"}, None),
        ({"max_tokens": True}, None),
        ({"max_tokens": -1}, None),
    ],
)
def test_completion_limit(fields: dict[str, Any], limit: int | None) -> None:
    """Whatever an API calls it; what is no number of tokens is no limit."""
    assert completion_limit(fields) == limit
    if limit is None:
        assert most_completion_tokens({**fields, "n": 2}) == 2 * UNLIMITED_COMPLETION_TOKENS


@given(st.text())
def test_prompt_tokens_grow_with_the_bytes_that_are_sent(text: str) -> None:
    """Any text is measured, lone surrogates included; Chinese by its bytes, not by escapes."""
    assert prompt_tokens({"messages": [{"role": "user", "content": text}]}) >= 1
    assert prompt_tokens({"m": "豆浆机" * 100}) == round((len("豆浆机".encode()) * 100 + len('{"m":""}')) / 3.5)


def test_estimate_of_a_request() -> None:
    """Prompt by its size, answer by its limit, money by the price; unknown where that is."""
    body = {"max_tokens": 100}
    tokens = prompt_tokens(body) + 100
    assert estimate(body, None) == Estimate(tokens, None)
    assert estimate(body, Price(0, 1, "")) == Estimate(tokens, pytest.approx(0.0001))  # type: ignore[arg-type]  # compares as a number
