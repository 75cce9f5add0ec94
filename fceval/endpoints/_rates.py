"""Rates of what goes wrong, and the seeded chance that decides when.

Chance is a hash of what it is about, so that it is the same in any order, at any concurrency and after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import BeforeValidator

from fceval.errors import did_you_mean


def chance(*about: str | int) -> float:
    """Return a number in [0, 1) that depends on nothing but the arguments."""
    return (pick(*about) >> 11) / 2**53


def pick(*about: str | int) -> int:
    """Return an integer in [0, 2**64) that depends on nothing but the arguments."""
    text = "\0".join(map(str, about))
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def drawn(rates: Mapping[str, float], kinds: Collection[str], at: float) -> str | None:
    """Return the kind whose share of [0, 1) holds `at`; None where no kind's does.

    The shares lie side by side in the order of `kinds`, whatever the order of `rates`.
    """
    edge = 0.0
    for kind in kinds:
        edge += rates.get(kind, 0.0)
        if at < edge:
            return kind
    return None


def rates_of(kinds: Collection[str]) -> BeforeValidator:
    """Return the validator of a setting such as `wrong_value=0.05,missing_call=0.02`, or the same as a table."""

    def read(given: object) -> dict[str, float]:
        rates = {kind: _rate(kind, value) for kind, value in _pairs(given).items()}
        for kind in rates:
            if kind not in kinds:
                msg = f"there is no `{kind}`{did_you_mean(kind, kinds)}; there are: {', '.join(kinds)}"
                raise ValueError(msg)
        if (total := sum(rates.values())) > 1 + 1e-9:
            msg = f"the rates add up to {total:g}; they are shares of the same answers and may reach 1"
            raise ValueError(msg)
        return rates

    return BeforeValidator(read)


def _pairs(given: object) -> dict[str, Any]:
    if isinstance(given, Mapping):
        return {str(kind): value for kind, value in given.items()}
    if not isinstance(given, str):
        msg = f"`kind=rate,kind=rate` or a table of rates is wanted, found {given!r}"
        raise ValueError(msg)  # noqa: TRY004 -- pydantic reports a ValueError with its place, not a TypeError
    pairs: dict[str, Any] = {}
    for entry in filter(None, (part.strip() for part in given.split(","))):
        kind, separator, value = entry.partition("=")
        if not separator or kind.strip() in pairs:
            msg = f"`{entry}`: `kind=rate` is wanted, each kind once"
            raise ValueError(msg)
        pairs[kind.strip()] = value
    return pairs


def _rate(kind: str, value: object) -> float:
    try:
        rate = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else -1.0
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        msg = f"`{kind}`: a rate from 0 to 1 is wanted, found {value!r}"
        raise ValueError(msg)
    return rate
