"""How values and names are written for a reader: one wording for every format that people read."""

from __future__ import annotations

from collections.abc import Callable

from fceval.irregularities import IRREGULARITIES, Effect
from fceval.report.document import CaseLine, Cell, Estimate, Example, Kind

UNKNOWN = "n/a"
"""What stands for a value that is not known."""

OUTCOME_MEANINGS = {
    "endpoint_error": "the endpoint failed or could not be reached",
    "timed_out": "no whole answer in time",
    "rate_limited": "still refused with 429 after all retries",
    "content_filtered": "the provider's content filter stepped in",
    "not_run": "never asked: the run ended first",
    "truncated": "the token limit cut the answer off",
    "refused": "the model refused in words",
    "unparsable_call": "a call was attempted, but cannot be read",
    "unexpected_call": "a call was made where none is wanted",
    "missing_call": "an expected call was not made",
    "extra_call": "a call was made beyond the expected ones",
    "unknown_tool": "a tool was called that is not on offer",
    "wrong_tool": "another tool was called than expected",
    "missing_argument": "an expected argument was left out",
    "unexpected_argument": "an argument was made up",
    "wrong_type": "an argument has the wrong JSON type",
    "wrong_value": "an argument has the wrong value",
    "passed": "everything is right",
}
"""Outcomes and faults in plain words."""

EFFECTS: dict[Effect, str] = {
    "none": "none",
    "noted": "none by itself: the calls decide",
    "repairable": "the call fails; repair can undo it",
    "fails": "the call fails",
    "not_measured": "the attempt is not measured",
}
"""What an irregularity does to a verdict, in plain words."""


def written(value: Cell, kind: Kind) -> str:
    """Return a value as people read it; foreign text is returned as it is."""
    if value is None:
        return UNKNOWN
    if isinstance(value, str):
        return value
    if isinstance(value, Estimate):
        return f"{written(value.value, kind)} ({written_range(value, kind)})"
    return _NUMBERS.get(kind, whole)(value)


def written_range(estimate: Estimate, kind: Kind) -> str:
    """Return the interval of a share or of a difference of shares."""
    if kind == "points":
        return f"{points(estimate.low)} to {points(estimate.high)}"
    return percent_range(estimate.low, estimate.high)


def whole(value: float) -> str:
    """Return a count."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """Return a share of [0, 1] as a percentage; only all is 100% and only none is 0%."""
    return f"{_tenths(share)}%"


def percent_range(low: float, high: float) -> str:
    """Return an interval of shares, such as ``82.4-88.7%`` with a dash."""
    return f"{_tenths(low)}\N{EN DASH}{_tenths(high)}%"


def _tenths(share: float) -> str:
    if share in {0, 1}:
        return f"{share * 100:.0f}"
    # 9,999 of 10,000 must not read as all of them, nor 1 of 10,000 as none.
    return f"{min(max(share * 100, 0.1), 99.9):.1f}" if 0 < share < 1 else f"{share * 100:.1f}"


def seconds(value: float) -> str:
    """Return a duration with three significant digits or so."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.2f} s" if value < 100 else f"{value:,.0f} s"  # noqa: PLR2004 -- three digits either way


def usd(value: float) -> str:
    """Return an amount of money; small ones with the digits that make them differ from nothing."""
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.3g}" if value >= 0.001 else f"${value:.2e}"  # noqa: PLR2004 -- a tenth of a cent


MINUS = "\N{MINUS SIGN}"


def points(difference: float) -> str:
    """Return a difference of two shares with its sign, as ``+1.2`` or ``−0.7`` points."""
    shown = f"{abs(difference) * 100:.1f}"
    if float(shown) == 0:
        return "0.0"
    return f"{'+' if difference > 0 else MINUS}{shown}"


def change(of_itself: float) -> str:
    """Return by how much of itself an amount rose or fell, as ``+0.5%``."""
    return f"{'+' if of_itself > 0 else MINUS}{abs(of_itself) * 100:.1f}%" if of_itself else "0%"


SMALLEST_P = 0.0001
"""Smaller p-values say no more."""


def p_value(value: float) -> str:
    """Return a p-value with two significant digits."""
    return f"< {SMALLEST_P:f}".rstrip("0") if value < SMALLEST_P else f"{value:.2g}"


def p_clause(value: float) -> str:
    """Return a p-value as a clause: ``p = 0.013``."""
    return f"p {'' if value < SMALLEST_P else '= '}{p_value(value)}"


_NUMBERS: dict[Kind, Callable[[float], str]] = {
    "rate": percent,
    "points": points,
    "change": change,
    "p": p_value,
    "seconds": seconds,
    "usd": usd,
}


def counted(number: int, singular: str, plural: str = "") -> str:
    """Return ``1 case``, ``1,234 cases``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def in_words(name: str) -> str:
    """Return an identifier of ours as words: ``wrong_value`` is ``wrong value``."""
    return name.replace("_", " ")


_NO_CALL = {"none": "no call", "any": "a call, whichever it is"}
"""What is wanted where no calls are listed, by `Example.wanted`."""

NO_VALUE = "left out"
"""What stands for an argument that one side does not have."""

NOT_KEPT = "its answer is not kept"
"""What stands for the answer of a run of which only outcomes are known."""


def verdict(fault: str | None, rule: str | None) -> str:
    """Return why a call or an argument failed, or what its pass needed; says so in words and sign alike."""
    if fault is not None:
        return f"\N{NOT EQUAL TO} {in_words(fault)}"
    return "\N{CHECK MARK} passed" if rule in {None, "exact"} else f"\N{CHECK MARK} passed ({in_words(str(rule))})"


def wanted(example: Example) -> str:
    """Return what a case wants beyond the calls that are listed beside the answer; empty where that says it all."""
    said = [_NO_CALL[example.wanted]] if example.wanted in _NO_CALL else []
    if example.alternatives > 1:
        said.append(
            f"alternative {example.alternative + 1} of {example.alternatives}, the one that the answer fits best"
        )
    return ", ".join(said)


def reason(case: CaseLine) -> str:
    """Return why a response did not pass: its outcome, and what that rests on."""
    return f"{in_words(case.outcome)}: {case.detail}"


def off_contract(example: Example) -> tuple[tuple[str, str], ...]:
    """Return (code, meaning) of everything that was off in an answer; no meaning for a code that is not known."""
    codes = dict.fromkeys((*example.irregularities, *example.repairs))
    return tuple((code, IRREGULARITIES[code].meaning if code in IRREGULARITIES else "") for code in codes)


def repair_result(example: Example) -> str:
    """Return what repair changes; empty where there is nothing to repair."""
    if not example.repairs:
        return ""
    return f"{'passes' if example.passed_repaired else 'fails even'} after repair of {', '.join(example.repairs)}"
