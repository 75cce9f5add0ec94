"""Plans: the sums of what is asked, what binds the time, and what cannot go well."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from fceval import dialects
from fceval.budget import UNLIMITED_COMPLETION_TOKENS, body_bytes
from fceval.cases.rows import case_of
from fceval.config import RunConfig, parse_config
from fceval.dialogue import Dialogue
from fceval.errors import ConfigError
from fceval.planning import SPREAD, Amounts, PaceLimits, Plan, Range, plan
from fceval.prices import Price
from fceval.records import Case
from tests.case_rows import WEATHER, row, turns_row

PACE = PaceLimits(8, None, None)
SECOND = Range(1, 1)


def config(**tables: Any) -> RunConfig:  # noqa: ANN401 -- settings of any type
    """Return settings of a run of the model `m`."""
    endpoint = {"base_url": "https://gateway.example/v1", "model": "m"}
    return parse_config({"endpoint": endpoint, **tables}, "test")


def cases(number: int, **fields: object) -> Iterator[Case]:
    """Yield single-turn cases of equal size."""
    return (case_of(row(case_id=f"case-{at:06}", **fields), at) for at in range(1, number + 1))


def dialogues(these: Iterable[Case], settings: RunConfig) -> Iterator[Dialogue]:
    """Yield everything that a run asks."""
    for case in these:
        for variant in settings.variants:
            for trial in range(settings.trials):
                yield Dialogue(
                    case, variant, trial, dialects.load("tools"), settings.endpoint.model, settings.request,
                    turns=settings.turns,
                )  # fmt: skip


def plan_of(these: Iterable[Case], settings: RunConfig, pace: PaceLimits = PACE) -> Plan:
    """Return the plan of cases, answered in a second each, of unknown price."""
    return plan(dialogues(these, settings), settings, pace, {}, SECOND)


def planned(number: int = 10, pace: PaceLimits = PACE, prices: dict[str, Price] | None = None, **tables: Any) -> Plan:  # noqa: ANN401 -- settings
    """Return the plan of that many equal cases, answered in a second each."""
    settings = config(**tables)
    return plan(dialogues(cases(number), settings), settings, pace, prices or {}, SECOND)


def test_requests_are_cases_by_variants_by_trials() -> None:
    """Single turns cannot end early: there is one number, for each variant and in total."""
    grid = planned(5, trials=3, variant=[{"name": "a"}, {"name": "b", "model": "other"}])
    assert [(each.name, each.model, each.amounts.requests) for each in grid.variants] == [
        ("a", "m", Range(15, 15)),
        ("b", "other", Range(15, 15)),
    ]
    assert (grid.cases, grid.trials, grid.total.requests) == (5, 3, Range(30, 30))


def test_turns_may_not_be_reached() -> None:
    """A dialogue sends its first turn at least, and all of them at most; later turns hold the earlier ones."""
    wanted = [{"name": "get_weather", "arguments": {"city": "Oslo"}}]
    results = [{"name": "get_weather", "content": "x" * 3500}]
    long = case_of(turns_row({"expected": wanted, "tool_results": results}, {}, {}), 1)
    short = plan_of([case_of(turns_row({"expected": wanted}), 1)], config())
    whole = plan_of([long], config(trials=2))
    assert whole.total.requests == Range(2, 6)
    assert whole.total.prompt_tokens.low == pytest.approx(2 * short.total.prompt_tokens.low, abs=1)
    first_turns = 2 * short.total.prompt_tokens.high
    assert whole.total.prompt_tokens.high > 3 * first_turns + 2 * 2 * 1000 * (1 + SPREAD)
    assert whole.time_s == Range(1, 3)


def test_turns_of_a_dialogue_follow_each_other() -> None:
    """However many may be in flight, a long dialogue takes its turns one after the other."""
    long = case_of(turns_row({}, {}, {}, {}), 1)
    assert plan_of([long, *cases(3)], config()).time_s == Range(1, 4)


def test_teacher_forced_turns_are_all_asked() -> None:
    """No turn waits for another, and none can be missing: one number of requests, sent side by side."""
    case = case_of(turns_row({}, {}, {}), 1)
    forced = plan_of([case], config(turns="teacher_forced"), PaceLimits(1, None, None))
    assert forced.total.requests == Range(3, 3)
    assert forced.time_s == Range(3, 3)


def test_prompt_tokens_are_those_of_the_body() -> None:
    """What would be sent is measured: model, messages, tools, and the fields of run and variant."""
    request = {"temperature": 0, "max_tokens": 50}
    body = {"model": "m", "messages": row()["messages"], "tools": [WEATHER], **request}
    expected = body_bytes(body) / 3.5 * 10
    tokens = planned(request=request).total.prompt_tokens
    assert tokens == Range(math.ceil(expected * (1 - SPREAD)), math.ceil(expected * (1 + SPREAD)))


def test_completion_tokens_end_at_the_limit() -> None:
    """Answers are as long as allowed at most, and as the expected calls at least; without a limit that is said."""
    limited = planned(request={"max_tokens": 50})
    assert limited.total.completion_tokens.high == 500
    assert 100 < limited.total.completion_tokens.low < 500
    assert limited.assumptions.unlimited_completion_tokens is None
    unlimited = planned()
    assert unlimited.total.completion_tokens.high == 10 * UNLIMITED_COMPLETION_TOKENS
    assert unlimited.assumptions.unlimited_completion_tokens == UNLIMITED_COMPLETION_TOKENS
    tight = planned(request={"max_tokens": 1})
    assert tight.total.completion_tokens == Range(10, 10)


def test_cost_is_tokens_by_price() -> None:
    """Of each variant by its own model's price; the total is known where all are."""
    variants = [{"name": "a"}, {"name": "b", "model": "dear"}]
    prices = {"m": Price(1, 2, "x"), "dear": Price(10, 20, "x")}
    priced = planned(prices=prices, variant=variants)
    for variant in priced.variants:
        amounts, price = variant.amounts, prices[variant.model]
        for end in ("low", "high"):
            tokens = getattr(amounts.prompt_tokens, end), getattr(amounts.completion_tokens, end)
            cost = (tokens[0] * price.input_usd + tokens[1] * price.output_usd) / 1e6
            assert getattr(amounts.cost_usd, end) == pytest.approx(cost)
    a, b = (variant.amounts.cost_usd for variant in priced.variants)
    assert a
    assert b
    assert priced.total.cost_usd == a + b
    assert priced.warnings == ()


def test_unknown_price_is_no_price() -> None:
    """One unknown price leaves the total unknown, and is named once."""
    variants = [{"name": "a"}, {"name": "b", "model": "dear"}, {"name": "c", "model": "dear"}]
    half = planned(prices={"m": Price(1, 2, "x")}, variant=variants)
    assert [variant.amounts.cost_usd is None for variant in half.variants] == [False, True, True]
    assert half.total.cost_usd is None
    (warning,) = half.warnings
    assert warning.startswith("unknown price for `dear`: ")


def test_price_of_short_prompts_only() -> None:
    """Where prompts may be longer than the price is known for, the cost is unknown."""
    price = Price(1, 2, "x", longest_prompt_tokens=50)
    short = planned(prices={"m": price})
    assert short.total.cost_usd is None
    assert short.warnings == ("unknown price for `m` above 50 tokens of prompt, which some requests may have",)
    assert planned(prices={"m": Price(1, 2, "x", longest_prompt_tokens=5000)}).total.cost_usd


@pytest.mark.parametrize(
    ("pace", "seconds", "bound"),
    [
        (PaceLimits(10, None, None), 10, "concurrency"),
        (PaceLimits(1000, None, None), 1, "concurrency"),
        (PaceLimits(10, 60, None), 99, "rpm"),
        (PaceLimits(1, 120, None), 100, "concurrency"),
        (PaceLimits(100, 120, 20_000), 49.5, "rpm"),
    ],
)
def test_the_slowest_limit_binds(pace: PaceLimits, seconds: float, bound: str) -> None:
    """Answers, requests a minute or tokens a minute: whichever takes longest."""
    bounded = planned(100, pace, request={"max_tokens": 50})
    assert bounded.time_s.low == pytest.approx(seconds)
    assert bounded.bound_by[0] == bound


def test_tokens_a_minute_bind() -> None:
    """The time is that of the tokens, prompts and answers together."""
    bounded = planned(100, PaceLimits(100, None, 1000), request={"max_tokens": 50})
    tokens = bounded.total.prompt_tokens + bounded.total.completion_tokens
    assert bounded.time_s == Range(tokens.low / 1000 * 60, tokens.high / 1000 * 60)
    assert bounded.bound_by == ("tpm", "tpm")


def test_rate_that_is_never_reached_is_told() -> None:
    """More requests a minute than can be in flight: the limit never binds."""
    (*_, warning) = [each for each in planned(pace=PaceLimits(4, 600, None)).warnings if "rpm" in each]
    assert warning == (
        "endpoint.rpm: 600 requests a minute are never reached: 4 in flight that take 1 s or more make at most 240; "
        "that pace takes 10 in flight"
    )
    assert not any("rpm" in each for each in planned(pace=PaceLimits(10, 600, None)).warnings)


def test_request_above_a_minutes_tokens_is_refused() -> None:
    """It would wait for ever: the largest one is named, before anything is sent."""
    mixed = [*cases(2), case_of(row(case_id="huge", messages=[{"role": "user", "content": "x" * 35_000}]), 3)]
    settings = config(request={"max_tokens": 500})
    with pytest.raises(ConfigError, match=r"endpoint.tpm: 10000 tokens a minute, but .* `huge` needs about 10\d\d\d"):
        plan_of(mixed, settings, PaceLimits(8, None, 10_000))
    assert plan_of(mixed, settings, PaceLimits(8, None, 12_000)).cases == 3


def test_no_cases_is_an_error() -> None:
    """A run of nothing is none."""
    with pytest.raises(ConfigError, match="select none of its cases"):
        planned(0)


def test_any_call_may_be_wanted() -> None:
    """A case without certain calls is planned as well."""
    some = plan_of(cases(1, expected="any"), config())
    assert some.total.requests == Range(1, 1)


def test_memory_does_not_grow_with_the_cases() -> None:
    """A thousand cases of 20 KB each are never held together."""
    planned(2)
    tracemalloc.start()
    plan_of(cases(1000, messages=[{"role": "user", "content": "x" * 20_000}]), config())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000


def test_sums_are_associative() -> None:
    """A total does not depend on what is added first."""
    parts = [Amounts(Range(1, 2), Range(3, 4), Range(5, 6), cost) for cost in (Range(1, 2), None, Range(0, 0))]
    assert (parts[0] + parts[1]) + parts[2] == parts[0] + (parts[1] + parts[2])
    assert (parts[0] + parts[2]).cost_usd == Range(1, 2)


def test_counts_are_whole_numbers() -> None:
    """Half a request is none, and in JSON a count is an integer."""
    total = planned(3).total
    ends = [
        end for each in (total.requests, total.prompt_tokens, total.completion_tokens) for end in (each.low, each.high)
    ]
    assert all(isinstance(json.loads(json.dumps(end)), int) for end in ends)
