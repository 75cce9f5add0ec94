"""Rates as a person writes them, and chance that depends on nothing but its arguments."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from fceval.endpoints._rates import chance, drawn, rates_of

KINDS = ("wrong", "missing")
RATES: TypeAdapter[dict[str, float]] = TypeAdapter(Annotated[dict[str, float], rates_of(KINDS)])


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ("wrong=0.05,missing=.02", {"wrong": 0.05, "missing": 0.02}),
        (" wrong = 1 , ", {"wrong": 1.0}),
        ("", {}),
        ({"missing": 0}, {"missing": 0.0}),
    ],
)
def test_both_ways_of_writing_are_read(given: object, rates: dict[str, float]) -> None:
    """A text and a table mean the same."""
    assert RATES.validate_python(given) == rates


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("wrnog=0.1", r"there is no `wrnog` \(did you mean `wrong`\?\); there are: wrong, missing"),
        ("wrong=1.5", "`wrong`: a rate from 0 to 1 is wanted, found '1.5'"),
        ("wrong=nan", "a rate from 0 to 1 is wanted"),
        ("wrong=many", "a rate from 0 to 1 is wanted, found 'many'"),
        ("wrong", "`kind=rate` is wanted"),
        ("wrong=0.1,wrong=0.2", "each kind once"),
        ({"wrong": True}, "a rate from 0 to 1 is wanted"),
        ({"wrong": 0.6, "missing": 0.6}, "the rates add up to 1.2"),
        (5, "or a table of rates"),
    ],
)
def test_what_is_no_rate_is_refused(given: object, problem: str) -> None:
    """The message says what was found and what is wanted."""
    with pytest.raises(ValidationError, match=problem):
        RATES.validate_python(given)


def test_chance_is_even() -> None:
    """A rate is met by about that share of many cases."""
    hits = sum(chance(0, "mistake", f"case-{number}", 0) < 0.1 for number in range(20_000))
    assert 1850 < hits < 2150


@given(st.lists(st.text() | st.integers(), min_size=1))
def test_chance_is_below_one_and_repeatable(about: list[Any]) -> None:
    """Any text, lone surrogates too, has one chance in [0, 1)."""
    assert 0 <= chance(*about) < 1
    assert chance(*about) == chance(*about)


def test_known_chance_stays() -> None:
    """The draw is part of what users rely on: another one would change every prediction."""
    assert chance(0, "mistake", "case-1", 0) == pytest.approx(0.06086148103173783)


def test_shares_lie_side_by_side_in_the_order_of_the_kinds() -> None:
    """Which kind is drawn does not depend on the order in which the rates were written."""
    rates = {"missing": 0.2, "wrong": 0.3}
    assert [drawn(rates, KINDS, at) for at in (0.0, 0.29, 0.31, 0.49, 0.51)] == [
        "wrong",
        "wrong",
        "missing",
        "missing",
        None,
    ]
